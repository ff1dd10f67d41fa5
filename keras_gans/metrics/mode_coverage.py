"""How many of the modes of the data a generator has, where they are known."""

import collections

import keras
import numpy as np

from keras_gans import datasets
from keras_gans.data_specs import Images
from keras_gans.data_specs import is_few
from keras_gans.metrics import features as feature_extractors
from keras_gans.metrics.metric import GenerativeMetric


class ModeCounts:
    """How many good samples fell into each mode."""

    kind = "mode counts"

    def __init__(self):
        self.count = 0
        self.modes = collections.Counter()

    def update(self, modes, good):
        """Takes the mode of each sample, `(B,)`, and whether it is a good one."""
        self.count += len(modes)
        self.modes.update(np.asarray(modes)[good].tolist())


@keras.saving.register_keras_serializable("keras_gans")
class ModeCoverage(GenerativeMetric):
    r"""Modes, high-quality share and reverse KL on a mixture of Gaussians.

    A sample is of high quality if it lies within 3 sigma of a center, its mode. The
    generator has a mode that at least one such sample fell into (VEEGAN,
    arXiv:1705.07761). The reverse KL divergence,

        sum_k p_k log(K p_k),

    of the shares p_k of the K modes among such samples, is 0 if they are even and
    log K if all fall into one; infinite if there is none.

    Real samples have all modes, a share of 1 - exp(-9/2) = 98.9% in two dimensions,
    and a divergence of about (K - 1) / 2N.

    Args:
        centers: `(K, D)`, or the name of a set of `keras_gans.datasets.modes`, such as
            "gaussian_grid".
        sigma: Float, standard deviation of each mode; None with a name.
        num_samples: Int, N.
        name: Optional name.

    Raises:
        ValueError: If centers or sigma are missing.

    Example:

    ```python
    metric = kg.metrics.ModeCoverage("gaussian_grid")
    metric.update_state(fake_images=gan.generate(2500, seed=0))
    metric.result()  # {"modes_2500": 25.0, "high_quality_2500": 0.93, ...}
    ```
    """

    prefix = "modes"
    output = None
    accumulator = ModeCounts
    uses_real = False
    higher_is_better = True

    def __init__(self, centers, sigma=None, num_samples=2500, *, name=None):
        super().__init__(None, None, num_samples, name=name)
        self._centers, self._sigma = centers, sigma
        if isinstance(centers, str):
            centers, of_set = datasets.modes(centers)
            sigma = of_set if sigma is None else sigma
        self.centers = np.asarray(centers, "float64")
        if self.centers.ndim != 2 or sigma is None or not sigma > 0.0:
            raise ValueError(
                "Expected: `centers` (K, D) with a positive `sigma`, or the name of a "
                f"set. Received: centers of shape {self.centers.shape}, "
                f"sigma={sigma!r}."
            )
        self.sigma = float(sigma)
        self.num_modes = len(self.centers)

    def update_state(self, real_images=None, fake_images=None):
        """Takes a batch of generated points `(B, D)`; real ones are not looked at.

        Raises:
            ValueError: If they are no points of the centers' dimension, or not finite.
        """
        if fake_images is None:
            return
        points = np.asarray(fake_images, "float64")
        if points.ndim != 2 or points.shape[1] != self.centers.shape[1]:
            raise ValueError(
                f"Expected: points (B, {self.centers.shape[1]}), as the centers are. "
                f"Received: shape {points.shape}."
            )
        if not np.isfinite(points).all():
            raise ValueError(
                "Expected: finite points. Received: NaN or infinite ones. Has the "
                "generator diverged?"
            )
        distance = np.linalg.norm(points[:, None] - self.centers, axis=-1)  # (B, K)
        good = distance.min(axis=1) <= 3.0 * self.sigma
        self.fake.update(distance.argmin(axis=1), good)

    def result(self):
        """Returns a dict: modes, high-quality share, reverse KL.

        Raises:
            ValueError: If there were no samples.
        """
        if not self.fake.count:
            raise ValueError(
                "Expected: samples. Received: none. Call `update_state` first."
            )
        counts = np.array(list(self.fake.modes.values()), "float64")
        p = counts / max(counts.sum(), 1.0)
        divergence = np.sum(p * np.log(self.num_modes * p)) if len(p) else np.inf
        return {
            self.name: float(len(p)),
            self._name("high_quality"): float(counts.sum() / self.fake.count),
            self._name("reverse_kl"): float(divergence),
        }

    def which_is_better(self, names):
        """All when higher, but the divergence when lower."""
        return super().which_is_better(names) | {self._name("reverse_kl"): False}

    def _name(self, what):
        """`<what>_<N>`, or with a given name `<name>_<what>`."""
        return f"{self._given_name}_{what}" if self._given_name else self.name_of(what)

    def get_config(self):
        """Returns the arguments."""
        centers = self._centers
        return {
            "centers": centers if isinstance(centers, str) else self.centers.tolist(),
            "sigma": self._sigma,
            "num_samples": self.num_samples,
            "name": self._given_name,
        }


