"""TensorFlow: gradient tapes in one `tf.function`."""

import contextlib
import functools
import types

import tensorflow as tf


def _gradient(fn, x):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        y = fn(x)
    return tape.gradient(y, x)


TOOLS = types.SimpleNamespace(
    normal=tf.random.normal,
    uniform=tf.random.uniform,
    gradient=_gradient,
    no_gradients=contextlib.nullcontext,
)


def make_epoch(game, ema_rate):
    """Makes the loop over an epoch; see `benchmarks.loops`."""
    game.build()
    pairs, updates, steps = game.pairs(ema_rate), [0], {}

    def minimise(due, player, shown, examples):
        values = [variable.value for variable in player.weights]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            loss, shows = player.objective(TOOLS, due, shown, *examples)
        player.optimizer.apply(tape.gradient(loss, values), player.weights)
        return loss, shows

    def make_step(due):
        @tf.function
        def step(*batch):
            losses = game.play(batch, tf.split, functools.partial(minimise, due))
            for weight, average, rate in pairs:
                average.assign(average + rate * (weight - average))
            return losses

        return step

    def epoch(batches):
        for batch in batches:
            due = game.due(updates[0])
            if due not in steps:
                steps[due] = make_step(due)
            losses = steps[due](*map(tf.convert_to_tensor, batch))
            updates[0] += 1
        return [float(loss) for loss in losses]

    return epoch


def make_sampler(generator):
    """Makes a function from latents to images; see `benchmarks.loops`."""
    generate = tf.function(lambda latents: generator(latents, training=False))
    return lambda latents: generate(tf.constant(latents)).numpy()
