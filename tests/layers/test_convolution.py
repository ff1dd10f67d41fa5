import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend

SIZES = [(4, 2), (3, 1), (2, 2)]  # kernel, stride: the fast way
OTHERS = [(3, 2), (4, 1)]  # Keras' own


def array(x):
    return np.array(ops.convert_to_numpy(x))


def pair(name, **kwargs):
    """Our layer and Keras' with the same weights, and an input."""
    ours = getattr(kg.layers, name)(**kwargs)
    theirs = getattr(keras.layers, name)(**kwargs)
    x = np.random.default_rng(0).normal(size=(2, 8, 12, 3)).astype("float32")
    for layer in (ours, theirs):
        layer.build(x.shape)
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=w.shape) for w in theirs.get_weights()]
    for layer in (ours, theirs):
        layer.set_weights(weights)
    return ours, theirs, x


def gradients(layer, x):
    """Output; first and mixed second derivatives of a non-linear function of it."""
    weights = layer.trainable_variables

    def loss():
        y, slopes = backend.input_gradients(
            lambda x: ops.sum(ops.tanh(0.1 * layer(x)), axis=(1, 2, 3)), x
        )
        return ops.sum(ops.square(slopes)) + ops.sum(y), slopes

    (value, slopes), weight_gradients = backend.value_and_grad(loss, weights)
    return [array(t) for t in (layer(x), value, slopes, *weight_gradients)]


@pytest.mark.parametrize("name", ["Conv2D", "Conv2DTranspose"])
@pytest.mark.parametrize(("kernel", "stride"), SIZES + OTHERS)
def test_equals_keras(name, kernel, stride):
    ours, theirs, x = pair(
        name, filters=5, kernel_size=kernel, strides=stride, padding="same"
    )
    expected, received = gradients(theirs, x), gradients(ours, x)
    for a, b in zip(expected, received, strict=True):
        np.testing.assert_allclose(b, a, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (4, 2), (3, 1), (2, 2)])
def test_transposed_without_padding_equals_keras(kernel, stride):
    """As StyleGAN2's convolutions that enlarge have it."""

    class Plain(keras.layers.Layer):
        def __init__(self, conv_transpose):
            super().__init__()
            self.conv_transpose = conv_transpose
            normal = keras.initializers.RandomNormal(seed=0)
            self.kernel = self.add_weight((kernel, kernel, 5, 3), normal)

        def call(self, x):
            return self.conv_transpose(x, ops.convert_to_tensor(self.kernel))

    def of_keras(x, kernel):
        return ops.conv_transpose(x, kernel, strides=stride, padding="valid")

    def ours(x, kernel):
        return backend.conv_transpose(x, kernel, (stride, stride), padding="valid")

    x = np.random.default_rng(0).normal(size=(2, 8, 12, 3)).astype("float32")
    x = ops.convert_to_tensor(x)
    expected, received = (gradients(Plain(f), x) for f in (of_keras, ours))
    for a, b in zip(expected, received, strict=True):
        np.testing.assert_allclose(b, a, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("name", ["Conv2D", "Conv2DTranspose"])
@pytest.mark.parametrize(
    "options",
    [
        {"padding": "valid"},
        {"use_bias": False, "activation": "relu", "padding": "same"},
        {"dilation_rate": 2, "strides": 1, "padding": "same"},
        {"data_format": "channels_last", "kernel_size": (4, 3), "strides": (2, 1)},
    ],
)
def test_options_equal_keras(name, options):
    options = {"filters": 4, "kernel_size": 4, "strides": 2} | options
    ours, theirs, x = pair(name, **options)
    try:
        theirs(x)
    except Exception as error:  # TensorFlow has no dilation there on some CPUs
        with pytest.raises(type(error)):
            ours(x)
        return
    np.testing.assert_allclose(array(ours(x)), array(theirs(x)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (4, 2), (3, 2)])
@pytest.mark.parametrize("groups", [3, 1])
def test_groups_equal_keras(kernel, stride, groups):
    """Values, and first and second derivatives."""
    options = {"kernel_size": kernel, "strides": stride, "groups": groups}
    ours, theirs, x = pair("Conv2D", filters=6, padding="same", **options)
    np.testing.assert_allclose(array(ours(x)), array(theirs(x)), rtol=1e-4, atol=1e-4)
    for value, expected in zip(gradients(ours, x), gradients(theirs, x), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("kernel", "stride"), [(7, 1), (3, 2)])
def test_without_padding_equals_keras(kernel, stride):
    """Values, and first and second derivatives."""
    options = {"kernel_size": kernel, "strides": stride, "padding": "valid"}
    ours, theirs, x = pair("Conv2D", filters=1, **options)
    for value, expected in zip(gradients(ours, x), gradients(theirs, x), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-3, atol=1e-4)


def test_odd_size_with_stride_equals_keras():
    ours, theirs, x = pair(
        "Conv2D", filters=6, kernel_size=4, strides=2, padding="same"
    )
    x = x[:, :7]
    np.testing.assert_allclose(array(ours(x)), array(theirs(x)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["Conv2D", "Conv2DTranspose"])
def test_half_precision(name):
    layer = getattr(kg.layers, name)(
        4, 4, strides=2, padding="same", dtype="mixed_bfloat16"
    )
    y = layer(np.ones((2, 8, 8, 3), "float32"))
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    assert np.isfinite(array(ops.cast(y, "float32"))).all()


@pytest.mark.parametrize("name", ["Conv2D", "Conv2DTranspose"])
def test_saves_and_loads(name, tmp_path):
    ours, theirs, x = pair(name, filters=4, kernel_size=4, strides=2, padding="same")
    networks = [keras.Sequential([keras.Input(x.shape[1:]), n]) for n in (ours, theirs)]
    networks[0].save(tmp_path / "ours.keras")
    again = keras.saving.load_model(tmp_path / "ours.keras")
    np.testing.assert_array_equal(array(again(x)), array(networks[0](x)))
    # The files of Keras' layers and ours can be exchanged.
    networks[1].save_weights(tmp_path / "theirs.weights.h5")
    ours.set_weights([np.zeros_like(w) for w in ours.get_weights()])
    networks[0].load_weights(tmp_path / "theirs.weights.h5")
    np.testing.assert_allclose(array(ours(x)), array(theirs(x)), rtol=1e-4, atol=1e-4)


def test_adam_on_packed_kernels_equals_keras():
    layers = pair("Conv2D", filters=4, kernel_size=4, strides=2, padding="same")
    x, updated = layers[2], []
    for layer in layers[:2]:
        adam = keras.optimizers.Adam(0.1)
        adam.build(layer.trainable_variables)
        backend.pack_states(adam.variables, layer.trainable_variables)
        for _ in range(3):
            _, gradients = backend.value_and_grad(
                lambda layer=layer: (ops.mean(ops.square(layer(x))), None),
                layer.trainable_variables,
            )
            backend.apply_gradients(adam, gradients, layer.trainable_variables)
        updated.append(layer.get_weights())
    for a, b in zip(*updated, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)
