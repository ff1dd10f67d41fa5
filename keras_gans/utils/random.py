"""Random numbers that differ between replicas and survive a resume."""

import keras
import numpy as np
from keras import ops

from keras_gans import backend


class SeedGenerator(keras.random.SeedGenerator):
    """A Keras seed generator whose seeds differ between data-parallel replicas.

    Keras' own gives each replica the same seeds, so that all of them would draw the
    same latents.
    """

    def next(self, ordered=True):
        """Returns the next seed, shifted by the index of the replica."""
        seed = super().next(ordered)
        shift = ops.cast(backend.replica_id(), seed.dtype) * 104_729
        return seed + ops.stack([shift, ops.zeros_like(shift)])


def draw_latents(shape, distribution, seed):
    """Draws latents with the backend's generator, inside the training step.

    Args:
        shape: `(B, Z)`.
        distribution: "normal", N(0, 1), or "uniform", U(-1, 1).
        seed: A seed generator.

    Returns:
        Float32 tensor of `shape`.
    """
    if distribution == "normal":
        return keras.random.normal(shape, dtype="float32", seed=seed)
    return keras.random.uniform(shape, -1.0, 1.0, dtype="float32", seed=seed)


def sample_latents(shape, distribution, seed, truncation=None):
    """Draws latents with NumPy: one seed gives the same ones on every backend.

    Args:
        shape: `(N, Z)`.
        distribution: "normal", N(0, 1), or "uniform", U(-1, 1).
        seed: Int, or None for fresh ones.
        truncation: Optional float > 0: normal numbers of a larger magnitude are drawn
            again.

    Returns:
        Float32 array of `shape`.

    Raises:
        ValueError: If `truncation` is not positive, or latents are not normal.
    """
    rng = np.random.default_rng(seed)
    if truncation is not None:
        if distribution != "normal" or not truncation > 0.0:
            raise ValueError(
                "Expected: `truncation` as a number > 0, with normal latents. "
                f"Received: {truncation!r} with {distribution} latents."
            )
        latents = rng.standard_normal(shape, "float32")
        while (large := np.abs(latents) > truncation).any():
            latents[large] = rng.standard_normal(int(large.sum()), "float32")
        return latents
    if distribution == "normal":
        return rng.standard_normal(shape, "float32")
    return rng.uniform(-1.0, 1.0, shape).astype("float32")
