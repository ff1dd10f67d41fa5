"""What the networks of BigGAN and BigGAN-deep have in common.

Brock et al. 2019, arXiv:1809.11096, appendix B: the channels of each size, and what
comes before and after the residual blocks.

B: batch, H, W: sides, C: channels, Z: latents, K: size of a condition.
"""

from keras import initializers
from keras import layers

from keras_gans.layers import BatchNormalization
from keras_gans.layers import ConditionalBatchNormalization
from keras_gans.layers import Conv2D
from keras_gans.layers import SelfAttention
from keras_gans.layers import SpectralNormalization
from keras_gans.models import residual
from keras_gans.regularizers import OrthogonalRegularizer

GENERATOR_CHANNELS = {
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
    512: (16, 16, 8, 8, 4, 2, 1, 1),
}
"""Side of the images -> channels at 4 x 4 pixels and after each doubling, by width."""

DISCRIMINATOR_CHANNELS = {
    32: (4, 4, 4, 4),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
    512: (1, 1, 2, 4, 8, 8, 16, 16),
}
"""Side of the images -> channels after each block, by width. (BigGAN-deep's first are
those of the convolution before its blocks.)"""


def side_of(image_shape):
    """The side of square images of a size that the paper's tables have.

    Raises:
        ValueError: If they have none.
    """
    height, width, _ = image_shape
    if height != width or height not in GENERATOR_CHANNELS:
        raise ValueError(
            f"Expected: square images with a side of {sorted(GENERATOR_CHANNELS)} "
            f"pixels. Received: {height} x {width}. Resize the images, for instance "
            "with `image_size=64`."
        )
    return height


def halvings(side):
    """How often the discriminator halves the side: to 4 pixels, of 32 to 8."""
    return 2 if side == 32 else len(DISCRIMINATOR_CHANNELS[side]) - 1


def generator_channels(image_shape, width, channels=None):
    """Channels at 4 x 4 pixels and after each doubling.

    Args:
        image_shape: `(H, W, C)`.
        width: Int, ch of the paper's tables.
        channels: Optional multiples of it, in place of the tables'.

    Raises:
        ValueError: If there is no such size in the tables, or there are not as many
            multiples as there.
    """
    table = GENERATOR_CHANNELS[side_of(image_shape)]
    channels = table if channels is None else tuple(channels)
    falling = sorted(channels, reverse=True) == list(channels)
    if len(channels) != len(table) or not falling or width * channels[-1] < 1:
        raise ValueError(
            f"Expected: `channels` as {len(table)} multiples of the width, none larger "
            f"than the one before, such as {table}. Received: {channels}, with "
            f"width={width}."
        )
    return [int(width * n) for n in channels]


def discriminator_channels(image_shape, width, channels=None):
    """Channels after each block; see `generator_channels`, whose mirror they are."""
    mirror = generator_channels(image_shape, width, channels)[::-1]
    if channels is not None:
        return mirror
    return [width * n for n in DISCRIMINATOR_CHANNELS[side_of(image_shape)]]


def dense(units, name, use_bias=True, regularizer=None, dtype=None):
    """A dense layer under spectral normalization."""
    layer = layers.Dense(
        units,
        use_bias=use_bias,
        kernel_initializer=initializers.Orthogonal(),
        kernel_regularizer=regularizer,
        dtype=dtype,
    )
    return SpectralNormalization(layer, name=name)


def convolution(filters, size, name, regularizer=None):
    """A convolution under spectral normalization."""
    layer = Conv2D(
        filters,
        size,
        padding="same",
        kernel_initializer=initializers.Orthogonal(),
        kernel_regularizer=regularizer,
    )
    return SpectralNormalization(layer, name=name)


def normalized(x, name, vector, epsilon):
    """Batch normalization under a condition, then ReLU."""
    x = ConditionalBatchNormalization(
        momentum=0.9,
        epsilon=epsilon,
        kernel_initializer=initializers.Orthogonal(),
        spectral_normalization=True,
        name=name,
    )([x, vector])
    return layers.ReLU()(x)


def attention(x, side, resolutions, regularizer=None):
    """Self-attention, if it is asked for at this side of the features."""
    if side not in resolutions:
        return x
    if x.shape[-1] < 8:
        raise ValueError(
            f"Expected: at least 8 channels where there is self-attention. Received: "
            f"{x.shape[-1]} at {side} x {side}. Raise `width`, or leave {side} out of "
            "`attention_resolutions`."
        )
    return SelfAttention(
        kernel_initializer=initializers.Orthogonal(),
        spectral_normalization=True,
        name=f"attention_{side}",
    )(x)


def orthogonal(strength):
    """The regularizer of equation 3, or None for a strength of 0."""
    return OrthogonalRegularizer(strength) if strength else None


def generator_inputs(latent_dim, condition_size, embedding_dim):
    """Inputs, and the embedding of the condition that all blocks share.

    Returns:
        List of the inputs; the embedding `(B, embedding_dim)`, or None.
    """
    latents = layers.Input((latent_dim,), name="latents")
    if condition_size is None:
        return [latents], None
    condition = layers.Input((condition_size,), name="condition")
    embedding = layers.Dense(
        embedding_dim,
        use_bias=False,
        kernel_initializer=initializers.Orthogonal(),
        name="embedding",
    )(condition)
    return [latents, condition], embedding


def generator_start(vector, channels, regularizer=None):
    """Vectors `(B, ...)` -> features `(B, 4, 4, channels)`."""
    x = dense(4 * 4 * channels, "dense", regularizer=regularizer)(vector)
    return layers.Reshape((4, 4, channels))(x)


def generator_end(x, channels, epsilon, regularizer=None):
    """Features -> images in [-1, 1], float32."""
    x = BatchNormalization(momentum=0.9, epsilon=epsilon, name="normalization")(x)
    x = convolution(channels, 3, "to_image", regularizer)(layers.ReLU()(x))
    return layers.Activation("tanh", dtype="float32")(x)


def discriminator_inputs(image_shape, condition_size):
    """List of the inputs, and the condition among them, or None."""
    images = layers.Input(image_shape, name="images")
    if condition_size is None:
        return [images], None
    condition = layers.Input((condition_size,), name="condition")
    return [images, condition], condition


def discriminator_end(x, condition):
    """Features and condition -> logits `(B, 1)`, float32, by projection."""

    def float_dense(units, name, use_bias):
        return dense(units, name, use_bias, dtype="float32")

    return residual.projection(x, condition, float_dense)
