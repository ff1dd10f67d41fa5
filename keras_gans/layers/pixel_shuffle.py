r"""Sub-pixel shuffling: Shi et al. 2016, arXiv:1609.05158.

The channels are in PyTorch's order: of C r^2 channels those of c r^2 + i r + j become
row i and column j of the r x r pixels of channel c. `keras.ops.depth_to_space` keeps
TensorFlow's, (i r + j) C + c, which is the same for one channel alone.

B: batch, H, W: sides, C: channels, r: factor.
"""

import keras
from keras import layers
from keras import ops

from keras_gans.utils.checks import whole_number


class _Shuffle(layers.Layer):
    """What both layers share: the factor."""

    def __init__(self, factor=2, **kwargs):
        super().__init__(**kwargs)
        self.factor = whole_number(factor, "factor")

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {"factor": self.factor}


@keras.saving.register_keras_serializable("keras_gans")
class PixelShuffle(_Shuffle):
    """Makes sides longer of channels, `torch.nn.PixelShuffle` for channels last.

        y[r h + i, r w + j, c] = x[h, w, c r^2 + i r + j]

    (Shi et al. 2016, arXiv:1609.05158, equation 4). Sides may be unknown.

    Args:
        factor: Int >= 1, r.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If the factor is none, or its square does not divide the channels.

    Example:

    >>> PixelShuffle(2)(np.ones((1, 4, 4, 12), "float32")).shape
    (1, 8, 8, 3)
    """

    def build(self, input_shape):
        """Checks the channels."""
        if len(input_shape) != 4 or input_shape[-1] % self.factor**2:
            raise ValueError(
                "Expected: inputs (B, H, W, C) with C a multiple of "
                f"{self.factor**2}. Received: {tuple(input_shape)}."
            )

    def call(self, x):
        """Maps `(B, H, W, C r^2)` to `(B, r H, r W, C)`."""
        r = self.factor
        batch, height, width, channels = ops.shape(x)
        channels = channels // r**2
        x = ops.reshape(x, (batch, height, width, channels, r, r))
        x = ops.transpose(x, (0, 1, 4, 2, 5, 3))  # (B, H, r, W, r, C)
        return ops.reshape(x, (batch, r * height, r * width, channels))

    def compute_output_shape(self, input_shape):
        """Returns `(B, r H, r W, C)`."""
        batch, *sides, channels = input_shape
        sides = [None if side is None else self.factor * side for side in sides]
        return (batch, *sides, channels // self.factor**2)


@keras.saving.register_keras_serializable("keras_gans")
class PixelUnshuffle(_Shuffle):
    """Makes channels of pixels: what undoes `PixelShuffle`.

        y[h, w, c r^2 + i r + j] = x[r h + i, r w + j, c]

    (`torch.nn.PixelUnshuffle` for channels last.) Sides may be unknown.

    Args:
        factor: Int >= 1, r.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If the factor is none, or does not divide the sides.

    Example:

    >>> PixelUnshuffle(2)(np.ones((1, 8, 8, 3), "float32")).shape
    (1, 4, 4, 12)
    """

    def call(self, x):
        """Maps `(B, H, W, C)` to `(B, H / r, W / r, C r^2)`."""
        r = self.factor
        self._check(x.shape)
        batch, height, width, channels = ops.shape(x)
        height, width = height // r, width // r
        x = ops.reshape(x, (batch, height, r, width, r, channels))
        x = ops.transpose(x, (0, 1, 3, 5, 2, 4))  # (B, H / r, W / r, C, r, r)
        return ops.reshape(x, (batch, height, width, channels * r**2))

    def compute_output_shape(self, input_shape):
        """Returns `(B, H / r, W / r, C r^2)`."""
        self._check(input_shape)
        batch, *sides, channels = input_shape
        sides = [None if side is None else side // self.factor for side in sides]
        return (batch, *sides, channels * self.factor**2)

    def _check(self, shape):
        if len(shape) != 4 or any(side and side % self.factor for side in shape[1:3]):
            raise ValueError(
                "Expected: inputs (B, H, W, C) with sides that are multiples of "
                f"{self.factor}. Received: {tuple(shape)}. Pad or crop the images."
            )
