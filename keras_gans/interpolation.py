"""Paths between latents and between classes, and pictures of them."""

import pathlib

import numpy as np

from keras_gans.utils.image_grid import save_grid


def latent_paths(
    gan, rows=4, steps=8, *, seed=0, labels=None, truncation=None, path=None
):
    """Samples along paths between random latents, a path a row.

    Paths are great circles for normal latents (`slerp`), straight for uniform ones
    (`lerp`). Smooth changes without jumps tell that a generator has not memorised.

    Args:
        gan: A model that generates.
        rows: Int, paths.
        steps: Int >= 2, samples on each, both ends among them.
        seed: Int, of the ends.
        labels: Of a conditional model: one label for all, or one a row; the classes
            take turns by default.
        truncation: As in `generate`.
        path: Optional path of a picture to write.

    Returns:
        Examples `(rows, steps, ...)`, images as uint8.

    Raises:
        ValueError: If there is no path, or fewer than two steps.

    Example:

    ```python
    kg.interpolation.latent_paths(gan, path="paths.png")
    ```
    """
    _check(rows, steps)
    ends = gan.sample_latents(2 * rows, seed, truncation=truncation)
    first, second = np.repeat(ends[:rows], steps, 0), np.repeat(ends[rows:], steps, 0)
    between = slerp if gan.latent_distribution == "normal" else lerp
    latents = between(first, second, np.tile(np.linspace(0.0, 1.0, steps), rows))
    given = {}
    if gan.condition is not None:
        given["labels"] = np.repeat(gan.condition.for_samples(labels, rows), steps, 0)
    elif labels is not None:
        given["labels"] = labels  # which `generate` refuses
    return _generate(gan, latents, given, rows, steps, path)


def class_paths(
    gan, first, second, rows=4, steps=8, *, seed=0, truncation=None, path=None
):
    """Samples along the way from one class to another, the latents fixed in a row.

    The condition goes straight from the one to the other, so that an embedding of the
    classes does (Brock et al. 2019, arXiv:1809.11096, figure 8).

    Args:
        gan: A conditional model.
        first: Label where each row begins: a class, or attributes `(K,)`.
        second: Label where each row ends.
        rows: Int, latents.
        steps: Int >= 2, samples in a row, both ends among them.
        seed: Int, of the latents.
        truncation: As in `generate`.
        path: Optional path of a picture to write.

    Returns:
        Examples `(rows, steps, ...)`, images as uint8.

    Raises:
        ValueError: If the model is unconditional, or a label is none of its.

    Example:

    ```python
    kg.interpolation.class_paths(gan, 1, 8, path="trousers_to_bags.png")
    ```
    """
    _check(rows, steps)
    if gan.condition is None:
        raise ValueError(
            "Expected: a conditional model. Received: one without classes or "
            "attributes. Use `latent_paths`."
        )
    ends = [_vector(gan.condition, label) for label in (first, second)]
    labels = lerp(*(np.tile(end, (steps, 1)) for end in ends), np.linspace(0, 1, steps))
    latents = gan.sample_latents(rows, seed, truncation=truncation)
    given = {"labels": np.tile(labels, (rows, 1)).astype("float32")}
    return _generate(gan, np.repeat(latents, steps, 0), given, rows, steps, path)


def _vector(condition, label):
    """The condition `(K,)` of one label."""
    labels = condition.for_samples(label, 1)
    if labels.ndim == 2:
        return labels[0]
    return np.eye(condition.size)[labels[0]]


def _check(rows, steps):
    if rows < 1 or steps < 2:
        raise ValueError(
            f"Expected: at least 1 row and 2 steps. Received: {rows} and {steps}."
        )


def _generate(gan, latents, given, rows, steps, path):
    examples = gan.generate(latents=latents.astype("float32"), **given)
    if path is not None:
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_grid(examples, path, columns=steps)
    return examples.reshape(rows, steps, *examples.shape[1:])


def lerp(first, second, t):
    """Points of straight paths.

    Args:
        first: `(B, ...)`, where the paths begin.
        second: `(B, ...)`, where they end.
        t: `(B,)`, how far along they are, from 0 to 1.

    Returns:
        Float64 `(B, ...)`.
    """
    first, second = np.asarray(first, "float64"), np.asarray(second, "float64")
    t = np.reshape(t, (-1,) + (1,) * (first.ndim - 1))
    return first + (second - first) * t


def slerp(first, second, t):
    """Points of paths on great circles, for normal latents (arXiv:1609.04468).

    The angle grows evenly; lengths, which normal latents of many dimensions have
    nearly in common, go over from one to the other.

    Args:
        first: `(B, Z)`, where the paths begin.
        second: `(B, Z)`, where they end.
        t: `(B,)`, how far along they are, from 0 to 1.

    Returns:
        Float64 `(B, Z)`.
    """
    first, second = np.asarray(first, "float64"), np.asarray(second, "float64")
    t = np.reshape(t, (-1, 1))
    lengths = [np.linalg.norm(x, axis=1, keepdims=True) for x in (first, second)]
    cosine = (first * second).sum(axis=1, keepdims=True) / (lengths[0] * lengths[1])
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    # Parallel latents have no circle in common, and need none.
    sine = np.where(np.sin(angle) > 1e-6, np.sin(angle), np.inf)
    circle = (np.sin((1 - t) * angle) * first + np.sin(t * angle) * second) / sine
    return np.where(np.isinf(sine), lerp(first, second, t[:, 0]), circle)
