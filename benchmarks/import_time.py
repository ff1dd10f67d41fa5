"""`import keras_gans` against `import keras`, in fresh processes."""

import subprocess
import sys

CODE = """
import time
start = time.perf_counter()
import {}
print(time.perf_counter() - start)
"""


def measure(root, environment, rounds):
    """Measures the seconds of both imports, by turns.

    Args:
        root: The checkout's folder.
        environment: Dict of environment variables, KERAS_BACKEND among them.
        rounds: Int.

    Returns:
        Dict of lists, one value a round: "import keras" and "import keras_gans".
    """
    seconds = {"import keras": [], "import keras_gans": []}
    for _ in range(rounds):
        for name, values in seconds.items():
            code = CODE.format(name.removeprefix("import "))
            result = subprocess.run(
                [sys.executable, "-c", code],
                cwd=root,
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            values.append(float(result.stdout.splitlines()[-1]))
    return seconds
