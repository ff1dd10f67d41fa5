"""The layers that let the discriminator compare the samples of a batch."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend
from tests.gan_test_case import Batches

RNG = np.random.default_rng(0)
NEW = {
    "discrimination": lambda: kg.layers.MinibatchDiscrimination(3, 2),
    "deviation": lambda: kg.layers.MinibatchStandardDeviation(4),
}


def numpy(x):
    with backend.no_gradients():
        return np.array(ops.convert_to_numpy(x), "float64")


def test_discrimination_is_the_papers_sum_over_the_others():
    x = RNG.normal(size=(5, 4)).astype("float32")
    layer = kg.layers.MinibatchDiscrimination(3, 2, kernel_initializer="ones")
    layer.build((None, 4))
    kernel = RNG.normal(size=(4, 6)).astype("float32")
    layer.kernel.assign(kernel)
    m = (x @ kernel).reshape(5, 3, 2)
    want = np.zeros((5, 3))
    for i in range(5):
        for j in set(range(5)) - {i}:
            want[i] += np.exp(-np.abs(m[i] - m[j]).sum(axis=1))
    got = numpy(layer(x))
    np.testing.assert_allclose(got[:, :4], x, atol=1e-6)
    np.testing.assert_allclose(got[:, 4:], want, atol=1e-5)


def test_discrimination_of_equal_samples_counts_the_others():
    layer = kg.layers.MinibatchDiscrimination(2, 3)
    np.testing.assert_allclose(numpy(layer(np.ones((6, 4))))[:, 4:], 5.0, atol=1e-5)


def test_discrimination_wants_vectors():
    with pytest.raises(ValueError, match="Flatten"):
        kg.layers.MinibatchDiscrimination()(np.zeros((2, 4, 4, 1), "float32"))


def deviation(x, size, parts=1):
    """Written out by hand, sample by sample."""
    count = len(x)
    size = min(size, count)
    groups = -(-count // size)
    filled = x[np.arange(size * groups) % count]
    out = np.zeros((count, parts))
    for i in range(count):
        group = filled[i % groups :: groups]
        stddev = np.sqrt(group.var(axis=0) + 1e-8)
        out[i] = [s.mean() for s in np.split(stddev, parts, axis=-1)]
    return out


@pytest.mark.parametrize(
    ("count", "size", "parts"), [(8, 4, 1), (8, 4, 2), (6, 4, 1), (3, 4, 1), (1, 4, 1)]
)
def test_deviation_by_hand(count, size, parts):
    """Also where the group does not divide the batch."""
    x = RNG.normal(size=(count, 2, 3, 4)).astype("float32")
    layer = kg.layers.MinibatchStandardDeviation(size, parts)
    got = numpy(layer(x))
    assert got.shape == (count, 2, 3, 4 + parts)
    np.testing.assert_allclose(got[..., :4], x, atol=1e-6)
    want = np.broadcast_to(
        deviation(x, size, parts)[:, None, None], (count, 2, 3, parts)
    )
    np.testing.assert_allclose(got[..., 4:], want, atol=1e-5)


def test_deviation_of_the_whole_batch_of_vectors():
    x = RNG.normal(size=(7, 4)).astype("float32")
    got = numpy(kg.layers.MinibatchStandardDeviation(None)(x))
    np.testing.assert_allclose(got[:, 4], x.std(axis=0).mean(), atol=1e-5)


@pytest.mark.parametrize("name", NEW)
def test_config_dtype_and_gradients(name):
    layer = NEW[name]()
    assert type(layer).from_config(layer.get_config()).get_config() == (
        layer.get_config()
    )
    with pytest.raises(ValueError, match="Expected"):
        kg.layers.MinibatchStandardDeviation(0)
    half = type(layer).from_config(layer.get_config() | {"dtype": "mixed_bfloat16"})
    x = RNG.normal(size=(6, 4)).astype("float32")
    y = half(x)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    np.testing.assert_allclose(numpy(half(x))[:, :4], x, atol=0.02)
    x[3] = x[0]  # where distances are 0
    _, gradient = backend.input_gradients(
        lambda x: ops.sum(layer(x)[:, 4:], axis=1), ops.convert_to_tensor(x)
    )
    gradient = numpy(gradient)
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0
    assert layer.compute_output_shape((None, 4)) == (None, y.shape[1])


@pytest.mark.parametrize("name", NEW)
def test_in_a_discriminator_with_a_partial_batch(name):
    discriminator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(4), NEW[name](), keras.layers.Dense(1)]
    )
    gan = kg.models.GAN(
        data_spec=kg.Vectors(2), latent_dim=2, hidden_units=4,
        discriminator=discriminator,
    )  # fmt: skip
    gan.compile()
    points = RNG.normal(size=(24, 2)).astype("float32")
    history = gan.fit(Batches(points, 10), shuffle=False, verbose=0).history
    assert np.isfinite(history["d_loss"]).all()
