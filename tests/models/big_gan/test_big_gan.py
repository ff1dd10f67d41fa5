"""Sizes of the networks, arguments, recipes and what classes do."""

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.models.big_gan.big_gan import big_gan_discriminator
from keras_gans.models.big_gan.big_gan import big_gan_generator
from keras_gans.models.big_gan.networks import GENERATOR_CHANNELS
from keras_gans.models.big_gan_deep.big_gan_deep import big_gan_deep_discriminator
from keras_gans.models.big_gan_deep.big_gan_deep import big_gan_deep_generator

SMALL = {
    "image_shape": (32, 32, 1),
    "embedding_dim": 4,
    "width": 2,
    "channels": (2, 1, 1, 1),
    "latent_dim": 8,
    "seed": 0,
}
# Trainable parameters of ajbrock/BigGAN-PyTorch, built with 1,000 classes, --hier
# --G_shared --shared_dim 128, a width of 96 (deep: 128), 20 latents a slot (deep: 128).
BIG_GAN = {
    32: (9_358_595, 9_836_929),
    64: (70_083_972, 45_500_449),
    128: (70_433_988, 87_982_370),
    256: (82_235_844, 99_225_890),
    512: (82_468_068, None),
}
BIG_GAN_DEEP = {
    32: (7_561_987, 3_088_129),
    64: (49_583_876, 20_869_633),
    128: (50_244_484, 34_590_210),
    256: (55_736_708, 38_247_426),
    # Of pytorch-pretrained-BigGAN, 56,163,905 with 125 filters that make no image.
    512: (56_163_905 - 125 * (9 * 128 + 1), None),
}


def count(network):
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


@pytest.fixture
def zeros(monkeypatch):
    """Zeros in place of orthogonal matrices, which take long."""
    monkeypatch.setattr(
        keras.initializers.Orthogonal,
        "__call__",
        lambda self, shape, dtype=None: keras.ops.zeros(shape, dtype),
    )


def check_counts(generator, discriminator, expected):
    assert count(generator) == expected[0]
    if expected[1] is not None:
        assert count(discriminator()) == expected[1]


@pytest.mark.once
@pytest.mark.parametrize("side", BIG_GAN)
def test_parameters_of_big_gan(side, zeros):
    shape, latent_dim = (side, side, 3), 20 * len(GENERATOR_CHANNELS[side])
    check_counts(
        big_gan_generator(shape, latent_dim, 1000, width=96),
        lambda: big_gan_discriminator(shape, 1000, width=96),
        BIG_GAN[side],
    )


@pytest.mark.once
@pytest.mark.parametrize("side", BIG_GAN_DEEP)
def test_parameters_of_big_gan_deep(side, zeros):
    shape = (side, side, 3)
    check_counts(
        big_gan_deep_generator(shape, 128, 1000, width=128),
        lambda: big_gan_deep_discriminator(shape, 1000, width=128),
        BIG_GAN_DEEP[side],
    )


def test_arguments():
    for shape in ((28, 28, 1), (32, 64, 3), (16, 16, 3)):
        with pytest.raises(ValueError, match="32, 64, 128, 256, 512"):
            kg.models.BigGAN(shape)
    with pytest.raises(ValueError, match="multiple of 4.*Received: 9"):
        kg.models.BigGAN(**SMALL | {"latent_dim": 9})
    for channels in ((4, 4, 2), (1, 2, 4, 4), (4, 4, 2, 0)):
        with pytest.raises(ValueError, match=r"4 multiples of the width.*\(4, 4, 4"):
            kg.models.BigGAN(**SMALL | {"channels": channels})
    with pytest.raises(ValueError, match="at least 4 channels"):
        kg.models.BigGANDeep(**SMALL)
    with pytest.raises(ValueError, match="Received: 2 at 16 x 16. Raise `width`"):
        kg.models.BigGAN(**SMALL, attention_resolutions=(16,))


