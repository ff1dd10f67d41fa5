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

FOLDER = pathlib.Path(__file__).parent / "golden"
START = 11
TINY = {"image_shape": (16, 16, 1), "latent_dim": 6, "seed": 0}
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


CASES = {
    "gan": (
        lambda: kg.models.GAN(
            hidden_units=20, discriminator=no_dropout_discriminator(), **TINY
        ),
        {},
    ),
    "dcgan": (lambda: kg.models.DCGAN(width=4, **TINY), {}),
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
    for network in (model.generator, model.discriminator):
        for weight in network.weights:
            values = rng.normal(0.0, 0.1, weight.shape)
            if weight.name in ("gamma", "moving_variance"):
                values = 1.0 + np.abs(values)
            weight.assign(values.astype("float32"))
    model.ema_generator.set_weights(model.generator.get_weights())


def compute(name):
    """Computes all golden values of a case."""
    make, options = CASES[name]
    model = make()
    seed_weights(model)
    sgd = {
        f"{player}_optimizer": keras.optimizers.SGD(0.05)
        for player in ("generator", "discriminator")
    }
    model.compile(**sgd, run_eagerly=True, **options)
    rng = np.random.default_rng(3)
    latents = rng.standard_normal((4, model.latent_dim)).astype("float32")
    images = rng.integers(
        0, 256, (4 * model.discriminator_steps, *model.data_spec.shape), "uint8"
    )
    real = model.data_spec.to_network(ops.convert_to_tensor(images[:4]))
    fake = model(latents)
    logits = model.discriminator(real), model.discriminator(fake)
    values = {"fake": fake, "real_logits": logits[0], "fake_logits": logits[1]}
    values["d_loss"] = model.loss.discriminator(*logits)
    values["g_loss"] = model.loss.generator(logits[1], logits[0])
    for key, penalty in PENALTIES.items():
        with numpy_random():
            values[key] = penalty(model.discriminator, real, fake, 0)
    with numpy_random():
        for _ in range(3):
            logs = model.alternating_step(ops.convert_to_tensor(images))
    values |= {f"log/{key}": value for key, value in logs.items()}
    networks = model.generator, model.discriminator, model.ema_generator
    for network in networks:
        for i, weight in enumerate(network.weights):
            values[f"{network.name}/{i}/{weight.name}"] = weight
    with backend.no_gradients():
        return {
            key: np.array(ops.convert_to_numpy(v), "float32")
            for key, v in values.items()
        }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        np.savez_compressed(FOLDER / f"{case}.npz", **compute(case))
        print(case, (FOLDER / f"{case}.npz").stat().st_size, "bytes")
