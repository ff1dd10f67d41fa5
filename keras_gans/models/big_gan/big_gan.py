r"""BigGAN: large batches, wide networks, and classes.

Brock, Donahue and Simonyan, "Large Scale GAN Training for High Fidelity Natural Image
Synthesis", arXiv:1809.11096, section 3, appendices B and C:

* residual networks with self-attention at 64 pixels, both spectrally normalized;
* the latents are cut into chunks. The first makes the 4 x 4 features; block i gets
  chunk i, joined with one embedding of the class that all blocks share, as the
  condition c_i of its batch normalizations:

      x_hat * (1 + W_gain c_i) + W_bias c_i;

* D is a projection discriminator, whose logit has a part for the class:

      D(x, y) = w^T h(x) + b + (V y)^T h(x);

* the hinge loss, mean max(0, 1 - D(x)) + mean max(0, 1 + D(G(z))) for D and
  - mean D(G(z)) for G; two updates of D for each of G; Adam with beta_1 0;
* orthogonal weights at the start, and for G's the penalty of equation 3,

      beta |W^T W * (1 - I)|^2,   beta = 1e-4,

  after which samples of truncated latents stay good (`generate(truncation=)`);
* samples come from an average of G's weights, 0.9999 a step.

For 32 x 32, which the paper's tables lack, the channels and settings are those of the
author's PyTorch code for CIFAR-10: width 64, 4 updates of D, rates of 2e-4, batches of
50.

Deviations: batches default to 256, not 2048, which take many devices; the half-life of
the average is that of 0.9999 a step at the default batch. D at 64 x 64 is that of the
author's code, D at 512 x 512 the mirror of G. A 1 x 1 convolution on a shortcut comes
before the doubling and after the halving of the size, which changes nothing but the
time. The 32 x 32 code has a plain embedding for each batch normalization and weights
from N(0, 0.02), not what is above. The penalty leaves W_gain and W_bias out.
"""

import functools
import math

import keras
from keras import layers
from keras import ops

from keras_gans import losses
from keras_gans.models import residual
from keras_gans.models.big_gan import networks as parts
from keras_gans.models.big_gan.networks import GENERATOR_CHANNELS
from keras_gans.models.gan import GAN

EPSILON = 1e-5
"""Of batch normalization, in the author's PyTorch code."""

EMA_STEPS = math.log(0.5) / math.log(0.9999)
"""Steps after which a weight counts half in an average of 0.9999 a step: 6931."""


def big_gan_generator(
    image_shape,
    latent_dim,
    condition_size=None,
    width=96,
    channels=None,
    embedding_dim=128,
    attention_resolutions=(64,),
    orthogonal_penalty=0.0,
):
    """Latents and condition -> residual blocks -> images.

    Args:
        image_shape: `(H, W, C)`, square, with a side of 32, 64, 128, 256 or 512.
        latent_dim: Int, Z, a multiple of the number of blocks and one.
        condition_size: Optional int, K.
        width: Int, ch of the paper's tables.
        channels: Optional multiples of it, in place of the tables'.
        embedding_dim: Int, size of the shared embedding of the condition.
        attention_resolutions: Sides of features that get self-attention.
        orthogonal_penalty: Float >= 0, beta.

    Returns:
        A `keras.Model` from `(B, Z)`, or `[(B, Z), (B, K)]`, to `(B, H, W, C)` in
        [-1, 1], float32.

    Raises:
        ValueError: If the sizes are none of the tables', or the latents cannot be cut.
    """
    first, *others = parts.generator_channels(image_shape, width, channels)
    slots = 1 + len(others)
    if latent_dim < 1 or latent_dim % slots:
        raise ValueError(
            f"Expected: `latent_dim` as a multiple of {slots}, one chunk for the start "
            f"and one for each block. Received: {latent_dim}."
        )
    regularizer = parts.orthogonal(orthogonal_penalty)
    inputs, embedding = parts.generator_inputs(
        latent_dim, condition_size, embedding_dim
    )
    chunk, *chunks = ops.split(inputs[0], slots, axis=-1)
    x = parts.generator_start(chunk, first, regularizer)
    convolution = functools.partial(parts.convolution, regularizer=regularizer)
    for i, (filters, chunk) in enumerate(zip(others, chunks, strict=True)):
        if embedding is not None:
            chunk = layers.Concatenate()([embedding, chunk])
        normalized = functools.partial(parts.normalized, vector=chunk, epsilon=EPSILON)
        x = residual.block_up(x, filters, f"block_{i}", convolution, normalized)
        x = parts.attention(x, 8 << i, attention_resolutions)
    images = parts.generator_end(x, image_shape[-1], EPSILON, regularizer)
    return keras.Model(
        inputs if len(inputs) > 1 else inputs[0], images, name="generator"
    )


def big_gan_discriminator(
    image_shape,
    condition_size=None,
    width=96,
    channels=None,
    attention_resolutions=(64,),
):
    """Images and condition -> residual blocks -> logit.

    Args:
        image_shape: `(H, W, C)`, square, with a side of 32, 64, 128, 256 or 512.
        condition_size: Optional int, K.
        width: Int, ch of the paper's tables.
        channels: Optional multiples of it of the generator, which are mirrored.
        attention_resolutions: Sides of features that get self-attention.

    Returns:
        A `keras.Model` from `(B, H, W, C)`, or `[(B, H, W, C), (B, K)]`, to `(B, 1)`,
        float32.

    Raises:
        ValueError: If the size is none of the tables'.
    """
    side = parts.side_of(image_shape)
    inputs, condition = parts.discriminator_inputs(image_shape, condition_size)
    x = inputs[0]
    for i, filters in enumerate(
        parts.discriminator_channels(image_shape, width, channels)
    ):
        halve = i < parts.halvings(side)
        x = residual.block_down(
            x, filters, f"block_{i}", halve, parts.convolution, first=i == 0
        )
        if halve:
            x = parts.attention(x, side >> (i + 1), attention_resolutions)
    logits = parts.discriminator_end(x, condition)
    return keras.Model(
        inputs if len(inputs) > 1 else inputs[0], logits, name="discriminator"
    )


