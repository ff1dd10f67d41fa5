"""Mixtures of Gaussians, in the setups of Unrolled GANs and of PacGAN.

Unrolled's: Metz et al. 2017, arXiv:1611.02163, appendix A. PacGAN's: Lin et al. 2018,
arXiv:1712.04086, section 4.1, which follows VEEGAN (Srivastava et al. 2017,
arXiv:1705.07761). 2,500 samples are drawn from the generator; one within 3 sigma of a
mode is of high quality, and a mode counts if it has such a sample.

A third setup is of our own: what it takes to have all modes and little else.

Deviations: points are drawn once, 1,000 batches of them, and shuffled in each epoch;
PacGAN's setup trains for 400,000 updates, a fortieth of which is made here.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import keras
from keras import layers
from keras import ops

import keras_gans as kg
from keras_gans import backend
from keras_gans.evidence.table import Table
from keras_gans.evidence.table import epochs_of
from keras_gans.models.mlp import Maxout

NUM_SAMPLES = 2500
EPOCH = 1000  # steps
_DATA = {"grid": "gaussian_grid", "ring": "gaussian_ring"}


def _gradient_penalty(setup):
    return kg.penalties.GradientPenalty(10.0)


def _r1(setup):
    return kg.penalties.R1(setup.gamma)


def _r2(setup):
    return kg.penalties.R2(setup.gamma)


# name: options of the GAN and of `compile`. "mbd" and "pac" are of the networks.
METHODS = {
    "gan": {},
    "gan_minibatch_discrimination": {"mbd": True},
    "pacgan2": {"pac": 2},
    "pacgan4": {"pac": 4},
    "wgan_gp": {
        "loss": "wasserstein",
        "penalties": [_gradient_penalty],
        "discriminator_steps": 5,
    },
    "gan_r1": {"penalties": [_r1]},
    "rpgan_r1_r2": {"loss": "relativistic_pairing", "penalties": [_r1, _r2]},
}

# Percent. Srivastava et al. 2017, Elfeki et al. 2019 (arXiv:1812.00802), Lin et al.
PUBLISHED = {
    "grid_unrolled": {
        "gan": {"modes": 3.3, "high_quality": 0.5},
        "wgan_gp": {"modes": 24.2, "high_quality": 28.7},
        "unrolled": {"modes": 23.6, "high_quality": 16.0},
        "veegan": {"modes": 24.6, "high_quality": 40.0},
        "gdpp": {"modes": 24.8, "high_quality": 68.5},
    },
    "ring_unrolled": {
        "gan": {"modes": 1.0, "high_quality": 99.3},
        "wgan_gp": {"modes": 6.8, "high_quality": 59.6},
        "unrolled": {"modes": 7.6, "high_quality": 35.6},
        "veegan": {"modes": 8.0, "high_quality": 52.9},
        "gdpp": {"modes": 8.0, "high_quality": 71.7},
    },
    "grid_pacgan": {
        "gan": {"modes": 17.3, "high_quality": 94.8},
        "pacgan2": {"modes": 23.8, "high_quality": 91.3},
        "pacgan4": {"modes": 24.8, "high_quality": 93.6},
    },
    "ring_pacgan": {
        "gan": {"modes": 6.3, "high_quality": 98.2},
        "pacgan2": {"modes": 7.9, "high_quality": 95.6},
        "pacgan4": {"modes": 7.8, "high_quality": 95.9},
    },
}


def unrolled_networks(pac, mbd):
    """Two layers of 128 tanh units each, orthogonal weights with a gain of 1.4."""

    def dense(units=128, activation="tanh"):
        initializer = keras.initializers.Orthogonal(gain=1.4)
        return layers.Dense(units, activation, kernel_initializer=initializer)

    generator = keras.Sequential(
        [layers.Input((256,)), dense(), dense(), dense(2, None)], name="generator"
    )
    last = [kg.layers.MinibatchDiscrimination(4, 2)] if mbd else []
    discriminator = keras.Sequential(
        [layers.Input((2 * pac,)), dense(), dense(), *last, dense(1, None)],
        name="discriminator",
    )
    return generator, discriminator


def pacgan_networks(pac, mbd):
    """G: 4 layers of 400 ReLU with batch normalization. D: 3 maxout layers of 200."""
    hidden = []
    for _ in range(4):
        hidden += [
            layers.Dense(400, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
        ]
    generator = keras.Sequential(
        [layers.Input((2,)), *hidden, layers.Dense(2)], name="generator"
    )
    last = [kg.layers.MinibatchDiscrimination(4, 2)] if mbd else []
    maxout = [Maxout(200, 5) for _ in range(3)]
    discriminator = keras.Sequential(
        [layers.Input((2 * pac,)), *maxout, *last, layers.Dense(1)],
        name="discriminator",
    )
    return generator, discriminator


def sine_networks(pac, mbd):
    """Three layers of 128 leaky ReLU units; the discriminator's first are sines.

    Of a discriminator of points, sines (Tancik et al. 2020, arXiv:2006.10739) resolve
    the narrow modes sooner than piecewise linear units do.
    """

    def dense(units=128):
        return [
            layers.Dense(units, kernel_initializer="he_normal"),
            layers.LeakyReLU(0.2),
        ]

    sines = layers.Dense(
        128,
        ops.sin,
        kernel_initializer=keras.initializers.RandomNormal(stddev=1.5),
        bias_initializer=keras.initializers.RandomUniform(-3.14, 3.14),
    )
    generator = keras.Sequential(
        [layers.Input((2,)), *dense(), *dense(), *dense(), layers.Dense(2)],
        name="generator",
    )
    last = [kg.layers.MinibatchDiscrimination(4, 2)] if mbd else []
    discriminator = keras.Sequential(
        [
            layers.Input((2 * pac,)),
            sines,
            *dense(),
            *dense(),
            *last,
            layers.Dense(1),
        ],
        name="discriminator",
    )
    return generator, discriminator


class Setup(NamedTuple):
    """What a paper keeps the same for all methods."""

    networks: Callable  # (pac, mbd) -> generator, discriminator
    latent_dim: int
    batch_size: int
    generator_rate: float
    discriminator_rate: float
    betas: tuple
    steps: int
    gamma: float  # of R1 and R2: where modes are narrow, gradients are large
    is_ours: bool = False  # then rates decay to 0 (cosine), and weights are averaged

    def optimizers(self, steps, discriminator_steps=1):
        """Adam of generator and discriminator, which has more updates."""
        made = []
        for rate, updates in (
            (self.generator_rate, steps),
            (self.discriminator_rate, steps * discriminator_steps),
        ):
            if self.is_ours:
                rate = keras.optimizers.schedules.CosineDecay(rate, updates)
            beta_1, beta_2 = self.betas
            made.append(keras.optimizers.Adam(rate, beta_1=beta_1, beta_2=beta_2))
        return made


SETUPS = {
    "unrolled": Setup(
        unrolled_networks, 256, 512, 1e-3, 1e-4, (0.5, 0.999), 25_000, 0.01
    ),
    "pacgan": Setup(pacgan_networks, 2, 100, 1e-4, 1e-4, (0.8, 0.999), 10_000, 0.01),
    "ours": Setup(sine_networks, 2, 256, 2e-3, 2e-3, (0.0, 0.99), 30_000, 0.05, True),
}


def run(data, setup, method, seed, steps):
    """Trains a method, and counts the modes of its samples.

    Args:
        data: "grid" or "ring".
        setup: A key of `SETUPS`.
        method: A key of `METHODS`.
        seed: Int.
        steps: Int, updates of the generator.

    Returns:
        Dict of figures.
    """
    setup, options = SETUPS[setup], dict(METHODS[method])
    pac, mbd = options.pop("pac", 1), options.pop("mbd", False)
    penalties = {"penalties": [make(setup) for make in options.pop("penalties", ())]}
    keras.utils.set_random_seed(seed)
    generator, discriminator = setup.networks(pac, mbd)
    gan = kg.models.GAN(
        data_spec=kg.Vectors(2),
        latent_dim=setup.latent_dim,
        latent_distribution="normal",
        generator=generator,
        discriminator=discriminator,
        pac=pac,
        seed=seed,
    )
    options = {"loss": "non_saturating", "discriminator_steps": 1} | options | penalties
    epoch, epochs = epochs_of(steps, EPOCH)
    gan.compile(
        *setup.optimizers(steps, options["discriminator_steps"]),
        ema_half_life=500 * setup.batch_size if setup.is_ours else None,
        **backend.options_of_small_steps(epoch),
        **options,
    )
    count = epoch * setup.batch_size * options["discriminator_steps"]
    points, _ = kg.datasets.load(_DATA[data], num_samples=count, seed=seed)
    gan.fit(points, batch_size=setup.batch_size, epochs=epochs, verbose=0)
    samples = gan.generate(NUM_SAMPLES, seed=seed, batch_size=NUM_SAMPLES)
    return modes_of(samples, _DATA[data])


def modes_of(samples, data):
    """Modes, percentage of samples of high quality, and reverse KL divergence."""
    metric = kg.metrics.ModeCoverage(data, num_samples=len(samples))
    metric.update_state(fake_images=samples)
    modes, high_quality, reverse_kl = metric.result().values()
    return {
        "modes": modes,
        "high_quality": 100.0 * high_quality,
        "reverse_kl": reverse_kl,
    }


TABLES = [
    Table(
        name=f"{data}_{setup}",
        title=f"{title}, {of}: modes, samples of high quality in %",
        methods=tuple(METHODS),
        columns=("modes", "high_quality", "reverse_kl"),
        run=functools.partial(run, data, setup),
        steps=SETUPS[setup].steps,
        quick_steps=200,
        published=PUBLISHED.get(f"{data}_{setup}", {}),
    )
    for setup, of in (
        ("unrolled", "in the setup of Unrolled GANs"),
        ("pacgan", "in the setup of PacGAN"),
        ("ours", "in a setup of our own"),
    )
    for data, title in (("grid", "25 Gaussians on a grid"), ("ring", "8 on a ring"))
]
