import numpy as np
import pytest

import keras_gans as kg
from keras_gans.models.r3_gan import networks
from tests.gan_test_case import to_numpy

SMALL = {"width": 4, "blocks": 1, "group_size": 4, "latent_dim": 6, "seed": 0}


@pytest.mark.once
@pytest.mark.parametrize(
    ("shape", "options", "counts"),
    [
        # Of the authors' networks: CIFAR-10, FFHQ-64, FFHQ-256, ImageNet-32.
        ((32, 32, 3), {}, (20_732_160, 20_683_776)),
        ((64, 64, 3), {}, (22_429_824, 22_381_440)),
        ((256, 256, 3), {}, (23_057_952, 23_009_568)),
        (
            (32, 32, 3),
            {"condition_size": 1000, "width": 1536, "group_size": 32},
            (82_914_304, 86_548_992),
        ),
    ],
)
def test_parameters_are_those_of_the_authors(shape, options, counts):
    generator = networks.r3_gan_generator(shape, 64, **options)
    discriminator = networks.r3_gan_discriminator(shape, **options)
    assert (generator.count_params(), discriminator.count_params()) == counts


def test_starts_without_its_residual_branches():
    """W3 = 0: images are a filtered copy of the scaled basis, D is linear."""
    gan = kg.models.R3GAN((16, 16, 1), **SMALL)
    for network in (gan.generator, gan.discriminator):
        last = [v for v in network.weights if "_project/kernel" in v.path]
        assert len(last) == 3 and max(np.abs(v).max() for v in to_numpy(last)) == 0
    x = np.random.default_rng(0).normal(size=(2, 16, 16, 1)).astype("float32")
    d = [to_numpy([gan.discriminator(a)])[0] for a in (x, 2 * x)]
    np.testing.assert_allclose(d[1], 2 * d[0], rtol=1e-4)
    assert np.abs(d[0]).max() > 1e-3


def test_condition_changes_images_and_logits():
    gan = kg.models.R3GAN((16, 16, 1), num_classes=3, **SMALL)
    images = gan.generate(2, seed=0, labels=0), gan.generate(2, seed=0, labels=2)
    assert (images[0] != images[1]).any()
    x = np.random.default_rng(0).normal(size=(3, 16, 16, 1)).astype("float32")
    x[1:] = x[0]
    logits = to_numpy([gan.discriminator([x, np.eye(3, dtype="float32")])])[0]
    assert len(np.unique(logits)) == 3


def test_sides():
    assert networks.channels_of((28, 28, 1), 32) == ((7, 7), [32, 32, 32])
    assert networks.channels_of((32, 64, 3), 32) == ((4, 8), [32] * 4)
    assert networks.channels_of((128, 128, 3), 32) == ((4, 4), [32] * 4 + [16, 8])
    gan = kg.models.R3GAN((16, 32, 1), **SMALL)
    assert gan.generate(2, seed=0).shape == (2, 16, 32, 1)
    for shape, message in (
        ((30, 30, 1), "multiples of 4 and at least 16.*halved 1 times"),
        ((8, 8, 1), "multiples of 4 and at least 16.*halved 1 times"),
        ((36, 100, 1), "such as 28, 32, 64 or 64 x 128. Received: 36 x 100"),
    ):
        with pytest.raises(ValueError, match=message):
            kg.models.R3GAN(shape, **SMALL)


def test_channels_of_stages():
    shape, channels = (16, 16, 1), (8, 6, 2)
    gan = kg.models.R3GAN(shape, channels=channels, **SMALL)
    features = [gan.generator.get_layer(f"stage_{i}_block_0_project") for i in range(3)]
    assert tuple(layer.filters for layer in features) == channels
    features = [gan.discriminator.get_layer(layer.name) for layer in features]
    assert tuple(layer.filters for layer in features) == channels
    again = kg.models.R3GAN.from_config(gan.get_config())
    assert again.generator.count_params() == gan.generator.count_params()
    for wrong, message in (
        ((8, 4), "`channels` of 3 stages for images of 16 x 16, from 4 x 4 up.*8, 4"),
        ((8, 4, 0), "`channels` as an int of at least 1"),
        ((8, 4, 5), "multiple of group_size=4.*Received: 5 channels"),
    ):
        with pytest.raises(ValueError, match=message):
            kg.models.R3GAN(shape, channels=wrong, **SMALL)


def test_arguments():
    with pytest.raises(ValueError, match="multiple of group_size=16.*Received: 12"):
        kg.models.R3GAN((16, 16, 1), width=12)
    for name in ("width", "blocks", "group_size"):
        with pytest.raises(ValueError, match=f"`{name}` as an int of at least 1"):
            kg.models.R3GAN((16, 16, 1), **SMALL | {name: 0})


def test_recipe_follows_size_and_length():
    gan = kg.models.R3GAN((16, 16, 1), **SMALL)
    recipe = gan.recipe(num_images=6400, batch_size=32)
    rate = recipe["generator_optimizer"].get_config()["learning_rate"]["config"]
    assert rate == {"start": 2e-4, "end": 5e-5, "decay_steps": 200}
    gamma = recipe["penalties"][1].gamma.get_config()
    assert gamma == {"start": 0.05, "end": pytest.approx(0.005), "decay_steps": 200}
    half_life = recipe["ema_half_life"].get_config()
    assert half_life["end"] == pytest.approx(5e6 * 6400 / 2e7)
    assert half_life["decay_steps"] == 6400
    recipe = gan.recipe(6400, 32, rate=1e-3, gamma=0.5)
    rate = recipe["discriminator_optimizer"].get_config()["learning_rate"]["config"]
    assert rate == {"start": 1e-3, "end": 2.5e-4, "decay_steps": 200}
    gamma = recipe["penalties"][0].gamma.get_config()
    assert gamma == {"start": 0.5, "end": pytest.approx(0.05), "decay_steps": 200}
    recipe = gan.recipe(6400, 32, gamma=0.5, final_gamma=0.4)
    gamma = recipe["penalties"][1].gamma.get_config()
    assert gamma == {"start": 0.5, "end": 0.4, "decay_steps": 200}
    for wrong in (
        {"rate": -1.0},
        {"gamma": np.nan},
        {"final_gamma": -1.0},
        {"num_images": 0},
    ):
        (name,) = wrong
        with pytest.raises(ValueError, match=f"Expected: `{name}`"):
            gan.recipe(**wrong)
    gan.data_spec = kg.Images((256, 256, 3))
    recipe = gan.recipe()
    assert recipe["penalties"][0].gamma.start == 150.0
    assert recipe["ema_half_life"].end == 5e5
    assert recipe["discriminator_optimizer"].beta_1 == 0.0
