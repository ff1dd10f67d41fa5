r"""Conditional GAN: both players are told what is asked for.

Mirza and Osindero, "Conditional Generative Adversarial Nets", arXiv:1411.1784.
Equation 2,

    min_G max_D  E_x[log D(x | y)] + E_z[log(1 - D(G(z | y) | y))],

with y fed to both networks as a further input layer (Figure 1). Section 4.1, digits:

    G: z (100, uniform) -> 200 ReLU;  y -> 1000 ReLU;  both -> 1200 ReLU -> sigmoid
    D: x -> maxout 240 x 5;  y -> maxout 50 x 5;  both -> maxout 240 x 4 -> sigmoid

SGD with rate 0.1, divided by 1.00004 after each update down to 1e-6, momentum from 0.5
(to 0.7), batches of 100, dropout of 0.5 in both networks.

`body="dcgan"` puts the same idea into DCGAN's networks (arXiv:1511.06434): y is
appended to z in G, and to the image's channels, constant over the positions, in D.

Deviations: momentum stays at 0.5; dropout is in D alone, whose input keeps 0.8 as in
Goodfellow's maxout code; samples come from an average of the generator's weights.

K: size of the condition.
"""

import math

import keras
from keras import layers
from keras import ops

from keras_gans.layers import Dropout
from keras_gans.models.dcgan import DCGAN
from keras_gans.models.dcgan import dcgan_discriminator
from keras_gans.models.dcgan import dcgan_generator
from keras_gans.models.gan import GAN
from keras_gans.models.mlp import Maxout

BODIES = ("mlp", "dcgan")


@keras.saving.register_keras_serializable("keras_gans")
class AppendCondition(layers.Layer):
    """Appends a condition to an image's channels, the same at each position.

    Example:

    >>> AppendCondition()([np.zeros((2, 8, 8, 3)), np.zeros((2, 10))]).shape
    (2, 8, 8, 13)
    """

    def call(self, inputs):
        """Maps `(B, H, W, C)` and `(B, K)` to `(B, H, W, C + K)`."""
        images, condition = inputs
        planes = ops.cast(condition, images.dtype)[:, None, None, :]  # (B, 1, 1, K)
        planes = planes * ops.ones_like(images[..., :1])  # (B, H, W, K)
        return ops.concatenate([images, planes], axis=-1)

    def compute_output_shape(self, input_shape):
        """Returns `(B, H, W, C + K)`."""
        images, condition = input_shape
        return (*images[:-1], images[-1] + condition[-1])


