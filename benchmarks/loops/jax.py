"""JAX: one jitted function of all state, whose buffers are donated."""

import contextlib
import functools
import types

import jax
import jax.numpy as jnp
import keras
import numpy as np


def _values(variables):
    return [variable.value for variable in variables]


def _gradient(fn, x):
    return jax.grad(lambda x: jnp.sum(fn(x)))(x)


def make_epoch(game, ema_rate):
    """Makes the loop over an epoch; see `benchmarks.loops`."""
    game.build()
    seed = keras.random.SeedGenerator(0)
    tools = types.SimpleNamespace(
        normal=lambda shape: keras.random.normal(shape, seed=seed),
        uniform=lambda shape: keras.random.uniform(shape, seed=seed),
        gradient=_gradient,
        no_gradients=contextlib.nullcontext,
    )
    variables = [*game.variables(), seed.state]
    state = [v for v in variables if not v.trainable]
    pairs, updates = game.pairs(ema_rate), [0]

    def minimise(due, player, shown, examples):
        others = list(zip(variables, _values(variables), strict=True))

        def objective(weights):
            own = zip(player.weights, weights, strict=True)
            with keras.StatelessScope(state_mapping=[*others, *own]):
                loss, shows = player.objective(tools, due, shown, *examples)
                return loss, (shows, _values(state))

        gradient = jax.value_and_grad(objective, has_aux=True)
        (loss, (shows, new)), gradients = gradient(_values(player.weights))
        for variable, value in zip(state, new, strict=True):
            variable.assign(value)
        player.optimizer.apply(gradients, player.weights)
        return loss, shows

    @functools.partial(jax.jit, donate_argnums=0, static_argnums=2)
    def step(values, batch, due):
        with keras.StatelessScope(state_mapping=zip(variables, values, strict=True)):
            losses = game.play(batch, jnp.split, functools.partial(minimise, due))
            for weight, average, rate in pairs:
                average.assign(average + rate * (weight - average))
            return _values(variables), losses

    # Copies: buffers are donated, each once.
    values = [[jnp.copy(value) for value in _values(variables)]]

    def epoch(batches):
        for batch in batches:
            values[0], losses = step(values[0], batch, game.due(updates[0]))
            updates[0] += 1
        jax.block_until_ready(values[0])
        # Until the next epoch, whose first step is given these buffers for good.
        for variable, value in zip(variables, values[0], strict=True):
            variable.assign(value)
        return [float(loss) for loss in losses]

    return epoch


def make_sampler(generator):
    """Makes a function from latents to images; see `benchmarks.loops`."""
    # Copies: `predict` donates the buffers of the variables.
    weights, buffers = jax.tree.map(
        jnp.copy,
        (
            _values(generator.trainable_variables),
            _values(generator.non_trainable_variables),
        ),
    )

    @jax.jit
    def generate(weights, buffers, latents):
        return generator.stateless_call(weights, buffers, latents, training=False)[0]

    return lambda latents: np.asarray(generate(weights, buffers, latents))
