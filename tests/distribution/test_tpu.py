"""A `TPUStrategy` where there is no TPU: what XLA compiles, on a CPU."""

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans import backend

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="TensorFlow has strategies"
)


@pytest.fixture
def tpu(monkeypatch):
    """Puts one of a single core in its place; lists what is done to get it."""
    import tensorflow as tf

    from keras_gans.backend import tensorflow_replicas

    done = []

    class Resolver:
        def __init__(self, tpu):
            done.append(("resolve", tpu))

    class Strategy(tf.distribute.OneDeviceStrategy):
        def __init__(self, resolver):
            super().__init__("/cpu:0")
            done.append(("strategy", type(resolver)))

        def run(self, fn, args=(), kwargs=None, options=None):
            """All of it by XLA, as on a TPU, or an error."""
            compiled = tf.function(fn, jit_compile=True, autograph=False)
            done.append(("run", [arg[0].shape.rank for arg in args]))
            return super().run(compiled, args, kwargs, options)

    monkeypatch.setenv("TPU_NAME", "local")
    distribute = tf.distribute
    monkeypatch.setattr(distribute.cluster_resolver, "TPUClusterResolver", Resolver)
    monkeypatch.setattr(distribute, "TPUStrategy", Strategy)
    for module, name in (
        (tf.config, "experimental_connect_to_cluster"),
        (tf.tpu.experimental, "initialize_tpu_system"),
    ):
        monkeypatch.setattr(
            module, name, lambda resolver, name=name: done.append((name, "local"))
        )
    tensorflow_replicas._strategy_of_tpu.cache_clear()
    yield done
    tensorflow_replicas._strategy_of_tpu.cache_clear()


def test_a_tpu_is_joined_once_and_its_steps_are_compiled_whole(tpu):
    with kg.distribution.scope():
        gan = kg.models.GAN(
            data_spec=kg.Vectors(2), latent_dim=4, hidden_units=8, seed=0
        )
    with kg.distribution.scope():  # another model, the same TPU
        pass
    assert [name for name, _ in tpu] == [
        "resolve",
        "experimental_connect_to_cluster",
        "initialize_tpu_system",
        "strategy",
    ]
    assert tpu[0] == ("resolve", "local")
    assert backend.num_replicas() == 1
    # Branches, and gradients of gradients within them.
    penalties = [kg.penalties.R1(1.0, every=2), kg.penalties.LeCam()]
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(0.01),
        discriminator_optimizer=keras.optimizers.Adam(0.01),
        penalties=penalties,
        balance=kg.Balance("accuracy"),
    )
    networks = (gan.generator, gan.discriminator)
    # Weights of 0.5: from those of 0.02, as GAN starts, gradients are about 1e-8, of
    # which Adam makes nothing.
    for network in networks:
        network.set_weights([25.0 * weight for weight in network.get_weights()])
    before = [network.get_weights()[0] for network in networks]
    points = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    history = gan.fit(points, batch_size=8, epochs=2, verbose=0).history
    assert ("run", [2]) in tpu
    assert all(np.isfinite(values).all() for values in history.values())
    for network, kernel in zip(networks, before, strict=True):
        assert np.abs(network.get_weights()[0] - kernel).max() > 5e-3
    assert int(gan.images_seen) == 128
