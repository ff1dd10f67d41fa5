"""How much samples differ from one another."""

import keras
import numpy as np
from keras import ops

from keras_gans.metrics.image_similarity import FILTER
from keras_gans.metrics.image_similarity import check_sides
from keras_gans.metrics.metric import GenerativeMetric

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the five scales, finest first (Wang et al. 2003)."""

SIGMA, K1, K2 = 1.5, 0.01, 0.03
BATCH = 64


class ImageRows:
    """All images, as they came."""

    kind = "images"

    def __init__(self):
        self.count = 0
        self._batches = []

    def update(self, images):
        """Takes a batch `(B, H, W, C)`."""
        self._batches.append(np.array(images))
        self.count += len(images)

    @property
    def rows(self):
        """All images `(N, H, W, C)`; of different dtypes as uint8."""
        batches = self._batches
        if len({batch.dtype for batch in batches}) > 1:
            batches = [_to_uint8(batch) for batch in batches]
        if len(batches) > 1:
            self._batches = [np.concatenate(batches)]
        return self._batches[0]


@keras.saving.register_keras_serializable("keras_gans")
class PairwiseDiversity(GenerativeMetric):
    r"""Mean similarity (MS-SSIM) of random pairs of samples; lower is more diverse.

        MS-SSIM(x, y) = SSIM_S(x, y)^w_S prod_{s < S} cs_s(x, y)^w_s

    of Wang et al. 2003 over S scales, each half of the one before, as a sign of
    collapse in Odena et al. 2017 (arXiv:1610.09585): 1 for samples that are all alike.
    A value tells something beside that of real images, which is given too where there
    are any. For images too small for five scales, those remain that a window of 11
    pixels fits into, with weights that sum to 1: 2 scales for 28 x 28.

    Args:
        real_images: As in `FrechetDistance`.
        num_samples: As in `FrechetDistance`.
        pairs: Int, pairs of samples, drawn with `seed`.
        **kwargs: `seed` and `name`, as in `FrechetDistance`.

    Example:

    ```python
    metric = kg.metrics.PairwiseDiversity(images, num_samples=1000)
    metric.update_state(fake_images=gan.generate(1000, seed=0))
    metric.result()  # {"pairwise_ms_ssim_1k": ..., "pairwise_ms_ssim_1k_real": ...}
    ```
    """

    prefix = "pairwise_ms_ssim"
    output = None
    accumulator = ImageRows
    higher_is_better = False

    def __init__(self, real_images=None, num_samples=10_000, *, pairs=1000, **kwargs):
        super().__init__(real_images, None, num_samples, **kwargs)
        if pairs < 1:
            raise ValueError(f"Expected: `pairs` of at least 1. Received: {pairs!r}.")
        self.pairs = pairs

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

    def check_count(self, count):
        """Raises unless there are 2 samples, a pair."""
        if count < 2:
            raise ValueError(
                f"Expected: at least 2 samples. Received: {count}. Call "
                "`update_state` first."
            )

    def _mean(self, images):
        self.check_count(images.count)
        rng = np.random.default_rng(self.seed)
        first = rng.integers(images.count, size=self.pairs)
        second = (first + rng.integers(1, images.count, self.pairs)) % images.count
        values = self.compare(images.rows[first], images.rows[second])
        return float(np.mean(values, dtype="float64"))

    def compare(self, first, second):
        """Compares images `(P, H, W, C)` pair by pair; a subclass has its own way.

        Returns:
            `(P,)`.
        """
        starts = range(0, len(first), BATCH)
        parts = [slice(start, start + BATCH) for start in starts]
        return np.concatenate([ms_ssim(first[part], second[part]) for part in parts])

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "pairs": self.pairs}


def ms_ssim(first, second):
    """Multi-scale structural similarity of pairs of images.

    Args:
        first: `(B, H, W, C)`, uint8 or float in [-1, 1].
        second: Likewise.

    Returns:
        Float32 `(B,)`, in [0, 1].

    Raises:
        ValueError: If images are smaller than the window of 11 pixels.
    """
    check_sides(first.shape)
    side = min(first.shape[1:3])
    scales = min(len(WEIGHTS), int(np.log2(side / FILTER)) + 1)
    weights = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales])
    # In 0..1, where SSIM is defined.
    x, y = (ops.convert_to_tensor(_to_unit(images)) for images in (first, second))
    product = 1.0
    for scale, weight in enumerate(weights):
        luminance, structure = _ssim_parts(x, y)
        if scale + 1 < scales:
            value = ops.mean(structure, axis=(1, 2))
            x, y = (ops.average_pool(z, 2, 2, "valid") for z in (x, y))
        else:
            value = ops.mean(luminance * structure, axis=(1, 2))
        # (B, C); negative correlation counts as none
        product = product * ops.power(ops.maximum(value, 0.0), float(weight))
    return ops.convert_to_numpy(ops.mean(product, axis=-1))


def _ssim_parts(x, y):
    """Luminance and contrast-structure at each place, `(B, h, w, C)`."""
    c1, c2 = K1**2, K2**2
    mean_x, mean_y = _blur(x), _blur(y)
    product, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    luminance = (2 * product + c1) / (squares + c1)
    covariance = 2 * _blur(x * y) - 2 * product
    variances = _blur(x * x + y * y) - squares
    return luminance, (covariance + c2) / (variances + c2)


def _blur(images):
    """Means under a Gaussian window, where it fits, each channel for itself."""
    places = np.arange(FILTER) - FILTER // 2
    window = np.exp(-(places**2) / (2 * SIGMA**2))
    window = (window / window.sum()).astype("float32")
    channels = images.shape[-1]
    for shape in ((FILTER, 1, 1, 1), (1, FILTER, 1, 1)):
        kernel = np.tile(window.reshape(shape), (1, 1, channels, 1))
        images = ops.depthwise_conv(
            images, kernel, padding="valid", data_format="channels_last"
        )
    return images


def _to_unit(images):
    if images.dtype == np.uint8:
        return images.astype("float32") / 255.0
    return (images.astype("float32") + 1.0) / 2.0


def _to_uint8(images):
    if images.dtype == np.uint8:
        return images
    return np.clip(np.rint((images + 1.0) * 127.5), 0, 255).astype("uint8")
