"""The Inception score: are samples clear, and of all classes."""

import keras
import numpy as np

from keras_gans.metrics.metric import GenerativeMetric


@keras.saving.register_keras_serializable("keras_gans")
class InceptionScore(GenerativeMetric):
    r"""Inception score of Salimans et al. 2016 (arXiv:1606.03498).

        exp(E_x KL(p(y | x) || p(y))),

    from a classifier's probabilities, as mean and standard deviation over parts of the
    samples. From 1 to the number of classes, higher is better. It looks at no real
    image, so it sees no memorised or lacking ones. With the Inception network it is
    called `inception_score_<N>`, with others `classifier_score_<features>_<N>`. The
    same probabilities for all samples, as of a collapsed generator, give 1.

    Args:
        features: As in `FrechetDistance`, of a network with a classifier.
        num_samples: As in `FrechetDistance`.
        splits: Int, parts. They are consecutive: samples are not shuffled.
        **kwargs: `resize`, `quantize`, `seed` and `name`, as in `FrechetDistance`.

    Example:

    ```python
    metric = kg.metrics.InceptionScore(features="lenet_fashion_mnist")
    metric.update_state(fake_images=gan.generate(10_000, seed=0))
    metric.result()
    ```
    """

    output = "probabilities"
    uses_real = False
    higher_is_better = True

    def __init__(
        self,
        features="lenet_fashion_mnist",
        num_samples=10_000,
        *,
        splits=10,
        **kwargs,
    ):
        super().__init__(None, features, num_samples, **kwargs)
        if splits < 1:
            raise ValueError(f"Expected: `splits` of at least 1. Received: {splits!r}.")
        self.splits = splits

    @property
    def default_name(self):
        """The name that says features and N."""
        return self.inception_name("classifier_score", "inception_score")

    def result(self):
        """Returns a dict: the mean over the parts, and their standard deviation."""
        scores = inception_scores(self.fake.rows, self.splits)
        name = self.name
        return {name: float(scores.mean()), f"{name}_std": float(scores.std())}

    def check_count(self, count):
        """Raises unless there are 2 samples for each part: 1 alone has a score of 1."""
        _check_count(count, self.splits)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "splits": self.splits}


def inception_scores(probabilities, splits=10):
    """The score of each part.

    Args:
        probabilities: `(N, K)`, rows of sum 1.
        splits: Int; at most N / 2.

    Returns:
        Float64 `(splits,)`.

    Raises:
        ValueError: If these are no probabilities, or fewer than 2 a part.
    """
    p = np.asarray(probabilities, "float64")
    _check_count(len(p), splits)
    if p.min() < 0.0 or np.abs(p.sum(axis=1) - 1.0).max() > 1e-4:
        raise ValueError(
            "Expected: probabilities, in 0..1 with rows of sum 1. Received: values in "
            f"[{p.min():.4g}, {p.max():.4g}]. Apply a softmax to logits first."
        )
    scores = []
    for i in range(splits):
        part = p[i * len(p) // splits : (i + 1) * len(p) // splits]
        marginal = np.broadcast_to(part.mean(axis=0), part.shape)
        ratio = np.ones_like(part)
        np.divide(part, marginal, out=ratio, where=part > 0.0)  # 0 log 0 = 0
        scores.append(np.exp((part * np.log(ratio)).sum(axis=1).mean()))
    return np.array(scores)


def _check_count(count, splits):
    if count < 2 * splits:
        raise ValueError(
            f"Expected: at least 2 samples for each of splits={splits} parts. "
            f"Received: {count}. Use more samples or fewer `splits`."
        )
