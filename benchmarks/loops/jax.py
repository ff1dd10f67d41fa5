"""JAX: one jitted function of all state, whose buffers are donated."""

import functools

import jax
import jax.numpy as jnp
import keras
import numpy as np


def _values(variables):
    return [variable.value for variable in variables]


def make_epoch(model, batch_size, ema_rate):
    """Makes the loop over an epoch; see `benchmarks.loops`."""
    networks = {"d": model.discriminator, "g": model.generator}
    adams = {key: keras.optimizers.Adam(2e-4, beta_1=0.5) for key in networks}
    state = {"key": jax.random.key(0)}
    for key, network in networks.items():
        adams[key].build(network.trainable_variables)
        state[key] = {
            "weights": _values(network.trainable_variables),
            "buffers": _values(network.non_trainable_variables),
            "adam": _values(adams[key].variables),
        }
    state["ema"] = {key: state["g"][key] for key in ("weights", "buffers")}
    # Copies: the buffers of the state are donated, each once.
    state = [jax.tree.map(jnp.copy, state)]

    def softplus_mean(logits):
        return jnp.mean(jax.nn.softplus(logits))

    def generate(weights, buffers, key):
        latents = jax.random.normal(key, (batch_size, model.latent_dim))
        return model.generator.stateless_call(weights, buffers, latents, training=True)

    def judge(weights, buffers, images):
        return model.discriminator.stateless_call(
            weights, buffers, images, training=True
        )

    def minimise(objective, player, adam):
        gradient = jax.value_and_grad(objective, has_aux=True)
        (loss, buffers), gradients = gradient(player["weights"])
        weights, optimizer = adam.stateless_apply(
            player["adam"], gradients, player["weights"]
        )
        return loss, {"weights": weights, "adam": optimizer}, buffers

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, images):
        key, d_key, g_key = jax.random.split(state["key"], 3)
        d, g = state["d"], state["g"]
        real = images.astype("float32") / 127.5 - 1.0
        fake, g_buffers = generate(g["weights"], g["buffers"], d_key)

        def d_objective(weights):
            real_logits, buffers = judge(weights, d["buffers"], real)
            fake_logits, buffers = judge(weights, buffers, fake)
            return softplus_mean(-real_logits) + softplus_mean(fake_logits), buffers

        d_loss, d, d_buffers = minimise(d_objective, d, adams["d"])

        def g_objective(weights):
            fake, own_buffers = generate(weights, g_buffers, g_key)
            logits, buffers = judge(d["weights"], d_buffers, fake)
            return softplus_mean(-logits), (own_buffers, buffers)

        g_loss, g, (g_buffers, d_buffers) = minimise(g_objective, g, adams["g"])
        average = jax.tree.map(
            lambda a, w: a + ema_rate * (w - a), state["ema"]["weights"], g["weights"]
        )
        new_state = {
            "key": key,
            "d": d | {"buffers": d_buffers},
            "g": g | {"buffers": g_buffers},
            "ema": {"weights": average, "buffers": g_buffers},
        }
        return new_state, (d_loss, g_loss)

    def epoch(batches):
        for images in batches:
            state[0], losses = step(state[0], images)
        jax.block_until_ready(state[0])
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
