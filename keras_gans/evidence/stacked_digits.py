"""Stacked digits: 1,000 modes that a classifier tells apart.

Three digits of scikit-learn's set, drawn at random, are the channels of one image
(Metz et al. 2017, arXiv:1611.02163, section 3.3.1, with MNIST). A small classifier of
digits, trained here, says which mode a sample belongs to.

Deviations: 8 x 8 digits, enlarged to 16 x 16, in place of MNIST; 10,000 samples in
place of 26,000; a sample counts if the classifier is sure (0.9) of all its channels. So
no published value is comparable; "real" is the ceiling: held-out digits, stacked.
"""

import functools

import keras
import numpy as np

import keras_gans as kg
from keras_gans import backend
from keras_gans.evidence.table import Table
from keras_gans.metrics.features.lenet import lenet

SIZE = 16
NUM_SAMPLES = 10_000
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


def stacks(split, count, seed):
    """Draws stacks of three digits: uint8 `(count, 16, 16, 3)`."""
    digits, _ = kg.datasets.load("digits", split, image_size=SIZE)
    rows = np.random.default_rng(seed).integers(len(digits), size=(count, 3))
    return np.moveaxis(digits[rows][..., 0], 1, -1)


@functools.cache
def classifier():
    """Trains the classifier of digits; prints its accuracy on the test split."""
    keras.utils.set_random_seed(0)
    model = lenet((SIZE, SIZE, 1), name="lenet_digits")
    logits = keras.Model(model.input, model.output["logits"])
    logits.compile(
        keras.optimizers.Adam(2e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    for split in ("train", "test"):
        images, labels = kg.datasets.load("digits", split, image_size=SIZE)
        images = images / np.float32(127.5) - 1.0
        if split == "train":
            logits.fit(images, labels, batch_size=64, epochs=30, verbose=0)
        else:
            accuracy = logits.evaluate(images, labels, verbose=0)[1]
            print(f"accuracy of the classifier of digits: {accuracy:.3f}")
    return kg.metrics.features.get(model)


def run(method, seed, steps):
    """Trains a method, and counts the modes of its samples.

    Args:
        method: A key of `METHODS`.
        seed: Int.
        steps: Int, updates of the generator.

    Returns:
        Dict of figures.
    """
    if method == "real":
        samples = stacks("test", NUM_SAMPLES, seed)
    else:
        options = dict(METHODS[method])
        if options.pop("r1_r2", False):
            options["penalties"] = [kg.penalties.R1(GAMMA), kg.penalties.R2(GAMMA)]
        pac = options.pop("pac", 1)
        # Norm layers and gradient penalties do not go together.
        cls = kg.models.WGANGP if options.get("penalties") else kg.models.DCGAN
        keras.utils.set_random_seed(seed)
        gan = cls((SIZE, SIZE, 3), width=16, latent_dim=64, pac=pac, seed=seed)
        options = {
            "loss": "non_saturating", "penalties": [], "discriminator_steps": 1,
        } | options  # fmt: skip
        epoch = min(500, steps)
        rates = [keras.optimizers.Adam(2e-4, beta_1=0.5) for _ in range(2)]
        gan.compile(*rates, **backend.options_of_small_steps(epoch), **options)
        images = stacks("train", epoch * 64 * options["discriminator_steps"], seed)
        gan.fit(images, batch_size=64, epochs=-(-steps // epoch), verbose=0)
        samples = gan.generate(NUM_SAMPLES, seed=seed, batch_size=500)
    metric = kg.metrics.StackedModeCoverage(classifier(), num_samples=len(samples))
    metric.update_state(fake_images=samples)
    modes, high_quality, reverse_kl = metric.result().values()
    return {
        "modes": modes,
        "high_quality": 100.0 * high_quality,
        "reverse_kl": reverse_kl,
    }


TABLES = [
    Table(
        name="stacked_digits",
        title="Stacked digits, 1,000 modes, of 10,000 samples",
        methods=tuple(METHODS),
        columns=("modes", "high_quality", "reverse_kl"),
        run=run,
        steps=5000,
        quick_steps=5,
        published={},
    )
]
