"""Batches cut into parts: one update, that of the whole batch."""

import keras
import numpy as np
import pytest

import keras_gans as kg
from tests.distribution import updates
from tests.gan_test_case import Batches
from tests.gan_test_case import max_difference
from tests.gan_test_case import to_numpy

POINTS = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")


def fitted(name, micro_batches):
    """A model after two steps of gradient descent, and its logs."""
    return updates.fitted(name, "conditional", micro_batches=micro_batches)


# Labels; a relativistic loss with penalties that differentiate twice.
@pytest.mark.parametrize("name", ["conditional", "r3_gan"])
def test_the_update_is_that_of_the_whole_batch(name):
    (whole, logs), (parts, logs_of_parts) = (fitted(name, k) for k in (1, 2))
    before = to_numpy(updates.make(name).weights)
    assert max_difference(before, to_numpy(whole.weights)) > 1e-3
    assert max_difference(to_numpy(whole.weights), to_numpy(parts.weights)) < 1e-6
    for key, values in logs.items():
        np.testing.assert_allclose(values, logs_of_parts[key], rtol=1e-5, atol=1e-6)
    # Random numbers go on as if there had been no parts.
    states = [to_numpy(model._random_states()) for model in (whole, parts)]
    assert max_difference(*states) == 0
    assert int(parts.images_seen) == int(whole.images_seen) == 2 * updates.BATCH


def test_what_players_show_is_put_together_again():
    """CycleGAN's generators show the images that they made to the discriminators."""
    (whole, logs), (parts, logs_of_parts) = (fitted("cycle_gan", k) for k in (1, 2))
    for key in ("g_loss", "cycle", "identity"):
        np.testing.assert_allclose(logs[key], logs_of_parts[key], rtol=1e-4)
    pair = [to_numpy(model.generator_a.weights) for model in (whole, parts)]
    assert max_difference(*pair) < 1e-4
    assert np.isfinite(logs_of_parts["d_loss"]).all()


def test_slices_options_and_penalties_where_due():
    """Each slice is cut; a penalty that is due every second update is so of parts."""
    gan = kg.models.GAN(data_spec=kg.Vectors(2), latent_dim=4, hidden_units=8, seed=0)
    gan.compile(
        discriminator_optimizer=keras.optimizers.SGD(0.0),
        penalties=[kg.penalties.R1(1.0, every=2)],
        discriminator_steps=2,
        balance=kg.Balance("accuracy"),
        micro_batches=2,
    )
    history = gan.fit(POINTS, batch_size=16, verbose=0).history
    assert int(gan.discriminator_optimizer.iterations) == 4
    assert int(gan.generator_optimizer.iterations) == 2
    assert history["r1"][0] > 0
    assert gan.get_compile_config()["micro_batches"] == 2


def test_a_smaller_last_batch_of_a_stream():
    """What its parts can share is used; it is left out if that is nothing."""
    gan = kg.models.GAN(data_spec=kg.Vectors(2), latent_dim=4, hidden_units=8, seed=0)
    gan.compile(micro_batches=4)
    history = gan.fit(Batches(POINTS[:26], 16), shuffle=False, verbose=0).history
    assert int(gan.images_seen) == 16 + 8
    assert all(np.isfinite(values).all() for values in history.values())
    gan.fit(Batches(POINTS[:18], 16), shuffle=False, verbose=0)
    assert int(gan.images_seen) == 16 + 8 + 16


def test_bad_input():
    gan = kg.models.GAN(data_spec=kg.Vectors(2), latent_dim=4, hidden_units=8, pac=2)
    for wrong in (0, 1.5, "2"):
        with pytest.raises(ValueError, match="`micro_batches` as an int"):
            gan.compile(micro_batches=wrong)
    gan.compile(micro_batches=3)
    with pytest.raises(ValueError, match="multiple of 6.*micro_batches=3"):
        gan.fit(POINTS, batch_size=16, verbose=0)
    with pytest.raises(ValueError, match="at least 6 examples"):
        gan.fit(POINTS[:4], batch_size=6, verbose=0)
    with pytest.raises(ValueError, match="multiple of 6.*first one with 16"):
        gan.fit((POINTS[:16] for _ in range(2)), verbose=0)
