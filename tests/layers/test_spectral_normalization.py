import json

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import keras_gans as kg
from keras_gans import backend

IMAGES = (2, 6, 4, 3)
HALVED = {"strides": 2, "padding": "same"}
# What is wrapped, the shape of its inputs, and the axis of the outputs in the kernel.
# Seen as a matrix, each kernel is (5, 12), so that JAX compiles for one shape.
CASES = {
    "dense": (lambda **k: layers.Dense(5, **k), (2, 12), -1),
    "conv1d": (lambda **k: layers.Conv1D(5, 4, **k), (2, 6, 3), -1),
    "conv2d": (lambda **k: layers.Conv2D(5, 2, **k), IMAGES, -1),
    "conv1d_transpose": (lambda **k: layers.Conv1DTranspose(5, 4, **k), (2, 6, 3), -2),
    "conv2d_transpose": (lambda **k: layers.Conv2DTranspose(5, 2, **k), IMAGES, -2),
    "our_conv2d": (lambda **k: kg.layers.Conv2D(5, 2, **HALVED, **k), IMAGES, -1),
    "our_conv2d_transpose": (
        lambda **k: kg.layers.Conv2DTranspose(5, 2, **HALVED, **k),
        IMAGES,
        -2,
    ),
    "embedding": (lambda **k: layers.Embedding(5, 12, **k), (2, 3), 0),
}


def numpy(x):
    with backend.no_gradients():
        return np.array(ops.convert_to_numpy(x), "float64")


def make(name, power_iterations=1, **kwargs):
    """A wrapper with random weights, its inputs, and the axis of the outputs."""
    wrapped, shape, axis = CASES[name]
    layer = kg.layers.SpectralNormalization(wrapped(**kwargs), power_iterations)
    layer.build(shape)
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    x = rng.normal(size=shape).astype("float32")
    if name == "embedding":
        x = rng.integers(0, 5, size=shape)
    return layer, x, axis


def matrix(kernel, axis):
    """The kernel as (outputs, the rest)."""
    kernel = np.moveaxis(numpy(kernel), axis, 0)
    return kernel.reshape(len(kernel), -1)


def iterate(w, u, count=1):
    for _ in range(count):
        v = w.T @ u
        v /= np.linalg.norm(v)
        u = w @ v
        u /= np.linalg.norm(u)
    return u, v, u @ w @ v


def trainable_kernel(layer):
    return layer.trainable_variables[0]


@pytest.mark.parametrize("name", CASES)
def test_sigma_becomes_the_largest_singular_value(name):
    layer, _, axis = make(name, power_iterations=3)
    kernel = trainable_kernel(layer)
    left, values, right = np.linalg.svd(matrix(kernel, axis), full_matrices=False)
    values[0] = 3.0 * values[1]  # a gap, or it takes long
    w = (left * values) @ right
    shape = list(kernel.shape)
    shape.insert(0, shape.pop(axis))
    kernel.assign(np.moveaxis(w.reshape(shape), 0, axis))
    for _ in range(4):
        _, sigma, u = layer.normalized_kernel()
        layer.u.assign(u)
    assert tuple(layer.u.shape) == (len(w),)
    np.testing.assert_allclose(numpy(sigma), values[0], rtol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_output_is_the_layers_with_a_normalized_kernel(name):
    layer, x, axis = make(name)
    before = layer.get_weights()
    u, _, sigma = iterate(matrix(trainable_kernel(layer), axis), numpy(layer.u))
    y = numpy(layer(x, training=True))
    after = layer.get_weights()
    plain = CASES[name][0]()
    plain.build(x.shape)
    plain.set_weights(layer.layer.get_weights())
    plain.trainable_variables[0].assign(numpy(trainable_kernel(layer)) / sigma)
    np.testing.assert_allclose(y, numpy(plain(x)), rtol=1e-4, atol=1e-5)
    assert tuple(layer.compute_output_shape(x.shape)) == y.shape
    # Of all weights, only u has changed.
    assert len(after) == len(before)
    for old, new, weight in zip(before, after, layer.weights, strict=True):
        if weight is layer.u:
            np.testing.assert_allclose(new, u, atol=1e-5)
        else:
            np.testing.assert_array_equal(new, old)


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_the_papers(name):
    layer, x, axis = make(name)
    u, v, sigma = iterate(matrix(trainable_kernel(layer), axis), numpy(layer.u))
    target = np.random.default_rng(1).normal(size=layer.compute_output_shape(x.shape))
    target = target.astype("float32")

    def gradient(layer, **kwargs):
        def loss():
            return ops.sum(ops.multiply(ops.tanh(layer(x, **kwargs)), target)), None

        return numpy(backend.value_and_grad(loss, [trainable_kernel(layer)])[1][0])

    received = gradient(layer, training=True)
    plain = CASES[name][0]()
    plain.build(x.shape)
    plain.set_weights(layer.layer.get_weights())
    normalized = numpy(trainable_kernel(layer)) / sigma
    trainable_kernel(plain).assign(normalized)
    g, w_bar = (matrix(a, axis) for a in (gradient(plain), normalized))
    expected = (g - np.sum(g * w_bar) * np.outer(u, v)) / sigma
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        matrix(received, axis) / scale, expected / scale, atol=1e-5
    )


