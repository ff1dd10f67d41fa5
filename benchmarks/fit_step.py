"""`gan.fit` against loops written by hand, in one process by turns.

All make the same updates: D on real images and fresh fakes, G with fresh latents, then
the average of the generator; batches come shuffled from one uint8 array and are
converted to floats inside the step. A measurement is a whole epoch, with all that
`fit` does before, between and after its steps, divided by the number of steps.
"""

import keras
import numpy as np

from benchmarks import loops
from benchmarks.rounds import by_turns

WARM_UP_STEPS = 3


def batches(images, batch_size, seed=0):
    """Yields the shuffled batches of an epoch, as the hand-written loops take them."""
    order = np.random.default_rng(seed).permutation(len(images))
    for start in range(0, len(images), batch_size):
        yield images[order[start : start + batch_size]]


def count_parameters(network):
    """The trainable parameters of a Keras model."""
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


def measure(gan, other, images, args):
    """Measures seconds per step.

    Args:
        gan: Compiled DCGAN, for `fit`.
        other: A second DCGAN of the same sizes, for the hand-written loop.
        images: uint8 `(steps * B, H, W, C)`, one epoch.
        args: The command line's options.

    Returns:
        Dict of lists, one value a round: "fit", "loop", and "pytorch" except on JAX.
    """
    half_life = gan.recipe()["ema_half_life"]
    ema_rate = 1.0 - 0.5 ** (args.batch_size / half_life)
    epochs = {"loop": loops.make_epoch(other, args.batch_size, ema_rate)}
    if keras.config.backend() != "jax":
        from benchmarks import pytorch_loop

        epochs["pytorch"] = pytorch_loop.make_epoch(gan, args.width, ema_rate)

    def fit(images):
        gan.fit(images, batch_size=args.batch_size, verbose=0)

    def loop(epoch):
        return lambda images: epoch(batches(images, args.batch_size))

    runs = {"fit": fit} | {name: loop(epoch) for name, epoch in epochs.items()}
    for run in runs.values():
        run(images[: WARM_UP_STEPS * args.batch_size])
    seconds = by_turns(
        {name: lambda run=run: run(images) for name, run in runs.items()}, args.rounds
    )
    steps = len(images) // args.batch_size
    return {name: [s / steps for s in values] for name, values in seconds.items()}
