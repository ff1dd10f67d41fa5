"""Conditional batch normalization: Dumoulin et al. 2017, arXiv:1610.07629.

B: batch, C: channels, K: numbers in a condition.
"""

import keras
from keras import layers
from keras import ops

from keras_gans.layers.batch_normalization import BatchNormalization
from keras_gans.layers.spectral_normalization import SpectralNormalization


@keras.saving.register_keras_serializable("keras_gans")
class ConditionalBatchNormalization(layers.Layer):
    r"""Batch normalization whose gain and bias are linear functions of a condition.

        y = x_hat * (1 + c W_gain) + c W_bias,   x_hat = (x - mean) / sqrt(var + eps)

    with c the condition of each sample, and mean and variance those of the batch when
    training, else moving averages. With one-hot c and kernels from zeros, each class
    has a gain that starts at 1 and a bias that starts at 0 (Dumoulin et al. 2017, "A
    Learned Representation for Artistic Style", arXiv:1610.07629, equation 5; Miyato and
    Koyama 2018, arXiv:1802.05637). With an embedding of the class as c, together with a
    part of the latents, `kernel_initializer="orthogonal"` and spectral normalization,
    it is BigGAN's (Brock et al. 2019, arXiv:1809.11096, appendix B).

    The inputs are `[x, c]`: x `(B, ..., C)`, c `(B, K)`.

    Args:
        momentum: Float, of the moving averages.
        epsilon: Float, eps.
        kernel_initializer: Of W_gain and W_bias.
        spectral_normalization: Bool, of W_gain and W_bias.
        use_bias: Bool; adds a vector each to gain and bias, whatever the condition.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If the inputs are not as above.

    Example:

    ```python
    layer = kg.layers.ConditionalBatchNormalization()
    images, classes = np.ones((2, 8, 8, 16), "float32"), np.eye(10)[[3, 7]]
    layer([images, classes]).shape  # (2, 8, 8, 16)
    ```
    """

    def __init__(
        self,
        momentum=0.9,
        epsilon=1e-5,
        kernel_initializer="zeros",
        spectral_normalization=False,
        use_bias=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.epsilon = epsilon
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.spectral_normalization = spectral_normalization
        self.use_bias = use_bias

    def build(self, input_shape):
        """Makes the normalization and the two linear functions."""
        x_shape, condition_shape = _two_shapes(input_shape)
        self.normalization = BatchNormalization(
            momentum=self.momentum,
            epsilon=self.epsilon,
            center=False,
            scale=False,
            dtype=self.dtype_policy,
            name="normalization",
        )
        self.normalization.build(x_shape)
        self.gain = self._linear(x_shape[-1], "gain")
        self.gain.build(condition_shape)
        self.bias = self._linear(x_shape[-1], "bias")
        self.bias.build(condition_shape)

    def _linear(self, units, name):
        # Anew for each, or gain and bias would start with the same numbers.
        initializer = keras.initializers.serialize(self.kernel_initializer)
        dense = layers.Dense(
            units,
            use_bias=self.use_bias,
            kernel_initializer=keras.initializers.get(initializer),
            dtype=self.dtype_policy,
            name="dense" if self.spectral_normalization else name,
        )
        if not self.spectral_normalization:
            return dense
        return SpectralNormalization(dense, name=name)

    def call(self, inputs, training=None):
        """Maps `[(B, ..., C), (B, K)]` to `(B, ..., C)`."""
        x, condition = inputs
        condition = ops.cast(condition, self.compute_dtype)
        # (B, C) -> (B, 1, ..., 1, C), one gain for all positions of a sample
        shape = (-1, *(1,) * (len(x.shape) - 2), x.shape[-1])
        gain = ops.reshape(self.gain(condition), shape)
        bias = ops.reshape(self.bias(condition), shape)
        return self.normalization(x, training=training) * (1.0 + gain) + bias

    def compute_output_shape(self, input_shape):
        """Returns `(B, ..., C)`."""
        return _two_shapes(input_shape)[0]

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "spectral_normalization": self.spectral_normalization,
            "use_bias": self.use_bias,
        }


def _two_shapes(input_shape):
    two = len(input_shape) == 2 and all(
        isinstance(s, list | tuple) for s in input_shape
    )
    if not two or len(input_shape[0]) < 2 or len(input_shape[1]) != 2:
        raise ValueError(
            "Expected: inputs [x, condition] of ConditionalBatchNormalization of shapes"
            f" (B, ..., C) and (B, K). Received: {input_shape}. Labels become a"
            " condition by keras.ops.one_hot or an Embedding layer."
        )
    return tuple(input_shape[0]), tuple(input_shape[1])
