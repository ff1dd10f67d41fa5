"""`predict`: what Keras' own gives, with the weights of the moment, compiled once."""

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans import backend
from keras_gans.utils.prediction import predict
from keras_gans.utils.prediction import predict_batch

ON_JAX = keras.config.backend() == "jax"


@pytest.fixture
def network():
    keras.utils.set_random_seed(0)
    first, second = keras.Input((3,)), keras.Input((2,))
    hidden = keras.layers.Concatenate()([first, second])
    hidden = keras.layers.Dropout(0.5)(keras.layers.Dense(8, "relu")(hidden))
    return keras.Model([first, second], keras.layers.Dense(4)(hidden))


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return [rng.standard_normal((10, size), "float32") for size in (3, 2)]


@pytest.mark.parametrize("batch_size", [4, 5, 10, 64])
def test_is_that_of_keras(network, inputs, batch_size):
    expected = network.predict(inputs, verbose=0)
    found = predict(network, inputs, batch_size)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1.2e-7)


@keras.saving.register_keras_serializable("tests")
class Scaled(keras.Model):
    """Two outputs; one needs numbers, which a compiled step does not have."""

    def __init__(self, needs_numbers):
        super().__init__()
        self.dense, self.needs_numbers = keras.layers.Dense(2), needs_numbers

    def call(self, x):
        if self.needs_numbers:
            x = x * float(keras.ops.max(x))
        return {"double": x * 2.0, "dense": self.dense(x)}


@pytest.mark.parametrize("eagerly", [False, True])
def test_batch_of_a_network_that_is_not_built(eagerly):
    network = Scaled(needs_numbers=eagerly)
    network.run_eagerly = eagerly
    x = np.array([[1.0, 2.0, 4.0]], "float32")
    found = predict_batch(network, x)
    scaled = x * 4.0 if eagerly else x
    np.testing.assert_array_equal(found["double"], scaled * 2.0)
    kernel = network.dense.kernel.numpy()
    np.testing.assert_allclose(found["dense"], scaled @ kernel, rtol=1e-5, atol=1e-6)
    network.dense.kernel.assign(np.zeros((3, 2)))
    assert not predict_batch(network, x)["dense"].any()


def test_weights_of_the_moment(network, inputs):
    before = predict(network, inputs, 5)
    network.layers[-1].bias.assign(np.ones(4, "float32"))
    np.testing.assert_allclose(predict(network, inputs, 5), before + 1.0, 1e-5, 1e-6)


def test_compiles_once(network, inputs, monkeypatch):
    made, compiled = [], backend.compiled

    def counted(fn, variables):
        made.append(fn)
        return compiled(fn, variables)

    monkeypatch.setattr(backend, "compiled", counted)
    for _ in range(3):
        predict(network, inputs, 5)
    assert len(made) == 1


@pytest.mark.skipif(ON_JAX, reason="JAX compiles for each shape, as in Keras")
def test_other_sizes_are_not_compiled_anew(network, inputs, monkeypatch):
    calls, call = [], network.call

    def counted(*args, **kwargs):
        calls.append(args)
        return call(*args, **kwargs)

    monkeypatch.setattr(network, "call", counted)
    expected = predict(network, inputs, 10)
    for size in (3, 5, 7, 9):
        found = predict(network, [array[:size] for array in inputs], size)
        np.testing.assert_allclose(found, expected[:size], 1e-5, 1e-6)
    # The second size makes a graph for all; on torch nothing is compiled.
    assert len(calls) == (5 if backend.is_eager() else 2)


def test_progress(network, inputs, capsys):
    predict(network, inputs, 4, verbose=1)
    assert "3/3" in capsys.readouterr().out
    predict(network, inputs, 4)
    assert not capsys.readouterr().out


def test_replicas_of_one_process_share_the_work(network, inputs, monkeypatch):
    """In batches that they can share, however many are asked for."""
    expected, calls, together = predict(network, inputs, 5), [], network.predict

    def noted(arrays, batch_size, verbose):
        calls.append((len(arrays[0]), batch_size, verbose))
        return together(arrays, batch_size, verbose=verbose)

    monkeypatch.setattr(backend, "replicas_of", lambda model: 2)
    monkeypatch.setattr(network, "predict", noted)
    found = predict(network, inputs, 5)
    assert calls == [(12, 6, 0)]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1.2e-7)


def test_within_fit():
    """A callback gets the weights of its moment, and the training goes on from them."""

    latents = np.random.default_rng(0).standard_normal((3, 2), "float32")

    def train(callback):
        keras.utils.set_random_seed(0)  # of the order of images
        gan = kg.models.GAN((4, 4, 1), latent_dim=2, hidden_units=4, seed=0)
        gan.compile()
        images = np.random.default_rng(0).integers(0, 256, (8, 4, 4, 1), "uint8")
        gan.fit(images, batch_size=4, epochs=3, verbose=0, callbacks=callback(gan))
        return gan

    found = []

    def look(gan):
        def sample(epoch, logs):
            found.append(predict(gan, latents, 3))

        return [keras.callbacks.LambdaCallback(on_epoch_end=sample)]

    gan, other = train(look), train(lambda gan: [])
    np.testing.assert_array_equal(found[-1], predict(gan, latents, 3))
    assert (found[0] != found[-1]).any()
    for ours, theirs in zip(gan.weights, other.weights, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
