"""The options of `compile`, each by its effect."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import keras_gans as kg
from keras_gans import backend
from tests.gan_test_case import max_difference
from tests.gan_test_case import to_numpy

POINTS = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")


def make_gan(seed=1, **options):
    keras.utils.set_random_seed(0)
    gan = kg.models.GAN(
        data_spec=kg.Vectors(2), latent_dim=4, hidden_units=16, seed=seed
    )
    gan.compile(**options)
    return gan


def fit(gan, count=1, batch_size=16):
    gan.fit(POINTS[: count * batch_size], batch_size=batch_size, verbose=0)
    return gan


def test_a_seed_is_that_of_noise_and_dropout_as_well():
    """Whatever Python's random numbers are."""

    def states(number, seed):
        keras.utils.set_random_seed(number)
        return [
            to_numpy(model._random_states())
            for model in (
                kg.models.StyleGAN((16, 16, 1), channel_max=2, latent_dim=2, seed=seed),
                kg.models.GAN((4, 4, 1), hidden_units=2, seed=seed),
                kg.models.CycleGAN((8, 8, 1), width=1, blocks=1, seed=seed,
                                   discriminator_layers=1),
            )
        ]  # fmt: skip

    first, second, other = states(1, 5), states(2, 5), states(1, 6)
    assert all(len(found) > 1 for found in first)
    for a, b, c in zip(first, second, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (np.array(a) != np.array(c)).any(axis=-1).all()
        assert len({tuple(state) for state in a}) == len(a)


def test_without_a_seed_dropout_has_that_of_python():
    def seeds(number):
        keras.utils.set_random_seed(number)
        network = kg.models.GAN((4, 4, 1), hidden_units=2).discriminator
        generators = [g for x in network._flatten_layers() for g in x._seed_generators]
        return [int(to_numpy([g.state])[0][0]) for g in generators]

    assert len(seeds(1)) > 0 and seeds(1) == seeds(1)
    assert not set(seeds(1)) & set(seeds(2))


def test_no_ema_samples_the_generator():
    gan = fit(make_gan(ema_half_life=None), 4)
    pairs = to_numpy(gan.generator.weights), to_numpy(gan.ema_generator.weights)
    assert max_difference(*pairs) == 0


def test_ema_half_life_is_in_images():
    # Half of the distance is gone after half_life images, whatever the batch size.
    gan = make_gan(
        ema_half_life=64,
        generator_optimizer=keras.optimizers.SGD(0.0),
        jit_compile=False,
    )
    for weight in gan.ema_generator.weights:
        weight.assign(weight + 1.0)
    fit(gan, 4)
    for weight, average in zip(
        gan.generator.weights, gan.ema_generator.weights, strict=True
    ):
        distance = ops.convert_to_numpy(average) - ops.convert_to_numpy(weight)
        np.testing.assert_allclose(distance, 0.5, atol=1e-5)


def test_discriminator_steps_are_updates_on_slices():
    """One step with k slices is k discriminator updates, then one of the generator."""
    k = 3
    gan = fit(make_gan(discriminator_steps=k), k)
    assert int(gan.discriminator_optimizer.iterations) == k
    assert int(gan.generator_optimizer.iterations) == 1
    assert int(gan.images_seen) == k * 16


def test_instance_noise_schedule():
    schedule = keras.optimizers.schedules.PolynomialDecay(2.0, 4, end_learning_rate=0.5)
    gan = make_gan(instance_noise=schedule)
    assert float(gan._noise_stddev()) == 2.0
    fit(gan, 4)
    assert float(gan._noise_stddev()) == pytest.approx(0.5)


def test_instance_noise_reaches_the_discriminator_in_training_only():
    gan = make_gan(instance_noise=1.0)
    gan.discriminator = keras.Sequential([layers.Input((2,)), layers.Identity()])
    zeros = ops.zeros((5000, 2))
    assert ops.convert_to_numpy(gan.discriminate(zeros)).std() == pytest.approx(
        1.0, abs=0.05
    )
    assert ops.convert_to_numpy(gan.discriminate(zeros, training=False)).std() == 0


def test_gradients_are_clipped_through_the_optimizer():
    def change(**clip):
        gan = make_gan(
            discriminator_optimizer=keras.optimizers.SGD(1.0, **clip), seed=3
        )
        before = to_numpy(gan.discriminator.trainable_weights)
        fit(gan)
        after = to_numpy(gan.discriminator.trainable_weights)
        squares = [((a - b) ** 2).sum() for a, b in zip(after, before, strict=True)]
        return sum(squares) ** 0.5

    assert change() > 5e-4
    assert change(global_clipnorm=1e-4) == pytest.approx(1e-4, rel=1e-2)


def test_weight_clipping():
    gan = fit(make_gan(penalties=[kg.penalties.WeightClipping(0.01)]), 4)
    weights = to_numpy(gan.discriminator.trainable_weights)
    assert max(np.abs(w).max() for w in weights) <= 0.01 + 1e-9


def test_lazy_penalty_is_due_every_k_updates():
    """Where it is not due, neither its value nor its share in the mean counts."""
    gan = make_gan(penalties=[kg.penalties.R1(1.0, every=2)])
    gan.discriminator = keras.Sequential(
        [layers.Input((2,)), layers.Dense(1, kernel_initializer="ones")]
    )
    ones = ops.ones((4, 2))
    for iteration, expected in ((0, (2.0, 1.0)), (1, (0.0, 0.0)), (2, (2.0, 1.0))):
        gan.discriminator_optimizer.iterations.assign(iteration)
        _, logs = gan.discriminator_objective(ones)
        np.testing.assert_allclose(to_numpy(logs["r1"]), expected, atol=1e-6)


def test_lazy_penalty_has_the_weight_of_a_regular_one():
    """Every = 2 doubles the penalty where it is due: equal push on average."""
    weights = {}
    for every in (1, 2):
        gan = make_gan(penalties=[kg.penalties.R1(1.0, every=every)])
        real = ops.convert_to_tensor(POINTS[:16])
        gan.discriminator = keras.Sequential(
            [layers.Input((2,)), layers.Dense(1, kernel_initializer="ones")]
        )
        total, logs = gan.discriminator_objective(real)
        total, loss, penalty = to_numpy([total, logs["d_loss"], logs["r1"][0]])
        weights[every] = total - loss
        assert penalty == pytest.approx(2.0)
    assert weights[2] == pytest.approx(2 * weights[1], rel=1e-4)
    assert weights[1] == pytest.approx(0.5 * 2.0, rel=1e-4)


def test_augment_reaches_reals_and_fakes():
    class Shift:
        def __call__(self, images, seed):
            return images + 100.0

    gan = make_gan()
    gan.augment = Shift()
    gan.discriminator = keras.Sequential([layers.Input((2,)), layers.Identity()])
    assert float(ops.min(gan.discriminate(ops.zeros((2, 2))))) == 100.0
    assert float(ops.max(gan.discriminate(ops.zeros((2, 2)), training=False))) == 0.0


@pytest.mark.parametrize(
    "loss",
    [
        "minimax", "non_saturating", "least_squares", "hinge", "wasserstein",
        "relativistic_pairing", "relativistic_average",
    ],
)  # fmt: skip
def test_every_loss_trains(loss):
    history = make_gan(loss=loss).fit(POINTS, batch_size=16, verbose=0).history
    assert np.isfinite(history["d_loss"]).all()
    assert np.isfinite(history["g_loss"]).all()


@pytest.mark.parametrize(
    "penalty", ["gradient_penalty", "lipschitz_penalty", "dragan", "r1", "r2"]
)
def test_every_penalty_trains_and_is_logged(penalty):
    history = make_gan(penalties=[penalty]).fit(POINTS, batch_size=16, verbose=0)
    assert np.isfinite(history.history[penalty]).all()


def test_diffaugment_trains():
    images = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), "uint8")
    gan = kg.models.GAN(image_shape=(16, 16, 3), hidden_units=8, latent_dim=4)
    gan.compile(augment=kg.augment.DiffAugment("color,translation,cutout"))
    history = gan.fit(images, batch_size=8, verbose=0).history
    assert np.isfinite(history["d_loss"]).all()


