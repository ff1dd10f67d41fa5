"""Padding by reflection, for convolutions without a dark border.

B: batch, H, W: sides, C: channels.
"""

import keras
from keras import layers
from keras import ops


def _pairs(padding):
    """`((top, bottom), (left, right))`.

    Raises:
        ValueError: If it is neither that nor an int.
    """
    if isinstance(padding, int):
        padding = ((padding, padding), (padding, padding))
    try:
        (top, bottom), (left, right) = padding
    except (TypeError, ValueError):
        top = bottom = left = right = None
    sides = (top, bottom, left, right)
    if not all(isinstance(n, int) and n >= 0 for n in sides):
        raise ValueError(
            "Expected: `padding` as an int of at least 0, or ((top, bottom), (left, "
            f"right)) of such. Received: {padding!r}."
        )
    return (top, bottom), (left, right)


@keras.saving.register_keras_serializable("keras_gans")
class ReflectionPadding2D(layers.Layer):
    """Pads images with their mirror images; the border itself is not repeated.

        a b c d  ->  c b a b c d c b   for a padding of 2

    as before the convolutions of Johnson et al. 2016 (arXiv:1603.08155, supplementary
    material) and of CycleGAN (arXiv:1703.10593), whose images would otherwise have
    artifacts at the border.

    Args:
        padding: Int, pixels on every side, or `((top, bottom), (left, right))`.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If `padding` is something else, or not smaller than the side of the
            images.

    Example:

    >>> ReflectionPadding2D(3)(np.zeros((2, 8, 8, 16), "float32")).shape
    (2, 14, 14, 16)
    """

    def __init__(self, padding=1, **kwargs):
        super().__init__(**kwargs)
        self.padding = _pairs(padding)

    def build(self, input_shape):
        """Checks the size."""
        self.compute_output_shape(input_shape)

    def call(self, x):
        """Maps `(B, H, W, C)` to `(B, top + H + bottom, left + W + right, C)`."""
        return ops.pad(x, ((0, 0), *self.padding, (0, 0)), mode="reflect")

    def compute_output_shape(self, input_shape):
        """Returns the shape with the padding; an unknown side stays unknown."""
        if len(input_shape) != 4:
            raise ValueError(
                f"Expected: inputs (B, H, W, C). Received: {tuple(input_shape)}."
            )
        batch, *sides, channels = input_shape
        for side, pair in zip(sides, self.padding, strict=True):
            if side is not None and side <= max(pair):
                raise ValueError(
                    f"Expected: sides larger than the padding {self.padding}, as there "
                    f"is no more to reflect. Received: {tuple(input_shape)}."
                )
        padded = [
            None if side is None else side + sum(pair)
            for side, pair in zip(sides, self.padding, strict=True)
        ]
        return (batch, *padded, channels)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {"padding": self.padding}
