"""The Frechet distance between the features of real and of generated images."""

import keras
import numpy as np

from keras_gans.metrics.metric import GenerativeMetric
from keras_gans.metrics.statistics import FeatureStatistics


@keras.saving.register_keras_serializable("keras_gans")
class FrechetDistance(GenerativeMetric):
    r"""Frechet distance of two Gaussians fitted to real and to generated features.

        |m1 - m2|^2 + Tr(S1 + S2 - 2 (S1 S2)^1/2)

    of Heusel et al. 2017 (arXiv:1706.08500); covariances have N - 1 in the
    denominator, all is float64. Lower is better. The expectation falls with N by a term
    in 1/N, so two numbers compare at the same N only, which is part of the name. It is
    called `fid_<N>` with the Inception features alone, else `fd_<features>_<N>`.

    With fewer samples than features the covariances have no full rank, and a warning
    says how large the bias is. Constant features are no error: their variance is 0.

    Args:
        real_images: Optional `(N, H, W, C)`, uint8 or float in [-1, 1]: the real images
            to compare with, of which a seeded choice of `num_samples` counts. Their
            statistics are cached on the disk by their content. Without them,
            `update_state` takes real images too.
        features: "lenet_fashion_mnist", "efficientnet_lite0", "inception_v3_fid", a
            Keras model, a callable or a `keras_gans.metrics.features` extractor.
        num_samples: Int, N, how many real and generated images to compare.
        resize: As in `keras_gans.metrics.features.get`.
        quantize: As in `keras_gans.metrics.features.get`.
        seed: Int, of random choices.
        name: Optional name, in place of the one above.

    Raises:
        ValueError: If images or features are not what was expected.

    Example:

    ```python
    metric = kg.metrics.FrechetDistance(features="lenet_fashion_mnist")
    metric.update_state(images[:10_000], gan.generate(10_000, seed=0))
    metric.result()
    ```
    """

    accumulator = FeatureStatistics
    higher_is_better = False

    @property
    def default_name(self):
        """The name that says features and N."""
        return self.inception_name("fd", "fid")

    def result(self):
        """Returns the distance, a float; warns where N is not larger than D."""
        self.prepare()
        value = frechet_distance(self.real, self.fake)
        self._warn_if_few(value)
        return value

    def check_count(self, count):
        """Raises unless there are 2 samples of each."""
        check_counts(self.real.count, count)

    def _warn_if_few(self, value):
        dim = self.fake.dim
        fewest = min(self.real.count, self.fake.count)
        if fewest > dim:
            return
        halves = ""
        rows = self.real.rows if self.real.count >= 4 else None
        if rows is not None:
            order = np.random.default_rng(self.seed).permutation(len(rows))
            n = len(rows) // 2
            bias = frechet_distance(*(_of(rows[o]) for o in (order[:n], order[-n:])))
            halves = (
                f" Two halves of the real images, {n} each, are {bias:.4g} apart, "
                "where without bias it were 0."
            )
        self.warn_once(
            f"{self.name}: {fewest} samples of {dim} features. Expected: more samples "
            "than features; with fewer the distance is too large, by a term of about "
            f"1/N.{halves} The result, {value:.4g}, holds such a bias: compare it at "
            "the same N only, use more samples, or use KernelDistance, which has none."
        )


def frechet_distance(first, second):
    """The distance of two `FeatureStatistics`.

    The trace of (S1 S2)^1/2 is the sum of the roots of the eigenvalues of A S2 A^T,
    with S1 = A^T A: a symmetric matrix, with N rows where N <= D. Eigenvalues that
    rounding made negative count as 0.

    Args:
        first: `FeatureStatistics`.
        second: `FeatureStatistics`.

    Returns:
        Float, at least 0.

    Raises:
        ValueError: If one has fewer than 2 samples, or another number of features.
    """
    check_counts(first.count, second.count)
    if first.dim != second.dim:
        raise ValueError(
            "Expected: features of one extractor. Received: "
            f"{first.dim} and {second.dim} features."
        )
    factors = [_factor(statistics) for statistics in (first, second)]
    if all(factor is not None for factor in factors):
        a, b = sorted(factors, key=len)
        traces = sum(np.square(factor).sum() for factor in factors)
        product = a @ b.T
        symmetric = product @ product.T
    else:
        # The one with few rows, if there is one, is cut into A^T A.
        if factors[0] is None:
            first, second, factors = second, first, factors[::-1]
        covariance = second.covariance
        a = factors[0]
        traces = np.trace(covariance)
        if a is None:
            traces += np.trace(first.covariance)
            a = _root(first.covariance)
        else:
            traces += np.square(a).sum()
        symmetric = a @ covariance @ a.T
    eigenvalues = np.linalg.eigvalsh(symmetric)
    root_trace = np.sqrt(np.maximum(eigenvalues, 0.0)).sum()
    difference = first.mean - second.mean
    return float(max(difference @ difference + traces - 2.0 * root_trace, 0.0))


def check_counts(real, generated, label=None):
    """Raises ValueError if there are fewer than 2 of either, or of a class."""
    if real < 2 or generated < 2:
        of = "each" if label is None else f"class {label}, real and generated"
        advice = "Take more samples" if real or generated else "Call `update_state`"
        raise ValueError(
            f"Expected: at least 2 samples of {of}. Received: "
            f"{real} real, {generated} generated. {advice} first."
        )


def _factor(statistics):
    """A `(N, D)` with A^T A the covariance, where N <= D; else None."""
    rows = statistics.rows
    if rows is None:
        return None
    rows -= rows.mean(axis=0)
    return rows / np.sqrt(len(rows) - 1)


def _root(covariance):
    """A with A^T A the covariance: Cholesky's where it is positive definite."""
    try:
        return np.linalg.cholesky(covariance).T
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        kept = values > 0.0
        if not kept.any():  # constant features
            return np.zeros((1, len(values)))
        return np.sqrt(values[kept])[:, None] * vectors[:, kept].T


def _of(rows):
    statistics = FeatureStatistics()
    statistics.update(rows)
    return statistics