def test_compile_again_does_not_grow_the_state():
    gan = fit(make_gan(penalties=["r1"]))
    count = len(gan.variables), len(gan.metrics)
    gan.compile(penalties=["r1"])
    assert (len(gan.variables), len(gan.metrics)) == count
    fit(gan)


def test_steps_per_execution():
    options = {"steps_per_execution": 2}
    if keras.config.backend() == "torch":
        with pytest.raises(ValueError, match="steps_per_execution"):
            fit(make_gan(**options), 4)
        return
    first, second = fit(make_gan(), 4), fit(make_gan(**options), 4)
    assert max_difference(to_numpy(first.weights), to_numpy(second.weights)) <= 1e-6


def test_generate_is_the_same_in_any_batch_size():
    gan = make_gan()
    first = gan.generate(10, seed=3, batch_size=10)
    np.testing.assert_allclose(gan.generate(10, seed=3, batch_size=4), first, atol=1e-6)
    latents = gan.sample_latents(10, seed=3)
    np.testing.assert_allclose(gan.generate(latents=latents), first, atol=1e-6)
    assert (gan.generate(4) != gan.generate(4)).any()


def test_each_player_has_its_own_learning_rate():
    gan = make_gan(generator_optimizer=keras.optimizers.Adam(0.25))
    assert float(gan.generator_optimizer.learning_rate) == 0.25
    with pytest.raises(AttributeError, match="generator_optimizer.learning_rate"):
        gan.optimizer.learning_rate  # noqa: B018
    with pytest.raises(AttributeError, match="generator_optimizer.learning_rate"):
        gan.optimizer.learning_rate = 0.5


