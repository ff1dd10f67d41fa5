"""Updates of models of every kind, to be compared between one device and several.

    python -m tests.distribution.updates OUT.npz [CASE ...] --engine ENGINE

ENGINE: "one", or how batches are shared: "mirrored" or "workers" (TensorFlow), "data",
"model" or "hosts" (JAX, `DataParallel`, `ModelParallel`, and `DataParallel` of several
processes), "processes" (torch, started by `torchrun`).

Plain gradient descent, so that small differences of gradients are not made large.
"""

import argparse
import contextlib

import keras
import numpy as np

import keras_gans as kg
from keras_gans import backend

BATCH = 8
RUN_EAGERLY = keras.config.backend() != "jax"
STYLES = {
    "style_dim": 5,
    "channel_base": 32,
    "channel_max": 4,
    "mapping_depth": 1,
    "group_size": 1,  # else groups are of a replica's part of the batch
}
SMALL = {"image_shape": (16, 16, 1), "latent_dim": 8}
CLASSES = {"num_classes": 3}
BIG = SMALL | CLASSES | {"embedding_dim": 4, "channels": (2, 1, 1, 1)}
BIG["image_shape"] = (32, 32, 1)
TRANSLATION = {"width": 4, "discriminator_width": 4, "discriminator_layers": 2}
models, penalties = kg.models, kg.penalties
# Not an object, whose variables would be made before devices are set up.
ADAM = {"class_name": "Adam", "config": {"learning_rate": 0.01, "epsilon": 0.01}}

# name: class, arguments, options of `compile`
CASES = {
    "dcgan": (
        models.DCGAN,
        SMALL | {"width": 4},
        {"augment": "diffaugment", "instance_noise": 0.1},
    ),
    "relativistic_average": (
        models.GAN,
        SMALL | {"hidden_units": 20},
        {
            "loss": "relativistic_average",
            "penalties": [penalties.LeCam(), penalties.R1(1.0, every=2)],
            "balance": kg.Balance("accuracy"),
        },
    ),
    # Optimizers with a state.
    "adam": (
        models.GAN,
        SMALL | {"hidden_units": 20},
        {
            "balance": kg.Balance("accuracy"),
            "generator_optimizer": ADAM,
            "discriminator_optimizer": ADAM,
        },
    ),
    "feature_matching": (
        models.GAN,
        SMALL | {"hidden_units": 20},
        {
            "feature_matching": kg.objectives.FeatureMatching(),
            "penalties": [penalties.DRAGAN(every=2), penalties.R2(1.0)],
        },
    ),
    "wgan_gp": (models.WGANGP, SMALL | {"width": 4}, {"discriminator_steps": 2}),
    "wgan": (models.WGAN, SMALL | {"width": 4}, {"discriminator_steps": 2}),
    "sn_gan": (models.SNGAN, SMALL | CLASSES | {"width": 4, "body": "cnn"}, {}),
    "conditional": (models.ConditionalGAN, SMALL | CLASSES | {"hidden_units": 20}, {}),
    "micro_batches": (
        models.ConditionalGAN,
        SMALL | CLASSES | {"hidden_units": 20},
        {"micro_batches": 2, "rematerialize": True},
    ),
    "ac_gan": (
        models.ACGAN,
        SMALL | CLASSES | {"width": 4, "discriminator_width": 4},
        {},
    ),
    "info_gan": (
        models.InfoGAN,
        {"image_shape": (16, 16, 1), "noise_dim": 4, "categorical": (3,), "width": 2},
        {},
    ),
    "big_gan": (models.BigGAN, BIG | {"width": 2}, {"discriminator_steps": 1}),
    "big_gan_deep": (models.BigGANDeep, BIG | {"width": 4}, {"discriminator_steps": 1}),
    "sa_gan": (
        models.SAGAN,
        SMALL | CLASSES | {"image_shape": (32, 32, 1), "width": 4},
        {},
    ),
    "style_gan": (models.StyleGAN, SMALL | STYLES, {}),
    "style_gan2": (
        models.StyleGAN2,
        SMALL | STYLES,
        {
            "augment": "ada",
            "penalties": [
                penalties.R1(1.0, every=2),
                penalties.PathLength(2.0, every=2, batch_shrink=1),
            ],
        },
    ),
    "r3_gan": (
        models.R3GAN,
        SMALL | CLASSES | {"width": 4, "blocks": 1, "group_size": 4},
        {},
    ),
    "cycle_gan": (
        models.CycleGAN,
        {"image_shape": (16, 16, 1), "blocks": 1, "pool_size": 10} | TRANSLATION,
        {},
    ),
    "pix2pix": (
        models.Pix2Pix,
        {"image_shape": (16, 16, 1), "image_shape_b": (16, 16, 3)} | TRANSLATION,
        {},
    ),
    "sr_gan": (
        models.SRGAN,
        {"image_shape": (8, 8, 1), "width": 4, "blocks": 1, "discriminator_width": 4},
        {"perceptual_weight": 0.0},
    ),
    "context_encoder": (
        models.ContextEncoder,
        {"image_shape": (16, 16, 1), "width": 4, "discriminator_width": 4},
        {},
    ),
}


