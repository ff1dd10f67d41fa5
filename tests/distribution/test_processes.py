"""Processes that `torchrun` starts train together, and fail together."""

import os
import pathlib
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

import keras_gans as kg

ROOT = pathlib.Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    keras.config.backend() != "torch", reason="torchrun starts processes of torch"
)


def torchrun(*arguments):
    """Runs a job of two processes to its end."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*command, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def job(folder, *options):
    folder.mkdir(exist_ok=True)
    return torchrun("-m", "tests.distribution.job", folder, *options)


def weights(folder, rank=0):
    with np.load(folder / f"rank_{rank}.npz") as arrays:
        return [arrays[name] for name in arrays.files]


def assert_equal(first, second):
    assert len(first) == len(second) > 10
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_killed_process_stops_the_job_and_the_next_goes_on(tmp_path):
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    done = job(undisturbed)
    assert done.returncode == 0, done.stderr[-3000:]
    assert_equal(weights(undisturbed, 0), weights(undisturbed, 1))
    check_files(undisturbed)

    start = time.monotonic()
    killed = job(disturbed, "--kill")
    assert time.monotonic() - start < 60.0
    assert killed.returncode != 0
    assert "Signal 9 (SIGKILL)" in killed.stderr
    assert not list(disturbed.glob("rank_*.npz"))
    again = job(disturbed)
    assert again.returncode == 0, again.stderr[-3000:]
    for rank in (0, 1):
        assert_equal(weights(undisturbed), weights(disturbed, rank))


def check_files(folder):
    """The first process wrote them, once."""
    names = sorted(p.name for p in (folder / "grids").glob("epoch_*.png"))
    assert names == [f"epoch_{epoch:04d}.png" for epoch in range(5)]
    assert len(list((folder / "backup").iterdir())) == 1
    gan = kg.models.DCGAN.from_preset(folder / "preset")
    assert int(gan.images_seen) == 4 * 4 * 8


def test_processes_that_differ_are_refused(tmp_path):
    done = job(tmp_path, "--other-data", "--stream")
    assert done.returncode != 0
    assert "another data in some of them" in done.stderr
    assert "another setting of `compile` in some of them" not in done.stderr
