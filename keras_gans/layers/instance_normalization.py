"""Instance normalization: Ulyanov et al. 2016, arXiv:1607.08022.

B: batch, H, W: sides, C: channels.
"""

import keras
from keras import layers
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class InstanceNormalization(layers.Layer):
    r"""Gives each channel of each image mean 0 and variance 1.

        y_{bhwc} = (x_{bhwc} - m_{bc}) / sqrt(v_{bc} + epsilon),

    with mean and variance over positions (Ulyanov et al. 2016, "Instance
    Normalization", arXiv:1607.08022, equation 4), in training and inference alike. It
    has no weights, as in CycleGAN's code; channels with one position become 0.

    `keras.layers.GroupNormalization(groups=-1)` is the same in theory. On torch Keras
    takes the variance as the difference of mean square and squared mean, which of a
    channel that is constant, such as one of an empty background, comes out negative:
    its images are NaN. Here the mean is subtracted first.

    Args:
        epsilon: Float > 0.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If `epsilon` is not positive.

    Example:

    >>> InstanceNormalization()(np.zeros((2, 8, 8, 16), "float32")).shape
    (2, 8, 8, 16)
    """

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        if not epsilon > 0.0:
            raise ValueError(
                f"Expected: `epsilon` as a number > 0. Received: {epsilon!r}."
            )
        self.epsilon = epsilon

    def call(self, x):
        """Maps `(B, H, W, C)` to the same shape."""
        centered = ops.cast(x, "float32")  # sums of half precision overflow
        centered = centered - _mean(centered)
        variance = _mean(ops.square(centered))
        return ops.cast(centered * ops.rsqrt(variance + self.epsilon), x.dtype)

    def compute_output_shape(self, input_shape):
        """Returns the shape of the inputs."""
        return input_shape

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {"epsilon": self.epsilon}


def _mean(x):
    """`(B, H, W, C)` -> `(B, 1, 1, C)`; side by side, as long sums lose digits."""
    return ops.mean(ops.mean(x, axis=2, keepdims=True), axis=1, keepdims=True)