def make(name, run_eagerly=RUN_EAGERLY, scope=contextlib.nullcontext, **more):
    """Makes the model of a case in a scope, and compiles it, with more options."""
    keras.utils.set_random_seed(3)
    cls, arguments, options = CASES[name]
    with scope():
        model = cls(seed=5, **arguments)
    optimizers = {
        "generator_optimizer": keras.optimizers.SGD(0.05),
        "discriminator_optimizer": keras.optimizers.SGD(0.05),
    }
    model.compile(run_eagerly=run_eagerly, **optimizers | options | more)
    return model


def fitted(name, simplest, **more):
    """A model after two steps, and its logs.

    A graph, which takes TensorFlow seconds to make, for the simplest case alone.
    """
    run_eagerly = keras.config.backend() == "tensorflow" and name != simplest
    model = make(name, run_eagerly, **more)
    x, y = data(model, 2)
    history = model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)
    return model, history.history


def data(model, steps):
    """Examples for so many steps, and what goes with them."""
    count = BATCH * steps * model.discriminator_steps
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (count, *model.data_spec.shape), "uint8")
    if hasattr(model, "data_spec_b"):
        return x, rng.integers(0, 256, (count, *model.data_spec_b.shape), "uint8")
    return x, None if model.condition is None else rng.integers(0, 3, count)


def state(model):
    """All that training changes, by a name that tells the network."""
    found = {}
    for k, network in enumerate(model.layers):
        for i, weight in enumerate(network.weights):
            found[f"{network.name}_{k}/{i}/{weight.name}"] = weight
    for i, variable in enumerate(model.optimizer.variables):
        found[f"optimizer/{i}/{variable.name}"] = variable
    with backend.no_gradients():
        return {
            name: np.array(keras.ops.convert_to_numpy(value))
            for name, value in found.items()
        }


def run(name, scope, steps=2):
    """State before and after a few steps, and the logs, of a case."""
    model = make(name, scope=scope)
    before = state(model)
    logs = model.fit(*data(model, steps), batch_size=BATCH, verbose=0).history
    after = state(model)
    for variable in [*model.variables, *model.optimizer.variables]:
        copies = getattr(variable.value, "values", None)  # of TensorFlow's replicas
        copies = copies if isinstance(copies, tuple) else [variable]
        first, *others = map(keras.ops.convert_to_numpy, copies)
        assert all((first == other).all() for other in others), variable.path
    if hasattr(model, "generate"):  # as many as asked for, whatever replicas share
        assert len(model.generate(3, seed=0)) == 3
    x, y = data(model, steps)
    if y is None:  # a batch, and examples, that not all replicas have as much of
        losses = model.evaluate(x[: BATCH - 1], batch_size=3, verbose=0)
        assert np.isfinite(losses).all()
    return {
        **{f"{name}:before:{key}": value for key, value in before.items()},
        **{f"{name}:after:{key}": value for key, value in after.items()},
        **{f"{name}:log:{key}": np.array(value) for key, value in logs.items()},
    }


def scope_of(engine):
    """A callable that makes the context in which models are made."""
    if engine == "mirrored":
        return kg.distribution.scope
    if engine == "workers":
        import tensorflow as tf

        return tf.distribute.MultiWorkerMirroredStrategy().scope
    if engine in ("data", "model", "hosts"):
        devices = keras.distribution.list_devices()
        distribution = keras.distribution.DataParallel(devices=devices)
        if engine == "model":
            mesh = keras.distribution.DeviceMesh((2, 2), ("batch", "model"), devices)
            layouts = keras.distribution.LayoutMap(mesh)
            layouts[".*dense.*kernel"] = ("model", None)
            distribution = keras.distribution.ModelParallel(layout_map=layouts)
        keras.distribution.set_distribution(distribution)
    return contextlib.nullcontext


def prepare(engine):
    """Sets devices up, before anything runs on one."""
    if engine == "hosts":
        keras.distribution.initialize()  # as environment variables tell
    if engine == "mirrored":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)


def main():
    """Runs the cases, and writes what they gave."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--engine", default="one")
    args = parser.parse_args()
    prepare(args.engine)
    scope = scope_of(args.engine)
    results = {}
    for name in args.cases or CASES:
        print(name, flush=True)
        results |= run(name, scope)
        path = args.out.replace("RANK", str(kg.distribution.process_index()))
        np.savez(path, **results)


if __name__ == "__main__":
    main()
