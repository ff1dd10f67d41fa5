"""The Frechet distance against the same with SciPy's matrix square root."""

import numpy as np

from benchmarks.rounds import by_turns
from keras_gans.metrics.frechet_distance import frechet_distance
from keras_gans.metrics.statistics import FeatureStatistics

ROUNDS = 3  # at most: a root of 2,048 rows takes many seconds


def measure(args):
    """Measures seconds for one distance, of statistics that are there.

    Args:
        args: The command line's options.

    Returns:
        Dict of lists, one value a round: "frechet" and "sqrtm"; empty without SciPy.
    """
    try:
        import scipy.linalg
    except ImportError:
        return {}
    rng = np.random.default_rng(0)
    real, fake = FeatureStatistics(), FeatureStatistics()
    for statistics, scale in ((real, 1.0), (fake, 1.1)):
        decay = scale * np.exp(-np.arange(args.features) / (0.2 * args.features))
        shape = (2 * args.features, args.features)
        statistics.update(rng.standard_normal(shape) * decay + 0.1)

    def with_sqrtm():
        root = scipy.linalg.sqrtm(real.covariance @ fake.covariance)
        difference = real.mean - fake.mean
        traces = np.trace(real.covariance) + np.trace(fake.covariance)
        return difference @ difference + traces - 2.0 * np.trace(root).real

    runs = {"frechet": lambda: frechet_distance(real, fake), "sqrtm": with_sqrtm}
    # The warm-up of small ones; of large ones it does not count.
    if args.features < 100:
        np.testing.assert_allclose(runs["frechet"](), runs["sqrtm"](), rtol=1e-6)
    return by_turns(runs, min(args.rounds, ROUNDS))
