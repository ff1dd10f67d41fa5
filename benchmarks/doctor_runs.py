"""Runs made sick on purpose, and healthy ones: does `TrainingDoctor` tell?

    KERAS_BACKEND=tensorflow python -m benchmarks.doctor_runs
    KERAS_BACKEND=tensorflow python -m benchmarks.doctor_runs --names flipped healthy

Prints Markdown: which sickness was expected, which were named, and at which step. The
small runs take a minute each at the most on two cores, the recipes up to ten.
"""

import argparse
import collections
import functools
import warnings

import keras
import numpy as np
from keras import ops

import keras_gans as kg
from keras_gans.models.dcgan.dcgan import dcgan_generator

Run = collections.namedtuple("Run", "make batch_size expected")
Run.__doc__ = """A training: `make()` gives the compiled model and callbacks."""

STEPS = 500


class Flipped(kg.losses.NonSaturating):
    """Has the discriminator's arguments in the wrong order."""

    def call_discriminator(self, real_logits, fake_logits):
        """The mistake."""
        return super().call_discriminator(fake_logits, real_logits)


@keras.saving.register_keras_serializable("keras_gans_benchmarks")
class Blend(keras.layers.Layer):
    """Pulls the samples of a batch towards their mean: all the same at share 0."""

    def build(self, input_shape):
        """Makes the share of each sample's own."""
        self.share = self.add_weight(shape=(), initializer="ones", trainable=False)

    def call(self, x):
        """Blends."""
        return self.share * x + (1.0 - self.share) * ops.mean(x, axis=0, keepdims=True)

    def compute_output_shape(self, input_shape):
        """Returns the same."""
        return input_shape


class Collapse(keras.callbacks.Callback):
    """Lets a generator that ends with `Blend` collapse, from a step on."""

    def __init__(self, begin, factor=0.97):
        super().__init__()
        self.begin, self.factor = begin, factor

    def on_train_batch_begin(self, batch, logs=None):
        """Shrinks each sample's own share."""
        if batch >= self.begin:
            kg.backend.sync_state(self.model)
            share = self.factor ** (batch - self.begin)
            self.model.generator.layers[-1].share.assign(share)


def adam(rate):
    """Adam with the betas of DCGAN."""
    return keras.optimizers.Adam(rate, beta_1=0.5)


def dcgan(width, rate=None, d_rate=None, g_rate=None, around=None, **compiled):
    """A DCGAN at 32 x 32; `rate` None for the paper's."""
    generator = None
    if around is not None:  # layers before and after the generator
        first, last = around()
        layers = dcgan_generator((32, 32, 1), 100, width).layers
        generator = keras.Sequential([keras.Input((100,)), *first, *layers, *last])
    model = kg.models.DCGAN((32, 32, 1), width=width, generator=generator, seed=0)
    for name, own in (("generator", g_rate), ("discriminator", d_rate)):
        own = rate if own is None else own
        if own is not None:
            compiled[f"{name}_optimizer"] = adam(own)
    model.compile(**compiled)
    return model


def mlp(hidden_units=1200, **compiled):
    """The GAN of 2014 at 28 x 28."""
    model = kg.models.GAN((28, 28, 1), hidden_units=hidden_units, seed=0)
    model.compile(**compiled)
    return model


def wgan(cls, width, **compiled):
    """A Wasserstein GAN at 32 x 32."""
    model = cls((32, 32, 1), width=width, seed=0)
    model.compile(**compiled)
    return model


def _sgd(rate):
    return keras.optimizers.SGD(rate, momentum=0.5)


def _mlp_rate(factor):
    return mlp(
        128,
        generator_optimizer=_sgd(0.1 * factor),
        discriminator_optimizer=_sgd(0.1 * factor),
    )


