"""Golden values: one backend's numbers, asserted on all.

`python -m tests.golden_case` writes tests/golden/*.npz anew, on the backend in force.
Weights, latents and random numbers are NumPy's, seeded; backends never draw.
"""

import contextlib
import pathlib

import keras
import numpy as np
from keras import ops

import keras_gans as kg
from keras_gans import backend
from keras_gans.models.translation import TranslationModel
from keras_gans.models.translation.networks import unet_generator
from tests.gan_test_case import Batches

FOLDER = pathlib.Path(__file__).parent / "golden"
START = 11
TINY = {"image_shape": (16, 16, 1), "latent_dim": 6, "seed": 0}
STYLES = {"style_dim": 5, "channel_base": 32, "channel_max": 4, "mapping_depth": 1}
PATCHES = {"discriminator_width": 4, "discriminator_layers": 2, "seed": 0}
PENALTIES = {
    "gradient_penalty": kg.penalties.GradientPenalty(10.0),
    "lipschitz_penalty": kg.penalties.LipschitzPenalty(10.0),
    "dragan": kg.penalties.DRAGAN(10.0),
    "r1": kg.penalties.R1(10.0),
    "r2": kg.penalties.R2(10.0),
}


def no_dropout_discriminator():
    """The perceptron without dropout, whose masks the backends draw themselves."""
    from keras_gans.models.mlp import mlp_discriminator

    return mlp_discriminator(TINY["image_shape"], 10, dropout=(0.0, 0.0))


def no_dropout_ac_gan():
    """Likewise for AC-GAN."""
    from keras_gans.models.ac_gan.ac_gan import ac_gan_discriminator

    return ac_gan_discriminator(TINY["image_shape"], 3, 2, dropout=0.0)


def no_dropout_unet():
    """Likewise for pix2pix."""
    return unet_generator((16, 16, 1), 3, width=4, dropout=False)


CASES = {
    "gan": (
        lambda: kg.models.GAN(
            hidden_units=20, discriminator=no_dropout_discriminator(), **TINY
        ),
        {},
    ),
    "dcgan": (lambda: kg.models.DCGAN(width=4, **TINY), {}),
    "conditional_gan": (
        lambda: kg.models.ConditionalGAN(num_classes=3, body="dcgan", width=4, **TINY),
        {},
    ),
    "ac_gan": (
        lambda: kg.models.ACGAN(
            num_classes=3, width=4, discriminator=no_dropout_ac_gan(), **TINY
        ),
        {},
    ),
    "sn_gan": (
        lambda: kg.models.SNGAN(num_classes=3, body="cnn", width=2, **TINY),
        {"discriminator_steps": 2},
    ),
    "sa_gan": (
        lambda: kg.models.SAGAN(
            num_classes=3, width=4, **TINY | {"image_shape": (32, 32, 1)}
        ),
        {},
    ),
    "big_gan": (
        lambda: kg.models.BigGAN(
            num_classes=3,
            width=2,
            embedding_dim=4,
            attention_resolutions=(8,),
            **TINY | {"image_shape": (32, 32, 1), "latent_dim": 8},
        ),
        {"discriminator_steps": 1},
    ),
    "big_gan_deep": (
        lambda: kg.models.BigGANDeep(
            num_classes=3,
            width=4,
            channels=(2, 1, 1, 1),
            embedding_dim=4,
            **TINY | {"image_shape": (32, 32, 1)},
        ),
        {"discriminator_steps": 1},
    ),
    "info_gan": (
        lambda: kg.models.InfoGAN(
            TINY["image_shape"], noise_dim=3, categorical=(3,), width=2, seed=0
        ),
        {},
    ),
    "r3_gan": (
        lambda: kg.models.R3GAN(num_classes=3, width=4, blocks=1, group_size=4, **TINY),
        {},
    ),
    "style_gan": (lambda: kg.models.StyleGAN(**STYLES, **TINY), {}),
    "style_gan2": (
        lambda: kg.models.StyleGAN2(num_classes=3, **STYLES, **TINY),
        {
            "penalties": [
                kg.penalties.R1(0.1, every=2),
                kg.penalties.PathLength(0.01, every=2),
            ],
            "augment": kg.augment.ADA(p=0.5, speed=100, every=2),
        },
    ),
    "pix2pix": (
        lambda: kg.models.Pix2Pix(
            (16, 16, 1), (16, 16, 3), generator=no_dropout_unet(), **PATCHES
        ),
        {},
    ),
    "cycle_gan": (
        lambda: kg.models.CycleGAN(
            (16, 16, 3), blocks=1, width=4, pool_size=5, **PATCHES
        ),
        # Less of them, as instance normalization enlarges what rounding differs by.
        {"cycle_weight": 1.0, "identity_weight": 0.5},
    ),
    "sr_gan": (
        lambda: kg.models.SRGAN(
            (14, 14, 1), scale=2, width=4, blocks=1, discriminator_width=2, seed=0
        ),
        {
            "perceptual_loss": "lenet_fashion_mnist",
            "perceptual_weight": 0.1,
            "adversarial_weight": 0.5,
        },
    ),
    "context_encoder": (
        lambda: kg.models.ContextEncoder(
            (16, 16, 1), width=4, discriminator_width=4, seed=0
        ),
        {"l2_weight": 0.5, "adversarial_weight": 0.5},
    ),
    "wgan": (lambda: kg.models.WGAN(width=4, **TINY), {"discriminator_steps": 2}),
    "wgan_gp": (lambda: kg.models.WGANGP(width=4, **TINY), {"discriminator_steps": 2}),
    "r1_r2_lazy": (
        lambda: kg.models.WGANGP(width=4, **TINY),
        {
            "loss": "relativistic_pairing",
            "penalties": [kg.penalties.R1(1.0), kg.penalties.R2(1.0, every=2)],
            "discriminator_steps": 1,
            "instance_noise": 0.1,
        },
    ),
}


