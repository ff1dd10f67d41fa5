"""Random numbers: of training, whatever the number of replicas, and of sampling."""

import contextlib

import keras
import numpy as np

from keras_gans import backend
from keras_gans.utils.checks import is_positive
from keras_gans.utils.checks import whole_number


def normal(shape, seed, dtype="float32"):
    """Draws N(0, 1) for each example of a batch, inside the training step.

    Data-parallel replicas together draw what one device would draw for the whole
    batch, and each takes its rows. Keras' own functions give all replicas the same
    numbers.

    Args:
        shape: `(B, ...)`, of this replica's part of the batch.
        seed: A `keras.random.SeedGenerator`, or an int.
        dtype: Of the result.

    Returns:
        Tensor of `shape`.
    """
    return _own_rows(
        lambda shape: keras.random.normal(shape, dtype=dtype, seed=seed), shape
    )


def uniform(shape, seed, low=0.0, high=1.0, dtype="float32"):
    """Draws U(low, high) likewise; see `normal`."""
    return _own_rows(
        lambda shape: keras.random.uniform(shape, low, high, dtype, seed), shape
    )


def integers(shape, seed, low, high):
    """Draws ints of [low, high) likewise, int32; see `normal`."""
    return _own_rows(
        lambda shape: keras.random.randint(shape, low, high, "int32", seed), shape
    )


# Index and number of the parts of a batch that are computed one after the other.
_part = 0, 1


@contextlib.contextmanager
def part(index, count):
    """A context in which draws are of a part, each `count`-th row of a batch.

    Args:
        index: Int, or int tensor, of the part's first row.
        count: Int, number of parts.
    """
    global _part
    _part = index, count
    try:
        yield
    finally:
        _part = 0, 1


def current_part():
    """Index of the first row of the part that draws are for, and the number of parts.

    `0, 1` outside of `part`.
    """
    return _part


def _own_rows(draw, shape):
    replicas, (index, parts) = backend.num_replicas(), _part
    if replicas == parts == 1:
        return draw(shape)
    rows, *rest = shape
    drawn = draw((replicas, rows, parts, *rest))
    return drawn[backend.replica_id()][:, index]


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
        return normal(shape, seed)
    return uniform(shape, seed, -1.0, 1.0)


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
    if seed is not None:
        seed = whole_number(seed, "seed", least=0)
    rng = np.random.default_rng(seed)
    if truncation is not None:
        if distribution != "normal" or not is_positive(truncation):
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
