r"""Residual dense blocks: Wang et al. 2018, arXiv:1809.00219, section 3.1.

B: batch, H, W: sides, C: channels, G: channels that each convolution adds.
"""

import keras
from keras import layers
from keras import ops

from keras_gans.layers.convolution import Conv2D
from keras_gans.utils.checks import whole_number

CONVOLUTIONS = 5


@keras.saving.register_keras_serializable("keras_gans")
class ResidualDenseBlock(layers.Layer):
    r"""Five 3x3 convolutions, each of all features before it, beside a shortcut.

        y_k = LeakyReLU(conv_k([x, y_1, ..., y_(k-1)])),  k = 1 to 4
        x + s conv_5([x, y_1, ..., y_4])

    (ESRGAN: Wang et al. 2018, arXiv:1809.00219, section 3.1; the dense connections are
    those of Zhang et al. 2018, arXiv:1802.08797.) Weights start at a tenth of He's.

    One layer in place of sixteen, as ESRGAN has 69 such blocks: on torch a call of its
    generator spent more time between the layers than in them.

    Args:
        growth: Int, G.
        residual_scale: Float, s.
        slope: Float, of LeakyReLU.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If `growth` is not positive.

    Example:

    >>> ResidualDenseBlock(growth=4)(np.zeros((1, 8, 8, 16), "float32")).shape
    (1, 8, 8, 16)
    """

    def __init__(self, growth=32, residual_scale=0.2, slope=0.2, **kwargs):
        super().__init__(**kwargs)
        self.growth = whole_number(growth, "growth")
        self.residual_scale = float(residual_scale)
        self.slope = float(slope)

    def build(self, input_shape):
        """Makes the convolutions."""
        channels = input_shape[-1]
        # (0.1 sqrt(2 / fan_in))^2 is the variance.
        initializer = keras.initializers.VarianceScaling(
            0.02, "fan_in", "untruncated_normal"
        )
        self.convolutions = []
        for k in range(CONVOLUTIONS):
            convolution = Conv2D(
                self.growth if k < CONVOLUTIONS - 1 else channels,
                3,
                padding="same",
                kernel_initializer=initializer.clone(),
                dtype=self.dtype_policy,
                name=f"conv_{k + 1}",
            )
            convolution.build((*input_shape[:-1], channels + k * self.growth))
            self.convolutions.append(convolution)

    def call(self, x):
        """Maps `(B, H, W, C)` to as many features."""
        features = x
        for convolution in self.convolutions[:-1]:
            y = ops.leaky_relu(convolution(features), self.slope)
            features = ops.concatenate([features, y], axis=-1)
        return x + self.residual_scale * self.convolutions[-1](features)

    def compute_output_shape(self, input_shape):
        """Returns the shape it gets."""
        return input_shape

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {
            "growth": self.growth,
            "residual_scale": self.residual_scale,
            "slope": self.slope,
        }