@contextlib.contextmanager
def numpy_random():
    """Makes `keras.random.normal` and `uniform` return NumPy's numbers.

    The numbers depend on the shape alone, since backends trace code more than once.
    """
    originals = keras.random.normal, keras.random.uniform

    def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        shape = tuple(int(n) for n in shape)
        rng = np.random.default_rng((START, *shape))
        return ops.convert_to_tensor(
            (mean + stddev * rng.standard_normal(shape)).astype("float32")
        )

    def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        shape = tuple(int(n) for n in shape)
        rng = np.random.default_rng((START, *shape))
        return ops.convert_to_tensor(rng.uniform(minval, maxval, shape).astype("f4"))

    keras.random.normal, keras.random.uniform = normal, uniform
    try:
        yield
    finally:
        keras.random.normal, keras.random.uniform = originals


def seed_weights(model):
    """Sets all networks' weights to NumPy's numbers."""
    rng = np.random.default_rng(7)
    # Networks with equalized rates scale their weights themselves, those of dense
    # layers of mapping networks by 0.01 more.
    equalized = isinstance(model, kg.models.StyleGAN2)
    for network in trained(model):
        for weight in network.weights:
            values = rng.normal(0.0, 1.0 if equalized else 0.1, weight.shape)
            if equalized and weight.path.startswith("dense_"):
                values = 100.0 * values
            if weight.name in ("gamma", "moving_variance"):
                values = 1.0 + np.abs(values)
            weight.assign(values.astype("float32"))
    for network, average in model.averaged():
        average.set_weights(network.get_weights())


def trained(model):
    """The networks that training changes."""
    if is_gan(model):
        return [model.generator, model.discriminator]
    return [n for player in model.players() for n in player.networks]


def is_gan(model):
    return isinstance(model, kg.models.GAN)