def conditional_mlp_generator(shape, latent_dim, size, hidden_units=1200):
    """Latents and condition -> a hidden layer each -> a joint one -> examples.

    Args:
        shape: `(H, W, C)`.
        latent_dim: Int, Z.
        size: Int, K.
        hidden_units: Int, of the joint layer; the paper's 200 for z and 1000 for y
            are a sixth and five sixths of it.

    Returns:
        A `keras.Model` from `[(B, Z), (B, K)]` to `(B, *shape)`, in [-1, 1], float32.
    """
    latents, condition = keras.Input((latent_dim,)), keras.Input((size,))
    of_latents = max(1, hidden_units // 6)
    x = layers.Concatenate()(
        [
            layers.Dense(of_latents, "relu")(latents),
            layers.Dense(max(1, hidden_units - of_latents), "relu")(condition),
        ]
    )
    x = layers.Dense(hidden_units, "relu")(x)
    x = layers.Dense(math.prod(shape))(x)
    # The paper's sigmoid, stretched to [-1, 1]: 2 sigmoid(a) - 1 = tanh(a / 2).
    x = layers.Rescaling(0.5, dtype="float32")(x)
    x = layers.Activation("tanh", dtype="float32")(x)
    x = layers.Reshape(shape, dtype="float32")(x)
    return keras.Model([latents, condition], x, name="generator")


def conditional_mlp_discriminator(shape, size, maxout_units=240, dropout=(0.2, 0.5)):
    """Examples and condition -> a maxout layer each -> a joint one -> logit.

    Args:
        shape: `(H, W, C)`.
        size: Int, K.
        maxout_units: Int, of examples and of the joint layer; the condition gets 5 / 24
            of it, the paper's 50.
        dropout: Rates on the examples and on the hidden layers.

    Returns:
        A `keras.Model` from `[(B, *shape), (B, K)]` to `(B, 1)`, float32.
    """
    examples, condition = keras.Input(shape), keras.Input((size,))
    on_input, on_hidden = dropout
    x = layers.Rescaling(0.5, offset=0.5)(examples)  # the paper's lie in [0, 1]
    x = Dropout(on_input)(layers.Flatten()(x))
    x = layers.Concatenate()(
        [
            Maxout(maxout_units, 5)(x),
            Maxout(max(1, maxout_units * 5 // 24), 5)(condition),
        ]
    )
    x = Maxout(maxout_units, 4)(Dropout(on_hidden)(x))
    x = Dropout(on_hidden)(x)
    x = layers.Dense(1, dtype="float32")(x)
    return keras.Model([examples, condition], x, name="discriminator")


def conditional_dcgan_generator(image_shape, latent_dim, size, width=64):
    """DCGAN's generator of latents with the condition appended.

    Args:
        image_shape: `(H, W, C)`.
        latent_dim: Int, Z.
        size: Int, K.
        width: Int, channels before the image.

    Returns:
        A `keras.Model` from `[(B, Z), (B, K)]` to images in [-1, 1], float32.
    """
    latents, condition = keras.Input((latent_dim,)), keras.Input((size,))
    x = layers.Concatenate()([latents, condition])
    for layer in dcgan_generator(image_shape, latent_dim + size, width).layers:
        x = layer(x)
    return keras.Model([latents, condition], x, name="generator")


def conditional_dcgan_discriminator(image_shape, size, width=64):
    """DCGAN's discriminator of images with the condition as further channels.

    Args:
        image_shape: `(H, W, C)`.
        size: Int, K.
        width: Int, channels after the first convolution.

    Returns:
        A `keras.Model` from `[(B, H, W, C), (B, K)]` to `(B, 1)`, float32.
    """
    images, condition = keras.Input(image_shape), keras.Input((size,))
    x = AppendCondition()([images, condition])
    height, image_width, channels = image_shape
    for layer in dcgan_discriminator(
        (height, image_width, channels + size), width
    ).layers:
        x = layer(x)
    return keras.Model([images, condition], x, name="discriminator")


@keras.saving.register_keras_serializable("keras_gans")
class ConditionalGAN(GAN):
    """Conditional GAN (Mirza and Osindero 2014, arXiv:1411.1784).

    Args:
        image_shape: `(H, W, C)`; for `body="dcgan"` sides as in `DCGAN`.
        num_classes: Int, K: classes, with labels in 0..K - 1.
        num_attributes: Int, in place of `num_classes`: labels are K numbers each.
        body: "mlp", the paper's perceptrons, or "dcgan", convolutions. It sets the
            networks and what `compile()` means.
        latent_dim: Int, Z.
        hidden_units: Int, of the perceptrons' joint layer.
        width: Int, channels of the convolutions next to the image.
        **kwargs: As in `GAN`: `generator`, `discriminator`, `seed`, `name`, `dtype`.

    Raises:
        ValueError: If there is neither `num_classes` nor `num_attributes`, or `body` is
            unknown.

    Example:

    ```python
    images, labels = kg.datasets.load("fashion_mnist")
    gan = kg.models.ConditionalGAN((28, 28, 1), num_classes=10)
    gan.compile()
    gan.fit(images, labels, epochs=50)
    boots = gan.generate(8, labels=9, seed=0)
    ```
    """

    is_conditional = True

    def __init__(
        self,
        image_shape=(28, 28, 1),
        *,
        num_classes=None,
        num_attributes=None,
        body="mlp",
        latent_dim=100,
        hidden_units=1200,
        width=64,
        **kwargs,
    ):
        if body not in BODIES:
            raise ValueError(
                f"Expected: `body` as one of {BODIES}. Received: {body!r}."
            )
        if num_classes is None and num_attributes is None:
            raise ValueError(
                "Expected: `num_classes` or `num_attributes`, what the model is "
                "asked for. Received: neither."
            )
        super().__init__(
            image_shape,
            num_classes=num_classes,
            num_attributes=num_attributes,
            body=body,
            latent_dim=latent_dim,
            hidden_units=hidden_units,
            width=width,
            **kwargs,
        )
        self.body = body
        self.default_batch_size = 100 if body == "mlp" else DCGAN.default_batch_size

    def networks(self, data_spec, latent_dim, body, hidden_units, width):
        """Makes the networks of the body."""
        shape, size = data_spec.shape, self.condition.size
        if body == "mlp":
            return (
                conditional_mlp_generator(shape, latent_dim, size, hidden_units),
                conditional_mlp_discriminator(shape, size, max(1, hidden_units // 5)),
            )
        return (
            conditional_dcgan_generator(shape, latent_dim, size, width),
            conditional_dcgan_discriminator(shape, size, width),
        )

    def recipe(self):
        """Section 4.1 of the paper, or DCGAN's."""
        if self.body == "dcgan":
            return DCGAN.recipe(self)

        def sgd():
            decay = keras.optimizers.schedules.ExponentialDecay(
                0.1, decay_steps=1, decay_rate=1 / 1.00004
            )
            return keras.optimizers.SGD(decay, momentum=0.5)

        return super().recipe() | {
            "generator_optimizer": sgd(),
            "discriminator_optimizer": sgd(),
        }