@keras.saving.register_keras_serializable("keras_gans")
class StackedModeCoverage(ModeCoverage):
    """Modes and reverse KL on stacks: images whose channels show one thing each.

    The stacked MNIST of Metz et al. 2016 (arXiv:1611.02163), and its kin: three grey
    images as the channels of one have 10^3 modes, told by a classifier of one channel.
    A sample is of high quality, and counts, if the classifier gives each channel's
    class a probability above `confidence`. Measure real stacks too, for the ceiling.

    Args:
        features: Whatever `keras_gans.metrics.features.get` takes, with a classifier of
            grey images.
        num_samples: Int, N; 26,000 in the literature.
        confidence: Float in [0, 1); 0: every sample counts, as in the literature.
        num_channels: Int, how many images are stacked.
        name: Optional name.

    Example:

    ```python
    metric = kg.metrics.StackedModeCoverage("lenet_fashion_mnist")
    metric.update_state(fake_images=gan.generate(26_000, seed=0))
    metric.result()  # {"modes_lenet_fashion_mnist_26k": 998.0, ...}
    ```
    """

    def __init__(
        self,
        features="lenet_fashion_mnist",
        num_samples=26_000,
        *,
        confidence=0.9,
        num_channels=3,
        name=None,
    ):
        GenerativeMetric.__init__(self, None, None, num_samples, name=name)
        if not 0.0 <= confidence < 1.0:
            raise ValueError(
                f"Expected: `confidence` in [0, 1). Received: {confidence!r}."
            )
        self._features = features
        self.classifier = feature_extractors.get(features)
        self.confidence, self.num_channels = float(confidence), num_channels
        self.num_modes = None  # known once the classifier has seen an image

    @property
    def features_name(self):
        """Name of the features whose classifier is asked."""
        return self.classifier.name

    def update_state(self, real_images=None, fake_images=None):
        """Takes a batch of generated stacks `(B, H, W, 3)`; real ones are left alone.

        Raises:
            ValueError: If they have another number of channels.
        """
        if fake_images is None:
            return
        images = np.asarray(fake_images)
        if images.ndim != 4 or images.shape[-1] != self.num_channels:
            raise ValueError(
                f"Expected: stacks (B, H, W, {self.num_channels}). "
                f"Received: shape {images.shape}."
            )
        Images(images.shape[1:]).check(images, "stacks", lenient=is_few(images))
        if images.dtype != np.uint8 and self.classifier.quantize:
            # A channel alone may be bright, which is no wrong range.
            images = Images(images.shape[1:]).to_user(images)
        modes, good = 0, True
        for channel in range(self.num_channels):
            found = self.classifier.extract(
                images[..., channel : channel + 1], outputs=("probabilities",)
            )["probabilities"]
            num_classes = found.shape[1]
            modes = modes * num_classes + found.argmax(axis=1)
            good = good & (found.max(axis=1) > self.confidence)
        self.num_modes = num_classes**self.num_channels
        self.fake.update(modes, good)

    def get_config(self):
        """Returns the arguments."""
        if not isinstance(self._features, str):
            raise ValueError(
                "A configuration cannot carry the `features`. Expected: a name. "
                f"Received: {type(self._features).__name__}. Make the metric again "
                "where you load."
            )
        return {
            "features": self._features,
            "num_samples": self.num_samples,
            "confidence": self.confidence,
            "num_channels": self.num_channels,
            "name": self._given_name,
        }
