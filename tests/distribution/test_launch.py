"""README's commands of "Train on many devices": two virtual devices, two hosts."""

import os
import pathlib
import subprocess
import sys

import keras
import pytest

import keras_gans as kg
from tests.distribution.test_updates import of_each_process

BACKEND = keras.config.backend()
ROOT = pathlib.Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
RECIPE = "recipes/train_dcgan_fashion_mnist.py"
FEW = ["--num-images", "64", "--epochs", "1", "--batch-size", "16", "--width", "4"]
# TensorFlow's virtual devices are made by Python code alone.
TWO_CPUS = f"""
import runpy, sys, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
sys.argv[0] = {RECIPE!r}
runpy.run_path({RECIPE!r}, run_name="__main__")
"""


def start(command, out, environment):
    """Runs a command of README with options that make it short."""
    return subprocess.Popen(
        [sys.executable, *command, *FEW, "--out", str(out)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def check(processes, out):
    """Waits for them; the files are those of one training."""
    texts = [process.communicate(timeout=300) for process in processes]
    for process, (_, error) in zip(processes, texts, strict=True):
        assert process.returncode == 0, error[-3000:]
    assert len(list(out.glob("images_*.png"))) == 2
    gan = kg.models.DCGAN.from_preset(out / "preset")
    assert int(gan.images_seen) == 64


def test_one_machine(tmp_path):
    command, environment = [RECIPE], {}
    shown = f"KERAS_BACKEND={BACKEND} python {RECIPE}"
    if BACKEND == "torch":
        options = ["--nproc-per-node=2"]
        shown = f"KERAS_BACKEND=torch torchrun {options[0]} {RECIPE}"
        command = ["-m", "torch.distributed.run", *options, RECIPE]
    elif BACKEND == "tensorflow":
        command = ["-c", TWO_CPUS]
    else:
        flags = os.environ.get("XLA_FLAGS", "")
        flags += " --xla_force_host_platform_device_count=2"
        environment = {"XLA_FLAGS": flags.strip()}
    assert f"\n{shown}\n" in README
    check([start(command, tmp_path, environment)], tmp_path)


@pytest.mark.skipif(BACKEND == "torch", reason="torchrun is tested with one machine")
def test_two_machines(tmp_path):
    settings = of_each_process()
    for name in settings[0]:
        assert f"{name}=" in README
    check([start([RECIPE], tmp_path, own) for own in settings], tmp_path)
