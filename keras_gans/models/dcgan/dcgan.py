"""DCGAN: convolutions that train.

Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep
Convolutional Generative Adversarial Networks", arXiv:1511.06434, sections 3 and 4:

* strided convolutions in D, transposed ones in G, no pooling, no hidden dense layers;
* batch normalization in both, but not on G's output and not on D's input;
* ReLU in G with tanh at the end, LeakyReLU(0.2) in D;
* weights from N(0, 0.02); Adam with rate 2e-4 and beta_1 0.5; batches of 128.

G at 64 x 64 (Figure 1), `width` w being the channels before the image:

    z -> 4 x 4 x 8w -> 8 x 8 x 4w -> 16 x 16 x 2w -> 32 x 32 x w -> 64 x 64 x C

and D is its mirror. Other sizes have as many halvings as keep both sides at 4 or more.

Deviations: w is 64, as in the authors' Torch code, where Figure 1 has 128; kernels are
4 x 4, as there, which stride 2 covers evenly; latents are normal, as there, where the
paper's are uniform (`latent_distribution="uniform"`); samples come from an average of
the generator's weights.
"""

import keras
from keras import layers

from keras_gans import losses
from keras_gans.layers import BatchNormalization
from keras_gans.layers import Conv2D
from keras_gans.layers import Conv2DTranspose
from keras_gans.models.gan import GAN


def halvings(height, width):
    """How often both sides can be halved with at least 4 pixels left.

    Raises:
        ValueError: If they cannot be halved twice.
    """
    given, count = f"{height} x {width}", 0
    while not (height % 2 or width % 2) and min(height, width) >= 8:
        height, width, count = height // 2, width // 2, count + 1
    if count < 2:
        raise ValueError(
            "Expected: sides of an image that are multiples of 4 and at least 16, such "
            f"as 28, 32, 64 or 48 x 64. Received: {given}, which can be halved {count} "
            f"times, to {height} x {width}. Resize the images, for instance with "
            "`image_size=32`."
        )
    return count


def normal():
    """DCGAN's initializer, N(0, 0.02^2)."""
    return keras.initializers.RandomNormal(0.0, 0.02)


def batch_norm():
    """DCGAN's normalization, with the gamma of the authors' code."""
    return BatchNormalization(
        momentum=0.9,
        epsilon=1e-5,
        gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02),
    )


def dcgan_generator(image_shape, latent_dim, width=64):
    """Latents -> transposed convolutions of stride 2 -> images.

    Args:
        image_shape: `(H, W, C)`.
        latent_dim: Int, Z.
        width: Int, channels before the image; doubled at each halving of the size.

    Returns:
        A `keras.Sequential` from `(B, Z)` to `(B, H, W, C)` in [-1, 1], float32.
    """
    height, image_width, channels = image_shape
    count = halvings(height, image_width)
    top = (height >> count, image_width >> count, width << (count - 1))
    stack = [
        layers.Input((latent_dim,)),
        layers.Dense(
            top[0] * top[1] * top[2], use_bias=False, kernel_initializer=normal()
        ),
        layers.Reshape(top),
        batch_norm(),
        layers.ReLU(),
    ]
    for i in reversed(range(count - 1)):
        stack += [
            Conv2DTranspose(
                width << i,
                4,
                strides=2,
                padding="same",
                use_bias=False,
                kernel_initializer=normal(),
            ),
            batch_norm(),
            layers.ReLU(),
        ]
    stack += [
        Conv2DTranspose(
            channels, 4, strides=2, padding="same", kernel_initializer=normal()
        ),
        layers.Activation("tanh", dtype="float32"),
    ]
    return keras.Sequential(stack, name="generator")


def dcgan_discriminator(image_shape, width=64, normalization=batch_norm):
    """Images -> convolutions of stride 2 -> logit.

    Args:
        image_shape: `(H, W, C)`.
        width: Int, channels after the first convolution; doubled at each next.
        normalization: Callable that makes a layer, or None for no normalization.

    Returns:
        A `keras.Sequential` from `(B, H, W, C)` to `(B, 1)`, float32.
    """
    stack = [layers.Input(image_shape)]
    for i in range(halvings(*image_shape[:2])):
        normalized = i > 0 and normalization is not None
        stack.append(
            Conv2D(
                width << i,
                4,
                strides=2,
                padding="same",
                use_bias=not normalized,
                kernel_initializer=normal(),
            )
        )
        if normalized:
            stack.append(normalization())
        stack.append(layers.LeakyReLU(0.2))
    stack += [
        layers.Flatten(),
        layers.Dense(1, kernel_initializer=normal(), dtype="float32"),
    ]
    return keras.Sequential(stack, name="discriminator")


@keras.saving.register_keras_serializable("keras_gans")
class DCGAN(GAN):
    """Deep convolutional GAN (Radford et al. 2015, arXiv:1511.06434).

    Args:
        image_shape: `(H, W, C)`; sides are multiples of 4, at least 16, and need not be
            equal.
        width: Int, channels next to the image; doubled at each halving of the size.
        latent_distribution: "normal" or "uniform".
        **kwargs: As in `GAN`: `latent_dim`, `generator`, `discriminator`, `seed`,
            `name`, `dtype` and so on.

    Raises:
        ValueError: If the size of the images cannot be halved twice.

    Example:

    ```python
    images, _ = kg.datasets.load("fashion_mnist", image_size=32)
    gan = kg.models.DCGAN(image_shape=(32, 32, 1))
    gan.compile()
    gan.fit(images, epochs=20)
    ```
    """

    default_batch_size = 128

    def __init__(
        self,
        image_shape=(64, 64, 3),
        *,
        width=64,
        latent_distribution="normal",
        **kwargs,
    ):
        super().__init__(
            image_shape, width=width, latent_distribution=latent_distribution, **kwargs
        )

    def networks(self, data_spec, latent_dim, width):
        """Makes the paper's networks."""
        return (
            dcgan_generator(data_spec.shape, latent_dim, width),
            dcgan_discriminator(data_spec.shape, width),
        )

    def recipe(self):
        """Section 4 of the paper."""
        return {
            "generator_optimizer": keras.optimizers.Adam(2e-4, beta_1=0.5),
            "discriminator_optimizer": keras.optimizers.Adam(2e-4, beta_1=0.5),
            "loss": losses.NonSaturating(),
            "penalties": [],
            "discriminator_steps": 1,
            "ema_half_life": 10_000,
        }
