"""Keras' callbacks that look at the optimizer, with one for each player."""

import keras
import numpy as np
import pytest

import keras_gans as kg


@pytest.fixture
def gan():
    gan = kg.models.GAN((4, 4, 1), latent_dim=2, hidden_units=4, seed=0)
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(1e-3),
        discriminator_optimizer=keras.optimizers.Adam(4e-3),
    )
    return gan


def fit(gan, callback, epochs=3):
    images = np.random.default_rng(0).integers(0, 256, (8, 4, 4, 1), "uint8")
    gan.fit(images, batch_size=4, epochs=epochs, verbose=0, callbacks=[callback])


def rates(gan):
    optimizers = (gan.generator_optimizer, gan.discriminator_optimizer)
    return [float(keras.ops.convert_to_numpy(o.learning_rate)) for o in optimizers]


def test_tensorboard(gan, tmp_path):
    pytest.importorskip("tensorflow")
    fit(gan, keras.callbacks.TensorBoard(tmp_path, write_graph=False), epochs=1)
    assert list(tmp_path.rglob("events.out.tfevents*"))


def test_schedule_of_both_players_rates(gan):
    """Keras calls it with the rate of each."""
    fit(gan, keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2.0))
    np.testing.assert_allclose(rates(gan), [1e-3 / 8.0, 4e-3 / 8.0], rtol=1e-5)


def test_less_on_a_plateau(gan):
    plateau = keras.callbacks.ReduceLROnPlateau(
        "d_real", factor=0.5, patience=1, mode="min", min_delta=10.0
    )
    fit(gan, plateau)
    assert rates(gan)[0] < 1e-3 and rates(gan)[1] < 4e-3
