r"""SNGAN: a discriminator whose every layer is 1-Lipschitz.

Miyato, Kataoka, Koyama and Yoshida, "Spectral Normalization for Generative Adversarial
Networks", arXiv:1802.05957. Each weight of D is divided by its largest singular value,
W / sigma(W) (equation 8); the loss is the hinge (equations 16 and 17),

    D:  mean max(0, 1 - D(x)) + mean max(0, 1 + D(G(z)));   G:  - mean D(G(z)).

Adam with rate 2e-4, beta_1 0 and beta_2 0.9 (setting B of Table 1 with the rate of D),
five updates of D for each of G, batches of 64, Z = 128.

With classes it is the model of Miyato and Koyama, "cGANs with Projection
Discriminator", arXiv:1802.05637: the logit gets an inner product with an embedding of
the class (equation 3), and G's batch normalizations have a gain and a bias per class.

Networks, `body="resnet"`: Table 4 for 32 x 32, of 256 channels in G and 128 in D at
`width` 64; for 64 and more those of arXiv:1802.05637, whose channels double at each
halving. `body="cnn"`: Table 3, with LeakyReLU(0.1) in D.

Deviations: rates stay what they are (the authors' code lets them decay to 0 over
100,000 updates); with classes, those of generated images are those of the real batch;
samples come from an average of the generator's weights.
"""

import keras
from keras import layers
from keras import ops

from keras_gans import losses
from keras_gans.layers import BatchNormalization
from keras_gans.layers import ConditionalBatchNormalization
from keras_gans.layers import Conv2D
from keras_gans.layers import Conv2DTranspose
from keras_gans.layers import SpectralNormalization
from keras_gans.models import residual
from keras_gans.models.dcgan.dcgan import halvings
from keras_gans.models.dcgan.dcgan import normal
from keras_gans.models.gan import GAN

BODIES = ("resnet", "cnn")


def channels_of(side):
    """Multiples of the width: of G at 4 x 4 and after each block; of D after each.

    Raises:
        ValueError: If the side is no power of two of at least 32.
    """
    if side < 32 or side & (side - 1):
        raise ValueError(
            "Expected: square images with a side of 32, 64, 128 or another power of "
            f"two. Received: a side of {side}. Resize the images, for instance with "
            "`image_size=32`, or take `body='cnn'`."
        )
    if side == 32:
        return (4, 4, 4, 4), (2, 2, 2, 2)
    doublings = side.bit_length() - 3  # from 4 pixels
    down = [min(1 << i, 16) for i in range(doublings)]
    up = [16] + [min(1 << i, 16) for i in reversed(range(doublings))]
    if side > 64:  # a last block without halving, as in the authors' code for 128
        down.append(16)
    return tuple(up), tuple(down)


def side_of(image_shape):
    """The side of square images; raises if they are not square."""
    if image_shape[0] != image_shape[1]:
        raise ValueError(
            "Expected: square images for residual networks. Received: "
            f"{image_shape[0]} x {image_shape[1]}. Crop them, or take `body='cnn'`."
        )
    return image_shape[0]


def _glorot(size):
    """Glorot's uniform weights; of twice the variance where a ReLU is near."""
    return keras.initializers.VarianceScaling(
        1.0 if size == 1 else 2.0, "fan_avg", "uniform"
    )


def normalize(x, condition, name):
    """Batch normalization, under the condition if there is one, then ReLU."""
    if condition is None:
        x = BatchNormalization(momentum=0.9, epsilon=2e-5, name=name)(x)
    else:
        x = ConditionalBatchNormalization(momentum=0.9, epsilon=2e-5, name=name)(
            [x, condition]
        )
    return layers.ReLU()(x)


def inputs_of(shape, condition_size):
    """Inputs of a network, and the condition or None."""
    inputs = [keras.Input(shape)]
    if condition_size is not None:
        inputs.append(keras.Input((condition_size,)))
    return inputs, (inputs[1] if len(inputs) > 1 else None)


