"""The networks of R3GAN, Config E: Huang et al. 2024, arXiv:2501.05441, section 4.

B: batch, H, W: sides, C: channels, h, w: size of the smallest features.
"""

import math

import keras
from keras import layers
from keras import ops

from keras_gans.layers import Conv2D
from keras_gans.layers import FIRDownSampling2D
from keras_gans.layers import FIRUpSampling2D
from keras_gans.models.dcgan.dcgan import halvings
from keras_gans.models.sn_gan.sn_gan import inputs_of

EXPANSION = 2  # channels within a block, relative to those outside
GAIN = math.sqrt(2.0 / (1.0 + 0.2**2))  # of LeakyReLU(0.2)


def channels_of(image_shape, width, channels=None):
    """The size of the smallest features, and the channels of each stage from there.

    Args:
        image_shape: `(H, W, C)`.
        width: Int, channels up to 32 x 32; halved with each doubling from there.
        channels: Optional ints, of the stages, in place of these.

    Returns:
        `(h, w)`, and a list of ints.

    Raises:
        ValueError: If the sides cannot be halved down to 4 to 7 pixels, or `channels`
            are not one for each stage.
    """
    count = halvings(*image_shape[:2])
    height, image_width = (side >> count for side in image_shape[:2])
    if min(height, image_width) >= 8:
        raise ValueError(
            "Expected: sides that can be halved until the smaller one has "
            "4 to 7 pixels, such as 28, 32, 64 or 64 x 128. Received: "
            f"{image_shape[0]} x {image_shape[1]}. Resize the images, for instance "
            "with `image_size=32`."
        )
    if channels is None:
        # 32 pixels are reached after three doublings.
        channels = [max(1, width >> max(0, i - 3)) for i in range(count + 1)]
    elif len(channels) != count + 1:
        raise ValueError(
            f"Expected: `channels` of {count + 1} stages for images of "
            f"{image_shape[0]} x {image_shape[1]}, from {height} x {image_width} up. "
            f"Received: {channels!r}."
        )
    return (height, image_width), channels


def _scaled(gain=1.0):
    """N(0, gain^2 / fan_in)."""
    if gain == 0.0:
        return "zeros"
    return keras.initializers.VarianceScaling(gain**2, "fan_in", "untruncated_normal")


def _pointwise(filters, name, gain=1.0, use_bias=False):
    return Conv2D(
        filters, 1, use_bias=use_bias, kernel_initializer=_scaled(gain), name=name
    )


