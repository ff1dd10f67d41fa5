"""An update of a batch shared by replicas is that of one device."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import keras
import numpy as np

from tests.distribution.updates import CASES

BACKEND = keras.config.backend()
ROOT = pathlib.Path(__file__).parents[2]
# All cases on torch, which needs a second each; elsewhere those that take different
# ways: batch statistics, means over the batch, slices, what is evaluated now and then,
# parts of a batch.
NAMES = {
    "tensorflow": (
        "adam",
        "dcgan",
        "relativistic_average",
        "feature_matching",
        "wgan_gp",
        "style_gan2",
        "micro_batches",
    ),
    "jax": ("adam", "dcgan", "relativistic_average", "wgan_gp", "micro_batches"),
    "torch": tuple(CASES),
}[BACKEND]
ENGINES = {
    "tensorflow": ["mirrored", "workers"],
    "jax": ["data", "hosts"],
    "torch": ["processes"],
}
BY_HAND = ("workers", "hosts")  # two processes, each told who it is
OF_PROCESSES = ("dcgan", "wgan_gp")


def updates(folder, engine, names=NAMES):
    """Runs the cases in processes of their own; returns arrays by process."""
    command = ["-m", "tests.distribution.updates", str(folder / f"{engine}_RANK.npz")]
    command += [*names, "--engine", engine]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    if engine == "processes":
        command = ["-m", "torch.distributed.run", "--nproc-per-node=2", *command]
    if engine in ("data", "model"):
        flags = environment.get("XLA_FLAGS", "")
        flags += " --xla_force_host_platform_device_count=4"
        environment["XLA_FLAGS"] = flags.strip()
    settings = of_each_process() if engine in BY_HAND else [{}]
    running = [
        subprocess.Popen(
            [sys.executable, *command],
            env=environment | own,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for own in settings
    ]
    errors = [process.communicate(timeout=600)[1] for process in running]
    for process, error in zip(running, errors, strict=True):
        assert process.returncode == 0, error[-3000:]
    count = 2 if engine in ("processes", *BY_HAND) else 1
    return [dict(np.load(folder / f"{engine}_{i}.npz")) for i in range(count)]


def of_each_process():
    """The environment variables that tell two processes who they are."""
    if BACKEND == "jax":
        common = {
            "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{free_port()}",
            "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
        }
        return [common | {"KERAS_DISTRIBUTION_PROCESS_ID": str(i)} for i in (0, 1)]
    workers = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    tasks = [{"type": "worker", "index": i} for i in (0, 1)]
    return [
        {"TF_CONFIG": json.dumps({"cluster": {"worker": workers}, "task": task})}
        for task in tasks
    ]


def free_port():
    """A port that nobody listens to."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def changes(arrays, name):
    """What each part of a model changed by: name of the part -> float64 vector."""
    parts = {}
    for key, after in arrays.items():
        case, kind, variable = key.split(":", 2)
        if case == name and kind == "after":
            before = arrays[f"{case}:before:{variable}"]
            change = after.astype("float64") - before.astype("float64")
            part = variable.split("/")[0]
            parts.setdefault(part, []).append(change.ravel())
    return {part: np.concatenate(found) for part, found in parts.items()}


def check_updates(name, alone, shared):
    """Ratio 1.00 +- 1e-4 of what each network changed by."""
    expected, found = changes(alone, name), changes(shared, name)
    assert found.keys() == expected.keys()
    for part, change in expected.items():
        norm = np.linalg.norm(change)
        assert norm > 0.0, (name, part)
        ratio = found[part] @ change / norm**2
        assert abs(ratio - 1.0) <= 1e-4, (name, part, ratio)
        # L1 and ReLU turn the last bits of activations into those of gradients.
        difference = np.linalg.norm(found[part] - change)
        assert difference <= 2e-3 * norm, (name, part, difference / norm)


def check_logs(name, alone, shared):
    """Logs are of the whole batch, and not divided by the number of replicas."""
    logs = {key for key in alone if key.startswith(f"{name}:log:")}
    assert logs
    for key in logs:
        np.testing.assert_allclose(
            shared[key], alone[key], rtol=1e-4, atol=1e-5, err_msg=key
        )


# One test, not one a case: processes would be started for each worker of pytest.
def test_updates_are_those_of_one_device(tmp_path):
    (alone,) = updates(tmp_path, "one")
    for engine in ENGINES[BACKEND]:
        names = OF_PROCESSES if engine in BY_HAND else NAMES
        found = updates(tmp_path, engine, names)
        for name in names:
            check_updates(name, alone, found[0])
            for arrays in found:
                check_logs(name, alone, arrays)
        for other in found[1:]:  # processes have the same state
            for key, array in found[0].items():
                np.testing.assert_array_equal(array, other[key], err_msg=key)
    if BACKEND == "jax":  # weights may be shared too
        name = "relativistic_average"
        check_updates(name, alone, updates(tmp_path, "model", [name])[0])
