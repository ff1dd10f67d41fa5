"""Every zoo preset loads, has its card, and gives the same images on every backend.

`python -m tests.test_zoo` writes the expected images of new presets.
"""

import pathlib

import keras
import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from zoo.publish import sample_grid

GOLDEN = pathlib.Path(__file__).parent / "golden"
MEGABYTES = 21
DEEP = (kg.models.ACGAN, kg.models.BigGAN, kg.models.SAGAN, kg.models.SNGAN)


def sample(name):
    """Eight images in [-1, 1] from latents of one seed."""
    gan = kg.models.GAN.from_preset(name)
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
    first = sample_grid(gan)[0, ..., 0]
    height, width = first.shape
    assert np.abs(grid[1 : 1 + height, 1 : 1 + width] - first).max() <= 1


@pytest.mark.parametrize("name", kg.presets())
def test_training_goes_on_from_a_preset(name):
    gan = kg.models.GAN.from_preset(name)
    if isinstance(gan, DEEP) and keras.config.backend() != "torch":
        pytest.skip("a step of deep networks is traced and compiled for minutes")
    gan.compile()
    shape = (8 * gan.discriminator_steps, *gan.data_spec.shape)
    images = np.random.default_rng(0).integers(0, 256, shape, "uint8")
    labels = None
    if gan.condition is not None:
        labels = gan.condition.for_samples(None, len(images))
    history = gan.fit(images, labels, batch_size=8, verbose=0).history
    assert np.isfinite(history["d_loss"]).all()


if __name__ == "__main__":
    for preset in kg.presets():
        np.savez_compressed(GOLDEN / f"zoo_{preset}.npz", images=sample(preset))
        print(preset)
