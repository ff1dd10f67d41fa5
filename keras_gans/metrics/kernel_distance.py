"""The kernel distance (KID): unbiased, so of use for few samples too."""

import keras
import numpy as np

from keras_gans.metrics.metric import GenerativeMetric


@keras.saving.register_keras_serializable("keras_gans")
class KernelDistance(GenerativeMetric):
    r"""Squared maximum mean discrepancy of features, averaged over subsets.

        MMD^2 = E k(x, x') + E k(y, y') - 2 E k(x, y),  k(x, y) = (x.y / D + 1)^3

    without the diagonals, of Binkowski et al. 2018 (arXiv:1801.01401). Lower is better;
    around 0 it may be negative. Its expectation does not depend on N. Subsets are drawn
    without replacement, in the order of torch-fidelity's, so that one seed gives the
    same ones. Where there are not more samples than `subset_size`, subsets are half of
    them, or they would not differ. Constant features are no error.

    Args:
        real_images: As in `FrechetDistance`.
        features: As in `FrechetDistance`.
        num_samples: As in `FrechetDistance`.
        subsets: Int, how many subsets.
        subset_size: Int, samples of a subset.
        **kwargs: `resize`, `quantize`, `seed` and `name`, as in `FrechetDistance`.

    Example:

    ```python
    metric = kg.metrics.KernelDistance(features="lenet_fashion_mnist")
    metric.update_state(images[:1000], gan.generate(1000, seed=0))
    metric.result()  # {"kid_..._1k": ..., "kid_..._1k_standard_error": ...}
    ```
    """

    prefix = "kid"
    higher_is_better = False

    def __init__(
        self,
        real_images=None,
        features="lenet_fashion_mnist",
        num_samples=10_000,
        *,
        subsets=100,
        subset_size=1000,
        seed=2020,
        **kwargs,
    ):
        super().__init__(real_images, features, num_samples, seed=seed, **kwargs)
        if subsets < 2 or subset_size < 2:
            raise ValueError(
                "Expected: `subsets` and `subset_size` of at least 2. Received: "
                f"subsets={subsets}, subset_size={subset_size}."
            )
        self.subsets = subsets
        self.subset_size = subset_size

    def result(self):
        """Returns a dict: the mean over subsets, and its standard error.

        The error is that of other samples, real and generated, of as many each, and of
        other subsets; the scatter of the subsets alone, which share these samples,
        would be several times smaller.

        Raises:
            ValueError: If there are fewer than 4 samples of either.
        """
        self.prepare()
        value, error = kernel_distance(
            self.real.rows, self.fake.rows, self.subsets, self.subset_size, self.seed
        )
        return {self.name: value, f"{self.name}_standard_error": error}

    def check_count(self, count):
        """Raises unless there are 4 samples of each."""
        dim = self.real.dim
        _check_shapes((self.real.count, dim), (count, dim))

    def get_config(self):
        """Returns the arguments."""
        sizes = {"subsets": self.subsets, "subset_size": self.subset_size}
        return {**super().get_config(), **sizes}


def kernel_distance(real, fake, subsets=100, subset_size=1000, seed=2020):
    """The mean of `kernel_distances`, and its standard error.

    What a sample adds to the mean, with all others as they are, is twice its h / N
    (Hoeffding 1948): h = mean k(x, x') - mean k(x, y) over its partners x' of its own
    kind and y of the other. So the variance is 4 var(h) / N for real, and likewise for
    generated samples, and that of the choice of subsets. Where the distributions are
    alike, h vanishes but for the noise of a mean, and the error is 1.4 times too large.

    Args:
        real: As in `kernel_distances`, like all arguments.
        fake: See there.
        subsets: See there.
        subset_size: See there.
        seed: See there.

    Returns:
        Two floats.

    Raises:
        ValueError: If N or M is less than 4, or D differs.
    """
    values = []
    shares = [np.zeros((2, len(samples))) for samples in (real, fake)]  # sum, count
    for value, found in _of_subsets(real, fake, subsets, subset_size, seed):
        values.append(value)
        for (total, count), (rows, share) in zip(shares, found, strict=True):
            total[rows] += share
            count[rows] += 1
    variance = np.var(values, ddof=1) / subsets
    for total, count in shares:
        seen = count > 0
        variance += 4.0 * np.var(total[seen] / count[seen], ddof=1) / len(total)
    return float(np.mean(values)), float(np.sqrt(variance))


def kernel_distances(real, fake, subsets=100, subset_size=1000, seed=2020):
    """The unbiased estimate on each of the subsets.

    Args:
        real: `(N, D)`.
        fake: `(M, D)`.
        subsets: Int.
        subset_size: Int; half of the smaller of N and M, if they are not more.
        seed: Int.

    Returns:
        Float64 `(subsets,)`.

    Raises:
        ValueError: If N or M is less than 4, or D differs.
    """
    found = _of_subsets(real, fake, subsets, subset_size, seed)
    return np.array([value for value, _ in found])


def _of_subsets(real, fake, subsets, subset_size, seed):
    """Yields a subset's estimate, and for real and fake its rows and their shares."""
    _check_shapes(real.shape, fake.shape)
    fewest = min(len(real), len(fake))
    real, fake = real.astype("float64"), fake.astype("float64")
    size = subset_size if fewest > subset_size else fewest // 2
    rng = np.random.RandomState(seed)  # torch-fidelity's, whose numbers never change
    for _ in range(subsets):
        rows = [rng.choice(len(z), size, replace=False) for z in (real, fake)]
        x, y = real[rows[0]], fake[rows[1]]
        cross = _kernel(x, y)
        shares = [
            (_kernel(z, z).sum(axis=1) - _kernel_diagonal(z)) / (size - 1) - others
            for z, others in ((x, cross.mean(axis=1)), (y, cross.mean(axis=0)))
        ]
        value = sum(share.mean() for share in shares)
        yield value, list(zip(rows, shares, strict=True))


def _check_shapes(real, fake):
    if min(real[0], fake[0]) < 4 or real[1] != fake[1]:
        raise ValueError(
            "Expected: at least 4 real and 4 generated samples with the same features. "
            f"Received: {real} and {fake}."
        )


def _kernel(x, y):
    dots = x @ y.T
    dots /= x.shape[1]
    dots += 1.0
    return dots * dots * dots


def _kernel_diagonal(x):
    return (np.square(x).sum(axis=1) / x.shape[1] + 1.0) ** 3