def compute(name):
    """Computes all golden values of a case."""
    make, options = CASES[name]
    model = make()
    sgd = {
        f"{player}_optimizer": keras.optimizers.SGD(0.05)
        for player in ("generator", "discriminator")
    }
    # JAX takes longer for its operations one by one than to compile them.
    on_jax = keras.config.backend() == "jax"
    model.compile(**sgd, run_eagerly=not on_jax, **options)
    seed_weights(model)
    rng = np.random.default_rng(3)
    if is_gan(model):
        evaluate, images, labels = gan_values(model, rng)
    elif isinstance(model, TranslationModel):
        evaluate, images, labels = translation_values(model, rng)
    else:
        evaluate, images, labels = inpainting_values(model, rng)
    if on_jax:
        evaluate = backend.compiled(evaluate, model.variables)
    with numpy_random():
        values = dict(evaluate({}))
        three = [
            None if a is None else np.concatenate([a] * 3) for a in (images, labels)
        ]
        data = Batches(three[0], 4, three[1])
        history = model.fit(data, shuffle=False, verbose=0).history
    values |= {f"log/{m.name}": history[m.name][0] for m in model.metrics}
    averages = [average for _, average in model.averaged()]
    for i, network in enumerate([*trained(model), *averages]):
        # An average stands for its generator, whose updates are in it.
        name = network.name.removeprefix("ema_")
        name = name if is_gan(model) else f"{i}_{name}"
        for k, weight in enumerate(network.weights):
            values[f"{name}/{k}/{weight.name}"] = weight
    with backend.no_gradients():
        return {
            key: np.array(ops.convert_to_numpy(v), "float32")
            for key, v in values.items()
        }


def gan_values(model, rng):
    """A function to the values before training, images and labels."""
    latents = rng.standard_normal((4, model.latent_dim)).astype("float32")
    images = rng.integers(
        0, 256, (4 * model.discriminator_steps, *model.data_spec.shape), "uint8"
    )
    real = model.data_spec.to_network(ops.convert_to_tensor(images[:4]))
    labels = condition = None
    if model.condition is not None:
        labels = model.condition.for_samples(None, len(images))
        condition = model.condition.to_network(labels[:4])

    def discriminate(examples):
        return model.discriminate(examples, condition, training=False)

    # One of deep networks, whose gradients' gradients take long to compile.
    is_deep = isinstance(model, (kg.models.SAGAN, kg.models.BigGAN))
    penalties = ["gradient_penalty"] if is_deep else PENALTIES

    def evaluate(_):
        fake = model(latents if labels is None else [latents, labels[:4]])
        logits = discriminate(real), discriminate(fake)
        values = {"fake": fake, "real_logits": logits[0], "fake_logits": logits[1]}
        values["d_loss"] = model.loss.discriminator(*logits)
        values["g_loss"] = model.loss.generator(logits[1], logits[0])
        for key in penalties:
            values[key] = PENALTIES[key](discriminate, real, fake, 0)
        return values

    return evaluate, images, labels


def translation_values(model, rng):
    """Likewise of a model of two domains: the second's images are the labels."""
    specs = model.data_spec, model.data_spec_b
    images = [rng.integers(0, 256, (4, *spec.shape), "uint8") for spec in specs]
    a, b = (
        spec.to_network(ops.convert_to_tensor(x))
        for spec, x in zip(specs, images, strict=True)
    )

    def evaluate(_):
        values = {}
        for player in model.players():
            value, logs, *_ = player.objective(a, b, training=False)
            values |= {player.name: value, **logs}
        for to, (network, *_) in model.directions().items():
            values[f"fake_{to}"] = network(a if to == "b" else b, training=False)
        return values

    return evaluate, *images


def inpainting_values(model, rng):
    """Likewise of a model that fills holes."""
    images = rng.integers(0, 256, (4, *model.data_spec.shape), "uint8")
    real = model.data_spec.to_network(ops.convert_to_tensor(images))

    def evaluate(_):
        masks = model.draw_masks(4)
        values = {"masks": masks, "filled": model([real, masks])}
        for player in model.players():
            value, logs, *_ = player.objective(real, training=False)
            values |= {player.name: value, **logs}
        return values

    return evaluate, images, None


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        np.savez_compressed(FOLDER / f"{case}.npz", **compute(case))
        print(case, (FOLDER / f"{case}.npz").stat().st_size, "bytes")
