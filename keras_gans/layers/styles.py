r"""Layers by which a vector of style steers a synthesis network.

AdaIN, learned constant and noise are those of StyleGAN (Karras et al. 2019,
arXiv:1812.04948), the modulated convolution that of StyleGAN2 (Karras et al. 2020,
arXiv:1912.04958).

B: batch, H, W: sides, I, O: channels before and after, S: size of a style vector w.
"""

import math

import keras
from keras import layers
from keras import ops

from keras_gans import backend
from keras_gans.layers.equalized import EqualizedDense
from keras_gans.layers.resampling import BINOMIAL
from keras_gans.layers.resampling import up_convolution
from keras_gans.utils import random


@keras.saving.register_keras_serializable("keras_gans")
class LearnedConstant(layers.Layer):
    """What a synthesis network begins with: features that depend on nothing.

    (Karras et al. 2019, arXiv:1812.04948, section 2.)

    Args:
        shape: `(H, W, O)`.
        initializer: Keras initializer; N(0, 1) as in StyleGAN2, StyleGAN's is "ones".
        **kwargs: Of `keras.layers.Layer`.

    Example:

    >>> LearnedConstant((4, 4, 8))(np.zeros((2, 16), "float32")).shape
    (2, 4, 4, 8)
    """

    def __init__(self, shape, initializer="random_normal", **kwargs):
        super().__init__(**kwargs)
        self.shape = tuple(shape)
        if initializer == "random_normal":  # Keras' has a deviation of 0.05
            initializer = keras.initializers.RandomNormal(0.0, 1.0)
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape):
        """Makes the features."""
        self.constant = self.add_weight(
            shape=self.shape, initializer=self.initializer, name="constant"
        )

    def call(self, x):
        """Repeats the features for each of `(B, ...)`: `(B, H, W, O)`."""
        constant = ops.convert_to_tensor(self.constant)
        return ops.broadcast_to(constant, (ops.shape(x)[0], *self.shape))

    def compute_output_shape(self, input_shape):
        """Returns `(B, H, W, O)`."""
        return (input_shape[0], *self.shape)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {
            "shape": self.shape,
            "initializer": keras.initializers.serialize(self.initializer),
        }


