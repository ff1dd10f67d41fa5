"""Workers: processes of their own, each on one backend."""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def environment_of(backend):
    """Environment variables of a process on a backend."""
    environment = os.environ | {"KERAS_BACKEND": backend}
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Otherwise TensorFlow leaves its faster convolutions off where AVX-512 is missing.
    environment.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    return environment


def measured_by(module, backend, *arguments):
    """Runs a module; returns the JSON that is the last line of its output.

    What the backend has to say on stderr goes to the terminal.
    """
    command = [sys.executable, "-m", module, *arguments]
    result = subprocess.run(
        command,
        cwd=ROOT,
        env=environment_of(backend),
        stdout=subprocess.PIPE,
        text=True,
    )
    if result.returncode:
        sys.exit(f"The measurement on {backend} failed, for the reason above.")
    return json.loads(result.stdout.splitlines()[-1])
