r"""R3GAN: a regularized relativistic loss, and a network without tricks.

Huang, Gokaslan, Kuleshov and Tompkin, "The GAN is dead; long live the GAN! A Modern GAN
Baseline", arXiv:2501.05441. D and G minimise

    D:  mean softplus(-(D(x) - D(G(z)))) + gamma / 2 (R1 + R2)
    G:  mean softplus(-(D(G(z)) - D(x)))

with R1 = mean |grad D(x)|^2 and R2 = mean |grad D(G(z))|^2 in every update. With both
penalties the loss converges locally, and needs no other help: no normalization, no
equalized rates, no minibatch statistics, no noise, no style.

Networks (section 4, Config E): stages from 4 x 4 up in G, its mirror in D, each a
change of size and `blocks` residual blocks

    x + W3 act(W2 act(W1 x + b1) + b2),    act = LeakyReLU(0.2)

of which W1 and W3 are 1 x 1 and W2 is 3 x 3 in groups, on twice the channels. W3 starts
at 0 and the others are scaled for the number of blocks (Fixup, Zhang et al. 2019,
arXiv:1901.09321). Sizes change with the filter [1, 3, 3, 1], which is [1, 2, 1] for
each of two pixels. G begins with learned features scaled by a linear function of the
latents, D ends with one weight for each feature; the image leaves G without a bound and
is clipped where it is sampled. Classes: in G their embedding follows the latents, in D
the features are projected on one.

Adam with beta_1 0; half a cosine over 20 million images takes the rate from 2e-4 to
5e-5, gamma to a tenth and the half-life of the average up from 0.

Deviations: beta_2 is 0.99 from the start (theirs grows from 0.9); images are not
augmented by default (theirs with ADA's pipeline, more and more: pass
`augment=kg.augment.DiffAugment()` for small data sets); gamma for 128 x 128, which they
have not, is the geometric mean of its neighbours'; a batch is 64 if `fit` is not told
(theirs 256 and 512), and the schedules count updates of such batches.
"""

import math

import keras
from keras import layers
from keras import ops

from keras_gans import losses
from keras_gans import penalties
from keras_gans.layers import Conv2D
from keras_gans.layers import FIRDownSampling2D
from keras_gans.layers import FIRUpSampling2D
from keras_gans.models.dcgan.dcgan import halvings
from keras_gans.models.gan import GAN
from keras_gans.models.sn_gan.sn_gan import inputs_of
from keras_gans.schedules import CosineRamp

EXPANSION = 2  # channels within a block, relative to those outside
GAIN = math.sqrt(2.0 / (1.0 + 0.2**2))  # of LeakyReLU(0.2)
SCHEDULED_IMAGES = 20_000_000
# Side -> gamma at the start, half-life of the average at the end in images.
SETTINGS = {32: (0.05, 5e6), 64: (2.0, 5e5), 128: (17.3, 5e5), 256: (150.0, 5e5)}


