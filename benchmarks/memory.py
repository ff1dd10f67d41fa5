"""Peak memory of a training step: micro-batches, dtypes, rematerialization.

    KERAS_BACKEND=torch python -m benchmarks.memory --parts 1 4 8 --rematerialize no yes

Each row is a process of its own, which trains a BigGAN for a few steps. Memory is what
the process holds at most beyond what it held before the first step: pages of the host
(CPU), which include the allocator's leftovers. Prints Markdown.
"""

import argparse
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROW = "| {parts} | {dtype} | {rematerialize} | {memory:.0f} | {seconds:.2f} |"


def peak():
    """The most memory this process has held, in MB (Linux).

    Not `getrusage`'s, which begins with what the parent held.
    """
    return _of_status("VmHWM")


def resident():
    """The memory this process holds now, in MB (Linux)."""
    return _of_status("VmRSS")


def _of_status(name):
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) / 1024


def measure(args):
    """Trains here; returns memory in MB and seconds of a step."""
    import keras
    import numpy as np

    import keras_gans as kg

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            # Reading waits for the step.
            keras.ops.convert_to_numpy(self.model.images_seen)
            ends.append(time.perf_counter())

    keras.utils.set_random_seed(0)
    side, ends = args.image_size, []
    gan = kg.models.BigGAN(
        (side, side, 3),
        num_classes=10,
        width=args.width,
        dtype=args.dtypes[0],
        seed=0,
    )
    gan.compile(
        discriminator_steps=1,
        micro_batches=args.parts[0],
        rematerialize=args.rematerialize[0] == "yes",
    )
    count = args.batch_size * args.steps
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, side, side, 3), "uint8")
    before = peak()
    gan.fit(
        images,
        rng.integers(0, 10, count),
        batch_size=args.batch_size,
        verbose=0,
        callbacks=[Clock()],
    )
    return {"memory": peak() - before, "seconds": float(np.diff(ends).min())}


def main(argv=None):
    """Measures each row in a process of its own, and prints them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--dtypes", nargs="+", default=["float32"])
    parser.add_argument(
        "--rematerialize", nargs="+", default=["no"], choices=["no", "yes"]
    )
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.here:
        print(json.dumps(measure(args)))
        return None
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    size = f"BigGAN, {args.image_size} px, width {args.width}, batch {args.batch_size}"
    print(f"{size}, {backend}\n\n| parts | dtype | rematerialized | MB | s a step |")
    print("|---:|---|---|---:|---:|")
    rows = []
    options = ("parts", "dtypes", "rematerialize")
    for values in itertools.product(*(getattr(args, name) for name in options)):
        command = [sys.executable, "-m", "benchmarks.memory", "--here"]
        for name, value in zip(options, values, strict=True):
            command += [f"--{name}", str(value)]
        for name in ("image_size", "batch_size", "width", "steps"):
            command += [f"--{name.replace('_', '-')}", str(getattr(args, name))]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{run.stderr}")
        row = json.loads(run.stdout.splitlines()[-1])
        names = ("parts", "dtype", "rematerialize")
        rows.append(dict(zip(names, values, strict=True)) | row)
        print(ROW.format(**rows[-1]), flush=True)
    return rows


if __name__ == "__main__":
    main()
