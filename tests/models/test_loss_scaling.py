"""Float16: losses are scaled for each player, and gradients back."""

import keras
import numpy as np
import pytest

import keras_gans as kg
from tests.distribution import updates
from tests.gan_test_case import max_difference
from tests.gan_test_case import to_numpy

IMAGES = np.random.default_rng(0).integers(0, 256, (32, 16, 16, 1), "uint8")


def make(name, dtype=None, optimizer=lambda: keras.optimizers.SGD(0.01)):
    keras.utils.set_random_seed(3)
    cls, arguments, options = updates.CASES[name]
    model = cls(seed=5, dtype=dtype, **arguments)
    model.compile(
        generator_optimizer=optimizer(), discriminator_optimizer=optimizer(), **options
    )
    return model


# Penalties that differentiate twice, normalizations, modulated convolutions, labels.
@pytest.mark.parametrize(
    "name",
    [
        "dcgan",
        "r3_gan",
        pytest.param("style_gan2", marks=pytest.mark.once),
        pytest.param("ac_gan", marks=pytest.mark.once),
    ],
)
def test_trains_near_float32(name):
    logs = {}
    for dtype in ("float32", "mixed_float16"):
        model = make(name, dtype)
        if dtype == "mixed_float16":  # no update is to be left out
            for optimizer in model.optimizer.players.values():
                optimizer.dynamic_scale.assign(64.0)
        x, y = updates.data(model, 3)
        logs[dtype] = model.fit(
            x, y, batch_size=updates.BATCH, shuffle=False, verbose=0
        ).history
    dtypes = {layer.compute_dtype for layer in model.generator.layers}
    assert "float16" in dtypes
    assert all(w.dtype == "float32" for w in model.trainable_weights)
    for optimizer in model.optimizer.players.values():
        assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        assert int(optimizer.iterations) == 3
    for key, values in logs["float32"].items():
        np.testing.assert_allclose(
            logs["mixed_float16"][key], values, rtol=0.05, atol=0.01, err_msg=key
        )


def test_an_overflow_leaves_out_the_update_of_that_player_alone():
    gan = make("dcgan", "mixed_float16")
    gan.generator_optimizer.dynamic_scale.assign(1e30)
    before = [to_numpy(n.trainable_weights) for n in (gan.generator, gan.discriminator)]
    gan.fit(IMAGES[:8], batch_size=8, verbose=0)
    after = [to_numpy(n.trainable_weights) for n in (gan.generator, gan.discriminator)]
    assert max_difference(before[0], after[0]) == 0
    assert max_difference(before[1], after[1]) > 0
    assert int(gan.generator_optimizer.iterations) == 0
    assert int(gan.discriminator_optimizer.iterations) == 1
    assert float(gan.generator_optimizer.dynamic_scale) == pytest.approx(5e29)
    assert np.isfinite(to_numpy(gan.ema_generator.weights)[0]).all()


def test_small_gradients_do_not_vanish():
    """A scale of 1 loses what float16 can not hold; the one of training does not."""
    moved = {}
    for scale in (1.0, 2.0**15):
        gan = kg.models.GAN(
            (16, 16, 1), latent_dim=4, hidden_units=20, dtype="mixed_float16", seed=0
        )
        for weight in gan.discriminator.trainable_weights:
            if len(weight.shape) > 1:  # gradients that reach G are tiny
                weight.assign(weight * 0.2)
        gan.compile(generator_optimizer=keras.optimizers.SGD(1.0), ema_half_life=None)
        gan.generator_optimizer.dynamic_scale.assign(scale)
        before = to_numpy(gan.generator.trainable_weights)
        gan.fit(IMAGES[:8], batch_size=8, verbose=0)
        assert int(gan.generator_optimizer.iterations) == 1
        moved[scale] = max_difference(before, to_numpy(gan.generator.trainable_weights))
    assert moved[1.0] == 0.0 < moved[2.0**15]


@pytest.mark.parametrize(
    "scaled",
    [
        lambda: keras.optimizers.SGD(0.01, loss_scale_factor=64.0),
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01)),
    ],
)
def test_scales_that_the_user_asks_for(scaled):
    """In float32 they change nothing."""
    plain, other = make("conditional"), make("conditional", optimizer=scaled)
    for model in (plain, other):
        x, y = updates.data(model, 2)
        model.fit(x, y, batch_size=updates.BATCH, shuffle=False, verbose=0)
    pair = [to_numpy(model.trainable_weights) for model in (plain, other)]
    assert max_difference(*pair) < 1e-6


def test_saved_and_resumed(tmp_path):
    gan = make("dcgan", "mixed_float16", lambda: keras.optimizers.Adam(1e-3))
    gan.fit(IMAGES, batch_size=8, verbose=0)
    gan.discriminator_optimizer.dynamic_scale.assign(128.0)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert again.get_compile_config() == gan.get_compile_config()
    assert isinstance(
        again.discriminator_optimizer.inner_optimizer, keras.optimizers.Adam
    )
    assert float(again.discriminator_optimizer.dynamic_scale) == 128.0
    for model in (gan, again):
        model.fit(IMAGES, batch_size=8, initial_epoch=1, epochs=2, verbose=0)
    states = [
        to_numpy([*model.weights, *model.optimizer.variables]) for model in (gan, again)
    ]
    assert max_difference(*states) == 0


def test_an_average_of_the_optimizer_within():
    gan = kg.models.GAN(dtype="mixed_float16")
    inner = keras.optimizers.SGD(0.1, use_ema=True)
    with pytest.raises(ValueError, match="without `use_ema`"):
        gan.compile(generator_optimizer=keras.optimizers.LossScaleOptimizer(inner))


def test_compile_with_the_models_own_optimizers_keeps_their_scale():
    gan = make("dcgan", "mixed_float16")
    count = len(gan.optimizer.variables)
    gan.generator_optimizer.dynamic_scale.assign(64.0)
    gan.compile(gan.generator_optimizer, gan.discriminator_optimizer)
    assert len(gan.optimizer.variables) == count
    assert float(gan.generator_optimizer.dynamic_scale) == 64.0