def test_predict_and_summary(capsys):
    gan = make_gan()
    assert gan.predict(gan.sample_latents(3, seed=0), verbose=0).shape == (3, 2)
    gan.summary()
    printed = capsys.readouterr().out
    assert "generator" in printed
    assert "discriminator" in printed


def test_evaluate_updates_nothing():
    gan = fit(make_gan())
    before = to_numpy([*gan.weights, *gan.optimizer.variables])
    results = gan.evaluate(POINTS, batch_size=16, verbose=0, return_dict=True)
    assert set(results) == {"d_loss", "g_loss", "d_real", "d_fake"}
    after = to_numpy([*gan.weights, *gan.optimizer.variables])
    assert max_difference(before, after) == 0


def test_replicas_draw_what_one_device_draws(monkeypatch):
    expected = ops.convert_to_numpy(make_gan().draw_latents(8))
    monkeypatch.setattr(backend, "num_replicas", lambda: 2)
    draws = []
    for replica in (0, 1):
        monkeypatch.setattr(backend, "replica_id", lambda replica=replica: replica)
        draws.append(ops.convert_to_numpy(make_gan().draw_latents(4)))
    np.testing.assert_array_equal(np.concatenate(draws), expected)


def test_own_networks_round_trip(tmp_path):
    generator = keras.Sequential([layers.Input((4,)), layers.Dense(2)])
    discriminator = keras.Sequential([layers.Input((2,)), layers.Dense(1)])
    gan = kg.models.GAN(
        data_spec=kg.Vectors(2),
        latent_dim=4,
        generator=generator,
        discriminator=discriminator,
    )
    gan.compile(loss="hinge")
    fit(gan)
    gan.save(tmp_path / "own.keras")
    again = keras.saving.load_model(tmp_path / "own.keras")
    np.testing.assert_array_equal(again.generate(3, seed=0), gan.generate(3, seed=0))


@pytest.mark.parametrize("whole", [False, True])
def test_frozen_layers_stay_frozen(whole, tmp_path):
    """A loaded model trains what the saved one did, with its optimizers' state."""
    gan = kg.models.GAN((8, 8, 1), latent_dim=4, hidden_units=8, seed=0)
    frozen = gan.generator if whole else gan.generator.layers[0]
    frozen.trainable = False
    before = to_numpy(frozen.weights)
    gan.compile()
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1), "uint8")
    gan.fit(images, batch_size=4, verbose=0)
    gan.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for one in (gan, loaded):
        one.fit(images, batch_size=4, initial_epoch=1, epochs=2, verbose=0)
    assert max_difference(to_numpy(gan.weights), to_numpy(loaded.weights)) == 0
    frozen = loaded.generator if whole else loaded.generator.layers[0]
    assert max_difference(before, to_numpy(frozen.weights)) == 0
    assert loaded.discriminator.trainable