def residual_block(x, group_size, num_blocks, name):
    """A residual block, x + W3 act(W2 act(W1 x + b1) + b2).

    Args:
        x: Features `(B, H, W, C)`.
        group_size: Int, channels of a group of W2.
        num_blocks: Int, of the whole network, for the scale of the weights.
        name: Prefix of the layers' names.

    Returns:
        Features `(B, H, W, C)`.
    """
    channels = x.shape[-1]
    expanded = EXPANSION * channels
    gain = GAIN * num_blocks**-0.25  # Fixup: L^(-1 / (2 m - 2)) with m = 3 layers
    h = _pointwise(expanded, f"{name}_expand", gain, use_bias=True)(x)
    h = layers.LeakyReLU(0.2)(h)
    h = Conv2D(
        expanded,
        3,
        padding="same",
        groups=max(1, expanded // group_size),
        kernel_initializer=_scaled(gain),
        name=f"{name}_grouped",
    )(h)
    h = layers.LeakyReLU(0.2)(h)
    return layers.Add()([x, _pointwise(channels, f"{name}_project", 0.0)(h)])


@keras.saving.register_keras_serializable("keras_gans")
class GenerativeBasis(layers.Layer):
    """Learned features, each scaled by a number: `(B, C)` to `(B, h, w, C)`.

    Args:
        size: `(h, w)`.
        **kwargs: Of `keras.layers.Layer`.
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = tuple(size)

    def build(self, input_shape):
        """Makes the features, from N(0, 1)."""
        self.basis = self.add_weight(
            shape=(*self.size, input_shape[-1]),
            initializer=keras.initializers.RandomNormal(0.0, 1.0),
            name="basis",
        )

    def call(self, x):
        """Scales the features."""
        return self.basis * x[:, None, None]  # (B, h, w, C)

    def compute_output_shape(self, input_shape):
        """Returns `(B, h, w, C)`."""
        return (input_shape[0], *self.size, input_shape[-1])

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {"size": self.size}


@keras.saving.register_keras_serializable("keras_gans")
class DiscriminativeBasis(layers.Layer):
    """Each feature's product with a learned one: `(B, h, w, C)` to `(B, C)`."""

    def build(self, input_shape):
        """Makes the features."""
        height, width, channels = input_shape[1:]
        stddev = 1.0 / math.sqrt(height * width)
        self.basis = self.add_weight(
            shape=(height, width, channels),
            initializer=keras.initializers.RandomNormal(0.0, stddev),
            name="basis",
        )

    def call(self, x):
        """Multiplies and sums over the pixels."""
        return ops.sum(x * self.basis, axis=(1, 2))

    def compute_output_shape(self, input_shape):
        """Returns `(B, C)`."""
        return (input_shape[0], input_shape[-1])


def r3_gan_generator(
    image_shape,
    latent_dim,
    condition_size=None,
    width=768,
    channels=None,
    blocks=2,
    group_size=16,
):
    """Latents (and condition) -> stages of residual blocks -> images.

    Args:
        image_shape: `(H, W, C)`; sides as in `channels_of`.
        latent_dim: Int, Z; also the size of the condition's embedding.
        condition_size: Optional int, K.
        width: Int, channels up to 32 x 32.
        channels: Optional ints, of the stages, in place of `width`.
        blocks: Int, residual blocks of a stage.
        group_size: Int, channels of a group.

    Returns:
        A `keras.Model` from `(B, Z)`, or `[(B, Z), (B, K)]`, to `(B, H, W, C)`,
        float32, not bounded.
    """
    size, channels = channels_of(image_shape, width, channels)
    inputs, condition = inputs_of((latent_dim,), condition_size)
    x = inputs[0]
    if condition is not None:
        embedding = layers.Dense(
            latent_dim, use_bias=False, kernel_initializer=_scaled(), name="embedding"
        )
        x = layers.Concatenate()([x, embedding(condition)])
    x = layers.Dense(
        channels[0], use_bias=False, kernel_initializer=_scaled(), name="dense"
    )(x)
    x = GenerativeBasis(size, name="basis")(x)
    for i, filters in enumerate(channels):
        if i > 0:
            if filters != channels[i - 1]:
                x = _pointwise(filters, f"stage_{i}_channels")(x)
            x = FIRUpSampling2D(name=f"stage_{i}_up")(x)
        for j in range(blocks):
            count = blocks * len(channels)
            x = residual_block(x, group_size, count, f"stage_{i}_block_{j}")
    x = _pointwise(image_shape[-1], "to_image")(x)
    images = layers.Activation("linear", dtype="float32", name="images")(x)
    return keras.Model(
        inputs if len(inputs) > 1 else inputs[0], images, name="generator"
    )


def r3_gan_discriminator(
    image_shape,
    condition_size=None,
    width=768,
    channels=None,
    blocks=2,
    group_size=16,
):
    """Images (and condition) -> stages of residual blocks -> logit.

    Args:
        image_shape: As in `r3_gan_generator`.
        condition_size: Optional int, K.
        width: Int.
        channels: Optional ints.
        blocks: Int.
        group_size: Int.

    Returns:
        A `keras.Model` from `(B, H, W, C)`, or `[(B, H, W, C), (B, K)]`, to `(B, 1)`,
        float32.
    """
    _, channels = channels_of(image_shape, width, channels)
    inputs, condition = inputs_of(image_shape, condition_size)
    x = _pointwise(channels[-1], "from_image")(inputs[0])
    for i in reversed(range(len(channels))):
        for j in range(blocks):
            count = blocks * len(channels)
            x = residual_block(x, group_size, count, f"stage_{i}_block_{j}")
        if i > 0:
            x = FIRDownSampling2D(name=f"stage_{i}_down")(x)
            if channels[i - 1] != channels[i]:
                x = _pointwise(channels[i - 1], f"stage_{i}_channels")(x)
    x = DiscriminativeBasis(name="basis", dtype="float32")(x)

    def dense(units, name, gain=1.0):
        return layers.Dense(
            units,
            use_bias=False,
            kernel_initializer=_scaled(gain),
            dtype="float32",
            name=name,
        )

    if condition is None:
        logits = dense(1, "logit")(x)
    else:
        units = channels[0]
        embedding = dense(units, "embedding", units**-0.5)(condition)
        features = dense(units, "projection")(x)
        logits = layers.Dot(axes=1, dtype="float32")([features, embedding])
    return keras.Model(
        inputs if len(inputs) > 1 else inputs[0], logits, name="discriminator"
    )
