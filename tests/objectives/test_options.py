"""Every option in training: finite, exactly resumed, one player's at a time."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend
from tests.gan_test_case import QUICKEST
from tests.gan_test_case import max_difference
from tests.gan_test_case import to_numpy

IMAGES = np.random.default_rng(0).integers(0, 256, (32, 8, 8, 3), "uint8")


def adam():
    return keras.optimizers.Adam(1e-2)


# name: options of the model, and what makes those of `compile`; several at once, as
# each combination is compiled.
OPTIONS = {
    "plain": ({}, dict),
    "pac": (
        {"pac": 2},
        lambda: {
            "penalties": ["gradient_penalty", "consistency"],
            "augment": "diffaugment",
            "top_k": kg.objectives.TopK(0.5, 0.5, 1),
        },
    ),
    "feature_matching": (
        {},
        lambda: {
            "feature_matching": kg.objectives.FeatureMatching(),
            "penalties": ["lecam", "balanced_consistency"],
        },
    ),
    "unrolled": ({}, lambda: {"unrolled": kg.objectives.Unrolled(2, 0.1)}),
    "balance": (
        {},
        lambda: {
            "balance": kg.Balance(upper=0.65, momentum=0.0),
            "discriminator_optimizer": keras.optimizers.Adam(4e-2),
        },
    ),
}


def make_gan(name="plain", **more):
    init, make = OPTIONS[name]
    keras.utils.set_random_seed(0)
    gan = kg.models.GAN((8, 8, 3), latent_dim=4, hidden_units=40, seed=1, **init)
    options = {"generator_optimizer": adam(), "discriminator_optimizer": adam()}
    gan.compile(**QUICKEST | options | make() | more)
    return gan


def state(gan):
    return to_numpy([*gan.variables, *gan.optimizer.variables])


@pytest.mark.parametrize("name", list(OPTIONS)[1:])
def test_resumed_fit_is_exact(name, tmp_path):
    def fit(gan, first, last):
        return gan.fit(
            IMAGES, batch_size=8, initial_epoch=first, epochs=last, verbose=0
        ).history

    gan = make_gan(name)
    fit(gan, 0, 1)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert loaded.get_compile_config() == gan.get_compile_config()
    assert loaded.get_config() == gan.get_config()
    history = fit(gan, 1, 2)
    fit(loaded, 1, 2)
    assert all(np.isfinite(values).all() for values in history.values()), history
    assert max_difference(state(gan), state(loaded)) == 0
    if name == "feature_matching":
        assert "feature_matching" in history
    if name == "balance":
        assert 0.0 <= history["d_active"][0] <= 1.0
        assert history["d_learning_rate"] == [pytest.approx(4e-2)]
        assert history["g_learning_rate"] == [pytest.approx(1e-2)]


@pytest.mark.once
@pytest.mark.parametrize("name", list(OPTIONS)[1:])
def test_each_update_is_of_its_player_alone(name):
    gan = make_gan(name)
    real = gan.data_spec.to_network(ops.convert_to_tensor(IMAGES[:8]))
    for player in gan.players():
        own = player.networks[0].trainable_variables
        others = [
            v
            for network in (gan.generator, gan.discriminator)
            if network is not player.networks[0]
            for v in network.trainable_variables
        ]
        _, gradients = backend.value_and_grad(
            lambda player=player: player.objective(real, None), own
        )
        for variable, gradient in zip(own, to_numpy(gradients), strict=True):
            assert np.isfinite(gradient).all(), variable.path
        assert max(np.abs(g).max() for g in to_numpy(gradients)) > 0
        own_before, before = to_numpy(own), to_numpy(others)
        gan._update(player, real, None)
        assert max_difference(to_numpy(others), before) == 0
        if name != "balance":  # which may hold it back
            assert max_difference(to_numpy(own), own_before) > 0


def test_compile_again_does_not_grow_the_state():
    gan = make_gan("balance", penalties=["lecam"])
    gan.fit(IMAGES[:8], batch_size=8, verbose=0)
    count = len(gan.variables), len(gan.optimizer.variables)
    gan.compile(adam(), adam(), penalties=["lecam"], balance=kg.Balance(), loss="hinge")
    assert (len(gan.variables), len(gan.optimizer.variables)) == count
    gan.fit(IMAGES[:8], batch_size=8, verbose=0)


@pytest.mark.parametrize("held", ["discriminator", "generator"])
def test_a_player_that_is_held_back_stays_what_it_is(held):
    """Its weights, momenta and count of updates; the other player goes on."""
    bounds = {"discriminator": (-2.0, -1.0), "generator": (2.0, 3.0)}[held]
    balance = kg.Balance("accuracy", *bounds, momentum=0.0)
    gan = make_gan(balance=balance)
    gan.fit(IMAGES[:8], batch_size=8, verbose=0)  # now the signal is in 0..1
    other = {"discriminator": "generator", "generator": "discriminator"}[held]

    def states(player):
        optimizer = gan.optimizer.players[player]
        weights = getattr(gan, player).trainable_variables
        return to_numpy([*weights, *optimizer.variables])

    before, other_before = states(held), states(other)
    history = gan.fit(IMAGES, batch_size=8, verbose=0).history
    assert max_difference(states(held), before) == 0
    assert max_difference(states(other), other_before) > 0
    assert history[f"{held[0]}_active"] == [0.0]
    assert history[f"{other[0]}_active"] == [1.0]
    assert int(gan.optimizer.players[other].iterations) == 5


def test_balance_where_nobody_is_held_changes_nothing():
    free, plain = make_gan(balance=kg.Balance(lower=-1.0, upper=2.0)), make_gan()
    for gan in (free, plain):
        gan.fit(IMAGES, batch_size=8, verbose=0)
    assert max_difference(to_numpy(free.weights), to_numpy(plain.weights)) <= 1e-6


def test_a_custom_discriminator_of_packs_is_checked():
    critic = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    kwargs = {"data_spec": kg.Vectors(2), "discriminator": critic, "hidden_units": 4}
    assert kg.models.GAN(pac=2, **kwargs).pac == 2
    with pytest.raises(ValueError, match=r"\(None, 6\), 3 examples joined"):
        kg.models.GAN(pac=3, **kwargs)
    with pytest.raises(ValueError, match="class"):
        kg.models.GAN((8, 8, 1), pac=2, num_classes=3, generator=1, discriminator=1)
    gan = kg.models.GAN(pac=2, **kwargs)
    gan.compile()
    with pytest.raises(ValueError, match="packs"):
        gan.fit(np.zeros((6, 2), "float32"), batch_size=3)


def test_packs_of_dcgan_and_of_wgan_gp():
    for cls in (kg.models.DCGAN, kg.models.WGANGP):
        gan = cls((16, 16, 3), width=4, latent_dim=4, pac=2)
        assert gan.discriminator.input_shape == (None, 16, 16, 6)
        gan.compile(discriminator_steps=1)
        images = IMAGES[:8].repeat(2, axis=1).repeat(2, axis=2)
        history = gan.fit(images, batch_size=4, verbose=0).history
        assert np.isfinite(history["d_loss"]).all()


@pytest.mark.parametrize("option", ["feature_matching", "top_k", "unrolled", "balance"])
def test_options_are_objects(option):
    with pytest.raises(ValueError, match="Expected"):
        make_gan(**{option: 3})


# ------------------------------------------------------------ discriminator_steps


def test_steps_change_between_fits():
    gan = make_gan()
    gan.fit(IMAGES, batch_size=8, verbose=0)
    assert int(gan.discriminator_optimizer.iterations) == 4
    gan.discriminator_steps = 2
    history = gan.fit(IMAGES, batch_size=8, verbose=0).history
    assert int(gan.discriminator_optimizer.iterations) == 4 + 4
    assert int(gan.generator_optimizer.iterations) == 4 + 2
    assert history["discriminator_steps"] == [2]
    assert gan.get_compile_config()["discriminator_steps"] == 2


def test_steps_change_between_epochs():
    """An epoch keeps its number of alternating steps; each update its batch."""
    gan = make_gan()
    schedule = kg.callbacks.DiscriminatorSteps({1: 3, 2: 2})
    history = gan.fit(
        IMAGES, batch_size=8, epochs=3, verbose=0, callbacks=[schedule]
    ).history
    assert history["discriminator_steps"] == [1, 3, 2]
    assert int(gan.generator_optimizer.iterations) == 3 * 4
    assert int(gan.discriminator_optimizer.iterations) == 4 * (1 + 3 + 2)
    assert int(gan.images_seen) == 4 * (1 + 3 + 2) * 8
    assert gan.discriminator_steps == 1  # for the next `fit`, which counts with it


def test_resume_with_a_schedule_is_exact(tmp_path):
    def fit(gan, first, last):
        schedule = kg.callbacks.DiscriminatorSteps(lambda epoch: 1 + epoch)
        gan.fit(
            IMAGES, batch_size=8, initial_epoch=first, epochs=last, verbose=0,
            callbacks=[schedule],
        )  # fmt: skip

    whole, first, second = make_gan(), make_gan(), make_gan()
    fit(whole, 0, 2)
    fit(first, 0, 1)
    first.save_weights(tmp_path / "gan.weights.h5")
    second.load_weights(tmp_path / "gan.weights.h5")
    fit(second, 1, 2)
    assert max_difference(state(whole), state(second)) == 0


def test_steps_that_cannot_change():
    class Change(keras.callbacks.Callback):
        def __init__(self, steps):
            super().__init__()
            self.steps = steps

    class WithinEpoch(Change):
        def on_train_batch_end(self, batch, logs=None):
            self.model.discriminator_steps = self.steps

    class BeforeEpoch(Change):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.discriminator_steps = self.steps

    gan = make_gan()
    with pytest.raises(RuntimeError, match="within an epoch"):
        gan.fit(IMAGES, batch_size=8, verbose=0, callbacks=[WithinEpoch(2)])
    with pytest.raises(RuntimeError, match="fit"):
        batches = (IMAGES[i : i + 8] for i in (0, 8))
        gan.fit(batches, verbose=0, callbacks=[BeforeEpoch(2)])
    with pytest.raises(ValueError, match="40 examples"):
        gan.fit(IMAGES, batch_size=8, verbose=0, callbacks=[BeforeEpoch(5)])
    late, seen = kg.callbacks.DiscriminatorSteps({0: 2, 3: 5}), int(gan.images_seen)
    with pytest.raises(ValueError, match="40 examples"):  # before the first epoch
        gan.fit(IMAGES, batch_size=8, epochs=4, verbose=0, callbacks=[late])
    with pytest.raises(RuntimeError, match="with data in batches"):
        gan.fit((IMAGES[i : i + 8] for i in (0, 8)), verbose=0, callbacks=[late])
    assert gan.discriminator_steps == 1 and int(gan.images_seen) == seen

    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    twice = kg.callbacks.DiscriminatorSteps({0: 2})
    with pytest.raises(KeyboardInterrupt):
        gan.fit(IMAGES, batch_size=8, verbose=0, callbacks=[twice, Interrupt()])
    with pytest.raises(ValueError, match="at least 1"):
        gan.discriminator_steps = 0
    assert gan.discriminator_steps == 1
    gan.fit(IMAGES, batch_size=8, verbose=0)
