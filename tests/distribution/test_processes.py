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


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    done = job(folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_processes_end_with_the_same_state(undisturbed):
    assert_equal(weights(undisturbed, 0), weights(undisturbed, 1))


def test_the_first_process_writes_files(undisturbed):
    names = sorted(p.name for p in (undisturbed / "grids").glob("epoch_*.png"))
    assert names == [f"epoch_{epoch:04d}.png" for epoch in range(5)]
    assert len(list((undisturbed / "backup").iterdir())) == 1
    gan = kg.models.DCGAN.from_preset(undisturbed / "preset")
    assert int(gan.images_seen) == 4 * 4 * 8


def test_a_killed_process_stops_the_job_and_the_next_goes_on(undisturbed, tmp_path):
    start = time.monotonic()
    killed = job(tmp_path, "--kill")
    assert time.monotonic() - start < 60.0
    assert killed.returncode != 0
    assert "Signal 9 (SIGKILL)" in killed.stderr
    assert not list(tmp_path.glob("rank_*.npz"))
    again = job(tmp_path)
    assert again.returncode == 0, again.stderr[-3000:]
    for rank in (0, 1):
        assert_equal(weights(undisturbed), weights(tmp_path, rank))


@pytest.mark.parametrize(
    ("other", "named"), [("data", "data"), ("setting", "setting of `compile`")]
)
def test_processes_that_differ_are_refused(other, named, tmp_path):
    done = job(tmp_path, "--other", other)
    assert done.returncode != 0
    assert f"another {named} in some of them" in done.stderr


def test_each_process_takes_its_part_of_a_stream(tmp_path):
    done = job(tmp_path, "--stream")
    assert done.returncode == 0, done.stderr[-3000:]
    assert_equal(weights(tmp_path, 0), weights(tmp_path, 1))
    gan = kg.models.DCGAN.from_preset(tmp_path / "preset")
    assert int(gan.images_seen) == 4 * 4 * 8