make = functools.partial
SMALL = {
    "healthy": Run(make(dcgan, 16, 1e-3), 32, None),
    "healthy_wgan_gp": Run(make(wgan, kg.models.WGANGP, 8), 32, None),
    "lr_x50": Run(make(_mlp_rate, 50), 100, "nan"),
    "strong_discriminator": Run(
        # At the generator's usual rate it escapes in some seeds.
        make(dcgan, 8, d_rate=2e-3, g_rate=5e-5),
        32,
        "discriminator_too_strong",
    ),
    "discriminator_steps_10": Run(
        make(dcgan, 8, discriminator_steps=10), 32, "discriminator_too_strong"
    ),
    "saturating_loss": Run(
        make(dcgan, 8, d_rate=2e-3, loss="minimax"), 32, "vanishing_gradient"
    ),
    "unbounded_critic": Run(
        make(
            wgan, kg.models.WGANGP, 8, penalties=[], discriminator_optimizer=adam(1e-3)
        ),
        32,
        "divergence",
    ),
    "generator_lr_x100": Run(make(dcgan, 8, g_rate=2e-2), 32, "divergence"),
    "no_update": Run(make(dcgan, 8, g_rate=0.0), 32, "generator_not_updated"),
    "constant": Run(
        make(dcgan, 8, around=lambda: ([keras.layers.Rescaling(0.0)], [])),
        32,
        "constant_generator",
    ),
    "flipped": Run(make(dcgan, 8, loss=Flipped()), 32, "labels_flipped"),
    "collapse": Run(
        make(dcgan, 16, 1e-3, around=lambda: ([], [Blend()])), 32, "mode_collapse"
    ),
    "tiny_data": Run(make(dcgan, 16, 1e-3), 32, "memorising"),
}
RECIPES = {
    "dcgan_recipe": Run(make(dcgan, 64), 64, None),
    "gan_recipe": Run(mlp, 100, None),
    "wgan_gp_recipe": Run(make(wgan, kg.models.WGANGP, 32), 64, None),
    "wgan_recipe": Run(make(wgan, kg.models.WGAN, 32), 64, None),
    "dcgan_hinge": Run(make(dcgan, 64, loss="hinge"), 64, None),
    "dcgan_recipe_lr_x50": Run(make(dcgan, 64, 1e-2), 64, "divergence"),
}
RUNS = SMALL | RECIPES
TINY = 64  # images of the tiny data set
COLLAPSE_AT = 150


class UntilNamed(keras.callbacks.Callback):
    """Ends training once a doctor has named a sickness."""

    def __init__(self, doctor, name):
        super().__init__()
        self.doctor, self.name = doctor, name

    def on_train_batch_end(self, batch, logs=None):
        """Looks at the alarms so far."""
        if self.name in [alarm["name"] for alarm in self.doctor.alarms]:
            self.model.stop_training = True


def train(name, steps=STEPS, out=None, verbose=0, until_named=False):
    """Trains one of `RUNS` under a doctor.

    Args:
        name: A key of `RUNS`.
        steps: Int.
        out: Folder of the doctor's report, or None.
        verbose: Of the doctor.
        until_named: Whether training ends with the alarm that is expected.

    Returns:
        The doctor.
    """
    keras.utils.set_random_seed(1)
    run = RUNS[name]
    model = run.make()
    size = model.data_spec.shape[0]
    images, _ = kg.datasets.load("fashion_mnist", image_size=size)
    unseen, _ = kg.datasets.load("fashion_mnist", split="test", image_size=size)
    count = steps * run.batch_size * model.discriminator_steps
    images = images[:TINY] if name == "tiny_data" else images
    images = images[np.arange(count) % len(images)]
    doctor = kg.callbacks.TrainingDoctor(
        validation_images=unseen, out=out, verbose=verbose
    )
    callbacks = [doctor]
    if until_named:
        callbacks.append(UntilNamed(doctor, run.expected))
    if name == "collapse":
        callbacks.append(Collapse(COLLAPSE_AT))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Training stopped")
        model.fit(images, batch_size=run.batch_size, callbacks=callbacks, verbose=0)
    return doctor


def row(name, doctor):
    """One row of the table."""
    expected = RUNS[name].expected
    named = {alarm["name"]: alarm["step"] for alarm in doctor.alarms}
    listed = ", ".join(f"{alarm} at {step}" for alarm, step in named.items())
    right = expected in named if expected else not named
    steps, probes = doctor.records[-1]["step"], len(doctor.records)
    return (
        f"| {name} | {expected or 'none'} | {listed or 'none'} | {steps} | {probes} "
        f"| {'yes' if right else 'NO'} |"
    )


def main(argv=None):
    """Trains, and prints the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.doctor_runs", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--names", nargs="+", choices=RUNS, default=list(RUNS))
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--out", help="folder of the doctor's pages")
    args = parser.parse_args(argv)
    print(f"Keras {keras.__version__}, {keras.config.backend()}")
    print("| Run | Sickness made | Alarms, at step | Steps | Probes | Right |")
    print("|---|---|---|---:|---:|---|")
    for name in args.names:
        out = None if args.out is None else f"{args.out}/{name}"
        print(row(name, train(name, args.steps, out)), flush=True)


if __name__ == "__main__":
    main()
