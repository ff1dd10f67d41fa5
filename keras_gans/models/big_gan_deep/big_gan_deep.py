r"""BigGAN-deep: four times as deep as BigGAN, with fewer weights.

Brock, Donahue and Simonyan, "Large Scale GAN Training for High Fidelity Natural Image
Synthesis", arXiv:1809.11096, section 4.2 and appendix B (figure 16, tables 7 to 9):

* blocks are bottlenecks of four convolutions, 1 x 1, 3 x 3, 3 x 3, 1 x 1, the inner
  ones on a quarter of the channels; there are two blocks for each size;
* shortcuts keep what they carry: where channels get fewer, G drops the last; where they
  get more, D joins those of a 1 x 1 convolution;
* the latents, whole, joined with the embedding of the class, make the 4 x 4 features
  and are the condition of every batch normalization.

All else is as in `BigGAN`, with a width of 128 and 128 latents. Appendix C: the rates
are 2e-4 for D and 5e-5 for G, but 2.5e-5 for both from 256 x 256 on.

Deviations: those of `BigGAN`. Epsilon of batch normalization is 1e-4, as in the weights
that the authors published.
"""

import keras
from keras import layers

from keras_gans.models.big_gan import networks as parts
from keras_gans.models.big_gan.big_gan import BigGAN

EPSILON = 1e-4
"""Of batch normalization, in the authors' published networks."""


def deep_block_up(x, vector, filters, name, double, regularizer=None):
    """A bottleneck block of the generator (figure 16b).

    Args:
        x: Features `(B, H, W, C)`.
        vector: Condition of the batch normalizations, `(B, ...)`.
        filters: Int, channels of the output, at most C.
        name: Prefix of the layers' names.
        double: Whether it doubles the size.
        regularizer: Optional regularizer of the kernels.

    Returns:
        Features `(B, H, W, filters)`, or `(B, 2 H, 2 W, filters)`.
    """
    hidden = x.shape[-1] // 4
    h = parts.normalized(x, f"{name}_norm_1", vector, EPSILON)
    h = parts.convolution(hidden, 1, f"{name}_conv_1", regularizer)(h)
    h = parts.normalized(h, f"{name}_norm_2", vector, EPSILON)
    x = x[..., :filters]
    if double:
        h, x = layers.UpSampling2D()(h), layers.UpSampling2D()(x)
    h = parts.convolution(hidden, 3, f"{name}_conv_2", regularizer)(h)
    h = parts.normalized(h, f"{name}_norm_3", vector, EPSILON)
    h = parts.convolution(hidden, 3, f"{name}_conv_3", regularizer)(h)
    h = parts.normalized(h, f"{name}_norm_4", vector, EPSILON)
    h = parts.convolution(filters, 1, f"{name}_conv_4", regularizer)(h)
    return layers.Add()([h, x])


def deep_block_down(x, filters, name, halve):
    """A bottleneck block of the discriminator (figure 16c).

    Args:
        x: Features `(B, H, W, C)`.
        filters: Int, channels of the output, at least C.
        name: Prefix of the layers' names.
        halve: Whether it halves the size.

    Returns:
        Features `(B, H, W, filters)`, or `(B, H / 2, W / 2, filters)`.
    """
    hidden = filters // 4
    h = parts.convolution(hidden, 1, f"{name}_conv_1")(layers.ReLU()(x))
    h = parts.convolution(hidden, 3, f"{name}_conv_2")(layers.ReLU()(h))
    h = parts.convolution(hidden, 3, f"{name}_conv_3")(layers.ReLU()(h))
    h = layers.ReLU()(h)
    if halve:
        h, x = layers.AveragePooling2D(2)(h), layers.AveragePooling2D(2)(x)
    h = parts.convolution(filters, 1, f"{name}_conv_4")(h)
    if x.shape[-1] != filters:
        more = parts.convolution(filters - x.shape[-1], 1, f"{name}_shortcut")(x)
        x = layers.Concatenate()([x, more])
    return layers.Add()([h, x])


def _check_channels(*channels):
    if min(channels) < 4:
        raise ValueError(
            "Expected: at least 4 channels everywhere, of which a block takes a "
            f"quarter. Received: {min(channels)}. Raise `width`."
        )


