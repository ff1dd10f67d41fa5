"""Reflection padding, instance normalization and dropout that never stops."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend
from keras_gans.layers.permanent_dropout import restart_noise


def numpy(x):
    with backend.no_gradients():
        return np.array(ops.convert_to_numpy(x))


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("padding", [1, 3, ((1, 2), (0, 3)), ((0, 0), (2, 0))])
def test_padding_reflects(padding):
    x = normal(2, 4, 5, 3)
    layer = kg.layers.ReflectionPadding2D(padding)
    pairs = ((padding,) * 2,) * 2 if isinstance(padding, int) else padding
    expected = np.pad(x, ((0, 0), *pairs, (0, 0)), mode="reflect")
    y = numpy(layer(x))
    np.testing.assert_array_equal(y, expected)
    assert layer.compute_output_shape(x.shape) == y.shape
    assert layer.compute_output_shape((None, None, 5, 3))[:2] == (None, None)
    assert type(layer).from_config(layer.get_config()).padding == layer.padding


def test_padding_of_unknown_and_of_half_precision_sizes():
    inputs = keras.Input((None, None, 2))
    model = keras.Model(inputs, kg.layers.ReflectionPadding2D(2)(inputs))
    assert model.output_shape == (None, None, None, 2)
    x = normal(1, 3, 4, 2)
    np.testing.assert_array_equal(
        numpy(model(x)), np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    )
    y = kg.layers.ReflectionPadding2D(2, dtype="bfloat16")(x)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"


def test_gradient_of_padding_counts_what_is_reflected():
    layer = kg.layers.ReflectionPadding2D(((2, 0), (0, 0)))
    _, gradient = backend.input_gradients(
        lambda x: ops.sum(layer(x), axis=(1, 2, 3)),
        ops.convert_to_tensor(normal(1, 4, 2, 1)),
    )
    np.testing.assert_allclose(numpy(gradient)[0, :, 0, 0], [1, 2, 2, 1])


def test_wrong_paddings():
    for padding in (-1, 1.0, (1, 2), ((1, 2), (3, None)), "same"):
        with pytest.raises(ValueError, match="`padding` as an int of at least 0"):
            kg.layers.ReflectionPadding2D(padding)
    layer = kg.layers.ReflectionPadding2D(3)
    with pytest.raises(ValueError, match=r"larger than the padding.*\(2, 3, 8, 1\)"):
        layer(np.zeros((2, 3, 8, 1), "float32"))
    with pytest.raises(ValueError, match=r"\(B, H, W, C\). Received: \(2, 3\)"):
        layer(np.zeros((2, 3), "float32"))


def test_instance_normalization_by_hand_and_as_in_torch():
    x = 3.0 + 2.0 * normal(2, 6, 5, 4)
    y = numpy(kg.layers.InstanceNormalization()(x))
    x64 = x.astype("float64")
    mean, variance = x64.mean((1, 2), keepdims=True), x64.var((1, 2), keepdims=True)
    np.testing.assert_allclose(y, (x64 - mean) / np.sqrt(variance + 1e-5), atol=1e-5)
    if backend.name() != "torch":  # whose import takes longer than all of this
        return
    import torch

    reference = torch.nn.InstanceNorm2d(4)(torch.tensor(x.transpose(0, 3, 1, 2)))
    np.testing.assert_allclose(y, reference.numpy().transpose(0, 2, 3, 1), atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 1, 1, 3), (1, 64, 64, 3)])
def test_instance_normalization_of_constants_is_zero(shape):
    """Also where the difference of two means of squares would be negative."""
    layer = kg.layers.InstanceNormalization()
    for value in (0.1, 3.3, 17.9, 30.0):
        x = np.full(shape, value, "float32")
        assert np.abs(numpy(layer(x))).max() < 1e-2
        _, gradient = backend.input_gradients(
            lambda x: ops.sum(ops.square(layer(x) + 1.0), axis=(1, 2, 3)),
            ops.convert_to_tensor(x),
        )
        assert np.isfinite(numpy(gradient)).all()


def test_instance_normalization_in_half_precision():
    layer = kg.layers.InstanceNormalization(1e-3, dtype="mixed_bfloat16")
    x = 20.0 + normal(2, 8, 8, 3)
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    assert 0.9 < numpy(ops.cast(y, "float32")).std() < 1.1
    assert type(layer).from_config(layer.get_config()).epsilon == 1e-3
    with pytest.raises(ValueError, match="number > 0. Received: 0"):
        kg.layers.InstanceNormalization(0)


@pytest.mark.parametrize("training", [True, False])
def test_dropout_never_stops(training):
    layer = kg.layers.PermanentDropout(0.25, seed=3)
    x = np.ones((4, 50, 50), "float32")
    first, second = (numpy(layer(x, training=training)) for _ in range(2))
    assert set(np.unique(first).round(4)) == {0.0, np.float32(1.3333)}
    assert 0.23 < (first == 0).mean() < 0.27
    assert (first != second).any()
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(numpy(again(x, training=training)), first)


def test_dropout_goes_on_from_its_state():
    layer, other = (kg.layers.PermanentDropout() for _ in range(2))
    x = np.ones((4, 20), "float32")
    layer(x)
    (state,), (other_state,) = layer.variables, other.variables
    other_state.assign(state)
    np.testing.assert_array_equal(numpy(layer(x)), numpy(other(x)))
    half = kg.layers.PermanentDropout(dtype="mixed_bfloat16")(x)
    assert keras.backend.standardize_dtype(half.dtype) == "bfloat16"
    with pytest.raises(ValueError, match=r"\[0, 1\). Received: 1"):
        kg.layers.PermanentDropout(1)


def test_noise_of_networks_within_networks_is_restarted():
    inner = keras.Sequential([keras.Input((20,)), kg.layers.PermanentDropout()])
    outer = keras.Sequential([keras.Input((20,)), inner])
    x = np.ones((4, 20), "float32")
    drawn = []
    for seed in (1, 2, 1):
        restart_noise(outer, seed)
        drawn.append(numpy(outer(x)))
    np.testing.assert_array_equal(drawn[0], drawn[2])
    assert (drawn[0] != drawn[1]).any()


def test_dropout_in_a_compiled_step():
    layer = kg.layers.PermanentDropout(seed=0)
    run = backend.compiled(lambda inputs: layer(inputs["x"]), layer.variables)
    x = np.ones((4, 20), "float32")
    dropped = numpy(run({"x": x}))
    np.testing.assert_array_equal(dropped, numpy(layer(x)))


def test_batch_statistics_in_inference_change_nothing_that_is_saved():
    layer = kg.layers.BatchStatisticsNormalization(momentum=0.5, epsilon=1e-5)
    x = 3.0 + 2.0 * normal(4, 5, 5, 2)
    expected = (x - x.mean((0, 1, 2))) / x.std((0, 1, 2))
    for training in (False, True):
        before = numpy(layer.moving_mean) if layer.built else np.zeros(2)
        y = numpy(layer(x, training=training))
        np.testing.assert_allclose(y, expected, atol=1e-4)
        moved = np.abs(numpy(layer.moving_mean) - before).max() > 0
        assert moved == training
    with pytest.raises(ValueError, match="`axis` as the last. Received: 1"):
        kg.layers.BatchStatisticsNormalization(axis=1)(x)
