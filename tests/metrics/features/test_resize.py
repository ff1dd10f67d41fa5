import numpy as np
import pytest
from PIL import Image

from keras_gans.metrics.features.resize import resize
from tests.metrics.references import torch_fidelity

SIZES = [(32, 32), (28, 28), (299, 299), (300, 200), (512, 640), (1, 1)]


def pixels(size, count=2, seed=0):
    shape = (count, *size, 3)
    return np.random.default_rng(seed).integers(0, 256, shape).astype("float32")


def as_torch(x):
    torch = pytest.importorskip("torch")
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


@pytest.mark.parametrize("size", SIZES)
def test_tf1_is_torch_fidelity(size):
    reference = torch_fidelity("interpolate_compat_tensorflow")
    x = pixels(size)
    expected = reference.interpolate_bilinear_2d_like_tensorflow1x(
        as_torch(x), size=(299, 299), align_corners=False
    )
    expected = expected.numpy().transpose(0, 2, 3, 1)
    difference = np.abs(resize(x, (299, 299), "tf1") - expected).max()
    assert difference <= 1e-5 * 255


@pytest.mark.parametrize("size", SIZES)
def test_torch_is_interpolate(size):
    functional = pytest.importorskip("torch.nn.functional")
    x = pixels(size)
    expected = functional.interpolate(
        as_torch(x), size=(299, 299), mode="bilinear", align_corners=False
    )
    expected = expected.numpy().transpose(0, 2, 3, 1)
    difference = np.abs(resize(x, (299, 299), "torch") - expected).max()
    assert difference <= 1e-5 * 255


def test_modes_by_hand():
    # One row of two pixels becomes four.
    x = np.array([0.0, 100.0], "float32").reshape(1, 1, 2, 1)
    rows = {mode: resize(x, (1, 4), mode).ravel() for mode in ("tf1", "torch")}
    np.testing.assert_allclose(rows["tf1"], [0, 50, 100, 100])
    np.testing.assert_allclose(rows["torch"], [0, 25, 75, 100])
    # Four become two: no antialiasing means that pixels in between are not seen.
    x = np.array([10.0, 20.0, 40.0, 80.0], "float32").reshape(1, 1, 4, 1)
    np.testing.assert_allclose(resize(x, (1, 2), "tf1").ravel(), [10, 40])
    np.testing.assert_allclose(resize(x, (1, 2), "torch").ravel(), [15, 60])


def test_clean_is_pillow_on_each_float_channel():
    x = pixels((64, 48))
    got = resize(x, (20, 30), "clean")
    assert got.shape == (2, 20, 30, 3) and got.dtype == np.float32
    channel = Image.fromarray(x[1, ..., 2]).resize((30, 20), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(got[1, ..., 2], np.clip(channel, 0, 255))
    assert got.min() >= 0 and got.max() <= 255
    # Antialiased: noise averages out when images shrink a lot.
    assert resize(x, (6, 4), "clean").std() < 0.5 * resize(x, (6, 4), "tf1").std()


@pytest.mark.parametrize("mode", ["tf1", "torch", "clean"])
def test_constants_and_images_of_the_right_size_stay(mode):
    x = np.full((1, 17, 9, 1), 77.0, "float32")
    np.testing.assert_allclose(resize(x, (40, 5), mode), 77.0, rtol=1e-6)
    x = pixels((12, 10))
    np.testing.assert_array_equal(resize(x, (12, 10), mode), x)