def test_gradient_of_dense_without_any_framework():
    """The same figures on every backend, to 1e-5."""
    layer, x, _ = make("dense", use_bias=False)
    w = matrix(layer.layer.kernel, -1)
    u, v, sigma = iterate(w, numpy(layer.u))
    target = np.random.default_rng(1).normal(size=(2, 5)).astype("float32")

    def loss():
        return ops.sum(ops.multiply(layer(x, training=True), target)), None

    _, (received,) = backend.value_and_grad(loss, [layer.layer.kernel])
    g = target.T.astype("float64") @ x
    expected = (g - np.sum(g * w / sigma) * np.outer(u, v)) / sigma
    np.testing.assert_allclose(numpy(received), expected.T, atol=1e-5)


def test_u_moves_in_training_only():
    layer, x, axis = make("conv2d")
    before = numpy(layer.u)
    first = numpy(layer(x, training=False))
    np.testing.assert_array_equal(numpy(layer(x)), first)
    np.testing.assert_array_equal(numpy(layer.u), before)
    # Training starts from where inference looks.
    np.testing.assert_array_equal(numpy(layer(x, training=True)), first)
    u, _, _ = iterate(matrix(layer.layer.kernel, axis), before)
    np.testing.assert_allclose(numpy(layer.u), u, atol=1e-5)


@pytest.mark.parametrize("training", [(True, True), (False, True)])
def test_two_calls_before_one_gradient(training):
    """As of real and fake examples. Each has the sigma of its own u."""
    layer, x, axis = make("dense", use_bias=False)
    w, u = matrix(layer.layer.kernel, axis), numpy(layer.u)
    expected = 0.0
    for mode in training:
        new_u, v, sigma = iterate(w, u)
        g = np.ones((2, 5)).T @ x.astype("float64")
        expected += (g - np.sum(g * w / sigma) * np.outer(new_u, v)) / sigma
        u = new_u if mode else u

    def loss():
        return sum(ops.sum(layer(x, training=mode)) for mode in training), None

    _, (received,) = backend.value_and_grad(loss, [layer.layer.kernel])
    np.testing.assert_allclose(numpy(received), expected.T, atol=1e-5)
    np.testing.assert_allclose(numpy(layer.u), u, atol=1e-5)


def test_gradient_penalty_reaches_the_kernel():
    """For y = x w, |dy/dx| is 1 whatever w is, so that its derivative is 0."""
    layer = kg.layers.SpectralNormalization(layers.Dense(1, use_bias=False))
    x = np.ones((2, 3), "float32")
    layer(x)

    def penalty():
        _, slopes = backend.input_gradients(
            lambda x: ops.sum(layer(x, training=True), axis=1), ops.convert_to_tensor(x)
        )
        return ops.sum(ops.square(slopes)), None

    (value, _), (gradient,) = backend.value_and_grad(penalty, [layer.layer.kernel])
    np.testing.assert_allclose(numpy(value), 2.0, rtol=1e-5)
    np.testing.assert_allclose(numpy(gradient), 0.0, atol=1e-5)


def test_inside_replaced_weights_all_are_seen():
    """As in unrolled updates: the bias too is the one that is put in place."""
    layer, x, _ = make("dense")
    variables = layer.trainable_variables
    twice = [2.0 * ops.convert_to_tensor(v) for v in variables]
    y = backend.with_values(variables, twice, lambda: layer(x))
    kernel = numpy(layer.normalized_kernel()[0])
    expected = x @ kernel + 2 * numpy(layer.layer.bias)
    np.testing.assert_allclose(numpy(y), expected, rtol=1e-4, atol=1e-5)


