"""A `fit` killed at random moments ends bit for bit as one that was not."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import numpy as np

ROOT = pathlib.Path(__file__).parent.parent
# TensorFlow's `AddN` begins with the gradient whose memory it may reuse. With several
# threads that depends on time, and so do the last bits of a sum of three.
ENVIRONMENT = os.environ | {"TF_NUM_INTEROP_THREADS": "1"}


def start(folder, pause=0.1):
    command = [sys.executable, "-m", "tests.kill_case", str(folder), str(pause)]
    return subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT)


def wait_for(path, process, seconds=120):
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, f"ended by itself with {process.returncode}"
        assert time.monotonic() < deadline, f"no {path.name} in {seconds} s"
        time.sleep(0.01)


def test_killed_three_times(tmp_path):
    folder = tmp_path / "killed"
    folder.mkdir()
    for epoch in (1, 3, 4):
        process = start(folder)
        wait_for(folder / f"began_{epoch}", process)
        delay = random.uniform(0.0, 0.5)  # noqa: S311
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert list((folder / "backup").iterdir()), "nothing was backed up"
        print(f"killed {delay:.3f} s into epoch {epoch}")
    # The resumed process must not have started over.
    (folder / "began_0").unlink()
    assert start(folder).wait() == 0
    assert not (folder / "began_0").exists(), "the resumed fit began anew"
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    assert start(undisturbed, pause=0.0).wait() == 0
    with (
        np.load(folder / "state.npz") as state,
        np.load(undisturbed / "state.npz") as expected,
    ):
        assert set(state.files) == set(expected.files)
        for key in state.files:
            np.testing.assert_array_equal(state[key], expected[key])
