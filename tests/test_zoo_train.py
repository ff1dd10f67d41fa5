"""`python -m zoo.train`: trainings that end when the time is over."""

import subprocess
import sys

import keras
import pytest

import keras_gans as kg
from zoo import train

SMALL = "--width 8 --batch-size 16 --num-images 256".split()


@pytest.mark.once
def test_a_schedule_that_fills_the_time(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", keras.config.backend())
    name = "r3gan_fashion_mnist_32"
    codes = train.main([name, "--seconds", "45", "--out", str(tmp_path), *SMALL])
    folder = tmp_path / name
    assert codes == {name: 0}, (folder / "output.txt").read_text()
    command = (folder / "command.txt").read_text().split()
    assert command[:2] == ["python", "recipes/train_r3gan_fashion_mnist.py"]
    log = (folder / "log.txt").read_text()
    # The first run measures, the second one has as many epochs as it found.
    assert log.count("train_r3gan_fashion_mnist [") == 2, log
    planned = log.split("'--epochs'] ")[2].split()[0]
    assert 1 <= int(command[-1]) <= int(planned) < 100_000
    seconds = int(log.splitlines()[-1].split()[0])
    assert 25 <= seconds <= 100, log
    gan = kg.models.R3GAN.from_preset(folder / "preset")
    assert int(gan.images_seen) == 256 * int(command[-1])
    assert not (folder / "backup").exists()


@pytest.mark.once
def test_an_interrupt_ends_the_trainings(tmp_path, monkeypatch):
    started, popen = [], subprocess.Popen

    def start(command, **kwargs):
        started.append(popen([sys.executable, "-c", "import time; time.sleep(60)"]))
        return started[-1]

    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(train.subprocess, "Popen", start)
    monkeypatch.setattr(train.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train.main(["r3gan_emoji_64", "srgan_emoji_x4", "--out", str(tmp_path)])
    assert len(started) == 2 and all(process.returncode for process in started)


def test_an_unknown_preset():
    with pytest.raises(SystemExit):
        train.main(["stylegan9"])


def test_every_training_is_of_a_recipe():
    for name, training in train.TRAININGS.items():
        assert (train.ROOT / "recipes" / f"{training.recipe}.py").is_file(), name
