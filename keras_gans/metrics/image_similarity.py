"""PSNR and SSIM of pairs of images, by Keras' own ops, for image translation."""

import keras
import numpy as np
from keras import ops

from keras_gans.data_specs import Images

FILTER = 11  # pixels, a side of the window of SSIM


def check_sides(shape):
    """Raises unless images `(B, H, W, C)` hold the window of SSIM."""
    if min(shape[1:3]) < FILTER:
        raise ValueError(
            f"Expected: images of at least {FILTER} x {FILTER} pixels. "
            f"Received: {tuple(shape[1:])}. Resize them."
        )


class _ImageSimilarity(keras.metrics.Mean):
    """Mean over pairs of images; both uint8, or both float in [-1, 1]."""

    higher_is_better = True

    def __init__(self, name, dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Takes a batch of pairs `(B, H, W, C)`, and optional weights `(B,)`."""
        for images in (y_true, y_pred):
            if isinstance(images, np.ndarray) and images.ndim == 4:
                Images(images.shape[1:]).check(images, "images", lenient=True)
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        dtypes = [keras.backend.standardize_dtype(y.dtype) for y in (y_true, y_pred)]
        if tuple(y_true.shape) != tuple(y_pred.shape) or len(y_true.shape) != 4:
            raise ValueError(
                "Expected: pairs of images (B, H, W, C). Received: "
                f"{tuple(y_true.shape)} and {tuple(y_pred.shape)}."
            )
        is_uint8 = [dtype == "uint8" for dtype in dtypes]
        if is_uint8[0] != is_uint8[1]:
            raise ValueError(
                "Expected: both uint8, or both floats in [-1, 1]. Received: "
                f"{dtypes[0]} and {dtypes[1]}."
            )
        for dtype in dtypes:
            if dtype != "uint8" and "float" not in dtype:
                raise ValueError(
                    "Expected: images as uint8, or as floats in [-1, 1]. Received: "
                    f"{dtype}. Convert values in 0..255 with `.astype('uint8')`."
                )
        span = 255.0 if is_uint8[0] else 2.0
        values = self._compare(
            ops.cast(y_true, "float32"), ops.cast(y_pred, "float32"), span
        )
        return super().update_state(values, sample_weight)

    def get_config(self):
        """Returns the arguments."""
        return {"name": self.name, "dtype": self.dtype}


@keras.saving.register_keras_serializable("keras_gans")
class PSNR(_ImageSimilarity):
    r"""Peak signal-to-noise ratio, 10 log10(max^2 / MSE) of each pair, in decibels.

    A pair of equal images, whose ratio is infinite, counts as 100.

    Args:
        name: Optional name.
        dtype: As in Keras.

    Example:

    ```python
    metric = kg.metrics.PSNR()
    metric.update_state(images, restored)
    metric.result()
    ```
    """

    def __init__(self, name="psnr", dtype=None):
        super().__init__(name, dtype)

    def _compare(self, x, y, span):
        # `ops.psnr` averages the errors of a batch before it takes the logarithm.
        errors = ops.mean(ops.square(x - y), axis=(1, 2, 3))
        return ops.minimum(10.0 * ops.log10(span**2 / errors), 100.0)


@keras.saving.register_keras_serializable("keras_gans")
class SSIM(_ImageSimilarity):
    r"""Structural similarity of pairs (Wang et al. 2004), 1 for equal images.

    Args:
        name: Optional name.
        dtype: As in Keras.

    Raises:
        ValueError: At `update_state`, if images are smaller than the window of 11 x 11
            pixels, or no pairs.

    Example:

    ```python
    metric = kg.metrics.SSIM()
    metric.update_state(images, restored)
    metric.result()
    ```
    """

    def __init__(self, name="ssim", dtype=None):
        super().__init__(name, dtype)

    def _compare(self, x, y, span):
        check_sides(x.shape)
        if span == 2.0:
            x, y = x + 1.0, y + 1.0  # 0..2: luminance is defined from 0 on
        return ops.image.ssim(x, y, span, FILTER, data_format="channels_last")