def big_gan_deep_generator(
    image_shape,
    latent_dim,
    condition_size=None,
    width=128,
    channels=None,
    embedding_dim=128,
    attention_resolutions=(64,),
    orthogonal_penalty=0.0,
):
    """Latents and condition -> bottleneck blocks -> images.

    The arguments are `big_gan_generator`'s; `latent_dim` may be any.

    Returns:
        A `keras.Model` from `(B, Z)`, or `[(B, Z), (B, K)]`, to `(B, H, W, C)` in
        [-1, 1], float32.

    Raises:
        ValueError: If the sizes are none of the tables'.
    """
    first, *others = parts.generator_channels(image_shape, width, channels)
    _check_channels(first, *others)
    regularizer = parts.orthogonal(orthogonal_penalty)
    inputs, embedding = parts.generator_inputs(
        latent_dim, condition_size, embedding_dim
    )
    vector = inputs[0]
    if embedding is not None:
        vector = layers.Concatenate()([vector, embedding])
    x = parts.generator_start(vector, first, regularizer)
    for i, filters in enumerate(others):
        name = f"block_{2 * i}"
        x = deep_block_up(x, vector, x.shape[-1], name, False, regularizer)
        name = f"block_{2 * i + 1}"
        x = deep_block_up(x, vector, filters, name, True, regularizer)
        x = parts.attention(x, 8 << i, attention_resolutions)
    images = parts.generator_end(x, image_shape[-1], EPSILON, regularizer)
    return keras.Model(
        inputs if len(inputs) > 1 else inputs[0], images, name="generator"
    )


def big_gan_deep_discriminator(
    image_shape,
    condition_size=None,
    width=128,
    channels=None,
    attention_resolutions=(64,),
):
    """Images and condition -> bottleneck blocks -> logit.

    The arguments are `big_gan_discriminator`'s.

    Returns:
        A `keras.Model` from `(B, H, W, C)`, or `[(B, H, W, C), (B, K)]`, to `(B, 1)`,
        float32.

    Raises:
        ValueError: If the sizes are none of the tables'.
    """
    side = parts.side_of(image_shape)
    first, *others = parts.discriminator_channels(image_shape, width, channels)
    _check_channels(first, *others)
    inputs, condition = parts.discriminator_inputs(image_shape, condition_size)
    x = parts.convolution(first, 3, "stem")(inputs[0])
    for i, filters in enumerate(others):
        halve = i < parts.halvings(side)
        x = deep_block_down(x, filters, f"block_{2 * i}", halve)
        x = deep_block_down(x, filters, f"block_{2 * i + 1}", False)
        if halve:
            x = parts.attention(x, side >> (i + 1), attention_resolutions)
    logits = parts.discriminator_end(x, condition)
    return keras.Model(
        inputs if len(inputs) > 1 else inputs[0], logits, name="discriminator"
    )


@keras.saving.register_keras_serializable("keras_gans")
class BigGANDeep(BigGAN):
    """BigGAN-deep (Brock et al. 2019, arXiv:1809.11096).

    Args:
        image_shape: `(H, W, C)`, square, with a side of 32, 64, 128, 256 or 512.
        latent_dim: Int, Z.
        **kwargs: As in `BigGAN`: `num_classes`, `width` (at least 4; by default 128, or
            64 for 32 x 32) and so on.

    Raises:
        ValueError: If there is no such size in the tables.

    Example:

    ```python
    images, labels = kg.datasets.load("fashion_mnist", image_size=32)
    gan = kg.models.BigGANDeep(image_shape=(32, 32, 1), num_classes=10, width=32)
    gan.compile(ema_half_life=20_000)
    gan.fit(images, labels, batch_size=64, epochs=20)
    ```
    """

    default_width = 128
    make_generator = staticmethod(big_gan_deep_generator)
    make_discriminator = staticmethod(big_gan_deep_discriminator)

    def __init__(self, image_shape=(128, 128, 3), *, latent_dim=128, **kwargs):
        super().__init__(image_shape, latent_dim=latent_dim, **kwargs)

    def learning_rates(self):
        """Rates of G and D: appendix C of the paper; the author's code for 32 x 32."""
        large = self.data_spec.shape[0] >= 256
        return (2.5e-5, 2.5e-5) if large else super().learning_rates()

    @classmethod
    def from_official(cls, generator, truncation=1.0, **kwargs):
        """Makes a model with the published weights of the generator.

        They are DeepMind's, in the layout of Hugging Face's pytorch-pretrained-BigGAN.
        The discriminator's were never published; it starts anew.

        Args:
            generator: Path of `pytorch_model.bin`, or its state dict with NumPy
                arrays. Sizes are read off the shapes.
            truncation: Float in 0..1, of the latents that will be sampled; the file
                has statistics of batch normalization for 51 steps between, of which
                the nearest is taken.
            **kwargs: Of the constructor, such as `seed` and `name`.

        Returns:
            The model, with the weights in both `generator` and `ema_generator`.

        Raises:
            ValueError: If the file is not of such a network, with what is missing.

        Example:

        ```python
        gan = kg.models.BigGANDeep.from_official("pytorch_model.bin", truncation=0.4)
        latents = 0.4 * keras.random.truncated_normal((16, 128), seed=0)
        images = gan.generate(latents=latents, labels=207)  # golden retrievers
        ```
        """
        from keras_gans.models.big_gan_deep.official import big_gan_deep_from_official

        return big_gan_deep_from_official(cls, generator, truncation, **kwargs)
