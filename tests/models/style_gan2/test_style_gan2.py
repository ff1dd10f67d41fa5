import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend
from keras_gans.models.style import StyleAverage
from keras_gans.models.style_gan2 import networks
from tests.callbacks.stand_in import warns
from tests.gan_test_case import to_numpy

SMALL = {
    "image_shape": (16, 16, 1),
    "latent_dim": 6,
    "style_dim": 5,
    "channel_base": 32,
    "channel_max": 4,
    "mapping_depth": 1,
    "seed": 0,
}


def trained_weights(network):
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


@pytest.mark.once
def test_parameters_are_those_of_the_authors():
    """Configuration F; theirs of G has a mapping network of 2,101,248 too."""
    synthesis = networks.style_gan2_synthesis((1024, 1024, 3), 512, 32768, 512)
    assert trained_weights(synthesis) + 2_101_248 == 30_370_060
    for side, count in ((256, 28_864_129), (1024, 29_012_513)):
        discriminator = networks.style_gan2_discriminator((side, side, 3))
        assert trained_weights(discriminator) == count


def lively(gan):
    """Gives the averaged generator weights by which styles matter."""
    rng = np.random.default_rng(0)
    for weight in gan.ema_generator.weights:
        size = 100.0 if weight.path.startswith("dense_") else 1.0  # scaled by 0.01
        if weight.path.endswith(("kernel", "average", "constant")):
            weight.assign(size * rng.normal(size=weight.shape))
    return gan


@pytest.fixture(scope="module")
def gan():
    return lively(kg.models.StyleGAN2(**SMALL))


def test_truncation(gan):
    latents = gan.sample_latents(3, seed=1)
    full = gan.map_latents(latents)
    assert full.shape == (3, 6, 5) == (3, gan.num_styles, gan.style_dim)
    assert (full == full[:, :1]).all()
    half = gan.map_latents(latents, truncation_psi=0.5, truncation_cutoff=2)
    np.testing.assert_allclose(half[:, 2:], full[:, 2:], atol=1e-5)
    np.testing.assert_allclose(
        half[:, :2], (full[:, :2] + gan.mean_style) / 2, rtol=1e-4, atol=1e-4
    )
    images = gan.generate(3, seed=1)
    assert images.dtype == np.uint8 and (images == gan.synthesize(full)).all()
    assert (images == gan.generate(3, seed=1, truncation_cutoff=6)).all()
    average = gan.generate(3, seed=1, truncation_psi=0.0)
    assert (average == gan.synthesize(gan.mean_style[None])).all()


def test_extrapolation_is_labelled(gan):
    latents, mean = gan.sample_latents(2, seed=1), gan.mean_style
    expected = mean + 1.5 * (gan.map_latents(latents) - mean)
    with warns("truncation_psi=1.5 is outside of"):
        styles = gan.map_latents(latents, truncation_psi=1.5)
    np.testing.assert_allclose(styles, expected, rtol=1e-4, atol=1e-4)
    with warns("psi=-1 is outside"):
        gan.generate(1, truncation_psi=-1.0)


def test_wrong_arguments_of_sampling(gan):
    latents = gan.sample_latents(3, seed=1)
    with pytest.raises(ValueError, match=r"shape \(N, 6\). Received: \(3, 5\)"):
        gan.map_latents(latents[:, :5])
    with pytest.raises(ValueError, match="a finite number, best in"):
        gan.generate(1, truncation_psi=np.nan)
    with pytest.raises(ValueError, match="in 0..6.*Received: 7"):
        gan.generate(1, truncation_cutoff=7)
    with pytest.raises(ValueError, match="no `labels`"):
        gan.generate(1, truncation_psi=0.5, labels=1)
    with pytest.raises(ValueError, match=r"shape \(N, 6, 5\). Received: \(2, 3, 5\)"):
        gan.synthesize(np.zeros((2, 3, 5)))