def sn_gan_generator(image_shape, latent_dim, condition_size=None, width=64):
    """Latents (and condition) -> residual blocks -> images.

    Args:
        image_shape: `(H, W, C)`, square, the side a power of two of at least 32.
        latent_dim: Int, Z.
        condition_size: Optional int, K.
        width: Int, ch.

    Returns:
        A `keras.Model` from `(B, Z)`, or `[(B, Z), (B, K)]`, to `(B, H, W, C)` in
        [-1, 1], float32.
    """

    def convolution(filters, size, name):
        return Conv2D(
            filters, size, padding="same", kernel_initializer=_glorot(size), name=name
        )

    channels = [width * n for n in channels_of(side_of(image_shape))[0]]
    inputs, condition = inputs_of((latent_dim,), condition_size)
    x = layers.Dense(16 * channels[0], name="dense")(inputs[0])
    x = layers.Reshape((4, 4, channels[0]))(x)
    for i, filters in enumerate(channels[1:]):
        x = residual.block_up(
            x,
            filters,
            f"block_{i}",
            convolution,
            lambda x, name: normalize(x, condition, name),
        )
    x = normalize(x, None, "normalization")
    x = Conv2D(
        image_shape[-1],
        3,
        padding="same",
        kernel_initializer="glorot_uniform",
        name="to_image",
    )(x)
    images = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(
        inputs if len(inputs) > 1 else inputs[0], images, name="generator"
    )


def sn_gan_discriminator(image_shape, condition_size=None, width=64):
    """Images (and condition) -> residual blocks under spectral normalization -> logit.

    Args:
        image_shape: `(H, W, C)`, as in `sn_gan_generator`.
        condition_size: Optional int, K.
        width: Int, ch.

    Returns:
        A `keras.Model` from `(B, H, W, C)`, or `[(B, H, W, C), (B, K)]`, to `(B, 1)`,
        float32.
    """

    def convolution(filters, size, name):
        layer = Conv2D(filters, size, padding="same", kernel_initializer=_glorot(size))
        return SpectralNormalization(layer, name=name)

    side = side_of(image_shape)
    channels = channels_of(side)[1]
    inputs, condition = inputs_of(image_shape, condition_size)
    x = inputs[0]
    count = 2 if side == 32 else side.bit_length() - 3  # halvings, to 8 or 4 pixels
    for i, multiple in enumerate(channels):
        x = residual.block_down(
            x, width * multiple, f"block_{i}", i < count, convolution, first=i == 0
        )
    logits = residual.projection(x, condition, spectral_dense)
    return keras.Model(
        inputs if len(inputs) > 1 else inputs[0], logits, name="discriminator"
    )


def spectral_dense(units, name, use_bias):
    """A float32 dense layer under spectral normalization."""
    layer = layers.Dense(units, use_bias=use_bias, dtype="float32")
    return SpectralNormalization(layer, name=name)


def sn_cnn_generator(image_shape, latent_dim, condition_size=None, width=64):
    """Latents (and condition) -> transposed convolutions -> images, as in Table 3.

    Args:
        image_shape: `(H, W, C)`; sides as in `DCGAN`.
        latent_dim: Int, Z.
        condition_size: Optional int, K.
        width: Int, channels before the image.

    Returns:
        As `sn_gan_generator`.
    """
    height, image_width, channels = image_shape
    count = halvings(height, image_width)
    inputs, condition = inputs_of((latent_dim,), condition_size)
    top = (height >> count, image_width >> count, width << count)
    x = layers.Dense(top[0] * top[1] * top[2], kernel_initializer=normal())(inputs[0])
    x = normalize(layers.Reshape(top)(x), condition, "norm_top")
    for i in reversed(range(count)):
        x = Conv2DTranspose(
            width << i, 4, 2, padding="same", kernel_initializer=normal()
        )(x)
        x = normalize(x, condition, f"norm_{i}")
    x = Conv2D(channels, 3, padding="same", kernel_initializer=normal())(x)
    images = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(
        inputs if len(inputs) > 1 else inputs[0], images, name="generator"
    )


