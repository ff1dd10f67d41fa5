r"""Equalized learning rate: Karras et al. 2018, arXiv:1710.10196, section 4.1.

Weights are drawn from N(0, 1) and scaled where they are used,

    w_hat = w / sqrt(fan_in),

so that an optimizer that normalizes by the size of gradients, as Adam does, changes all
layers at the same relative speed. Layers of `lr_multiplier` m start from N(0, 1 / m^2)
and are scaled by m more: they learn m times as fast (StyleGAN's mapping, m = 0.01).
"""

import math

import keras
from keras import layers
from keras import ops

from keras_gans.layers.convolution import Conv2D
from keras_gans.layers.resampling import BINOMIAL
from keras_gans.layers.resampling import up_convolution

SQRT_2 = math.sqrt(2.0)


def _normal(stddev=1.0):
    return keras.initializers.RandomNormal(0.0, stddev)


@keras.saving.register_keras_serializable("keras_gans")
class EqualizedDense(layers.Layer):
    r"""A dense layer with equalized learning rate.

        y = x W m / sqrt(I) + m b

    with I the inputs and m the multiplier (Karras et al. 2018, arXiv:1710.10196,
    section 4.1; the multiplier as in StyleGAN, arXiv:1812.04948, section C).

    Args:
        units: Int, outputs.
        use_bias: Bool.
        bias_value: Float, m b at the start.
        lr_multiplier: Float > 0, m.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If `units` or `lr_multiplier` is not positive.

    Example:

    >>> EqualizedDense(8)(np.ones((4, 16), "float32")).shape
    (4, 8)
    """

    def __init__(
        self, units, use_bias=True, bias_value=0.0, lr_multiplier=1.0, **kwargs
    ):
        super().__init__(**kwargs)
        if not units > 0 or not lr_multiplier > 0.0:
            raise ValueError(
                "Expected: `units` and `lr_multiplier` above 0. Received: "
                f"{units!r} and {lr_multiplier!r}."
            )
        self.units = units
        self.use_bias = use_bias
        self.bias_value = float(bias_value)
        self.lr_multiplier = float(lr_multiplier)

    def build(self, input_shape):
        """Makes the weights."""
        inputs = input_shape[-1]
        self.scale = self.lr_multiplier / math.sqrt(inputs)
        self.kernel = self.add_weight(
            shape=(inputs, self.units),
            initializer=_normal(1.0 / self.lr_multiplier),
            name="kernel",
        )
        if self.use_bias:
            start = self.bias_value / self.lr_multiplier
            self.bias = self.add_weight(
                shape=(self.units,),
                initializer=keras.initializers.Constant(start),
                name="bias",
            )

    def call(self, x):
        """Maps `(..., I)` to `(..., units)`."""
        y = ops.matmul(x, self.kernel * self.scale)
        return y + self.bias * self.lr_multiplier if self.use_bias else y

    def compute_output_shape(self, input_shape):
        """Returns `(..., units)`."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {
            "units": self.units,
            "use_bias": self.use_bias,
            "bias_value": self.bias_value,
            "lr_multiplier": self.lr_multiplier,
        }


@keras.saving.register_keras_serializable("keras_gans")
class EqualizedConv2D(Conv2D):
    r"""A convolution with equalized learning rate: kernels of N(0, 1) / sqrt(fan_in).

    (Karras et al. 2018, arXiv:1710.10196, section 4.1.) Arguments are those of
    `keras.layers.Conv2D` but for the kernel's initializer, and

    Args:
        filters: Int.
        kernel_size: Int or pair of ints.
        strides: Int or pair of ints.
        gain: Float, factor of what comes out, bias included. (Of a (leaky) ReLU that
            follows too: it takes no pass over the features here.)
        **kwargs: Of `keras.layers.Conv2D`.

    Example:

    >>> EqualizedConv2D(8, 3, padding="same")(np.ones((1, 4, 4, 3), "float32")).shape
    (1, 4, 4, 8)
    """

    def __init__(self, filters, kernel_size, strides=1, gain=1.0, **kwargs):
        kwargs.pop("kernel_initializer", None)
        super().__init__(
            filters, kernel_size, strides, kernel_initializer=_normal(), **kwargs
        )
        self.gain = float(gain)

    def call(self, inputs):
        """Convolves; the bias is scaled too."""
        bias = self.bias if self.use_bias else None
        if bias is not None and self.gain != 1.0:
            bias = bias * self.gain
        return self.activated(inputs, bias)

    def convolution_op(self, inputs, kernel, bias=None):
        """Convolves with the scaled kernel."""
        scale = self.gain / math.sqrt(math.prod(kernel.shape[:-1]))
        kernel = ops.convert_to_tensor(kernel) * scale
        return super().convolution_op(inputs, kernel, bias)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {"gain": self.gain}


@keras.saving.register_keras_serializable("keras_gans")
class EqualizedUpConv2D(layers.Layer):
    r"""Doubles both sides by an equalized transposed convolution, then a filter.

    As StyleGAN does (Karras et al. 2019, arXiv:1812.04948, "bilinear up/down"): pixels
    are doubled, convolved and blurred with [1, 2, 1], which together is a transposed
    convolution and the filter [1, 3, 3, 1]. There is no bias.

    Args:
        filters: Int.
        kernel_size: Odd int of at least 3.
        taps: Floats, the filter along each side.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If `kernel_size` is even or 1.

    Example:

    >>> EqualizedUpConv2D(8, 3)(np.ones((1, 4, 4, 3), "float32")).shape
    (1, 8, 8, 8)
    """

    def __init__(self, filters, kernel_size, taps=BINOMIAL, **kwargs):
        super().__init__(**kwargs)
        if kernel_size % 2 == 0 or kernel_size < 3:
            raise ValueError(
                "Expected: `kernel_size` as an odd int of at least 3. "
                f"Received: {kernel_size!r}."
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.taps = tuple(float(tap) for tap in taps)

    def build(self, input_shape):
        """Makes the kernel."""
        self.kernel = self.add_weight(
            shape=(*(self.kernel_size,) * 2, input_shape[-1], self.filters),
            initializer=_normal(),
            name="kernel",
        )

    def call(self, x):
        """Maps `(B, H, W, C)` to `(B, 2 H, 2 W, filters)`."""
        scale = 1.0 / math.sqrt(math.prod(self.kernel.shape[:-1]))
        return up_convolution(x, self.kernel * scale, self.taps)

    def compute_output_shape(self, input_shape):
        """Returns `(B, 2 H, 2 W, filters)`."""
        batch, height, width, _ = input_shape
        height, width = (None if s is None else 2 * s for s in (height, width))
        return (batch, height, width, self.filters)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "taps": self.taps,
        }


@keras.saving.register_keras_serializable("keras_gans")
class ScaledLeakyReLU(layers.Layer):
    r"""Leaky ReLU that keeps the size of its inputs: sqrt(2) max(x, slope x).

    The activation of StyleGAN2 (Karras et al. 2020, arXiv:1912.04958, appendix B).

    Args:
        negative_slope: Float.
        gain: Float.
        **kwargs: Of `keras.layers.Layer`.

    Example:

    >>> float(ScaledLeakyReLU(gain=2.0)(np.ones((1,), "float32"))[0])
    2.0
    """

    def __init__(self, negative_slope=0.2, gain=SQRT_2, **kwargs):
        super().__init__(**kwargs)
        self.negative_slope = float(negative_slope)
        self.gain = float(gain)

    def call(self, x):
        """Maps a tensor of any shape."""
        return ops.leaky_relu(x, self.negative_slope) * self.gain

    def compute_output_shape(self, input_shape):
        """Returns the shape of the inputs."""
        return input_shape

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {
            "negative_slope": self.negative_slope,
            "gain": self.gain,
        }


@keras.saving.register_keras_serializable("keras_gans")
class PixelNormalization(layers.Layer):
    r"""Scales each vector of channels to a root mean square of 1.

        y = x / sqrt(mean over channels of x^2 + epsilon)

    (Karras et al. 2018, arXiv:1710.10196, section 4.2.) Keras' `RMSNormalization` has a
    learned scale besides.

    Args:
        epsilon: Float.
        **kwargs: Of `keras.layers.Layer`.

    Example:

    >>> PixelNormalization()(np.full((1, 4), 3.0, "float32"))
    [[1., 1., 1., 1.]]
    """

    def __init__(self, epsilon=1e-8, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = float(epsilon)

    def call(self, x):
        """Maps `(..., C)` to `(..., C)`."""
        square = ops.mean(ops.square(ops.cast(x, "float32")), axis=-1, keepdims=True)
        return ops.cast(
            x * ops.cast(ops.rsqrt(square + self.epsilon), x.dtype), x.dtype
        )

    def compute_output_shape(self, input_shape):
        """Returns the shape of the inputs."""
        return input_shape

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {"epsilon": self.epsilon}
