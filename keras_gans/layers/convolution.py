"""Keras' 2D convolutions, faster where a backend's way through Keras is slow."""

import keras
from keras import ops

from keras_gans import backend


def _is_plain(layer):
    """Whether padding is "same", and the same on both sides."""
    return (
        layer.data_format == "channels_last"
        and layer.padding == "same"
        and tuple(layer.dilation_rate) == (1, 1)
        and all(
            k >= s and (k - s) % 2 == 0
            for k, s in zip(layer.kernel_size, layer.strides, strict=True)
        )
    )


def _is_bare(layer):
    """Whether there is no padding, and no groups."""
    return (
        layer.data_format == "channels_last"
        and layer.padding == "valid"
        and layer.groups == 1
        and tuple(layer.dilation_rate) == (1, 1)
    )


@keras.saving.register_keras_serializable("keras_gans")
class Conv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D`, without torch's changes of memory layout.

    On CPUs convolutions in groups go round XLA's, which took TensorFlow and JAX ninety
    times as long (16 x 16 x 128 in 8 groups).
    The fast way is taken for channels-last images and padding "valid" without groups,
    or padding "same" and kernels that exceed the stride by an even number, such as 3
    with stride 1 or 4 with stride 2, and sizes that the stride divides; any other case
    is Keras' own. Arguments, weights and results are those of Keras' layer.

    Example:

    ```python
    layer = kg.layers.Conv2D(64, 4, strides=2, padding="same")
    layer(np.zeros((1, 32, 32, 3), "float32")).shape  # (1, 16, 16, 64)
    ```
    """

    def build(self, input_shape):
        """Makes the kernel."""
        super().build(input_shape)
        if _is_plain(self) or _is_bare(self):
            backend.pack_kernel(self._kernel)

    def call(self, inputs):
        """Convolves."""
        return self.activated(inputs, self.bias if self.use_bias else None)

    def activated(self, inputs, bias):
        """Convolves, adds a bias, which the fast way does on its way, and activates."""
        if bias is not None:
            bias = ops.convert_to_tensor(bias)
        if bias is None or self._is_fast(inputs):
            outputs = self.convolution_op(inputs, self.kernel, bias)
        else:
            outputs = self.convolution_op(inputs, self.kernel)
            last = self.data_format == "channels_last"
            outputs += bias if last else bias[:, None, None]
        return outputs if self.activation is None else self.activation(outputs)

    def convolution_op(self, inputs, kernel, bias=None):
        """Convolves, without activation; a bias only where it is fast."""
        if not self._is_fast(inputs):
            return super().convolution_op(inputs, kernel)
        kernel = ops.convert_to_tensor(kernel)
        return backend.conv(
            inputs, kernel, self.strides, self.groups, self.padding, bias
        )

    def _is_fast(self, inputs):
        sizes = zip(inputs.shape[1:3], self.strides, strict=True)
        divisible = all(size is not None and size % s == 0 for size, s in sizes)
        return _is_bare(self) or (divisible and _is_plain(self))


@keras.saving.register_keras_serializable("keras_gans")
class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose`, without torch's copies and JAX' slow gradient.

    When it is faster is said in `Conv2D`. On JAX and CPUs the gradient of the kernel is
    written as that of the plain convolution, since XLA takes over ten times as long for
    its own. Arguments, weights and results are those of Keras' layer.

    Example:

    ```python
    layer = kg.layers.Conv2DTranspose(64, 4, strides=2, padding="same")
    layer(np.zeros((1, 16, 16, 3), "float32")).shape  # (1, 32, 32, 64)
    ```
    """

    def build(self, input_shape):
        """Makes the kernel."""
        super().build(input_shape)
        if _is_plain(self):
            backend.pack_kernel(self.kernel)

    def call(self, inputs):
        """Convolves."""
        known = None not in inputs.shape[1:3]
        if not (_is_plain(self) and self.output_padding is None and known):
            return super().call(inputs)
        kernel = ops.convert_to_tensor(self.kernel)
        bias = ops.convert_to_tensor(self.bias) if self.use_bias else None
        outputs = backend.conv_transpose(inputs, kernel, self.strides, bias)
        return outputs if self.activation is None else self.activation(outputs)
