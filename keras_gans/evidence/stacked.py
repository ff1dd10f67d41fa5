"""Stacks of three grey images: 1,000 modes that a classifier tells apart.

Three images of ten classes, drawn at random, are the channels of one image (Metz et al.
2017, arXiv:1611.02163, section 3.3.1, with MNIST). A classifier says which mode a
sample belongs to. All methods have DCGAN's networks; those with a penalty on each
image have no batch normalization in the discriminator, as WGAN-GP.

Deviations: Fashion-MNIST, whose classes are harder to tell apart, or scikit-learn's
8 x 8 digits, enlarged to 16 x 16, in place of MNIST; 10,000 samples of digits in place
of 26,000; networks of width 16, and so few updates that each method takes 15 minutes at
the most on one CPU core; a sample counts if the classifier is sure (0.9) of all its
channels. So no published value is comparable; "real" is the ceiling: held-out images,
stacked. Read modes and samples of high quality together: a classifier can be sure of
noise too, which is then all of one mode.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np

import keras_gans as kg
from keras_gans import backend
from keras_gans.evidence.table import Table
from keras_gans.evidence.table import epochs_of
from keras_gans.metrics.features.lenet import lenet

WIDTH = 16
EPOCH = 500  # steps
GAMMA = 1.0

METHODS = {
    "real": None,
    "gan": {},
    "pacgan2": {"pac": 2},
    "wgan_gp": {
        "loss": "wasserstein",
        "penalties": ["gradient_penalty"],
        "discriminator_steps": 5,
    },
    "rpgan_r1_r2": {"loss": "relativistic_pairing", "r1_r2": True},
}


class Stacked(NamedTuple):
    """Images to stack, and what tells their classes."""

    size: int
    num_samples: int
    classifier: Callable  # () -> features, for `StackedModeCoverage`
    steps: int


@functools.cache
def digits_classifier():
    """Trains the classifier of digits; prints its accuracy on the test split."""
    keras.utils.set_random_seed(0)
    size = SETS["digits"].size
    model = lenet((size, size, 1), name="lenet_digits")
    logits = keras.Model(model.input, model.output["logits"])
    logits.compile(
        keras.optimizers.Adam(2e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    for split in ("train", "test"):
        images, labels = kg.datasets.load("digits", split, image_size=size)
        images = images / np.float32(127.5) - 1.0
        if split == "train":
            logits.fit(images, labels, batch_size=64, epochs=30, verbose=0)
        else:
            accuracy = logits.evaluate(images, labels, verbose=0)[1]
            print(f"accuracy of the classifier of digits: {accuracy:.3f}")
    return kg.metrics.features.get(model)


SETS = {
    "digits": Stacked(16, 10_000, digits_classifier, 5000),
    "fashion_mnist": Stacked(28, 26_000, lambda: "lenet_fashion_mnist", 3000),
}


def stacks(name, split, count, seed):
    """Draws stacks of three images.

    Args:
        name: A key of `SETS`.
        split: "train" or "test".
        count: Int, N.
        seed: Int.

    Returns:
        uint8 `(N, H, W, 3)`.
    """
    images, _ = kg.datasets.load(name, split, image_size=SETS[name].size)
    rows = np.random.default_rng(seed).integers(len(images), size=(count, 3))
    return np.moveaxis(images[rows][..., 0], 1, -1)


def run(name, method, seed, steps):
    """Trains a method, and counts the modes of its samples.

    Args:
        name: A key of `SETS`.
        method: A key of `METHODS`.
        seed: Int.
        steps: Int, updates of the generator.

    Returns:
        Dict of figures.
    """
    data = SETS[name]
    if method == "real":
        samples = stacks(name, "test", data.num_samples, seed)
    else:
        gan = train(name, method, seed, steps)
        samples = gan.generate(data.num_samples, seed=seed, batch_size=500)
    metric = kg.metrics.StackedModeCoverage(
        data.classifier(), num_samples=data.num_samples
    )
    metric.update_state(fake_images=samples)
    modes, high_quality, reverse_kl = metric.result().values()
    return {
        "modes": modes,
        "high_quality": 100.0 * high_quality,
        "reverse_kl": reverse_kl,
    }


def train(name, method, seed, steps):
    """Trains a method; the arguments are those of `run`.

    Returns:
        The model.
    """
    options = dict(METHODS[method])
    if options.pop("r1_r2", False):
        options["penalties"] = [kg.penalties.R1(GAMMA), kg.penalties.R2(GAMMA)]
    pac = options.pop("pac", 1)
    # Norm layers and gradient penalties do not go together.
    cls = kg.models.WGANGP if options.get("penalties") else kg.models.DCGAN
    keras.utils.set_random_seed(seed)
    size = SETS[name].size
    gan = cls((size, size, 3), width=WIDTH, latent_dim=64, pac=pac, seed=seed)
    options = {
        "loss": "non_saturating", "penalties": [], "discriminator_steps": 1,
    } | options  # fmt: skip
    epoch, epochs = epochs_of(steps, EPOCH)
    rates = [keras.optimizers.Adam(2e-4, beta_1=0.5) for _ in range(2)]
    gan.compile(*rates, **backend.options_of_small_steps(epoch), **options)
    images = stacks(name, "train", epoch * 64 * options["discriminator_steps"], seed)
    gan.fit(images, batch_size=64, epochs=epochs, verbose=0)
    return gan


TABLES = [
    Table(
        name=f"stacked_{name}",
        title=f"Stacked {title}, 1,000 modes, of {data.num_samples:,} samples",
        methods=tuple(METHODS),
        columns=("modes", "high_quality", "reverse_kl"),
        run=functools.partial(run, name),
        steps=data.steps,
        quick_steps=5,
        published={},
    )
    for (name, data), title in zip(
        SETS.items(), ("digits", "Fashion-MNIST"), strict=True
    )
]
