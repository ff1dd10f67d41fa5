import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend

LABELS = np.array([0, 2, 1, 2, 0, 2])
ONE_HOT = np.eye(3, dtype="float32")[LABELS]


def numpy(x):
    with backend.no_gradients():
        return np.array(ops.convert_to_numpy(x), "float64")


def images(shape=(6, 4, 2, 5)):
    return np.random.default_rng(0).normal(2.0, 3.0, size=shape).astype("float32")


def make(x, **kwargs):
    """A layer with random weights."""
    layer = kg.layers.ConditionalBatchNormalization(**kwargs)
    layer.build([x.shape, ONE_HOT.shape])
    rng = np.random.default_rng(1)
    layer.set_weights([rng.uniform(0.5, 2, w.shape) for w in layer.get_weights()])
    return layer


def by_hand(x, mean, variance, gain, bias, epsilon=1e-5):
    """Each sample with the gain and bias of its class."""
    out = (np.array(x, "float64") - mean) / np.sqrt(variance + epsilon)
    for i, label in enumerate(LABELS):
        out[i] = out[i] * gain[label] + bias[label]
    return out


@pytest.mark.parametrize("shape", [(6, 4, 2, 5), (6, 5), (6, 7, 5)])
def test_one_hot_conditions_are_a_batch_normalization_per_class(shape):
    x = images(shape)
    layer = make(x, momentum=0.8)
    axes = tuple(range(x.ndim - 1))
    mean, variance = x.mean(axes, "float64"), x.var(axes, "float64")
    gain, bias = 1 + numpy(layer.gain.kernel), numpy(layer.bias.kernel)
    moving = layer.normalization
    before = numpy(moving.moving_mean), numpy(moving.moving_variance)
    y = layer([x, ONE_HOT], training=True)
    np.testing.assert_allclose(
        numpy(y), by_hand(x, mean, variance, gain, bias), rtol=1e-4, atol=1e-4
    )
    after = numpy(moving.moving_mean), numpy(moving.moving_variance)
    for old, new, own in zip(before, after, (mean, variance), strict=True):
        np.testing.assert_allclose(new, 0.8 * old + 0.2 * own, rtol=1e-4)
    # Inference takes the moving averages, and leaves them alone.
    y = layer([x, ONE_HOT], training=False)
    np.testing.assert_allclose(
        numpy(y), by_hand(x, *after, gain, bias), rtol=1e-4, atol=1e-4
    )
    np.testing.assert_array_equal(numpy(moving.moving_mean), after[0])


def test_starts_as_plain_batch_normalization():
    x = images()
    layer = kg.layers.ConditionalBatchNormalization()
    plain = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    np.testing.assert_allclose(
        numpy(layer([x, ONE_HOT], training=True)),
        numpy(plain(x, training=True)),
        atol=1e-5,
    )
    assert layer.compute_output_shape([x.shape, (6, 3)]) == x.shape
    assert [v.path.split("/", 1)[1] for v in layer.weights] == [
        "normalization/moving_mean",
        "normalization/moving_variance",
        "gain/kernel",
        "bias/kernel",
    ]


def test_as_in_biggan():
    """An embedding as condition, spectral normalization, orthogonal kernels."""
    x = images()
    layer = kg.layers.ConditionalBatchNormalization(
        spectral_normalization=True, kernel_initializer="orthogonal"
    )
    condition = np.random.default_rng(2).normal(size=(6, 4)).astype("float32")
    layer.build([x.shape, condition.shape])
    for linear in (layer.gain, layer.bias):
        linear.layer.kernel.assign(3.0 * linear.layer.kernel)  # which is undone
    assert layer.gain.layer.kernel.path.endswith("/gain/dense/kernel")
    axes = (0, 1, 2)
    x_hat = (x - x.mean(axes)) / np.sqrt(x.var(axes) + 1e-5)
    gain, bias = (
        (condition @ numpy(linear.layer.kernel) / 3.0).reshape(6, 1, 1, 5)
        for linear in (layer.gain, layer.bias)
    )
    assert np.abs(gain - bias).max() > 0
    np.testing.assert_allclose(
        numpy(layer([x, condition], training=True)),
        x_hat * (1 + gain) + bias,
        rtol=1e-3,
        atol=1e-3,
    )


def test_with_bias_of_the_linear_functions():
    x = images()
    layer = make(x, use_bias=True)
    gain = 1 + numpy(layer.gain.kernel) + numpy(layer.gain.bias)
    bias = numpy(layer.bias.kernel) + numpy(layer.bias.bias)
    moving = layer.normalization
    expected = by_hand(
        x, numpy(moving.moving_mean), numpy(moving.moving_variance), gain, bias
    )
    np.testing.assert_allclose(
        numpy(layer([x, ONE_HOT])), expected, rtol=1e-4, atol=1e-4
    )


def test_half_precision_keeps_float32_statistics():
    x = images()
    layer, half = make(x), make(x, dtype="mixed_bfloat16")
    y = half([x, LABELS[:, None] == np.arange(3)], training=True)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    assert half.normalization.moving_mean.dtype == "float32"
    np.testing.assert_allclose(
        numpy(ops.cast(y, "float32")),
        numpy(layer([x, ONE_HOT], training=True)),
        rtol=0.05,
        atol=0.1,
    )


def test_in_a_model_that_fits_saves_and_loads(tmp_path):
    keras.utils.set_random_seed(0)
    inputs = [keras.Input((2, 2, 5)), keras.Input((3,))]
    layer = kg.layers.ConditionalBatchNormalization(spectral_normalization=True)
    model = keras.Model(inputs, layer(inputs))
    x = images((6, 2, 2, 5))
    target = np.broadcast_to(LABELS[:, None, None, None], x.shape).astype("float32")
    model.compile(keras.optimizers.SGD(0.1), "mse")
    history = model.fit([x, ONE_HOT], target, batch_size=6, epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]
    assert all(np.abs(numpy(w)).max() > 0 for w in model.trainable_weights)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.layers[-1].get_config() == layer.get_config()
    np.testing.assert_array_equal(
        numpy(again([x, ONE_HOT])), numpy(model([x, ONE_HOT]))
    )


@pytest.mark.parametrize("shapes", [(6, 5), [(6, 5), (6,)], [(6,), (6, 3)], [(6, 5)]])
def test_refuses_other_inputs(shapes):
    with pytest.raises(ValueError, match="one_hot"):
        kg.layers.ConditionalBatchNormalization().build(shapes)
