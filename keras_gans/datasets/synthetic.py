r"""2-D point sets on which mode collapse can be seen and counted.

The 8-mode ring and the 25-mode grid as in VEEGAN (arXiv:1705.07761) and PacGAN
(arXiv:1712.04086), the Swiss roll as in WGAN-GP (arXiv:1704.00028).
"""

import operator

import numpy as np

_ANGLES = 2 * np.pi * np.arange(8) / 8  # not linspace(0, 2 pi, 8): that has 7 modes
_TICKS = np.array([-4.0, -2.0, 0.0, 2.0, 4.0])

# name: (centers (K, 2), sigma)
_MIXTURES = {
    "gaussian_ring": (np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1), 0.01),
    "gaussian_grid": (
        np.stack(np.meshgrid(_TICKS, _TICKS, indexing="ij"), -1).reshape(-1, 2),
        0.05,
    ),
}
NAMES = (*_MIXTURES, "swiss_roll")


def load(name, split, num_samples=100_000, seed=0):
    """Draws points; the two splits of a seed are independent draws."""
    num_samples = _whole(num_samples, "num_samples", 1)
    seed = _whole(seed, "seed", 0)
    rng = np.random.default_rng([seed, split == "test"])
    if name == "swiss_roll":
        # Angle 1.5 pi .. 4.5 pi, which is the radius too; noise; then scaled.
        angle = 1.5 * np.pi * (1 + 2 * rng.random(num_samples))
        points = angle[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        points = (points + rng.normal(0, 0.25, points.shape)) / 7.5
        labels = np.zeros(num_samples)
    else:
        centers, sigma = _MIXTURES[name]
        labels = rng.integers(len(centers), size=num_samples)
        points = centers[labels] + rng.normal(0, sigma, (num_samples, 2))
    return points.astype("float32"), labels.astype("int32")


def class_names(name):
    """Returns the name of each label: one per mode."""
    if name == "swiss_roll":
        return (name,)
    return tuple(f"({x:.2f}, {y:.2f})" for x, y in _MIXTURES[name][0] + 0.0)


def modes(name):
    """Returns where the modes of a Gaussian mixture are, to count those that a GAN has.

    Args:
        name: `"gaussian_ring"` (8 modes on the unit circle) or `"gaussian_grid"`
            (25 modes on {-4, -2, 0, 2, 4}^2).

    Returns:
        `(centers, sigma)`: float32 array of shape (K, 2), whose rows are in the order
        of the labels, and the standard deviation of each mode, a float.

    Raises:
        ValueError: If `name` is not a mixture.

    Example:

    ```python
    import keras_gans as kg

    centers, sigma = kg.datasets.modes("gaussian_grid")
    print(centers.shape, sigma)  # (25, 2) 0.05
    ```
    """
    if name not in _MIXTURES:
        raise ValueError(
            f"`name` has no modes. Expected: one of {list(_MIXTURES)}. "
            f"Received: {name!r}."
        )
    centers, sigma = _MIXTURES[name]
    return centers.astype("float32"), sigma


def _whole(value, name, least):
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        raise ValueError(
            f"`{name}` is wrong. Expected: a whole number, {least} or more. "
            f"Received: {value!r}."
        )
    return number
