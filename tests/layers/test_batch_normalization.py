import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend


def array(x):
    return np.array(ops.convert_to_numpy(x))


def pair(shape=(6, 4, 3, 5), **kwargs):
    """Our layer and Keras' with the same weights, and an input."""
    rng = np.random.default_rng(0)
    layers = [
        module.BatchNormalization(**kwargs) for module in (kg.layers, keras.layers)
    ]
    weights = None
    for layer in layers:
        layer.build((None, *shape[1:]))
        weights = weights or [rng.uniform(0.5, 2, w.shape) for w in layer.get_weights()]
        layer.set_weights(weights)
    return *layers, rng.normal(3.0, 2.0, size=shape).astype("float32")


@pytest.mark.parametrize("shape", [(6, 4, 3, 5), (16, 5), (4, 7, 5)])
@pytest.mark.parametrize("affine", [True, False])
def test_equals_keras_when_training(shape, affine):
    ours, theirs, x = pair(shape, scale=affine, center=affine, momentum=0.8)
    target = np.random.default_rng(2).normal(size=shape).astype("float32")
    results = []
    for layer in (ours, theirs):

        def loss(layer=layer):
            y, slopes = backend.input_gradients(
                lambda x: ops.sum(
                    ops.multiply(ops.tanh(layer(x, training=True)), target)
                ),
                x,
            )
            return ops.sum(ops.square(slopes)) + y, slopes

        (value, slopes), gradients = backend.value_and_grad(
            loss, layer.trainable_variables
        )
        results.append([array(t) for t in (value, slopes, *gradients, *layer.weights)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)


def test_moving_statistics_are_those_of_keras():
    ours, theirs, x = pair()
    for layer in (ours, theirs):
        layer(x, training=True)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("training", [False, True])
def test_frozen_and_inference_use_moving_statistics(training):
    ours, theirs, x = pair()
    ours.trainable = theirs.trainable = False
    before = ours.get_weights()
    np.testing.assert_allclose(
        array(ours(x, training=training)),
        array(theirs(x, training=training)),
        rtol=1e-5,
        atol=1e-5,
    )
    for a, b in zip(ours.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_axes_are_keras_own():
    ours, theirs, x = pair(axis=1)
    np.testing.assert_allclose(
        array(ours(x, training=True)), array(theirs(x, training=True)), atol=1e-5
    )


def test_half_precision_keeps_float32_statistics():
    layer = kg.layers.BatchNormalization(dtype="mixed_bfloat16")
    y = layer(np.full((4, 2, 2, 3), 300.0, "float32"), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    assert layer.moving_mean.dtype == "float32"
    np.testing.assert_allclose(array(ops.cast(y, "float32")), 0.0, atol=1e-2)
