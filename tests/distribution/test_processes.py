"""Processes that train together fail together, and go on where they were."""

import os
import pathlib
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

import keras_gans as kg
from tests.distribution.test_updates import of_each_process

ROOT = pathlib.Path(__file__).parents[2]
BACKEND = keras.config.backend()


def job(folder, *options):
    """Runs two processes to their end; returns the code and the errors of each.

    On torch, of `torchrun` alone, which starts and ends both.
    """
    folder.mkdir(exist_ok=True)
    command, settings = [sys.executable, "-m"], of_each_process()
    if BACKEND == "torch":
        command += ["torch.distributed.run", "--nproc-per-node=2", "-m"]
        settings = [{}]
    command += ["tests.distribution.job", str(folder), *options]
    running = [
        subprocess.Popen(
            command,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | own,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for own in settings
    ]
    ends = []
    for process in running:
        errors = process.communicate(timeout=300)[1]
        ends.append((process.returncode, errors, time.time()))
    return ends


def finish(folder, *options):
    for code, errors, _ in job(folder, *options):
        assert code == 0, errors[-3000:]


def weights(folder, rank=0):
    with np.load(folder / f"rank_{rank}.npz") as arrays:
        return [arrays[name] for name in arrays.files]


def assert_equal(first, second):
    assert len(first) == len(second) > 10
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_killed_process_stops_the_job_and_the_next_goes_on(tmp_path):
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    finish(undisturbed, "--lazy")
    *expected, read = weights(undisturbed, 0)
    *others, read_by_other = weights(undisturbed, 1)
    assert_equal(expected, others)
    check_files(undisturbed)
    # Half of the 128 of all epochs, some ahead, and all 32 to compare the processes'.
    assert max(read, read_by_other) < 128

    (code, errors, end), *others = job(disturbed, "--kill")
    assert code not in (0, -9)
    assert end - float((disturbed / "killed").read_text()) < 60.0
    if BACKEND == "torch":  # torchrun names the one that was killed, ends the other
        assert "Signal 9 (SIGKILL)" in errors
    else:
        ((killed, *_),) = others
        assert killed == -9
        assert "process 0 of 2 that train together" in errors
    assert not list(disturbed.glob("rank_*.npz"))
    finish(disturbed)
    for rank in (0, 1):
        assert_equal(expected, weights(disturbed, rank))


def check_files(folder):
    """The first process wrote them, once."""
    names = sorted(p.name for p in (folder / "grids").glob("epoch_*.png"))
    assert names == [f"epoch_{epoch:04d}.png" for epoch in range(5)]
    assert len(list((folder / "backup").iterdir())) == 1
    cls = kg.models.DCGAN if BACKEND == "torch" else kg.models.GAN
    gan = cls.from_preset(folder / "preset")
    assert int(gan.images_seen) == 4 * 4 * 8


@pytest.mark.skipif(BACKEND != "torch", reason="once is enough")
def test_processes_that_differ_are_refused(tmp_path):
    ((code, errors, _),) = job(tmp_path, "--other-data", "--stream")
    assert code != 0
    assert "another data in some of them" in errors
    assert "of 2 that train together" in errors  # whichever was first to say it
    assert "another setting of `compile` in some of them" not in errors
