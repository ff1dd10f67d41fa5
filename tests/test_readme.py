"""README's code is run as a user would run it, on fewer images."""

import pathlib
import re

import keras
import pytest

import keras_gans as kg

README = (pathlib.Path(__file__).parent.parent / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


# The first on every backend; all on torch, which neither traces nor compiles; the rest
# on the others by turns.
TURNS = ("tensorflow", "jax")


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_block(number, tmp_path, monkeypatch):
    if number > 0 and keras.config.backend() not in (
        TURNS[number % len(TURNS)],
        "torch",
    ):
        pytest.skip(f"it is the turn of {TURNS[number % len(TURNS)]}")
    load = kg.datasets.load
    few = 32 if "Pix2Pix(" in BLOCKS[number] else 256
    monkeypatch.setattr(
        kg.datasets,
        "load",
        lambda *args, **kwargs: tuple(a[:few] for a in load(*args, **kwargs)),
    )
    monkeypatch.chdir(tmp_path)
    code = re.sub(r"epochs=\d+", "epochs=2", BLOCKS[number])
    code = re.sub(r"steps=\d+", "steps=2", code)
    code = code.replace('morph.webp"', 'morph.webp", stops=2, frames=2')
    models = kg.models
    slow = [models.StyleGAN2, models.CycleGAN, models.Pix2Pix, models.SRGAN]
    slow += [models.ContextEncoder]
    if "rematerialize=True" in code:  # which tests of its own compile
        slow += [models.DCGAN]
    for cls in slow:
        if f"{cls.__name__}(" in code and keras.config.backend() != "torch":
            # The contract trains it; tracing would take minutes here.
            monkeypatch.setattr(cls, "fit", lambda *_, **__: None)
    code = code.replace("64, 64, 3), width=32", "32, 32, 3), width=4, blocks=1")
    code = code.replace("image_size=64", "image_size=32")
    code = code.replace("batch_size=4,", "batch_size=32,")
    names = {}
    exec(compile(code, f"README block {number}", "exec"), names)  # noqa: S102
    if number == 0:
        assert names["samples"].shape == (64, 32, 32, 1)
        assert names["samples"].dtype == "uint8"
        assert type(names["gan"]) is kg.models.DCGAN
        pictures = sorted(p.name for p in (tmp_path / "runs/dcgan").glob("*.png"))
        assert "epoch_0002.png" in pictures


def test_there_are_blocks():
    assert len(BLOCKS) >= 2
    assert all(name in README for name in kg.presets())
    assert keras.config.backend() in README.lower()
