import numpy as np
import pytest

import keras_gans as kg
from keras_gans.models.super_resolution import rrdb_from_official
from keras_gans.models.super_resolution import srresnet
from keras_gans.models.super_resolution import upscale
from keras_gans.models.super_resolution.upscale import _scale
from keras_gans.models.super_resolution.upscale import multiple_of

FILE = "tests/golden/rrdb_official_x2.pth"


@pytest.fixture(scope="module")
def network():
    return rrdb_from_official(FILE)


def pictures(*sides, count=1):
    return np.random.default_rng(0).integers(0, 256, (count, *sides, 3), "uint8")


def test_is_the_network(network):
    """Of sides that must be padded: what is left of the padded picture's."""
    images = pictures(9, 15, count=3)
    large = upscale(network, images, batch_size=2)
    padded = np.pad(images, ((0, 0), (0, 1), (0, 1), (0, 0)), "reflect")
    y = network.predict_on_batch(padded.astype("float32") / 127.5 - 1.0)
    expected = np.rint(np.clip((y + 1.0) * 127.5, 0, 255))[:, :18, :30]
    assert large.dtype == np.uint8 and large.shape == expected.shape
    assert np.abs(large - expected).max() <= 1  # of rounding


def test_tiles_are_nearly_the_whole(network):
    """The network looks 36 pixels far, but hardly farther than 5, the rim here."""
    images = pictures(24, 64)
    whole = upscale(network, images).astype(int)
    errors = [
        np.abs(upscale(network, images, (24, 32), overlap, verbose=0) - whole).max()
        for overlap in (20, 0)
    ]
    assert errors[0] <= 2 and errors[1] > 20


def test_found_by_itself(network):
    assert (multiple_of(network), _scale(network, 2)) == (2, 2)
    other = srresnet(width=4, blocks=1, scale=4)
    assert (multiple_of(other), _scale(other, 1)) == (1, 4)
    assert kg.models.super_resolution.upscale is upscale


def test_wrong_images(network):
    for images in (pictures(8, 8)[0], pictures(8, 8)[..., :1], np.zeros((1, 8, 8, 3))):
        with pytest.raises(ValueError, match=r"uint8 images of shape \(N, H, W, 3\)"):
            upscale(network, images)
    with pytest.raises(ValueError, match="multiples of 2. Received"):
        upscale(network, pictures(8, 8), tile=15)
