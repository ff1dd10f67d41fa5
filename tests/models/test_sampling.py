import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans import interpolation


def test_truncated_latents():
    gan = kg.models.DCGAN((16, 16, 1), width=2, latent_dim=50)
    latents = gan.sample_latents(200, seed=0, truncation=0.5)
    assert np.abs(latents).max() <= 0.5
    # The standard deviation of a normal number within +-0.5 is 0.2839.
    assert latents.std() == pytest.approx(0.2839, rel=0.02)
    same = gan.sample_latents(200, seed=0, truncation=0.5)
    np.testing.assert_array_equal(latents, same)
    images = gan.generate(4, seed=0, truncation=0.5)
    wanted = gan.generate(latents=gan.sample_latents(4, seed=0, truncation=0.5))
    np.testing.assert_array_equal(images, wanted)


@pytest.mark.parametrize(
    ("kwargs", "given", "message"),
    [
        ({}, {"truncation": 0.0}, "number > 0.*Received: 0.0"),
        ({"latent_distribution": "uniform"}, {"truncation": 0.5}, "uniform latents"),
        ({}, {"truncation": 0.5, "latents": np.zeros((2, 4))}, "random latents"),
    ],
)
def test_bad_truncation(kwargs, given, message):
    gan = kg.models.DCGAN((16, 16, 1), width=2, latent_dim=4, **kwargs)
    with pytest.raises(ValueError, match=message):
        gan.generate(2, **given)


def gan_with_known_statistics(num_classes=None):
    """G(z) = batch norm of z, so that statistics are those of the latents."""
    latents = keras.Input((2,))
    x = keras.layers.BatchNormalization(momentum=0.9)(latents)
    return kg.models.GAN(
        data_spec=kg.Vectors(2), latent_dim=2, latent_distribution="normal",
        generator=keras.Model(latents, x),
        discriminator=keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]),
        seed=0,
    )  # fmt: skip


def test_standing_statistics_are_means_over_batches():
    gan = gan_with_known_statistics()
    trained = gan.generator.get_weights()
    assert gan.standing_statistics(num_batches=5, batch_size=8, seed=3) == 1
    batches = gan.sample_latents(40, seed=3).reshape(5, 8, 2).astype("float64")
    layer = gan.ema_generator.layers[-1]
    mean, variance = (
        keras.ops.convert_to_numpy(v)
        for v in (layer.moving_mean, layer.moving_variance)
    )
    np.testing.assert_allclose(mean, batches.mean(axis=(0, 1)), atol=1e-6)
    np.testing.assert_allclose(variance, batches.var(axis=1).mean(axis=0), rtol=1e-5)
    assert not gan.ema_generator.trainable_variables
    for weight, before in zip(gan.generator.get_weights(), trained, strict=True):
        np.testing.assert_array_equal(weight, before)


def test_standing_statistics_without_batch_norm():
    assert kg.models.GAN((16, 16, 1), hidden_units=8).standing_statistics(2) == 0


@pytest.mark.parametrize("name", ["num_batches", "batch_size"])
@pytest.mark.parametrize("value", [0, 1.5])
def test_bad_sizes_of_standing_statistics(name, value):
    with pytest.raises(ValueError, match=f"`{name}` as an int of at least 1"):
        kg.models.GAN((16, 16, 1), hidden_units=8).standing_statistics(**{name: value})


def test_standing_statistics_of_a_conditional_model():
    gan = kg.models.ConditionalGAN(
        (16, 16, 1), num_classes=3, body="dcgan", width=2, latent_dim=4, seed=0
    )
    before = gan.generate(6, seed=0)
    assert gan.standing_statistics(num_batches=3, batch_size=6) == 2
    assert (gan.generate(6, seed=0) != before).any()
    gan.compile()
    images = np.zeros((8, 16, 16, 1), "uint8")
    gan.fit(images, np.zeros(8, int), batch_size=8, verbose=0)  # goes on


def conditional():
    return kg.models.ConditionalGAN(
        (16, 16, 1), num_classes=3, hidden_units=12, latent_dim=4,
        latent_distribution="normal", seed=0,
    )  # fmt: skip


def test_paths_between_latents(tmp_path):
    gan = conditional()
    path = tmp_path / "pictures" / "paths.png"
    images = interpolation.latent_paths(gan, 2, 5, seed=1, labels=2, path=path)
    assert images.shape == (2, 5, 16, 16, 1) and images.dtype == np.uint8
    assert path.exists()
    ends = gan.sample_latents(4, seed=1)
    for column, latents in ((0, ends[:2]), (-1, ends[2:])):
        wanted = gan.generate(latents=latents, labels=2).astype(int)
        assert np.abs(images[:, column] - wanted).max() <= 1
    with pytest.raises(ValueError, match="2 steps.*Received: 2 and 1"):
        interpolation.latent_paths(gan, 2, 1)


def test_paths_between_classes(tmp_path):
    gan = conditional()
    images = interpolation.class_paths(gan, 0, 2, 2, 3, seed=1)
    latents = gan.sample_latents(2, seed=1)
    middle = np.array([0.5, 0.0, 0.5])
    for column, labels in enumerate((0, middle, 2)):
        wanted = gan.generate(latents=latents, labels=labels).astype(int)
        assert np.abs(images[:, column] - wanted).max() <= 1
    with pytest.raises(ValueError, match="conditional model.*latent_paths"):
        interpolation.class_paths(kg.models.GAN(hidden_units=8), 0, 1)