def sn_cnn_discriminator(image_shape, condition_size=None, width=64):
    """Images (and condition) -> convolutions -> logit, as in Table 3.

    Args:
        image_shape: `(H, W, C)`; sides as in `DCGAN`.
        condition_size: Optional int, K; its part of the logit is as in
            `residual.projection`.
        width: Int, channels of the first convolution.

    Returns:
        As `sn_gan_discriminator`.
    """

    def convolution(x, filters, size, strides, name):
        layer = Conv2D(
            filters, size, strides, padding="same", kernel_initializer=normal()
        )
        return layers.LeakyReLU(0.1)(SpectralNormalization(layer, name=name)(x))

    inputs, condition = inputs_of(image_shape, condition_size)
    x, count = inputs[0], halvings(*image_shape[:2])
    for i in range(count):
        x = convolution(x, width << i, 3, 1, f"conv_{i}")
        x = convolution(x, width << i, 4, 2, f"halving_{i}")
    x = convolution(x, width << count, 3, 1, "conv_last")
    logits = spectral_dense(1, "logit", True)(layers.Flatten()(x))
    if condition is not None:
        h = ops.sum(ops.cast(x, "float32"), axis=(1, 2))  # (B, C)
        embedding = spectral_dense(h.shape[-1], "projection", False)(condition)
        product = layers.Dot(axes=1, dtype="float32")([embedding, h])
        logits = layers.Add(dtype="float32")([logits, product])
    return keras.Model(
        inputs if len(inputs) > 1 else inputs[0], logits, name="discriminator"
    )


@keras.saving.register_keras_serializable("keras_gans")
class SNGAN(GAN):
    """SNGAN (Miyato et al. 2018, arXiv:1802.05957), with or without classes.

    Args:
        image_shape: `(H, W, C)`: for "resnet" square, the side a power of two of at
            least 32; for "cnn" sides as in `DCGAN`.
        num_classes: Optional int, K: then D is a projection discriminator.
        body: "resnet" or "cnn", of both networks.
        width: Int, ch: at 32 x 32 the residual networks have 4 ch channels in G and
            2 ch in D; the convolutional ones begin with ch in D.
        latent_dim: Int, Z.
        **kwargs: As in `GAN`: `num_attributes`, `generator`, `discriminator`, `seed`.

    Raises:
        ValueError: If the networks do not exist for the size of the images.

    Example:

    ```python
    images, labels = kg.datasets.load("fashion_mnist", image_size=32)
    gan = kg.models.SNGAN((32, 32, 1), num_classes=10, width=32)
    gan.compile()
    gan.fit(images, labels, epochs=20)
    ```
    """

    default_batch_size = 64
    is_conditional = True

    def __init__(
        self,
        image_shape=(32, 32, 3),
        *,
        num_classes=None,
        body="resnet",
        width=64,
        latent_dim=128,
        latent_distribution="normal",
        **kwargs,
    ):
        if body not in BODIES:
            raise ValueError(
                f"Expected: `body` as one of {BODIES}. Received: {body!r}."
            )
        super().__init__(
            image_shape,
            num_classes=num_classes,
            body=body,
            width=width,
            latent_dim=latent_dim,
            latent_distribution=latent_distribution,
            **kwargs,
        )

    def networks(self, data_spec, latent_dim, body, width):
        """Makes the networks of the body."""
        size = None if self.condition is None else self.condition.size
        make = {
            "resnet": (sn_gan_generator, sn_gan_discriminator),
            "cnn": (sn_cnn_generator, sn_cnn_discriminator),
        }[body]
        return (
            make[0](data_spec.shape, latent_dim, size, width),
            make[1](data_spec.shape, size, width),
        )

    def recipe(self):
        """Section 4 of the paper."""

        def adam():
            return keras.optimizers.Adam(2e-4, beta_1=0.0, beta_2=0.9)

        return {
            "generator_optimizer": adam(),
            "discriminator_optimizer": adam(),
            "loss": losses.Hinge(),
            "penalties": [],
            "discriminator_steps": 5,
            "ema_half_life": 10_000,
        }
