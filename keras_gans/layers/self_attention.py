"""Self-attention for images: Zhang et al. 2019, arXiv:1805.08318.

B: batch, H, W: sides, C: channels, N = H * W positions, K: channels of queries and
keys, V: channels of values.
"""

import keras
from keras import layers
from keras import ops

from keras_gans import backend
from keras_gans.layers.convolution import Conv2D
from keras_gans.layers.spectral_normalization import SpectralNormalization
from keras_gans.utils.checks import whole_number

BLOCK = 512  # queries at a time, where attention is computed again for gradients


@keras.saving.register_keras_serializable("keras_gans")
class SelfAttention(layers.Layer):
    r"""Lets each position of an image see all others.

        y_i = x_i + gamma * P sum_j softmax_j(q_i . k_j) v_j

    (Zhang et al. 2019, "Self-Attention Generative Adversarial Networks",
    arXiv:1805.08318, section 3) with q, k, v and P made by 1 x 1 convolutions without
    bias, and the scalar gamma learned from 0, where the layer is the identity. As in
    the authors' code and in BigGAN's, and unlike the paper's text, positions j are
    those of k and v after max pooling by 2 x 2, and products are not scaled. The
    softmax is computed in float32.

    Args:
        key_ratio: Int >= 1; q and k have K = C // key_ratio channels.
        value_ratio: Int >= 1; v has V = C // value_ratio channels.
        spectral_normalization: Bool, of the four convolutions.
        kernel_initializer: Of the four convolutions. Glorot's as in the authors' code;
            "orthogonal" in BigGAN.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If the inputs are not `(B, H, W, C)` with even H and W and enough
            channels.

    Example:

    >>> SelfAttention()(np.zeros((2, 8, 8, 16), "float32")).shape
    (2, 8, 8, 16)
    """

    def __init__(
        self,
        key_ratio=8,
        value_ratio=2,
        spectral_normalization=True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.rematerialize = False  # set by `compile`
        self.key_ratio = whole_number(key_ratio, "key_ratio")
        self.value_ratio = whole_number(value_ratio, "value_ratio")
        self.spectral_normalization = spectral_normalization
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        """Makes the four convolutions and gamma."""
        self._check(input_shape)
        channels = input_shape[-1]
        key_channels = channels // self.key_ratio
        value_channels = channels // self.value_ratio
        self.query = self._convolution(key_channels, "query")
        self.key = self._convolution(key_channels, "key")
        self.value = self._convolution(value_channels, "value")
        self.projection = self._convolution(channels, "projection")
        for layer in (self.query, self.key, self.value):
            layer.build(input_shape)
        self.projection.build((*input_shape[:-1], value_channels))
        self.gamma = self.add_weight(shape=(), initializer="zeros", name="gamma")

    def _convolution(self, filters, name):
        # Anew for each, or query and key would start with the same numbers.
        initializer = keras.initializers.serialize(self.kernel_initializer)
        convolution = Conv2D(
            filters,
            1,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.get(initializer),
            dtype=self.dtype_policy,
            name="conv" if self.spectral_normalization else name,
        )
        if not self.spectral_normalization:
            return convolution
        return SpectralNormalization(convolution, name=name)

    def _check(self, shape):
        even = len(shape) == 4 and all(n is not None and n % 2 == 0 for n in shape[1:3])
        least = max(self.key_ratio, self.value_ratio)
        if not even or shape[3] is None or shape[3] < least:
            raise ValueError(
                "Expected: inputs of SelfAttention of shape (B, H, W, C), H and W known"
                f" and even, C at least {least}. Received: {tuple(shape)}. Put it where"
                " the sides can be halved, or lower `key_ratio` and `value_ratio`."
            )

    def call(self, x):
        """Maps `(B, H, W, C)` to the same shape."""
        self._check(x.shape)
        query = _positions(self.query(x))  # (B, N, K)
        key = _positions(_halved(self.key(x)))  # (B, N / 4, K)
        value = _positions(_halved(self.value(x)))  # (B, N / 4, V)
        attend = _attend_by_blocks if self.rematerialize else _attend
        (seen,) = attend(query, key, value)
        seen = ops.reshape(seen, (-1, *x.shape[1:3], value.shape[-1]))
        return x + self.gamma * self.projection(seen)

    def compute_output_shape(self, input_shape):
        """Returns the shape of the inputs."""
        return input_shape

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {
            "key_ratio": self.key_ratio,
            "value_ratio": self.value_ratio,
            "spectral_normalization": self.spectral_normalization,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def _attend(query, key, value):
    """What the queries see of the values, `(B, N, V)`, in a list."""
    products = ops.matmul(query, ops.transpose(key, (0, 2, 1)))
    attention = ops.softmax(ops.cast(products, "float32"), axis=-1)
    return [ops.matmul(ops.cast(attention, value.dtype), value)]


def _attend_by_blocks(query, key, value):
    """Likewise for some queries at a time, of whose attention nothing is kept."""
    blocks = [
        query[:, start : start + BLOCK] for start in range(0, query.shape[1], BLOCK)
    ]
    seen = [backend.rematerialized(_attend, [q, key, value], [])[0] for q in blocks]
    return [ops.concatenate(seen, axis=1)]


def _positions(x):
    """`(B, H, W, D)` -> `(B, N, D)`."""
    return ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))


def _halved(x):
    return ops.max_pool(x, 2, 2, data_format="channels_last")