def test_zeros_are_left_alone_and_can_be_trained():
    layer = kg.layers.SpectralNormalization(
        layers.Dense(2, kernel_initializer="zeros", use_bias=False)
    )
    x = np.ones((1, 3), "float32")
    layer(x)
    before = numpy(layer.u)

    def loss():
        return ops.sum(layer(x, training=True)), None

    (value, _), (gradient,) = backend.value_and_grad(loss, [layer.layer.kernel])
    assert float(value) == 0.0
    np.testing.assert_allclose(numpy(gradient), 1.0)
    np.testing.assert_array_equal(numpy(layer.u), before)


@pytest.mark.parametrize("name", ["dense", "our_conv2d", "embedding"])
def test_mixed_precision_keeps_float32_for_sigma(name):
    layer, x, axis = make(name, dtype="mixed_bfloat16")
    _, _, sigma = iterate(matrix(trainable_kernel(layer), axis), numpy(layer.u))
    y = layer(x, training=True)
    assert layer.compute_dtype == keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    assert layer.u.dtype == trainable_kernel(layer).dtype == "float32"
    full = make(name)[0]
    np.testing.assert_allclose(
        numpy(ops.cast(y, "float32")), numpy(full(x)), rtol=0.05, atol=0.05
    )
    # Also under the scope in which a mixed precision model runs its layers.
    received = []

    class Outer(layers.Layer):
        def call(self, x):
            received.append(layer.normalized_kernel()[1])
            return x

    layer.u.assign(make(name)[0].u)
    Outer(dtype="mixed_bfloat16")(np.ones((1, 1), "float32"))
    assert keras.backend.standardize_dtype(received[0].dtype) == "float32"
    np.testing.assert_allclose(numpy(received[0]), sigma, rtol=1e-5)


def test_saves_and_loads(tmp_path):
    layer, x, _ = make("our_conv2d", power_iterations=2)
    model = keras.Sequential([keras.Input(x.shape[1:]), layer])
    model(x, training=True)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    configs = (json.dumps(n.get_config()) for n in (again.layers[0], layer))
    assert len(set(configs)) == 1
    assert again.layers[0].power_iterations == 2
    np.testing.assert_array_equal(numpy(again.layers[0].u), numpy(layer.u))
    np.testing.assert_array_equal(numpy(again(x)), numpy(model(x)))
    model.save_weights(tmp_path / "model.weights.h5")
    fresh = keras.Sequential(
        [keras.Input(x.shape[1:]), type(layer).from_config(layer.get_config())]
    )
    fresh.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(numpy(fresh(x)), numpy(model(x)))


def test_refuses_what_it_cannot_normalize():
    for layer in (layers.ReLU(), layers.BatchNormalization()):
        with pytest.raises(ValueError, match="`kernel` or `embeddings`"):
            kg.layers.SpectralNormalization(layer)(np.ones((1, 2), "float32"))
    with pytest.raises(ValueError, match="power_iterations"):
        kg.layers.SpectralNormalization(layers.Dense(1), power_iterations=0)
    with pytest.raises(ValueError, match="epsilon"):
        kg.layers.SpectralNormalization(layers.Dense(1), epsilon=0.0)


@pytest.mark.parametrize("eager", [False, True])
def test_in_the_networks_of_a_gan(eager):
    def network(*rest):
        first = kg.layers.SpectralNormalization(layers.Dense(2))
        return keras.Sequential([keras.Input((2,)), first, *rest])

    gan = kg.models.GAN(
        data_spec=kg.Vectors(2), latent_dim=2, generator=network(),
        discriminator=network(layers.Dense(1)),
    )  # fmt: skip
    penalties = [] if eager else [kg.penalties.R1(1.0, every=2)]
    gan.compile(penalties=penalties, run_eagerly=eager)
    networks = (gan.generator, gan.discriminator)
    before = [numpy(n.layers[0].u) for n in networks]
    points = np.random.default_rng(0).normal(size=(8, 2)).astype("float32")
    history = gan.fit(points, batch_size=4, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    for network, old in zip(networks, before, strict=True):
        new = numpy(network.layers[0].u)
        assert np.abs(new - old).max() > 0
        np.testing.assert_allclose(np.linalg.norm(new), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(
        numpy(gan.ema_generator.layers[0].u), numpy(gan.generator.layers[0].u)
    )
