r"""AC-GAN: the discriminator also tells the class.

Odena, Olah and Shlens, "Conditional Image Synthesis with Auxiliary Classifier GANs",
arXiv:1610.09585. Equations 2 and 3,

    L_S = E[log P(S = real | x)] + E[log P(S = fake | G(z, c))]
    L_C = E[log P(C = c | x)] + E[log P(C = c | G(z, c))]

D maximises L_S + L_C, G maximises L_C - L_S (here in its non-saturating form, as in the
GAN of 2014). G is told the class, D is not.

The networks are those of Table 2 (CIFAR-10), for other sizes with as many halvings as
keep both sides at 4 or more:

    G: z and c -> 4 x 4 x 384 -> 8 x 8 x 192 -> 16 x 16 x 96 -> 32 x 32 x 3
    D: 3 x 3 convolutions of 16, 32, 64, 128, 256, 512 channels, every other one of
       stride 2, batch normalization but on the first, LeakyReLU(0.2), dropout of 0.5

Adam with rate 2e-4 and beta_1 0.5, batches of 100.

Deviations: G's kernels are 4 x 4 (5 x 5 there), G's first layer is normalized too, and
labels of generated images are those of the real batch; no noise on activations; samples
come from an average of the generator's weights. For attributes P(C = c) is a product
over them.
"""

import keras
from keras import layers
from keras import ops

from keras_gans.conditions import Attributes
from keras_gans.conditions import Classes
from keras_gans.layers import Dropout
from keras_gans.models.conditional_gan.conditional_gan import (
    conditional_dcgan_generator,
)
from keras_gans.models.dcgan.dcgan import batch_norm
from keras_gans.models.dcgan.dcgan import halvings
from keras_gans.models.dcgan.dcgan import normal
from keras_gans.models.gan import GAN

MAX_CHANNELS = 512


def ac_gan_discriminator(image_shape, size, width=16, dropout=0.5):
    """Images -> two convolutions a halving -> logit, and logits of the classes.

    Args:
        image_shape: `(H, W, C)`.
        size: Int, K.
        width: Int, channels after the first convolution; doubled at each next, up to
            512.
        dropout: Float, share of features that is dropped after each convolution.

    Returns:
        A `keras.Model` from `(B, H, W, C)` to a dict: "logits" `(B, 1)` and
        "class_logits" `(B, K)`, float32.
    """
    images = x = keras.Input(image_shape)
    for i in range(2 * halvings(*image_shape[:2])):
        x = layers.Conv2D(
            min(width << i, max(width, MAX_CHANNELS)),
            3,
            strides=2 if i % 2 == 0 else 1,
            padding="same",
            use_bias=i == 0,
            kernel_initializer=normal(),
        )(x)
        x = batch_norm()(x) if i else x
        x = layers.LeakyReLU(0.2)(x)
        x = Dropout(dropout)(x)
    x = layers.Flatten()(x)
    outputs = {
        name: layers.Dense(
            units, kernel_initializer=normal(), dtype="float32", name=name
        )(x)
        for name, units in (("logits", 1), ("class_logits", size))
    }
    return keras.Model(images, outputs, name="discriminator")


class _Probabilities(Attributes):
    """Attributes whose cross-entropy is bounded."""

    def check(self, labels, count):
        """Raises unless they are K numbers in [0, 1] per example."""
        super().check(labels, count)
        low, high = float(labels.min()), float(labels.max())
        if low < 0.0 or high > 1.0:
            raise ValueError(
                "Expected: attributes in [0, 1], 1 for what an example has. Received: "
                f"values in {low:g}..{high:g}. Of -1 and 1 make (attributes + 1) / 2."
            )


@keras.saving.register_keras_serializable("keras_gans")
class ACGAN(GAN):
    """Auxiliary-classifier GAN (Odena et al. 2017, arXiv:1610.09585).

    Besides the logs of every GAN there are `d_class_loss` and `g_class_loss`, the mean
    cross-entropy in nats of the classes of real and generated images, and of generated
    ones.

    Args:
        image_shape: `(H, W, C)`; sides as in `DCGAN`.
        num_classes: Int, K: classes, with labels in 0..K - 1.
        num_attributes: Int, in place of `num_classes`: labels are K numbers in 0..1.
        class_weight: Float >= 0, of L_C.
        width: Int, channels of the generator before the image; doubled at each halving.
        discriminator_width: Int, channels after the discriminator's first convolution.
        **kwargs: As in `GAN`: `latent_dim`, `generator`, `discriminator`, `seed` and so
            on. A discriminator of your own takes images, and returns a dict of "logits"
            and "class_logits".

    Raises:
        ValueError: If there is neither `num_classes` nor `num_attributes`.

    Example:

    ```python
    images, labels = kg.datasets.load("fashion_mnist", image_size=32)
    gan = kg.models.ACGAN((32, 32, 1), num_classes=10)
    gan.compile()
    gan.fit(images, labels, epochs=20)
    ```
    """

    default_batch_size = 100
    is_conditional = True
    term_names = ("d_class_loss", "g_class_loss")

    def __init__(
        self,
        image_shape=(32, 32, 3),
        *,
        num_classes=None,
        num_attributes=None,
        class_weight=1.0,
        width=96,
        discriminator_width=16,
        latent_distribution="normal",
        **kwargs,
    ):
        if num_classes is None and num_attributes is None:
            raise ValueError(
                "Expected: `num_classes` or `num_attributes`, what the model is "
                "asked for. Received: neither."
            )
        if not 0.0 <= class_weight < float("inf"):
            raise ValueError(
                "Expected: `class_weight` as a finite number >= 0. Received: "
                f"{class_weight!r}."
            )
        super().__init__(
            image_shape,
            num_classes=num_classes,
            num_attributes=num_attributes,
            width=width,
            discriminator_width=discriminator_width,
            latent_distribution=latent_distribution,
            **kwargs,
        )
        self.class_weight = float(class_weight)
        if num_attributes is not None:
            self.condition = _Probabilities(self.condition.size)

    def networks(self, data_spec, latent_dim, width, discriminator_width):
        """Makes the paper's networks."""
        shape, size = data_spec.shape, self.condition.size
        return (
            conditional_dcgan_generator(shape, latent_dim, size, width),
            ac_gan_discriminator(shape, size, discriminator_width),
        )

    def recipe(self):
        """Table 2 of the paper."""
        return super().recipe() | {
            "generator_optimizer": keras.optimizers.Adam(2e-4, beta_1=0.5),
            "discriminator_optimizer": keras.optimizers.Adam(2e-4, beta_1=0.5),
        }

    def discriminator_terms(self, real_outputs, fake_outputs, labels, latents):
        """- L_C of real and generated images."""
        values = self._class_loss(real_outputs, labels)
        values = values + self._class_loss(fake_outputs, labels)
        return {"d_class_loss": (self.class_weight, values)}

    def generator_terms(self, fake_outputs, labels, latents):
        """- L_C of generated images."""
        values = self._class_loss(fake_outputs, labels)
        return {"g_class_loss": (self.class_weight, values)}

    def _class_loss(self, outputs, labels):
        """Cross-entropy `(B,)`, in nats."""
        logits = ops.cast(outputs["class_logits"], "float32")
        if isinstance(self.condition, Classes):
            return -ops.sum(labels * ops.log_softmax(logits, axis=-1), axis=-1)
        # -log sigmoid(a) = softplus(-a), -log(1 - sigmoid(a)) = softplus(a).
        return ops.sum(ops.softplus(logits) - labels * logits, axis=-1)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {"class_weight": self.class_weight}
