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

        Raises:
            ValueError: If there are fewer than 4 samples of either.
        """
        self.prepare()
        values = kernel_distances(
            self.real.rows, self.fake.rows, self.subsets, self.subset_size, self.seed
        )
        error = values.std(ddof=1) / np.sqrt(len(values))
        name = self.name
        return {name: float(values.mean()), f"{name}_standard_error": float(error)}

    def check_count(self, count):
        """Raises unless there are 4 samples of each."""
        dim = self.real.dim
        _check_shapes((self.real.count, dim), (count, dim))

    def get_config(self):
        """Returns the arguments."""
        sizes = {"subsets": self.subsets, "subset_size": self.subset_size}
        return {**super().get_config(), **sizes}


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
    _check_shapes(real.shape, fake.shape)
    fewest = min(len(real), len(fake))
    real, fake = real.astype("float64"), fake.astype("float64")
    size = subset_size if fewest > subset_size else fewest // 2
    rng = np.random.RandomState(seed)  # torch-fidelity's, whose numbers never change
    values = []
    for _ in range(subsets):
        x = real[rng.choice(len(real), size, replace=False)]
        y = fake[rng.choice(len(fake), size, replace=False)]
        same = sum(_kernel(z, z).sum() - _kernel_diagonal(z).sum() for z in (x, y))
        values.append(same / (size * (size - 1)) - 2.0 * _kernel(x, y).mean())
    return np.array(values)


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
