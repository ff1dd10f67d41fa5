"""Precision, recall, density and coverage: fidelity and diversity, told apart."""

import keras
import numpy as np

from keras_gans.metrics.metric import GenerativeMetric

BLOCK_BYTES = 2**26
"""Of the matrices of distances, at most so many bytes are there at a time."""


@keras.saving.register_keras_serializable("keras_gans")
class PRDC(GenerativeMetric):
    r"""Precision, recall, density and coverage, of balls around samples.

    B(x) is the open ball around the features of x that reaches to its k-th nearest
    neighbour in its own set.

    * precision: generated samples in the B of any real one (Kynkaanniemi et al. 2019,
      arXiv:1904.06991); low if samples look wrong;
    * recall: real samples in the B of any generated one; low if modes are missing;
    * density: how many real B a generated sample lies in, divided by k (Naeem et al.
      2020, arXiv:2002.09797); may exceed 1;
    * coverage: real samples whose B holds a generated one.

    Two sets of one distribution have density 1 and coverage 1 - 2^-k (0.97). Distances
    are computed in blocks, so that memory does not grow with N^2. Identical generated
    samples are no error (recall 0); identical real ones are.

    Args:
        real_images: As in `FrechetDistance`.
        features: As in `FrechetDistance`.
        num_samples: As in `FrechetDistance`.
        k: Int, which neighbour.
        **kwargs: `resize`, `quantize`, `seed` and `name`, as in `FrechetDistance`.

    Example:

    ```python
    metric = kg.metrics.PRDC(features="lenet_fashion_mnist")
    metric.update_state(images[:10_000], gan.generate(10_000, seed=0))
    metric.result()  # {"precision_..._10k": ..., "recall_..._10k": ..., ...}
    ```
    """

    prefix = "prdc"
    higher_is_better = True

    def __init__(
        self,
        real_images=None,
        features="lenet_fashion_mnist",
        num_samples=10_000,
        *,
        k=5,
        **kwargs,
    ):
        super().__init__(real_images, features, num_samples, **kwargs)
        if not isinstance(k, int | np.integer) or not 1 <= k < num_samples:
            raise ValueError(
                "Expected: `k` as an int of at least 1 and less than `num_samples`. "
                f"Received: k={k!r}, num_samples={num_samples}."
            )
        self.k = int(k)
        self._real_radii = None

    def set_real(self, real):
        """Takes real features for good, whose balls are computed once."""
        super().set_real(real)
        self._real_radii = None

    def forget_real(self):
        """Begins real images anew, and so their balls."""
        super().forget_real()
        self._real_radii = None

    def result(self):
        """Returns a dict with the four.

        Raises:
            ValueError: If there are not more than k samples of each, or if all real
                ones are the same.
        """
        self.prepare()
        real, fake = self.real.rows, self.fake.rows
        radii = self._real_radii
        if radii is None:
            radii = nearest_radii(real, self.k, "real")
            if self._real_is_loaded:
                self._real_radii = radii
        values = prdc(real, fake, self.k, radii)
        if self._given_name:
            return {f"{self._given_name}_{key}": v for key, v in values.items()}
        return {self.name_of(key): value for key, value in values.items()}

    def check_count(self, count):
        """Raises unless there are more than k samples of each."""
        _check_count(self.real.count, self.k, "real")
        _check_count(count, self.k, "generated")

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "k": self.k}


def prdc(real, fake, k=5, real_radii=None):
    """The four values.

    Args:
        real: `(N, D)`.
        fake: `(M, D)`.
        k: Int, less than N and M.
        real_radii: Optional `(N,)`, `nearest_radii(real, k)`, if known.

    Returns:
        Dict of floats: "precision", "recall", "density", "coverage".

    Raises:
        ValueError: As `PRDC.result`.
    """
    if real.shape[1] != fake.shape[1]:
        raise ValueError(
            "Expected: features of one extractor. Received: "
            f"{real.shape[1]} and {fake.shape[1]} features."
        )
    if real_radii is None:
        real_radii = nearest_radii(real, k, "real")
    if not real_radii.any():
        raise ValueError(
            "Expected: real samples whose features differ. Received: each has "
            f"{k} others with the same features. Use other features, or look at the "
            "images."
        )
    fake_radii = nearest_radii(fake, k, "generated")
    # A sample on the edge of a ball is outside it, and is not to be rounded into it.
    real_radii, fake_radii = ((1.0 - 1e-9) * r for r in (real_radii, fake_radii))
    balls = np.zeros(len(fake))  # real balls that a generated sample lies in
    recalled, covered = np.zeros(len(real), bool), np.zeros(len(real), bool)
    for rows, distances in _blocks(real, fake):
        inside = distances < real_radii[rows, None]
        balls += inside.sum(axis=0)
        covered[rows] = inside.any(axis=1)
        recalled[rows] = (distances < fake_radii).any(axis=1)
    return {
        "precision": float((balls > 0).mean()),
        "recall": float(recalled.mean()),
        "density": float(balls.mean() / k),
        "coverage": float(covered.mean()),
    }


def nearest_radii(features, k, kind=""):
    """Squared distance of each sample to its k-th nearest neighbour in the set.

    Args:
        features: `(N, D)`.
        k: Int.
        kind: What to call the samples in the error.

    Returns:
        Float64 `(N,)`.

    Raises:
        ValueError: If N is not larger than k.
    """
    _check_count(len(features), k, kind)
    radii = np.empty(len(features))
    for rows, distances in _blocks(features, features):
        index = np.arange(len(distances))
        distances[index, np.arange(rows.start, rows.stop)] = np.inf  # not itself
        radii[rows] = np.partition(distances, k - 1, axis=1)[:, k - 1]
    return radii


def _check_count(count, k, kind):
    if count <= k:
        raise ValueError(
            f"Expected: more {kind} samples than k={k}. Received: {count}. "
            "Use more samples or a smaller `k`."
        )


def _blocks(left, right):
    """Yields rows of `left` and their squared distances to all of `right`."""
    mean = right.mean(axis=0, dtype="float64")  # nearer to 0, less is rounded away
    left, right = left - mean, right - mean
    right_norms = np.einsum("nd,nd->n", right, right)
    size = max(1, BLOCK_BYTES // (8 * len(right)))
    for start in range(0, len(left), size):
        part = left[start : start + size]
        distances = part @ right.T
        distances *= -2.0
        distances += np.einsum("nd,nd->n", part, part)[:, None]
        distances += right_norms
        # What rounding leaves of the distance of equal samples counts as 0.
        distances[distances < 1e-12 * right_norms] = 0.0
        yield slice(start, start + len(part)), distances
