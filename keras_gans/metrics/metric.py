"""The base class of the metrics that compare generated with real images."""

import warnings

import keras
import numpy as np

from keras_gans.data_specs import Images
from keras_gans.data_specs import is_few
from keras_gans.metrics import features as feature_extractors
from keras_gans.metrics.features import FeatureExtractor
from keras_gans.metrics.statistics import FeatureRows

INCEPTION = "inception_v3_fid"


class GenerativeMetric(keras.metrics.Metric):
    """Compares features of real and of generated images, which come in batches.

    A subclass names what it keeps of features (`accumulator`), which output of the
    extractor it wants (`output`), whether it needs real images (`uses_real`), begins
    its name with `prefix` and computes `result` from `self.real` and `self.fake`. It
    says whether a higher result is better (`higher_is_better`), or callbacks have to be
    told.

    State and results are float64 NumPy on the host, the same for every backend; so
    these metrics run eagerly, outside of the compiled step.

    Args:
        real_images: Optional `(N, H, W, C)`, uint8 or float in [-1, 1]: the real images
            to compare with, of which a seeded choice of `num_samples` counts; cached on
            the disk by content. Without them, `update_state` takes real images too.
        features: Whatever `keras_gans.metrics.features.get` takes. Names are looked up
            when first needed.
        num_samples: Int, N, how many real and generated images to compare.
        resize: As in `keras_gans.metrics.features.get`.
        quantize: As in `keras_gans.metrics.features.get`.
        seed: Int, of random choices.
        name: Optional name. Defaults to `<prefix>_<features>_<N>` with the N of the
            generated images that were seen, "10k" for 10,000.

    Example:

    ```python
    @keras.saving.register_keras_serializable("my_package")
    class MeanDistance(GenerativeMetric):
        prefix = "mean_distance"
        accumulator = FeatureStatistics
        higher_is_better = False

        def result(self):
            self.prepare()
            return float(np.linalg.norm(self.real.mean - self.fake.mean))
    ```
    """

    prefix = "metric"
    output = "features"  # or "probabilities"; None: the images themselves
    accumulator = FeatureRows
    uses_real = True
    uses_labels = False
    higher_is_better = None  # or True, or False; None: not known

    def __init__(
        self,
        real_images=None,
        features="lenet_fashion_mnist",
        num_samples=10_000,
        *,
        resize=None,
        quantize=True,
        seed=0,
        name=None,
    ):
        super().__init__(name=name)
        self._given_name = name
        if not isinstance(num_samples, int | np.integer) or num_samples < 2:
            raise ValueError(
                "Expected: `num_samples` as an int of at least 2. "
                f"Received: {num_samples!r}."
            )
        self.num_samples = int(num_samples)
        self.seed = seed
        self._features = features
        self._resize, self._quantize = resize, quantize
        self._extractor = None
        lazy = isinstance(features, str) and features in feature_extractors._NAMED
        plain = resize is None and quantize
        if isinstance(features, FeatureExtractor) and plain:
            self._extractor = features
        elif self.output is not None and not lazy:
            self._extractor = feature_extractors.get(features, resize, quantize)
        self.real_images = None if real_images is None else np.asarray(real_images)
        self._image_shape = None
        if self.real_images is not None:
            images = self.check_images(self.real_images)
            spec = Images(images.shape[1:])
            spec.check(images, "real_images", lenient=is_few(images))
        self._warned = False
        self.real, self.fake = self.accumulator(), self.accumulator()
        self._real_is_loaded = False

    # ---------------------------------------------------------------- names

    @property
    def extractor(self):
        """The feature extractor; None if the metric sees images."""
        if self._extractor is None and self.output is not None:
            self._extractor = feature_extractors.get(
                self._features, self._resize, self._quantize
            )
        return self._extractor

    @property
    def name(self):
        """The given name, or one that says features and N."""
        return self._given_name or self.default_name

    @name.setter
    def name(self, value):
        self._given_name = value

    @property
    def default_name(self):
        """The name that says features and N."""
        return self.name_of(self.prefix)

    def name_of(self, prefix):
        """`<prefix>_<features>_<N>`, for one of several results."""
        count = self.fake.count or self.num_samples
        number = f"{count // 1000}k" if count % 1000 == 0 else str(count)
        return "_".join(part for part in (prefix, self.features_name, number) if part)

    @property
    def features_name(self):
        """Name of the features; empty if the metric sees images."""
        if self.output is None:
            return ""
        if isinstance(self._features, str) and self._resize is None and self._quantize:
            return self._features  # nothing to load
        return self.extractor.name

    def inception_name(self, prefix, inception_prefix):
        """A name for numbers that are known by one only with the Inception features.

        Args:
            prefix: What the name begins with otherwise.
            inception_prefix: What stands for prefix and features with Inception's.
        """
        name = self.features_name
        own = type(self._extractor) is FeatureExtractor  # may be named as it likes
        if own or not name.startswith(INCEPTION):
            return self.name_of(prefix)
        return self.name_of("").replace(INCEPTION, inception_prefix, 1)

    def values(self):
        """The result as a dict, name -> float, whatever `result` returns."""
        result = self.result()
        return result if isinstance(result, dict) else {self.name: result}

    def which_is_better(self, names):
        """Which values are better when higher, where `result` returns several.

        Args:
            names: Names of the values.

        Returns:
            Dict, name -> True, False or None, which is not known.
        """
        return dict.fromkeys(names, self.higher_is_better)

    # ---------------------------------------------------------------- samples

    def update_state(self, real_images=None, fake_images=None):
        """Takes a batch of real images, of generated ones, or of both.

        Args:
            real_images: `(B, H, W, C)`, uint8 or float in [-1, 1].
            fake_images: `(B', H, W, C)`, likewise; B' and the dtype may differ.

        Raises:
            ValueError: If they are no such images, or of different sizes.
        """
        given = {"real": real_images if self.uses_real else None, "fake": fake_images}
        if given["real"] is not None:
            self.check_real_is_open()
        found = {}  # all of it before any of it counts, for one that tries again
        for kind, images in given.items():
            if images is not None:
                found[kind] = self.found_in(images, kind)
        self.update_features(**found)

    def found_in(self, images, kind):
        """What the metric keeps of images: features, or the images, once checked."""
        images = self.check_images(images, kind)
        if self.output is None:
            return images
        return self.extractor.extract(images, outputs=(self.output,))[self.output]

    def update_features(self, real=None, fake=None):
        """Takes features in place of images, so that metrics share an extraction.

        Args:
            real: Optional `(B, D)`, the extractor's `output` of real images.
            fake: Optional `(B', D)`, of generated ones.

        Raises:
            ValueError: If they are not finite, or D differs.
        """
        if real is not None and self.uses_real:
            self.check_real_is_open()
            self.real.update(real)
        if fake is not None:
            self.fake.update(fake)

    def check_images(self, images, kind="real"):
        """Returns images as an array; raises if their size differs from before."""
        images = np.asarray(images)
        if images.ndim != 4:
            raise ValueError(
                f"Expected: {kind} images (B, H, W, C). Received: {images.shape}."
            )
        shape = images.shape[1:]
        if self.real_images is not None and self._image_shape is None:
            self._image_shape = self.real_images.shape[1:]
        if self._image_shape not in (None, shape):
            raise ValueError(
                "Expected: real and generated images of one size, since resizing "
                f"changes the result. Received: {self._image_shape}, then {shape} "
                f"({kind}). Load the real images with the `image_size` of the model."
            )
        self._image_shape = shape
        if self.output is None:  # else the extractor looks at the values
            Images(shape).check(images, f"{kind} images", lenient=is_few(images))
        return images

    def prepare(self):
        """Extracts the features of `real_images`, or finds them in the cache."""
        from keras_gans.metrics.shared import SharedExtraction

        if self.real_images is not None and not self._real_is_loaded:
            SharedExtraction([self]).load_real(self.real_images)

    def check_real_is_open(self):
        """Raises if real images were given for good."""
        if self.real_images is not None or self._real_is_loaded:
            how = "given its real images for good, as by a MetricMonitor"
            if self.real_images is not None:
                how = "made with `real_images`"
            raise ValueError(
                f"{self.name} was {how}. Expected: generated images alone. Received: "
                "real ones too. Make another metric for them."
            )

    def forget_real(self):
        """Begins real images anew, also those that were given for good."""
        self.real, self._real_is_loaded = self.accumulator(), False

    def set_real(self, real):
        """Takes a filled accumulator of real features, which `reset_state` keeps."""
        self.real, self._real_is_loaded = real, True

    def check_count(self, count):
        """Raises if `result` would, of so few samples; none are too few by default.

        Args:
            count: Int, of the generated samples to come. Real ones are there already.
        """

    def reset_state(self):
        """Forgets generated images, and real ones unless they were given for good."""
        self.fake = self.accumulator()
        if not self._real_is_loaded:
            self.real = self.accumulator()
            self._image_shape = None

    def warn_once(self, message):
        """Warns the user, the first time alone."""
        if not self._warned:
            self._warned = True
            warnings.warn(message, UserWarning, stacklevel=3)

    # ---------------------------------------------------------------- config

    def get_config(self):
        """Returns the arguments.

        Raises:
            ValueError: If the metric holds real images, or features that are not named:
                a configuration cannot carry either.
        """
        for argument, wrong in (
            ("real_images", self.real_images is not None),
            ("features", not isinstance(self._features, str | None)),
        ):
            if wrong:
                raise ValueError(
                    f"A configuration cannot carry the `{argument}` of {self.name}. "
                    "Expected: no `real_images`, and `features` by name. Received: "
                    f"{type(getattr(self, argument, self._features)).__name__}. "
                    "Make the metric again where you load."
                )
        config = {
            "features": self._features,
            "num_samples": self.num_samples,
            "resize": self._resize,
            "quantize": self._quantize,
            "seed": self.seed,
            "name": self._given_name,
        }
        return config if self.output is not None else _without_features(config)

    @classmethod
    def from_config(cls, config):
        """Makes the metric again."""
        return cls(**config)


def check_names(metrics):
    """Raises if values of one metric would take the place of another's."""
    names = [metric.name for metric in metrics]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            "Expected: metrics of different names. Received: more than one "
            f"{', '.join(twice)}. Give one a `name`."
        )


def _without_features(config):
    return {
        key: value
        for key, value in config.items()
        if key not in ("features", "resize", "quantize")
    }
