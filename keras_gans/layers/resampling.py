r"""Resampling with a low-pass filter: Karras et al. 2020, arXiv:1912.04958.

StyleGAN2 doubles and halves its features with the binomial filter [1, 3, 3, 1], where
others repeat or average pixels: what a sampling rate cannot carry is removed (Zhang
2019, arXiv:1904.11486). `upfirdn` is the one operation behind all of it: zeros between
the samples, a filter, and every n-th of the result.

B: batch, H, W: sides, C: channels.
"""

import keras
from keras import layers
from keras import ops

from keras_gans import backend
from keras_gans.backend.filters import samples_after

BINOMIAL = (1.0, 3.0, 3.0, 1.0)


def upfirdn(x, taps, up=1, down=1, padding=(0, 0)):
    r"""Puts in zeros, filters and takes every n-th sample, along both sides.

        u[up * i] = x[i], else 0;   y[n] = sum_k taps[k] u[down * n + k - padding[0]]

    with u zero outside of its length up * H + padding[1] (the operation of
    Karras et al. 2020; the taps are not turned round, and not scaled).

    Args:
        x: `(B, H, W, C)`, H and W known.
        taps: Sequence of floats, the filter along each side.
        up: Int >= 1, up - 1 zeros follow each sample.
        down: Int >= 1, every down-th sample is kept.
        padding: Zeros before and after (negative: samples cut off), two ints.

    Returns:
        `(B, H', W', C)`, H' = (up H + sum(padding) - len(taps)) // down + 1.

    Raises:
        ValueError: If nothing is left, or a side is unknown.
    """
    taps, padding = tuple(map(float, taps)), tuple(padding)
    for length in x.shape[1:3]:
        _check(x, length, taps, up, down, padding)
    return backend.upfirdn(ops.convert_to_tensor(x), taps, up, down, padding)


def _check(x, length, taps, up, down, padding):
    """Raises unless samples come out of a side's."""
    if length is None:
        raise ValueError(
            f"Expected: images of known sides. Received: shape {tuple(x.shape)}."
        )
    if samples_after(length, taps, up, down, padding) < 1:
        raise ValueError(
            f"Expected: at least {len(taps)} samples for as many taps. Received: "
            f"{up * length + sum(padding)}, of shape {tuple(x.shape)}."
        )


def up_convolution(x, kernel, taps=BINOMIAL):
    """A transposed convolution with stride 2, then a filter: sides are doubled.

    Args:
        x: `(B, H, W, I)`.
        kernel: `(k, k, I, O)`, k odd and at least 3.
        taps: Floats, the filter along each side; scaled to a sum of 2.

    Returns:
        `(B, 2 H, 2 W, O)`.
    """
    size, count, total = kernel.shape[0], len(taps), sum(taps)
    kernel = ops.transpose(kernel, (0, 1, 3, 2))
    y = backend.conv_transpose(x, kernel, (2, 2), padding="valid")  # sides 2 H + k - 2
    missing = count - 1 - (size - 2)  # to 2 H after the filter
    padding = (missing - missing // 2, missing // 2)
    return upfirdn(y, [2.0 * tap / total for tap in taps], padding=padding)


class _Resampling(layers.Layer):
    """What the layers share: the filter, normalized to a sum of 1, and its place."""

    up = down = 1

    def __init__(self, taps=BINOMIAL, **kwargs):
        super().__init__(**kwargs)
        self.taps = tuple(float(tap) for tap in taps)
        if not self.taps or abs(sum(self.taps)) < 1e-8:
            raise ValueError(
                "Expected: `taps` as numbers with a sum other than 0, such as "
                f"(1, 3, 3, 1). Received: {taps!r}."
            )

    @property
    def _padding(self):
        """Zeros before and after."""
        count = len(self.taps)
        return (
            (count + self.up - self.down) // 2,
            (count - max(self.up, self.down)) // 2,
        )

    def call(self, x):
        """Maps `(B, H, W, C)` to `(B, up H / down, up W / down, C)`."""
        total, padding = sum(self.taps), self._padding
        # Zeros between the samples take from the mean what the gain gives back.
        taps = [self.up * tap / total for tap in self.taps]
        return upfirdn(x, taps, self.up, self.down, padding)

    def compute_output_shape(self, input_shape):
        """Returns `(B, H', W', C)`."""
        batch, height, width, channels = input_shape
        height, width = (
            None if side is None else side * self.up // self.down
            for side in (height, width)
        )
        return (batch, height, width, channels)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {"taps": self.taps}


@keras.saving.register_keras_serializable("keras_gans")
class FIRUpSampling2D(_Resampling):
    """Doubles both sides: zeros between the pixels, then a low-pass filter.

    As in StyleGAN2 (Karras et al. 2020, arXiv:1912.04958): with the taps [1, 3, 3, 1]
    each new pixel is 9/16, 3/16, 3/16 and 1/16 of the nearest four; outside is zero.

    Args:
        taps: Floats, the filter along each side; scaled to a sum of 1.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If the taps have a sum of 0.

    Example:

    >>> FIRUpSampling2D()(np.ones((1, 4, 4, 8), "float32")).shape
    (1, 8, 8, 8)
    """

    up = 2


@keras.saving.register_keras_serializable("keras_gans")
class FIRDownSampling2D(_Resampling):
    """Halves both sides: a low-pass filter, then every second pixel.

    As in StyleGAN2 (Karras et al. 2020, arXiv:1912.04958); outside is zero.

    Args:
        taps: Floats, the filter along each side; scaled to a sum of 1.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If the taps have a sum of 0.

    Example:

    >>> FIRDownSampling2D()(np.ones((1, 8, 8, 8), "float32")).shape
    (1, 4, 4, 8)
    """

    down = 2


@keras.saving.register_keras_serializable("keras_gans")
class Blur2D(_Resampling):
    """Filters without a change of size; outside is zero.

    Args:
        taps: Floats, the filter along each side; scaled to a sum of 1.
        margin: Int, pixels by which either end of a side grows beyond that, as a
            convolution that follows without padding wants it. With an even number of
            taps a margin of 1 makes the sides longer by 1 in all.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If the taps have a sum of 0.

    Example:

    >>> Blur2D((1, 2, 1))(np.ones((1, 8, 8, 3), "float32")).shape
    (1, 8, 8, 3)
    """

    def __init__(self, taps=BINOMIAL, margin=0, **kwargs):
        super().__init__(taps, **kwargs)
        self.margin = margin

    @property
    def _padding(self):
        if not self.margin:
            return super()._padding
        # The same at either end, also for an even number of taps.
        side = (len(self.taps) - 1) // 2 + self.margin
        return (side, side)

    def compute_output_shape(self, input_shape):
        """Returns `(B, H', W', C)`."""
        batch, height, width, channels = input_shape
        grown = sum(self._padding) - (len(self.taps) - 1)
        height, width = (
            None if side is None else side + grown for side in (height, width)
        )
        return (batch, height, width, channels)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {"margin": self.margin}
