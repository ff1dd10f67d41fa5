"""`gan.fit` against loops written by hand, in one process by turns.

All make the same updates: D on real images and fresh fakes, G with fresh latents, then
the average of the generator; batches come shuffled from one uint8 array and are
converted to floats inside the step. A measurement is an epoch from the end of its first
step to the end of its last, with all that `fit` does between and after its steps. What
`fit` takes before is reported beside it: it is there once a call, not once a step.
"""

import time

import keras
import numpy as np

from benchmarks import games
from benchmarks import loops

WARM_UP_STEPS = 3


def batches(arrays, batch_size, seed=0):
    """Yields shuffled batches of an epoch, tuples, as hand-written loops take them."""
    order = np.random.default_rng(seed).permutation(len(arrays[0]))
    for start in range(0, len(order), batch_size):
        yield tuple(array[order[start : start + batch_size]] for array in arrays)


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
        Dict of lists, one value a round: "fit", "loop", "pytorch" except on JAX, and
        "fit starts", what `fit` takes before its first step.
    """
    half_life = gan.recipe()["ema_half_life"]
    ema_rate = 1.0 - 0.5 ** (args.batch_size / half_life)
    game = games.dcgan(other, args.batch_size)
    epochs = {"loop": loops.make_epoch(game, ema_rate)}
    if keras.config.backend() != "jax":
        from benchmarks import pytorch_loop

        epochs["pytorch"] = pytorch_loop.make_epoch(gan, args.width, ema_rate)

    stopwatch = Stopwatch()
    runs = {"fit": stopwatch.of_fit(gan.fit, args.batch_size)}
    for name, epoch in epochs.items():
        runs[name] = stopwatch.of_loop(epoch, args.batch_size)
    for run in runs.values():
        run(images[: WARM_UP_STEPS * args.batch_size])
    seconds = {name: [] for name in [*runs, "fit starts"]}
    for _ in range(args.rounds):
        for name, run in runs.items():
            run(images)
            step = stopwatch.seconds / (args.steps - 1)
            seconds[name].append(step)
            if name == "fit":
                seconds["fit starts"].append(stopwatch.first - step)
    return seconds


class Stopwatch(keras.callbacks.Callback):
    """Measures an epoch, its first step apart, of a `fit` or of a loop."""

    def of_fit(self, fit, batch_size):
        """A callable that has a model's `fit` train on arrays for an epoch."""

        def run(*arrays):
            self.start()
            fit(*arrays, batch_size=batch_size, verbose=0, callbacks=[self])

        return run

    def of_loop(self, epoch, batch_size):
        """A callable that runs a hand-written epoch on arrays."""

        def run(*arrays):
            rest = batches(arrays, batch_size)
            self.start()
            epoch([next(rest)])
            self.first_step_ends()
            epoch(rest)
            self.stop()

        return run

    def start(self):
        """Begins to measure."""
        self.first, self.began = None, time.perf_counter()

    def first_step_ends(self):
        """Notes when the first step is over."""
        now = time.perf_counter()
        self.first, self.began = now - self.began, now

    def stop(self):
        """Notes when all is over."""
        self.seconds = time.perf_counter() - self.began

    def on_train_batch_end(self, batch, logs=None):
        """The end of the first step."""
        if self.first is None:
            self.first_step_ends()

    def on_train_end(self, logs=None):
        """The end of `fit`."""
        self.stop()
