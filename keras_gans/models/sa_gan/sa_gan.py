r"""SAGAN: both networks see the whole image at once.

Zhang, Goodfellow, Metaxas and Odena, "Self-Attention Generative Adversarial Networks",
arXiv:1805.08318:

* self-attention on features of a quarter of the image's side, 32 x 32 of 128 x 128, in
  G and D (section 3; `layers.SelfAttention`);
* spectral normalization in G too, not in D alone (section 4.1);
* two time scales: Adam with rate 4e-4 for D and 1e-4 for G, beta_1 0 and beta_2 0.9,
  and one update of D for each of G (sections 4.2 and 5);
* the hinge loss, equation 4, with a projection discriminator; G's batch normalizations
  have a gain and a bias per class.

The networks are SNGAN's residual ones: 1024 channels at 4 x 4 in G, halved to 64 at
128 x 128, with Z = 128; at 32 x 32, which the paper has not, SNGAN's for CIFAR-10.

Deviations: with classes, those of generated images are those of the real batch; samples
come from an average of the generator's weights.
"""

import keras
from keras import layers

from keras_gans import losses
from keras_gans.layers import Conv2D
from keras_gans.layers import SelfAttention
from keras_gans.layers import SpectralNormalization
from keras_gans.models import residual
from keras_gans.models.gan import GAN
from keras_gans.models.sn_gan.sn_gan import channels_of
from keras_gans.models.sn_gan.sn_gan import inputs_of
from keras_gans.models.sn_gan.sn_gan import normalize
from keras_gans.models.sn_gan.sn_gan import side_of
from keras_gans.models.sn_gan.sn_gan import spectral_dense


def _convolution(filters, size, name):
    return SpectralNormalization(Conv2D(filters, size, padding="same"), name=name)


def _attention(x, side, resolutions):
    return SelfAttention(name=f"attention_{side}")(x) if side in resolutions else x


def sa_gan_generator(
    image_shape, latent_dim, condition_size=None, width=64, attention_resolutions=(32,)
):
    """Latents (and condition) -> residual blocks with attention -> images.

    Args:
        image_shape: `(H, W, C)`, square, the side a power of two of at least 32.
        latent_dim: Int, Z.
        condition_size: Optional int, K.
        width: Int, ch.
        attention_resolutions: Sides of the features that get attention.

    Returns:
        A `keras.Model` from `(B, Z)`, or `[(B, Z), (B, K)]`, to `(B, H, W, C)` in
        [-1, 1], float32.
    """
    channels = [width * n for n in channels_of(side_of(image_shape))[0]]
    inputs, condition = inputs_of((latent_dim,), condition_size)
    x = SpectralNormalization(layers.Dense(16 * channels[0]), name="dense")(inputs[0])
    x = layers.Reshape((4, 4, channels[0]))(x)
    for i, filters in enumerate(channels[1:]):
        x = residual.block_up(
            x,
            filters,
            f"block_{i}",
            _convolution,
            lambda x, name: normalize(x, condition, name),
        )
        x = _attention(x, 8 << i, attention_resolutions)
    x = normalize(x, None, "normalization")
    x = _convolution(image_shape[-1], 3, "to_image")(x)
    images = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(
        inputs if len(inputs) > 1 else inputs[0], images, name="generator"
    )


def sa_gan_discriminator(
    image_shape, condition_size=None, width=64, attention_resolutions=(32,)
):
    """Images (and condition) -> residual blocks with attention -> logit.

    Args:
        image_shape: `(H, W, C)`, as in `sa_gan_generator`.
        condition_size: Optional int, K.
        width: Int, ch.
        attention_resolutions: Sides of the features that get attention.

    Returns:
        A `keras.Model` from `(B, H, W, C)`, or `[(B, H, W, C), (B, K)]`, to `(B, 1)`,
        float32.
    """
    side = side_of(image_shape)
    inputs, condition = inputs_of(image_shape, condition_size)
    x = inputs[0]
    for i, multiple in enumerate(channels_of(side)[1]):
        halve = i < (2 if side == 32 else side.bit_length() - 3)
        filters = width * multiple
        x = residual.block_down(
            x, filters, f"block_{i}", halve, _convolution, first=i == 0
        )
        if halve:
            x = _attention(x, side >> (i + 1), attention_resolutions)
    logits = residual.projection(x, condition, spectral_dense)
    return keras.Model(
        inputs if len(inputs) > 1 else inputs[0], logits, name="discriminator"
    )


@keras.saving.register_keras_serializable("keras_gans")
class SAGAN(GAN):
    """SAGAN (Zhang et al. 2019, arXiv:1805.08318), with or without classes.

    Args:
        image_shape: `(H, W, C)`, square, the side a power of two of at least 32.
        num_classes: Optional int, K.
        width: Int, ch: channels before the image, from 64 x 64 on; at 32 x 32 a quarter
            of G's.
        attention_resolutions: Optional sides of the features that get attention; a
            quarter of the image's side by default.
        latent_dim: Int, Z.
        **kwargs: As in `GAN`: `num_attributes`, `generator`, `discriminator`, `seed`.

    Raises:
        ValueError: If the networks do not exist for the size of the images.

    Example:

    ```python
    images, labels = kg.datasets.load("emoji", style="noto", image_size=32)
    gan = kg.models.SAGAN((32, 32, 3), num_classes=10, width=32)
    gan.compile(augment="diffaugment")
    gan.fit(images, labels, epochs=100)
    ```
    """

    default_batch_size = 64
    is_conditional = True

    def __init__(
        self,
        image_shape=(128, 128, 3),
        *,
        num_classes=None,
        width=64,
        attention_resolutions=None,
        latent_dim=128,
        latent_distribution="normal",
        **kwargs,
    ):
        if attention_resolutions is None:
            attention_resolutions = (image_shape[0] // 4,)
        super().__init__(
            image_shape,
            num_classes=num_classes,
            width=width,
            attention_resolutions=list(attention_resolutions),
            latent_dim=latent_dim,
            latent_distribution=latent_distribution,
            **kwargs,
        )

    def networks(self, data_spec, latent_dim, width, attention_resolutions):
        """Makes the networks."""
        size = None if self.condition is None else self.condition.size
        return (
            sa_gan_generator(
                data_spec.shape, latent_dim, size, width, attention_resolutions
            ),
            sa_gan_discriminator(data_spec.shape, size, width, attention_resolutions),
        )

    def recipe(self):
        """Section 5 of the paper."""
        return {
            "generator_optimizer": keras.optimizers.Adam(1e-4, beta_1=0.0, beta_2=0.9),
            "discriminator_optimizer": keras.optimizers.Adam(
                4e-4, beta_1=0.0, beta_2=0.9
            ),
            "loss": losses.Hinge(),
            "penalties": [],
            "discriminator_steps": 1,
            "ema_half_life": 10_000,
        }