def test_styles_are_mixed_for_a_share_of_the_images():
    def shares(mixing, training=True):
        gan = kg.models.StyleGAN2(**SMALL, style_mixing=mixing)
        latents = gan.sample_latents(200, seed=0)
        with backend.no_gradients():
            ws = gan.styles_of(ops.convert_to_tensor(latents), training=training)
        ws = ops.convert_to_numpy(ops.stop_gradient(ws))
        changes = (np.abs(np.diff(ws, axis=1)).max(-1) > 0).sum(1)
        assert changes.max() <= 1, "of two latents"
        at = (np.abs(np.diff(ws, axis=1)).max(-1) > 0).mean(0)
        return changes.mean(), at

    share, where = shares(0.8)
    assert 0.7 < share < 0.9
    assert (where > 0.05).all(), "at every layer"
    assert shares(0.0)[0] == 0 == shares(0.8, training=False)[0]


def test_condition_changes_images_and_logits():
    gan = kg.models.StyleGAN2(**SMALL, num_classes=3)
    a, b = (gan.generate(2, seed=0, labels=k, truncation_psi=0.9) for k in (0, 2))
    assert (a != b).any()
    x = np.zeros((3, 16, 16, 1), "float32")
    logits = to_numpy([gan.discriminator([x, np.eye(3, dtype="float32")])])[0]
    assert len(np.unique(logits)) == 3


def test_sizes_and_arguments():
    assert networks.stages_of((64, 64, 3), 4096, 128) == ((4, 4), [128] * 4 + [64])
    assert networks.stages_of((28, 56, 3), 64, 16) == ((7, 14), [16, 8, 4])
    wide = SMALL | {"image_shape": (16, 32, 4)}
    for cls in (kg.models.StyleGAN, kg.models.StyleGAN2):
        assert cls(**wide).generate(2, seed=0).shape == (2, 16, 32, 4)
    for given, message in (
        ({"image_shape": (30, 30, 1)}, "multiples of 4 and at least 16"),
        ({"image_shape": (36, 100, 1)}, "such as 32, 64, 256 or 64 x 128"),
        ({"channel_base": 8}, "at least the resolution of the images, 16"),
        ({"architecture": "style"}, "one of .'orig', 'skip', 'resnet'"),
        ({"style_mixing": 1.5}, r"in \[0, 1\]. Received: 1.5"),
        ({"generator": keras.Sequential()}, "no `generator`"),
    ):
        with pytest.raises(ValueError, match=message):
            kg.models.StyleGAN2(**SMALL | given)


def test_recipe_follows_size_and_batch():
    gan = kg.models.StyleGAN2(**SMALL)
    recipe = gan.recipe(batch_size=16)
    r1, path_length = recipe["penalties"]
    assert r1.gamma == pytest.approx(0.0002 * 256 / 16) and r1.every == 16
    assert path_length.weight == 2.0 and path_length.every == 4
    adam = recipe["generator_optimizer"]
    assert float(adam.learning_rate) == pytest.approx(0.0025 * 4 / 5)
    assert adam.beta_2 == pytest.approx(0.99**0.8) and adam.beta_1 == 0.0
    adam = recipe["discriminator_optimizer"]
    assert float(adam.learning_rate) == pytest.approx(0.0025 * 16 / 17)
    assert recipe["ema_half_life"].get_config() == {"end": 5000.0, "rate": 0.05}
    assert [p.name for p in gan.recipe(path_length=False)["penalties"]] == ["r1"]
    assert gan.recipe(gamma=0.0)["penalties"][0].gamma == 0.0
    recipe = kg.models.StyleGAN(**SMALL).recipe(batch_size=16)
    assert [p.gamma for p in recipe["penalties"]] == [10.0]
    recipe = kg.models.StyleGAN(**SMALL).recipe(gamma=2.0)
    assert [p.gamma for p in recipe["penalties"]] == [2.0]
    assert float(recipe["generator_optimizer"].learning_rate) == pytest.approx(0.001)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16", "bfloat16"])
def test_the_mean_style_needs_no_digits_of_half_precision(dtype):
    layer = StyleAverage(dtype=dtype)
    w = np.tile(np.linspace(0.5, 1.5, 8, dtype="float32"), (4, 1))
    layer.build(w.shape)
    for _ in range(900):
        layer(w, training=True)
    average = keras.ops.convert_to_numpy(layer.average)
    assert average.dtype == "float32"
    np.testing.assert_allclose(average, w[0] * (1.0 - 0.995**900), rtol=0.01)
