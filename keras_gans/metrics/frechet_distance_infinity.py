"""The Frechet distance without the bias of a finite number of samples."""

import keras
import numpy as np

from keras_gans.metrics.frechet_distance import frechet_distance
from keras_gans.metrics.metric import GenerativeMetric
from keras_gans.metrics.statistics import FeatureStatistics


@keras.saving.register_keras_serializable("keras_gans")
class FrechetDistanceInfinity(GenerativeMetric):
    r"""The Frechet distance, extrapolated to infinitely many generated samples.

        FD(N) ~ FD_inf + slope / N

    of Chong and Forsyth 2020 (arXiv:1911.07023): the distance for several N up to the
    number of samples, each a seeded choice, and a straight line in 1/N through them;
    the result is where it meets 1/N = 0. Real samples are all used each time: the bias
    that they bring remains, so use many. Deviation: samples are drawn by chance, not
    from a Sobol sequence.

    Args:
        real_images: As in `FrechetDistance`.
        features: As in `FrechetDistance`.
        num_samples: As in `FrechetDistance`.
        points: Int, how many N, evenly spread from a tenth of the samples to all.
        **kwargs: `resize`, `quantize`, `seed` and `name`, as in `FrechetDistance`.

    Example:

    ```python
    metric = kg.metrics.FrechetDistanceInfinity(features="lenet_fashion_mnist")
    metric.update_state(images, gan.generate(10_000, seed=0))
    metric.result()
    ```
    """

    prefix = "fd_infinity"
    higher_is_better = False

    def __init__(
        self,
        real_images=None,
        features="lenet_fashion_mnist",
        num_samples=10_000,
        *,
        points=15,
        **kwargs,
    ):
        super().__init__(real_images, features, num_samples, **kwargs)
        if points < 2:
            raise ValueError(f"Expected: `points` of at least 2. Received: {points!r}.")
        self.points = points

    def result(self):
        """Returns the extrapolated distance; it may be a little below 0.

        Raises:
            ValueError: If a tenth of the generated samples is not more than the
                features: the bias is not a line in 1/N then.
        """
        self.prepare()
        real = FeatureStatistics()
        real.update(self.real.rows)
        return extrapolate(real, self.fake.rows, self.points, self.seed)

    def check_count(self, count):
        """Raises unless a tenth of the generated samples is more than the features."""
        _check_count(count, self.real.dim)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "points": self.points}


def extrapolate(real, fake, points=15, seed=0):
    """Intercept of the line of distances over 1/N.

    Args:
        real: `FeatureStatistics` of real samples.
        fake: `(N, D)`, features of generated samples.
        points: Int.
        seed: Int.

    Returns:
        Float.

    Raises:
        ValueError: As `FrechetDistanceInfinity.result`.
    """
    least = _check_count(len(fake), fake.shape[1])
    rng = np.random.default_rng(seed)
    counts = np.linspace(least, len(fake), points).astype(int)
    distances = []
    for count in counts:
        chosen = FeatureStatistics()
        chosen.update(fake[rng.choice(len(fake), count, replace=False)])
        distances.append(frechet_distance(real, chosen))
    _, intercept = np.polyfit(1.0 / counts, distances, 1)
    return float(intercept)


def _check_count(count, dim):
    """Returns a tenth of the count; raises if that is not more than the features."""
    least = count // 10
    if least <= dim:
        raise ValueError(
            f"Expected: more than {10 * dim + 9} generated samples for {dim} features, "
            f"for a line in 1/N from a tenth of them on. Received: {count}. Use "
            "more samples, or KernelDistance, which has no such bias."
        )
    return least
