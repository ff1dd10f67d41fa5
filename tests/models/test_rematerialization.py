"""Activations computed again: the same update, with less kept for it."""

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.models.rematerialization import best_cuts
from keras_gans.models.rematerialization import segments_of
from tests.distribution import updates
from tests.gan_test_case import max_difference
from tests.gan_test_case import to_numpy
from tests.gan_test_case import trained_dcgan

ON_JAX = keras.config.backend() == "jax"


# Batch statistics that move; penalties that differentiate twice; networks made of
# networks, with penalties of both players where they are due; spectral normalization.
@pytest.mark.parametrize(
    "name",
    [
        "dcgan",
        "r3_gan",
        *(
            pytest.param(name, marks=pytest.mark.once)
            for name in ("style_gan2", "sa_gan")
        ),
    ],
)
def test_the_update_is_the_same(name):
    (kept, logs), (again, logs_again) = (
        updates.fitted(name, "dcgan", rematerialize=on) for on in (False, True)
    )
    before = to_numpy(updates.make(name).weights)
    assert max_difference(before, to_numpy(kept.weights)) > 1e-3
    # Of layers too: their averages, vectors of power iterations, states of seeds.
    assert max_difference(to_numpy(kept.weights), to_numpy(again.weights)) < 2e-5
    for key, values in logs.items():
        np.testing.assert_allclose(values, logs_again[key], rtol=1e-4, atol=1e-5)


@pytest.mark.once  # where layers may be called past Keras
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(dtype):
    """Logits, which are float32, are computed again as they were."""
    kept, again = (
        to_numpy(trained_dcgan(dtype, rematerialize=on, micro_batches=2).weights)
        for on in (False, True)
    )
    assert max_difference(kept, again) < 1e-5


@keras.saving.register_keras_serializable("tests")
class Counting(keras.layers.Layer):
    """Passes its input on, and counts how often."""

    calls = 0

    def call(self, x):
        Counting.calls += 1
        return keras.ops.tanh(x)


def counting_gan():
    """A GAN of which each network counts its calls."""

    def network(size, units):
        inputs = x = keras.Input((size,))
        for _ in range(3):
            x = keras.layers.Dense(8)(x)
        return keras.Model(inputs, keras.layers.Dense(units)(Counting()(x)))

    return kg.models.GAN(
        data_spec=kg.Vectors(2),
        latent_dim=4,
        generator=network(4, 2),
        discriminator=network(2, 1),
        seed=0,
    )


@pytest.mark.skipif(ON_JAX, reason="JAX runs what it traced again, not the layers")
def test_layers_run_again_for_gradients_alone():
    gan = counting_gan()
    points = np.zeros((4, 2), "float32")
    counts = {}
    for on in (False, True, False):
        gan.compile(rematerialize=on, run_eagerly=True)
        Counting.calls = 0
        gan.fit(points, batch_size=4, verbose=0)
        counts.setdefault(on, []).append(Counting.calls)
        Counting.calls = 0
        gan.evaluate(points, batch_size=4, verbose=0)
        counts.setdefault("inference", []).append(Counting.calls)
    # D judges real and fake, and G's images: the fakes of D's turn need no gradients.
    assert counts[False] == [5, 5]
    assert counts[True] == [9]
    assert len(set(counts["inference"])) == 1


def test_segments_of_a_network():
    """They hang together, and keep a fraction of all that layers give."""
    gan = kg.models.BigGAN((128, 128, 3), num_classes=3, width=8, seed=0)

    def size(tensors):
        return sum(np.prod([s or 1 for s in x.shape]) for x in tensors)

    for network in (gan.generator, gan.discriminator):
        known = {id(x) for x in network.inputs}
        segments = segments_of(network)
        peak, total = 0, 0
        for nodes, inputs, outputs in segments:
            assert {id(x) for x in inputs} <= known
            known |= {id(x) for x in outputs}
            of_segment = size(x for node in nodes for x in node.outputs)
            peak, total = max(peak, of_segment), total + of_segment
        assert {id(x) for x in network.outputs} <= known
        kept = size(x for _, _, outputs in segments for x in outputs)
        assert kept + peak < 0.6 * total


def test_cuts_are_nearly_the_best():
    """Of all ways to cut a short chain."""
    rng = np.random.default_rng(0)

    def cost(cuts, sizes, kept):
        parts = np.split(np.array(sizes), cuts)
        return sum(kept[c] for c in cuts) + max(part.sum() for part in parts)

    ratios = []
    for _ in range(20):
        sizes, kept = (rng.integers(1, 50, 8).tolist() for _ in range(2))
        costs = [
            cost([i + 1 for i in range(7) if which >> i & 1], sizes, kept)
            for which in range(128)
        ]
        ratios.append(cost(best_cuts(sizes, kept), sizes, kept) / min(costs))
    assert np.mean(ratios) < 1.05 and max(ratios) < 1.2
    assert best_cuts([1] * 100, [0] * 100) == list(range(1, 100))
    assert best_cuts([5], [5]) == []


def test_saved(tmp_path):
    gan = counting_gan()
    gan.compile(rematerialize=True)
    gan.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.get_compile_config()["rematerialize"] is True
