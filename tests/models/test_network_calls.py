"""Layers called with less between them give what they give when Keras calls them."""

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans import backend
from keras_gans.models import network_calls
from keras_gans.utils.functional import functional_of
from tests.distribution import updates
from tests.gan_test_case import max_difference
from tests.gan_test_case import to_numpy
from tests.gan_test_case import trained_dcgan


@pytest.mark.once  # others' graphs are Keras' own
@pytest.mark.parametrize("name", ["dcgan", "sa_gan", "style_gan2", "cycle_gan"])
def test_updates_are_bit_for_bit_those_of_keras(name):
    states = []
    for own in (False, True):
        model = updates.make(name, run_eagerly=False)
        for player in model.players():
            for network in player.networks:
                assert ("call" in functional_of(network).__dict__) == backend.is_eager()
                if own:
                    network_calls.set_up(network, direct=False)
        model.fit(*updates.data(model, 2), batch_size=updates.BATCH, verbose=0)
        states.append(to_numpy(model.weights))
    assert max_difference(*states) == 0


@pytest.mark.once
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_networks_of_several_dtypes_are_called_by_keras(dtype):
    """Logits and images are float32 in mixed precision, and so is what leads there."""
    models = [trained_dcgan(dtype, run_eagerly=eager) for eager in (False, True)]
    assert max_difference(*(to_numpy(model.weights) for model in models)) == 0
    for model in models:
        logits = model.discriminator(np.ones((2, 16, 16, 1), "float32"), training=True)
        assert keras.backend.standardize_dtype(logits.dtype) == "float32"


@keras.saving.register_keras_serializable("tests")
class Composite(keras.layers.Layer):
    """A layer of layers, which get to know from Keras that the network trains."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.normalization = keras.layers.BatchNormalization()

    def build(self, shape):
        self.normalization.build(shape)

    def call(self, x):
        return self.normalization(x)


def network_of_all_kinds(masks=True, regularizer="l2"):
    """Masks, regularized activations, another dtype, several inputs and outputs."""
    inputs = [keras.Input((6, 3)), keras.Input((4,))]
    x = keras.layers.Masking(0.0)(inputs[0]) if masks else inputs[0]
    x = keras.layers.LSTM(4)(x)
    y = keras.layers.Dense(4, activity_regularizer=regularizer)(inputs[1])
    y = keras.layers.Dense(4, dtype="mixed_bfloat16")(y)
    x = keras.ops.concatenate([x, keras.ops.cast(y, "float32") * 2.0], axis=-1)
    x = Composite()(x)
    x = keras.layers.GaussianNoise(0.1, seed=1)(x)
    inner = keras.Sequential([keras.Input((8,)), keras.layers.Dropout(0.5, seed=2)])
    x = inner(x)
    x = keras.layers.BatchNormalization()(x)
    return keras.Model(inputs, {"x": x, "halves": keras.ops.split(x, 2, axis=-1)})


@pytest.mark.once
@pytest.mark.parametrize("rematerialize", [False, True])
def test_layers_of_all_kinds(rematerialize):
    rng = np.random.default_rng(0)
    sequences = rng.normal(size=(5, 6, 3)).astype("float32")
    sequences[2, 3:] = 0.0
    given = [sequences, rng.normal(size=(5, 4)).astype("float32")]
    found = []
    for own in (True, False):
        keras.utils.set_random_seed(4)
        network = network_of_all_kinds(*(False, None) if rematerialize else ())
        if not own:
            network_calls.set_up(network, rematerialize)
        outputs = [network(given, training=training) for training in (True, False)]
        flat = keras.tree.flatten([outputs, network.losses])

        def objective(network=network):
            x = network(given, training=True)["x"]
            return keras.ops.sum(keras.ops.power(x, 3)) + sum(network.losses), None

        _, gradients = backend.value_and_grad(objective, network.trainable_variables)
        found.append([*to_numpy([*flat, *gradients, *network.weights])])
        assert keras.tree.map_structure(lambda x: None, outputs[0]) == {
            "x": None,
            "halves": [None, None],
        }
    for with_keras, direct in zip(*found, strict=True):
        np.testing.assert_array_equal(with_keras, direct)


def test_what_cannot_be_computed_again():
    with pytest.raises(ValueError, match="without masks.*micro_batches"):
        network_calls.set_up(network_of_all_kinds(), rematerialize=True)
    network = network_of_all_kinds(masks=False)
    network_calls.set_up(network, rematerialize=True)
    given = [np.zeros((2, 6, 3), "float32"), np.ones((2, 4), "float32")]
    with pytest.raises(ValueError, match="without losses of activations.*with 1"):
        network(given, training=True)


def test_a_network_used_elsewhere_is_left_alone():
    """`compile` sets up the networks that train; the average is called by Keras."""
    gan = kg.models.GAN((8, 8, 1), latent_dim=4, hidden_units=8, seed=0)
    gan.compile(rematerialize=True)
    assert "call" in functional_of(gan.generator).__dict__
    assert "call" not in functional_of(gan.ema_generator).__dict__
    gan.compile()
    direct = "call" in functional_of(gan.generator).__dict__
    assert direct == backend.is_eager()
    gan.compile(run_eagerly=True)
    assert "call" not in functional_of(gan.generator).__dict__


class AddsLoss(keras.layers.Layer):
    """Adds what it gets to the losses."""

    def call(self, inputs):
        """Returns the inputs."""
        self.add_loss(keras.ops.mean(inputs))
        return inputs


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            keras.layers.Dense(2, activity_regularizer="l2"),
            "without `activity_regularizer`.*penalties",
        ),
        (AddsLoss(), "'discriminator', whose 'adds_loss'.*`add_loss`.*penalties"),
    ],
)
def test_losses_of_activations_are_refused(layer, message):
    """A network is called several times in an update; the last call's alone is left."""
    layers = [keras.Input((2,)), layer, keras.layers.Dense(1)]
    gan = kg.models.GAN(
        data_spec=kg.Vectors(2),
        latent_dim=4,
        discriminator=keras.Sequential(layers, name="discriminator"),
        seed=0,
    )
    with pytest.raises(ValueError, match=message):
        gan.compile()