@keras.saving.register_keras_serializable("keras_gans")
class BigGAN(GAN):
    """BigGAN (Brock et al. 2019, arXiv:1809.11096).

    Args:
        image_shape: `(H, W, C)`, square, with a side of 32, 64, 128, 256 or 512.
        num_classes: Optional int, K. Without it (and `num_attributes`) the model is
            unconditional: batch normalizations see the latents alone.
        width: Optional int, ch of the paper's tables; 96, or 64 for 32 x 32.
        channels: Optional channels of G at 4 x 4 pixels and after each doubling, as
            multiples of `width`, in place of the tables'; D mirrors them. (4, 4, 2, 1)
            for 32 x 32 has a fifth of the multiplications of the usual (4, 4, 4, 4).
        latent_dim: Optional int, Z: 20 for each block and 20 for the start, so 120 for
            128 x 128.
        embedding_dim: Int, size of the embedding of the classes.
        attention_resolutions: Sides of features that get self-attention.
        orthogonal_penalty: Float >= 0, beta of equation 3.
        latent_distribution: "normal" or "uniform".
        **kwargs: As in `GAN`: `num_attributes`, `seed`, `name`, `dtype` and so on.

    Raises:
        ValueError: If there is no such size in the tables, or `latent_dim` cannot be
            cut into as many chunks.

    Example:

    ```python
    images, labels = kg.datasets.load("fashion_mnist", image_size=32)
    gan = kg.models.BigGAN((32, 32, 1), num_classes=10, width=16, channels=(4, 4, 2, 1))
    gan.compile(ema_half_life=20_000)
    gan.fit(images, labels, batch_size=64, epochs=20)
    sneakers = gan.generate(16, labels=7, truncation=0.5)
    ```
    """

    is_conditional = True
    default_width = 96
    make_generator = staticmethod(big_gan_generator)
    make_discriminator = staticmethod(big_gan_discriminator)

    def __init__(
        self,
        image_shape=(128, 128, 3),
        *,
        num_classes=None,
        width=None,
        channels=None,
        latent_dim=None,
        embedding_dim=128,
        attention_resolutions=(64,),
        orthogonal_penalty=1e-4,
        latent_distribution="normal",
        **kwargs,
    ):
        spec = kwargs.get("data_spec")
        side = parts.side_of(image_shape if spec is None else spec.shape)
        if width is None:
            width = 64 if side == 32 else self.default_width
        if latent_dim is None:
            latent_dim = 20 * len(GENERATOR_CHANNELS[side])
        super().__init__(
            image_shape,
            num_classes=num_classes,
            width=width,
            channels=None if channels is None else list(channels),
            latent_dim=latent_dim,
            embedding_dim=embedding_dim,
            attention_resolutions=list(attention_resolutions),
            orthogonal_penalty=orthogonal_penalty,
            latent_distribution=latent_distribution,
            **kwargs,
        )

    @property
    def default_batch_size(self):
        """50 for 32 x 32, as in the author's code, else 256."""
        return 50 if self.data_spec.shape[0] == 32 else 256

    def networks(
        self, data_spec, latent_dim, width, channels, attention_resolutions, **sizes
    ):
        """Makes the networks of appendix B."""
        size = None if self.condition is None else self.condition.size
        common = {
            "width": width,
            "channels": channels,
            "attention_resolutions": attention_resolutions,
        }
        return (
            self.make_generator(data_spec.shape, latent_dim, size, **common, **sizes),
            self.make_discriminator(data_spec.shape, size, **common),
        )

    def learning_rates(self):
        """Rates of G and D: appendix C of the paper; the author's code for 32 x 32."""
        return (2e-4, 2e-4) if self.data_spec.shape[0] == 32 else (5e-5, 2e-4)

    def recipe(self):
        """Appendix C of the paper; the author's code for 32 x 32."""
        generator_rate, discriminator_rate = self.learning_rates()
        adam = {"beta_1": 0.0, "beta_2": 0.999, "epsilon": 1e-6}
        return {
            "generator_optimizer": keras.optimizers.Adam(generator_rate, **adam),
            "discriminator_optimizer": keras.optimizers.Adam(
                discriminator_rate, **adam
            ),
            "loss": losses.Hinge(),
            "penalties": [],
            "discriminator_steps": 4 if self.data_spec.shape[0] == 32 else 2,
            "ema_half_life": round(EMA_STEPS * self.default_batch_size),
        }

    @classmethod
    def from_official(cls, generator, discriminator=None, **kwargs):
        """Makes a model with the weights of the author's PyTorch code.

        Args:
            generator: Path of `G_ema.pth` (or `G.pth`), or its state dict with NumPy
                arrays. Sizes are read off the shapes.
            discriminator: Optional path of `D.pth`, or its state dict; without it the
                discriminator starts anew.
            **kwargs: Of the constructor, such as `seed` and `name`.

        Returns:
            The model, with the weights in both `generator` and `ema_generator`.

        Raises:
            ValueError: If the files are not of such networks, with what is missing.

        Example:

        ```python
        gan = kg.models.BigGAN.from_official("G_ema.pth", "D.pth")
        gan.save_to_preset("big_gan_imagenet_128")
        ```
        """
        from keras_gans.models.big_gan.official import big_gan_from_official

        return big_gan_from_official(cls, generator, discriminator, **kwargs)
