"""Distances between images in the feature maps of a network."""

import keras
import numpy as np

from keras_gans.metrics import features as feature_extractors
from keras_gans.metrics.metric import GenerativeMetric
from keras_gans.metrics.pairwise_diversity import ImageRows

BATCH = 16


class PerceptualDistance:
    r"""How far apart images look to a network (Zhang et al. 2018, arXiv:1801.03924).

        d(x, y) = sum_l 1 / (h_l w_l) sum_{h, w} |u_l(x)_{hw} - u_l(y)_{hw}|^2,

    where u_l are the feature maps of depth l, scaled to length 1 over channels at each
    place. This is the paper's distance *without* weights learned from people's
    judgments, so it is not LPIPS and not called so.

    Args:
        features: Whatever `keras_gans.metrics.features.get` takes and has maps:
            "efficientnet_lite0", "inception_v3_fid" or "lenet_fashion_mnist".
        resize: As in `keras_gans.metrics.features.get`.
        quantize: Whether images are rounded to uint8 first.

    Attributes:
        name: "perceptual_distance_<features>".

    Example:

    ```python
    distance = PerceptualDistance("efficientnet_lite0")
    distance(images, restored)  # float64 (B,)
    ```
    """

    def __init__(self, features="efficientnet_lite0", resize=None, quantize=True):
        self.extractor = feature_extractors.get(features, resize, quantize)
        self.name = f"perceptual_distance_{self.extractor.name}"

    def __call__(self, first, second):
        """Compares image i of one array with image i of the other.

        Args:
            first: `(B, H, W, C)`, uint8 or float in [-1, 1].
            second: Likewise.

        Returns:
            Float64 array `(B,)`, 0 for equal images.

        Raises:
            ValueError: If their shapes differ, or the features have no maps.
        """
        first, second = np.asarray(first), np.asarray(second)
        if first.shape != second.shape:
            raise ValueError(
                "Expected: as many images, of one size. Received: "
                f"{first.shape} and {second.shape}."
            )
        distances = []
        for start in range(0, len(first), BATCH):
            part = slice(start, start + BATCH)
            maps = [self.extractor.maps(x[part], BATCH) for x in (first, second)]
            distances.append(
                sum(_mean_square(x, y) for x, y in zip(*maps, strict=True))
            )
        return np.concatenate(distances)


def _mean_square(x, y):
    """One depth's share, `(B,)`."""
    squares = np.square(_unit(x) - _unit(y)).sum(axis=-1)  # (B, h, w)
    return squares.mean(axis=(1, 2), dtype="float64")


def _unit(maps):
    """Maps `(B, h, w, c)` of length 1 at each place, or 0 where nothing is active."""
    length = np.sqrt(np.square(maps).sum(axis=-1, keepdims=True))
    return maps / (length + 1e-10)


@keras.saving.register_keras_serializable("keras_gans")
class PerceptualDiversity(GenerativeMetric):
    """Mean perceptual distance of random pairs of samples; higher is more diverse.

    As in Zhu et al. 2017 (arXiv:1711.11586), with `PerceptualDistance`: 0 for samples
    that are all alike. A value tells something beside that of real images, which is
    given too where there are any.

    Args:
        real_images: As in `FrechetDistance`.
        features: As in `PerceptualDistance`.
        num_samples: As in `FrechetDistance`.
        pairs: Int, pairs of samples, drawn with `seed`.
        **kwargs: `resize`, `quantize`, `seed` and `name`, as in `FrechetDistance`.

    Example:

    ```python
    metric = kg.metrics.PerceptualDiversity(images, "efficientnet_lite0", 1000)
    metric.update_state(fake_images=gan.generate(1000, seed=0))
    metric.result()
    ```
    """

    prefix = "perceptual_diversity"
    output = None  # it keeps images, and looks at the maps of pairs
    accumulator = ImageRows

    def __init__(
        self,
        real_images=None,
        features="efficientnet_lite0",
        num_samples=10_000,
        *,
        pairs=1000,
        **kwargs,
    ):
        if pairs < 1:
            raise ValueError(f"Expected: `pairs` of at least 1. Received: {pairs!r}.")
        super().__init__(real_images, None, num_samples, **kwargs)
        self._features = features
        self.pairs = pairs
        self.distance = PerceptualDistance(features, self._resize, self._quantize)

    @property
    def features_name(self):
        """Name of the features whose maps are compared."""
        return self.distance.extractor.name

    def result(self):
        """Returns a dict: the mean over pairs, and that of real images if there are.

        Raises:
            ValueError: If there are fewer than 2 generated samples.
        """
        self.prepare()
        name = self.name
        values = {name: self._mean(self.fake)}
        if self.real.count >= 2:
            values[f"{name}_real"] = self._mean(self.real)
        return values

    def _mean(self, images):
        if images.count < 2:
            raise ValueError(
                f"Expected: at least 2 samples. Received: {images.count}. Call "
                "`update_state` first."
            )
        rng = np.random.default_rng(self.seed)
        first = rng.integers(images.count, size=self.pairs)
        second = (first + rng.integers(1, images.count, self.pairs)) % images.count
        return float(self.distance(images.rows[first], images.rows[second]).mean())

    def get_config(self):
        """Returns the arguments.

        Raises:
            ValueError: If the metric holds real images, or features without a name.
        """
        config = super().get_config()
        config |= {"features": self._features, "pairs": self.pairs}
        return config | {"resize": self._resize, "quantize": self._quantize}
