"""An update of a batch shared by replicas is that of one device."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.distribution.updates import CASES

BACKEND = keras.config.backend()
ROOT = pathlib.Path(__file__).parents[2]
# All cases on torch, which needs a second each; elsewhere those that take different
# ways: batch statistics, means over the batch, slices, what is evaluated now and then.
NAMES = {
    "tensorflow": ("dcgan", "relativistic_average", "wgan_gp", "style_gan2"),
    "jax": ("dcgan", "relativistic_average", "wgan_gp"),
    "torch": tuple(CASES),
}[BACKEND]
ENGINES = {"tensorflow": ["mirrored"], "jax": ["data"], "torch": ["processes"]}


def updates(folder, engine, names=NAMES):
    """Runs the cases in processes of their own; returns arrays by process."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = ["-m", "tests.distribution.updates", str(folder / f"{engine}_RANK.npz")]
    command += [*names, "--engine", engine]
    count = 2 if engine == "processes" else 1
    if engine == "processes":
        command = ["-m", "torch.distributed.run", "--nproc-per-node=2", *command]
    if engine in ("data", "model"):
        flags = environment.get("XLA_FLAGS", "")
        flags += " --xla_force_host_platform_device_count=4"
        environment["XLA_FLAGS"] = flags.strip()
    done = subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [dict(np.load(folder / f"{engine}_{i}.npz")) for i in range(count)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("updates")


@pytest.fixture(scope="module")
def alone(folder):
    return updates(folder, "one")[0]


@pytest.fixture(scope="module", params=ENGINES[BACKEND])
def shared(request, folder):
    return updates(folder, request.param)


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


@pytest.mark.parametrize("name", NAMES)
def test_updates_are_equal(name, alone, shared):
    expected = changes(alone, name)
    found = changes(shared[0], name)
    assert found.keys() == expected.keys()
    for part, change in expected.items():
        norm = np.linalg.norm(change)
        assert norm > 0.0, part
        ratio = found[part] @ change / norm**2
        assert abs(ratio - 1.0) <= 1e-4, (part, ratio)
        # L1 and ReLU turn the last bits of activations into those of gradients.
        assert np.linalg.norm(found[part] - change) <= 2e-3 * norm, part


@pytest.mark.parametrize("name", NAMES)
def test_logs_are_equal(name, alone, shared):
    logs = {key for key in alone if key.startswith(f"{name}:log:")}
    assert logs
    for key in logs:
        for arrays in shared:
            np.testing.assert_allclose(
                arrays[key], alone[key], rtol=1e-4, atol=1e-5, err_msg=key
            )


@pytest.mark.skipif(BACKEND != "torch", reason="others have one state in one process")
def test_processes_have_the_same_state(shared):
    first, second = shared
    assert first.keys() == second.keys()
    for key, array in first.items():
        np.testing.assert_array_equal(array, second[key], err_msg=key)


@pytest.mark.skipif(BACKEND != "jax", reason="JAX has ModelParallel")
def test_weights_may_be_shared_too(folder, alone):
    # Of networks without convolutions: see README.
    found = updates(folder, "model", ["relativistic_average"])[0]
    expected = changes(alone, "relativistic_average")
    for part, change in changes(found, "relativistic_average").items():
        norm = np.linalg.norm(expected[part])
        assert np.linalg.norm(change - expected[part]) <= 1e-4 * norm, part