def test_recipes_follow_size_and_variant():
    sizes = {"width": 4, "channels": (1,) * 4, "embedding_dim": 4, "latent_dim": 8}
    gan = kg.models.BigGANDeep((32, 32, 3), **sizes)
    assert gan.default_batch_size == 50
    recipe = gan.recipe()
    assert recipe["discriminator_steps"] == 4
    # 0.9999 a step: 0.5 ** (50 / half-life) is what is left after a batch of 50.
    assert 0.5 ** (50 / recipe["ema_half_life"]) == pytest.approx(0.9999, abs=1e-8)
    rates = {}
    for cls in (kg.models.BigGAN, kg.models.BigGANDeep):
        for side in (32, 128, 256):
            gan.data_spec = kg.Images((side, side, 3))
            rates[cls.__name__, side] = cls.learning_rates(gan)
    assert rates == {
        ("BigGAN", 32): (2e-4, 2e-4),
        ("BigGAN", 128): (5e-5, 2e-4),
        ("BigGAN", 256): (5e-5, 2e-4),
        ("BigGANDeep", 32): (2e-4, 2e-4),
        ("BigGANDeep", 128): (5e-5, 2e-4),
        ("BigGANDeep", 256): (2.5e-5, 2.5e-5),
    }


def test_condition_and_every_chunk_of_latents_matter():
    gan = kg.models.BigGAN(num_classes=3, **SMALL | {"width": 16})
    latents = np.random.default_rng(0).standard_normal((1, 8)).astype("float32")
    varied = np.repeat(latents, 8, axis=0) + np.eye(8, dtype="float32")
    rows = np.concatenate([latents, latents, varied])
    labels = np.array([0, 1, *[0] * 8])
    images = keras.ops.convert_to_numpy(gan([rows, labels])).reshape(10, -1)
    assert np.abs(images[1:] - images[0]).max(axis=1).min() > 1e-4
    # A mixture of classes is a class between; D's logit is linear in it.
    shares = np.array([[1, 0, 0], [0, 1, 0], [0.25, 0.75, 0]], "float32")
    image = np.repeat(images[:1].reshape(1, 32, 32, 1), 3, axis=0)
    logits = keras.ops.convert_to_numpy(gan.discriminator([image, shares]))[:, 0]
    assert logits[2] == pytest.approx(0.25 * logits[0] + 0.75 * logits[1], abs=1e-4)
    assert logits[0] != pytest.approx(logits[1], abs=1e-4)


def test_orthogonal_penalty_is_the_generators_alone():
    gan = kg.models.BigGAN(**SMALL, orthogonal_penalty=0.5)
    assert len(gan.generator.losses) == 2 + 3 * 3
    assert not gan.discriminator.losses
    assert not kg.models.BigGAN(**SMALL, orthogonal_penalty=0.0).generator.losses
    # Orthogonal at the start, so no penalty (with fewer inputs than outputs there is).
    kernels = [v for v in gan.generator.trainable_variables if v.regularizer]
    tall = [v for v in kernels if np.prod(v.shape[:-1]) >= v.shape[-1]]
    values = [keras.ops.convert_to_numpy(v.regularizer(v.value)) for v in tall]
    assert len(tall) >= 9 and max(values) < 1e-8


@pytest.mark.once
@pytest.mark.parametrize(
    ("cls", "given"),
    [
        (kg.models.BigGAN, {"width": 16}),
        (kg.models.BigGANDeep, {"width": 16, "num_attributes": 2}),
    ],
)
def test_a_step_without_classes_and_of_the_deep_variant(cls, given):
    keras.utils.set_random_seed(0)
    gan = cls(**SMALL | given)
    adam = {
        f"{player}_optimizer": keras.optimizers.Adam(1e-2)
        for player in ("generator", "discriminator")
    }
    # JAX compiles one step faster than its operations one by one.
    eager = keras.config.backend() != "jax"
    gan.compile(discriminator_steps=1, run_eagerly=eager, **adam)
    before = [w.copy() for w in gan.get_weights()]
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 1), "uint8")
    labels = np.eye(2)[[0, 1, 0, 1]] if gan.condition is not None else None
    logs = gan.fit(images, labels, batch_size=4, verbose=0).history
    assert all(np.isfinite(values).all() for values in logs.values())
    pairs = zip(before, gan.get_weights(), strict=True)
    still = [i for i, (old, new) in enumerate(pairs) if (new == old).all()]
    # Some of the few channels are dead at the start, and what feeds them stays.
    assert len(still) <= 0.05 * len(before), [gan.weights[i].path for i in still]
    assert gan.generate(2).shape == (2, 32, 32, 1)