def channels_of(image_shape, width):
    """The size of the smallest features, and the channels of each stage from there.

    Args:
        image_shape: `(H, W, C)`.
        width: Int, channels up to 32 x 32; halved with each doubling from there.

    Returns:
        `(h, w)`, and a list of ints.

    Raises:
        ValueError: If the sides cannot be halved down to 4 to 7 pixels.
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
    # 32 pixels are reached after three doublings.
    channels = [max(1, width >> max(0, i - 3)) for i in range(count + 1)]
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
    image_shape, latent_dim, condition_size=None, width=768, blocks=2, group_size=16
):
    """Latents (and condition) -> stages of residual blocks -> images.

    Args:
        image_shape: `(H, W, C)`; sides as in `channels_of`.
        latent_dim: Int, Z; also the size of the condition's embedding.
        condition_size: Optional int, K.
        width: Int, channels up to 32 x 32.
        blocks: Int, residual blocks of a stage.
        group_size: Int, channels of a group.

    Returns:
        A `keras.Model` from `(B, Z)`, or `[(B, Z), (B, K)]`, to `(B, H, W, C)`,
        float32, not bounded.
    """
    size, channels = channels_of(image_shape, width)
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
    image_shape, condition_size=None, width=768, blocks=2, group_size=16
):
    """Images (and condition) -> stages of residual blocks -> logit.

    Args:
        image_shape: As in `r3_gan_generator`.
        condition_size: Optional int, K.
        width: Int.
        blocks: Int.
        group_size: Int.

    Returns:
        A `keras.Model` from `(B, H, W, C)`, or `[(B, H, W, C), (B, K)]`, to `(B, 1)`,
        float32.
    """
    _, channels = channels_of(image_shape, width)
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


@keras.saving.register_keras_serializable("keras_gans")
class R3GAN(GAN):
    """R3GAN (Huang et al. 2024, arXiv:2501.05441), with or without classes.

    Args:
        image_shape: `(H, W, C)`; sides that can be halved until the smaller one has 4
            to 7 pixels, such as 28, 32, 64, 256 or 64 x 128.
        num_classes: Optional int, K.
        width: Int, channels up to 32 x 32: 768 in the paper, 1,536 for ImageNet.
        blocks: Int, residual blocks of a stage.
        group_size: Int, channels of a group: 16 in the paper, 32 for ImageNet.
        latent_dim: Int, Z.
        **kwargs: As in `GAN`: `num_attributes`, `generator`, `discriminator`, `seed`.

    Raises:
        ValueError: If the networks do not exist for the size of the images.

    Example:

    ```python
    images, _ = kg.datasets.load("fashion_mnist", image_size=32)
    gan = kg.models.R3GAN((32, 32, 1), width=64)
    gan.compile(**gan.recipe(num_images=20 * len(images), batch_size=64))
    gan.fit(images, batch_size=64, epochs=20)
    ```
    """

    default_batch_size = 64
    is_conditional = True

    def __init__(
        self,
        image_shape=(32, 32, 3),
        *,
        num_classes=None,
        width=768,
        blocks=2,
        group_size=16,
        latent_dim=64,
        latent_distribution="normal",
        **kwargs,
    ):
        for name, value in {
            "width": width,
            "blocks": blocks,
            "group_size": group_size,
        }.items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"Expected: `{name}` as an int of at least 1. Received: {value!r}."
                )
        super().__init__(
            image_shape,
            num_classes=num_classes,
            width=width,
            blocks=blocks,
            group_size=group_size,
            latent_dim=latent_dim,
            latent_distribution=latent_distribution,
            **kwargs,
        )

    def networks(self, data_spec, latent_dim, width, blocks, group_size):
        """Makes the networks of Config E."""
        for channels in channels_of(data_spec.shape, width)[1]:
            expanded = EXPANSION * channels
            if expanded > group_size and expanded % group_size:
                raise ValueError(
                    "Expected: twice the channels of every stage as a multiple of "
                    f"group_size={group_size}, or no more than it. Received: "
                    f"{channels} channels. Choose another `width`."
                )
        size = None if self.condition is None else self.condition.size
        sizes = {"width": width, "blocks": blocks, "group_size": group_size}
        return (
            r3_gan_generator(data_spec.shape, latent_dim, size, **sizes),
            r3_gan_discriminator(data_spec.shape, size, **sizes),
        )

    def recipe(self, num_images=SCHEDULED_IMAGES, batch_size=None):
        """The authors' settings for the size of the images nearest to theirs.

        Args:
            num_images: Int, images that the discriminator sees until rates, gamma and
                half-life are what they stay; 20 million in the paper. For a shorter
                training pass its length.
            batch_size: Optional int, of `fit`; `default_batch_size` if None.

        Returns:
            Dict, arguments of `compile`.
        """
        updates = max(1, num_images // (batch_size or self.default_batch_size))
        side = max(self.data_spec.shape[:2])
        nearest = min(SETTINGS, key=lambda known: abs(math.log(known / side)))
        gamma, half_life = SETTINGS[nearest]

        def adam():
            rate = CosineRamp(2e-4, 5e-5, updates)
            return keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99, epsilon=1e-8)

        gamma = CosineRamp(gamma, gamma / 10.0, updates)
        # The average is to forget the beginning of a shorter training as well.
        half_life *= min(1.0, num_images / SCHEDULED_IMAGES)
        return {
            "generator_optimizer": adam(),
            "discriminator_optimizer": adam(),
            "loss": losses.RelativisticPairing(),
            "penalties": [penalties.R1(gamma), penalties.R2(gamma)],
            "discriminator_steps": 1,
            "ema_half_life": CosineRamp(0.0, half_life, num_images),
        }

    @classmethod
    def from_official(cls, generator, discriminator=None, **kwargs):
        """Makes a model with the weights of the authors' code (brownvc/R3GAN).

        The file is read without running what it asks for, and without PyTorch.

        Args:
            generator: Path of a `.pkl` file of their `train.py`, with D; or the path
                of a `torch.save`d state dict of its generator, or such a dict with
                NumPy arrays. Sizes are read off the shapes.
            discriminator: Optional path of a state dict of its discriminator, or the
                dict.
            **kwargs: Of the constructor, such as `seed` and `name`.

        Returns:
            The model; the weights of "G_ema" are in `ema_generator`.

        Raises:
            ValueError: If a file is damaged, asks for unknown code, or is not of such
                networks, with what is missing.

        Example:

        ```python
        gan = kg.models.R3GAN.from_official("network-snapshot-final.pkl")
        gan.save_to_preset("r3gan_ffhq_256")
        ```
        """
        from keras_gans.models.r3_gan.official import r3_gan_from_official

        return r3_gan_from_official(cls, generator, discriminator, **kwargs)
