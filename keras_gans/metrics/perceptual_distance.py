"""Distances between images in the feature maps of a network."""

import keras
import numpy as np

from keras_gans.metrics import features as feature_extractors
from keras_gans.metrics.pairwise_diversity import PairwiseDiversity

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

    higher_is_better = False

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
class PerceptualDiversity(PairwiseDiversity):
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
    higher_is_better = True

    def __init__(
        self,
        real_images=None,
        features="efficientnet_lite0",
        num_samples=10_000,
        *,
        pairs=1000,
        **kwargs,
    ):
        super().__init__(real_images, num_samples, pairs=pairs, **kwargs)
        self._features = features
        self.distance = PerceptualDistance(features, self._resize, self._quantize)

    @property
    def features_name(self):
        """Name of the features whose maps are compared."""
        return self.distance.extractor.name

    def compare(self, first, second):
        """The distances of the pairs."""
        return self.distance(first, second)

    def get_config(self):
        """Returns the arguments.

        Raises:
            ValueError: If the metric holds real images, or features without a name.
        """
        config = super().get_config()
        config["features"] = self._features
        return config | {"resize": self._resize, "quantize": self._quantize}
