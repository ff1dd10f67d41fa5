"""Every zoo preset loads, has its card, and gives the same images on every backend.

`python -m tests.test_zoo NAME ...` writes the expected images of new presets.
"""

import pathlib
import sys

import keras
import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from keras_gans.layers import PermanentDropout
from zoo import pairs
from zoo.publish import sample_grid

GOLDEN = pathlib.Path(__file__).parent / "golden"
MEGABYTES = 21
DEEP = (kg.models.ACGAN, kg.models.BigGAN, kg.models.SAGAN, kg.models.SNGAN)


def given(gan, name, count):
    """What the network of an image-to-image model gets, float32 in [-1, 1]."""
    task = pairs.TASKS[name]
    test = pairs.load("test", side=task.side)
    images, *masks = (part[:count] for part in task.given(test))
    images = images.astype("float32") / 127.5 - 1.0
    return [images, masks[0][..., None].astype("float32")] if masks else images


def sample(name):
    """Eight images in [-1, 1], from latents of one seed or of eight held-out images."""
    gan = kg.models.GAN.from_preset(name)
    if name in pairs.TASKS:
        for layer in gan._flatten_layers():
            if isinstance(layer, PermanentDropout):  # backends draw other numbers
                layer.rate = 0.0
        inputs = given(gan, name, 8)
        return np.asarray(gan.predict(inputs, verbose=0), "float32")
    inputs = gan.sample_latents(8, seed=0)
    if gan.condition is not None:
        inputs = [inputs, gan.condition.for_samples(None, 8)]
    return np.asarray(gan.predict(inputs, verbose=0), "float32")


def test_there_are_presets():
    assert {
        "gan_fashion_mnist_28", "dcgan_fashion_mnist_32", "wgan_gp_fashion_mnist_32",
    } <= set(kg.presets())  # fmt: skip


@pytest.mark.parametrize("name", kg.presets())
def test_same_images_on_every_backend(name):
    with np.load(GOLDEN / f"zoo_{name}.npz") as golden:
        difference = np.abs(sample(name) - golden["images"]).max()
    assert difference <= 1e-4


@pytest.mark.once
@pytest.mark.parametrize("name", kg.presets())
def test_card(name):
    preset = kg.presets()[name]
    for fact in ("data", "licence", "trained with", "seed", "hardware", "time"):
        assert f"| {fact}" in preset.card, fact
    assert preset.licence != "unspecified"
    size = sum(f.stat().st_size for f in preset.path.iterdir())
    assert size <= MEGABYTES * 2**20
    with Image.open(preset.path / "samples.png") as picture:
        # The card's picture is what the preset generates.
        grid = np.asarray(picture).astype(int)
        grid = grid[..., 0] if grid.ndim == 3 else grid
    gan = kg.models.GAN.from_preset(name)
    first, second = sample_grid(gan, name)[:2, ..., 0].astype(int)
    height, width = first.shape
    assert np.abs(grid[1 : 1 + height, 1 : 1 + width] - first).max() <= 1
    if name in pairs.TASKS:  # made of the first; pix2pix' dropout is another one here
        found = grid[1 : 1 + height, 2 + width : 2 + 2 * width]
        assert np.abs(found - second).mean() <= (12 if "pix2pix" in name else 1)


@pytest.mark.once
@pytest.mark.parametrize("name", pairs.TASKS)
def test_pictures_of_pairs(name):
    """Also of the tasks that no preset was trained for yet."""
    sizes = {"discriminator_width": 2, "width": 2, "seed": 0}
    side = pairs.TASKS[name].side
    gray, color = (side, side, 1), (side, side, 3)
    gan = {
        "cyclegan": lambda: kg.models.CycleGAN(color, blocks=1, **sizes),
        "inpaint": lambda: kg.models.ContextEncoder(color, **sizes),
        "pix2pix": lambda: kg.models.Pix2Pix(gray, color, **sizes),
        "srgan": lambda: kg.models.SRGAN((16, 16, 3), scale=4, blocks=1, **sizes),
    }[name.split("_")[0]]()
    shown = pairs.picture(gan, name)
    assert shown.shape == (3 * pairs.SHOWN, *color) and shown.dtype == np.uint8
    task = pairs.TASKS[name]
    truth, given_images = (
        pairs.truth_of(task),
        task.given(pairs.load("test", side=side)),
    )
    np.testing.assert_array_equal(shown[2], truth[pairs.FIRST_SHOWN])
    for images in task.baselines(
        pairs.load("train", side=side), *given_images
    ).values():
        assert images.shape == truth.shape and images.dtype == np.uint8


@pytest.mark.parametrize("name", kg.presets())
def test_training_goes_on_from_a_preset(name):
    gan = kg.models.GAN.from_preset(name)
    if (
        isinstance(gan, DEEP) or name in pairs.TASKS
    ) and keras.config.backend() != "torch":
        pytest.skip("a step of deep networks is traced and compiled for minutes")
    if name in pairs.TASKS:
        images = pairs.load("test", side=pairs.TASKS[name].side)[:4]
        given_images, *masks = pairs.TASKS[name].given(images)
        data = [images] if masks else [given_images, images]
        is_srgan = isinstance(gan, kg.models.SRGAN)  # not EfficientNet's gradients
        gan.compile(**({"perceptual_weight": 0.0} if is_srgan else {}))
        history = gan.fit(*data, batch_size=2, verbose=0).history
        assert np.isfinite(history["d_loss"]).all()
        return
    gan.compile()
    shape = (8 * gan.discriminator_steps, *gan.data_spec.shape)
    images = np.random.default_rng(0).integers(0, 256, shape, "uint8")
    labels = None
    if gan.condition is not None:
        labels = gan.condition.for_samples(None, len(images))
    history = gan.fit(images, labels, batch_size=8, verbose=0).history
    assert np.isfinite(history["d_loss"]).all()


if __name__ == "__main__":
    for preset in sys.argv[1:]:
        np.savez_compressed(GOLDEN / f"zoo_{preset}.npz", images=sample(preset))
        print(preset)
