import keras
import numpy as np
import pytest

import keras_gans as kg


def test_half_a_cosine_then_constant():
    ramp = kg.schedules.CosineRamp(2.0, 1.0, 100)
    values = [float(ramp(step)) for step in (0, 25, 50, 75, 100, 1000)]
    expected = [2.0, 1.5 + np.sqrt(0.5) / 2, 1.5, 1.5 - np.sqrt(0.5) / 2, 1.0, 1.0]
    assert values == pytest.approx(expected, rel=1e-6)
    assert float(kg.schedules.CosineRamp(0.0, 5.0, 7)(0)) == 0.0


def test_config_and_arguments():
    ramp = kg.schedules.CosineRamp(2.0, 1.0, 100)
    config = keras.saving.serialize_keras_object(ramp)
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == ramp.get_config()
    with pytest.raises(ValueError, match="above 0. Received: 0"):
        kg.schedules.CosineRamp(1.0, 0.0, 0)


def test_rate_penalty_and_average_follow(tmp_path):
    """All three schedules of R3GAN act in the step, and are saved with the model."""
    ramp = kg.schedules.CosineRamp

    def make(gamma, half_life):
        keras.utils.set_random_seed(0)
        gan = kg.models.GAN((8, 8, 1), latent_dim=4, hidden_units=10, seed=0)
        rng = np.random.default_rng(0)
        for w in gan.discriminator.trainable_weights:  # large enough to be penalized
            w.assign(rng.normal(0.0, 0.2, w.shape))
        gan.compile(
            penalties=[kg.penalties.R1(gamma), kg.penalties.R2(gamma)],
            generator_optimizer=keras.optimizers.SGD(ramp(0.1, 0.0, 2)),
            discriminator_optimizer=keras.optimizers.SGD(0.01),
            ema_half_life=half_life,
            run_eagerly=True,
        )
        return gan

    def weights(model):
        return np.concatenate([w.reshape(-1) for w in model.get_weights()])

    images = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 1), "uint8")
    gan = make(ramp(8.0, 0.0, 2), ramp(0.0, 16.0, 8))
    other = make(8.0, None)
    for model in (gan, other):
        model.fit(images[:8], batch_size=8, verbose=0)
    # Gamma is 8 at the first update, and the half-life 0: the generator itself.
    np.testing.assert_allclose(
        weights(gan.discriminator), weights(other.discriminator), atol=1e-6
    )
    np.testing.assert_array_equal(weights(gan.ema_generator), weights(gan.generator))
    path = tmp_path / "gan.keras"
    gan.save(path)
    loaded = keras.saving.load_model(path)
    assert loaded.get_compile_config() == gan.get_compile_config()
    averages = weights(gan.ema_generator)
    for model in (gan, loaded, other):
        model.fit(images[8:], batch_size=8, verbose=0)
    np.testing.assert_array_equal(weights(loaded), weights(gan))
    # Half-life 16 from image 8 on: after 8 more, 2^(-1/2) of the old average is left.
    kept = 0.5**0.5
    expected = kept * averages + (1 - kept) * weights(gan.generator)
    np.testing.assert_allclose(weights(gan.ema_generator), expected, atol=1e-6)
    # And gamma 4 at the second update.
    assert float(gan.penalties[0].weight_at(1)) == pytest.approx(2.0)
    assert other.penalties[0].weight_at(1) == 4.0
    difference = weights(gan.discriminator) - weights(other.discriminator)
    assert np.abs(difference).max() > 1e-3