@keras.saving.register_keras_serializable("keras_gans")
class NoiseInjection(layers.Layer):
    """Adds noise of a learned strength: a pixel's is the same for all channels.

    In training the noise is drawn anew each time; otherwise it is that of a fixed
    picture, so that equal latents give equal images (Karras et al. 2020,
    arXiv:1912.04958, appendix B, where the strength is one number a layer; StyleGAN's
    is one a channel: `per_channel=True`).

    Args:
        per_channel: Bool.
        use_bias: Bool, whether a number a channel is added as well.
        seed: Optional int.
        gain: Float, factor of noise and bias.
        **kwargs: Of `keras.layers.Layer`.

    Example:

    >>> NoiseInjection()(np.zeros((2, 4, 4, 8), "float32")).shape
    (2, 4, 4, 8)
    """

    def __init__(
        self, per_channel=False, use_bias=False, seed=None, gain=1.0, **kwargs
    ):
        super().__init__(**kwargs)
        self.per_channel = per_channel
        self.use_bias = use_bias
        self.gain = float(gain)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        """Makes the strength, 0, and the fixed noise."""
        _, height, width, channels = input_shape
        self.strength = self.add_weight(
            shape=(channels,) if self.per_channel else (),
            initializer="zeros",
            name="strength",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(channels,), initializer="zeros", name="bias"
            )
        self.noise = self.add_weight(
            shape=(height, width),
            initializer=keras.initializers.RandomNormal(0.0, 1.0),
            trainable=False,
            name="noise",
        )

    def call(self, x, training=False):
        """Maps `(B, H, W, C)` to the same shape."""
        if training:
            noise = random.normal((*ops.shape(x)[:3], 1), self.seed_generator, x.dtype)
        else:
            noise = ops.cast(self.noise, x.dtype)[None, :, :, None]
        x = x + noise * self._scaled(self.strength, x.dtype)
        return x + self._scaled(self.bias, x.dtype) if self.use_bias else x

    def _scaled(self, weight, dtype):
        weight = ops.cast(weight, dtype)
        return weight if self.gain == 1.0 else weight * self.gain

    def compute_output_shape(self, input_shape):
        """Returns the shape of the inputs."""
        return input_shape

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {
            "per_channel": self.per_channel,
            "use_bias": self.use_bias,
            "gain": self.gain,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable("keras_gans")
class AdaIN(layers.Layer):
    r"""Adaptive instance normalization.

        y = (1 + s) (x - mean(x)) / std(x) + b,    (s, b) = A w

    with mean and standard deviation over the pixels of each channel of each image
    (Huang and Belongie 2017, arXiv:1703.06868; Karras et al. 2019, arXiv:1812.04948,
    equation 1). A is an affine map with equalized learning rate.

    Args:
        epsilon: Float, added to the variance.
        **kwargs: Of `keras.layers.Layer`.

    Example:

    >>> x, w = np.ones((2, 4, 4, 8), "float32"), np.ones((2, 16), "float32")
    >>> AdaIN()([x, w]).shape
    (2, 4, 4, 8)
    """

    calls_parts_itself = True  # with `call`, and all that they take

    def __init__(self, epsilon=1e-8, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = float(epsilon)

    def build(self, input_shape):
        """Makes the affine map."""
        features, style = input_shape
        self.affine = EqualizedDense(
            2 * features[-1], dtype=self.dtype_policy, name="affine"
        )
        self.affine.build(style)

    def call(self, inputs):
        """Maps `[(B, H, W, C), (B, S)]` to `(B, H, W, C)`."""
        x, w = inputs
        scale, bias = ops.split(self.affine.call(w), 2, axis=-1)  # (B, C) each
        y = ops.cast(x, "float32")
        y = y - ops.mean(y, axis=(1, 2), keepdims=True)
        variance = ops.mean(ops.square(y), axis=(1, 2), keepdims=True)
        y = ops.cast(y * ops.rsqrt(variance + self.epsilon), x.dtype)
        return y * (1.0 + scale[:, None, None]) + bias[:, None, None]

    def compute_output_shape(self, input_shape):
        """Returns the shape of the features."""
        return input_shape[0]

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {"epsilon": self.epsilon}


@keras.saving.register_keras_serializable("keras_gans")
class ModulatedConv2D(layers.Layer):
    r"""A convolution whose kernel each image scales by its style.

        s = A w;    k'_io = s_i k_io;    k''_io = k'_io / sqrt(sum_i k'_io^2 + 1e-8)

    (Karras et al. 2020, arXiv:1912.04958, equations 1 and 3.) Not the kernel is scaled
    here, which would take one convolution for each image, but the features before and
    after one convolution for all, which is the same:

        y_o = d_o sum_i k_io * (s_i x_i),    d_o = 1 / sqrt(sum_i s_i^2 k_io^2 + 1e-8)

    Args:
        filters: Int, O.
        kernel_size: Odd int.
        up: Whether to double the sides, by a transposed convolution and a low-pass
            filter.
        demodulate: Bool, whether d is applied; if not, kernels are scaled by
            1 / sqrt(fan_in), as where the image is made.
        use_bias: Bool.
        taps: Floats, the low-pass filter along each side.
        gain: Float, factor of what comes out, bias included.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If `kernel_size` is not odd, or is 1 with `up`.

    Example:

    >>> x, w = np.ones((2, 4, 4, 8), "float32"), np.ones((2, 16), "float32")
    >>> ModulatedConv2D(32, 3, up=True)([x, w]).shape
    (2, 8, 8, 32)
    """

    calls_parts_itself = True

    def __init__(
        self,
        filters,
        kernel_size,
        up=False,
        demodulate=True,
        use_bias=False,
        taps=BINOMIAL,
        gain=1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if kernel_size % 2 == 0 or (up and kernel_size == 1):
            raise ValueError(
                "Expected: `kernel_size` as an odd int, above 1 with `up`. Received: "
                f"{kernel_size!r}."
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.up = up
        self.demodulate = demodulate
        self.use_bias = use_bias
        self.gain = float(gain)
        self.taps = tuple(float(tap) for tap in taps)

    def build(self, input_shape):
        """Makes kernel and affine map."""
        features, style = input_shape
        channels, size = features[-1], self.kernel_size
        self.kernel = self.add_weight(
            shape=(size, size, channels, self.filters),
            initializer=keras.initializers.RandomNormal(0.0, 1.0),
            name="kernel",
        )
        if not self.up:
            backend.pack_kernel(self.kernel)
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.filters,), initializer="zeros", name="bias"
            )
        self.affine = EqualizedDense(
            channels, bias_value=1.0, dtype=self.dtype_policy, name="affine"
        )
        self.affine.build(style)

    def call(self, inputs):
        """Maps `[(B, H, W, I), (B, S)]` to `(B, H, W, O)`, or `(B, 2H, 2W, O)`."""
        x, w = inputs
        styles = self.affine.call(w)  # (B, I)
        kernel = ops.convert_to_tensor(self.kernel)
        gain = 1.0 / math.sqrt(math.prod(kernel.shape[:-1]))
        if not self.demodulate:
            styles = styles * (self.gain * gain)
        elif self.compute_dtype == "float16":
            # Demodulation takes out what both are multiplied by: without it the sums
            # of a convolution reach float16's end (the authors' guard too).
            kernel = kernel * gain
            largest = ops.stop_gradient(ops.max(ops.abs(styles), axis=1, keepdims=True))
            styles = styles / ops.maximum(largest, 1e-3)
        y = x * styles[:, None, None]
        if self.up:
            y = up_convolution(y, kernel, self.taps)
        else:
            y = backend.conv(y, kernel, (1, 1))
        if self.demodulate:
            energy = ops.sum(ops.square(ops.cast(kernel, "float32")), axis=(0, 1))
            squares = ops.square(ops.cast(styles, "float32"))  # (B, I)
            scale = ops.rsqrt(ops.matmul(squares, energy) + 1e-8)  # (B, O)
            scale = scale if self.gain == 1.0 else scale * self.gain
            y = y * ops.cast(scale, y.dtype)[:, None, None]
        if not self.use_bias:
            return y
        return y + (self.bias if self.gain == 1.0 else self.bias * self.gain)

    def compute_output_shape(self, input_shape):
        """Returns `(B, H', W', O)`."""
        batch, height, width, _ = input_shape[0]
        factor = 2 if self.up else 1
        height, width = (
            None if side is None else factor * side for side in (height, width)
        )
        return (batch, height, width, self.filters)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "up": self.up,
            "demodulate": self.demodulate,
            "use_bias": self.use_bias,
            "gain": self.gain,
            "taps": self.taps,
        }
