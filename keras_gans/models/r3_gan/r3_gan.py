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

from keras_gans import losses
from keras_gans import penalties
from keras_gans.models.gan import GAN
from keras_gans.models.r3_gan.networks import EXPANSION
from keras_gans.models.r3_gan.networks import channels_of
from keras_gans.models.r3_gan.networks import r3_gan_discriminator
from keras_gans.models.r3_gan.networks import r3_gan_generator
from keras_gans.schedules import CosineRamp
from keras_gans.utils.checks import number
from keras_gans.utils.checks import whole_number

SCHEDULED_IMAGES = 20_000_000
# Side -> gamma at the start, half-life of the average at the end in images.
SETTINGS = {32: (0.05, 5e6), 64: (2.0, 5e5), 128: (17.3, 5e5), 256: (150.0, 5e5)}


@keras.saving.register_keras_serializable("keras_gans")
class R3GAN(GAN):
    """R3GAN (Huang et al. 2024, arXiv:2501.05441), with or without classes.

    Args:
        image_shape: `(H, W, C)`; sides that can be halved until the smaller one has 4
            to 7 pixels, such as 28, 32, 64, 256 or 64 x 128.
        num_classes: Optional int, K.
        width: Int, channels up to 32 x 32: 768 in the paper, 1,536 for ImageNet.
        channels: Optional ints, of each stage from the smallest features up, in place
            of those by `width`: fewer at the larger sides make a small network faster.
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
        channels=None,
        blocks=2,
        group_size=16,
        latent_dim=64,
        latent_distribution="normal",
        **kwargs,
    ):
        if channels is not None:
            channels = [whole_number(n, "channels") for n in channels]
        super().__init__(
            image_shape,
            num_classes=num_classes,
            width=width,
            channels=channels,
            blocks=blocks,
            group_size=group_size,
            latent_dim=latent_dim,
            latent_distribution=latent_distribution,
            **kwargs,
        )

    def networks(self, data_spec, latent_dim, width, channels, blocks, group_size):
        """Makes the networks of Config E."""
        for count in channels_of(data_spec.shape, width, channels)[1]:
            expanded = EXPANSION * count
            if expanded > group_size and expanded % group_size:
                raise ValueError(
                    "Expected: twice the channels of every stage as a multiple of "
                    f"group_size={group_size}, or no more than it. Received: "
                    f"{count} channels. Choose another `width`, or `channels`."
                )
        size = None if self.condition is None else self.condition.size
        sizes = {"width": width, "channels": channels}
        sizes |= {"blocks": blocks, "group_size": group_size}
        return (
            r3_gan_generator(data_spec.shape, latent_dim, size, **sizes),
            r3_gan_discriminator(data_spec.shape, size, **sizes),
        )

    def recipe(
        self,
        num_images=SCHEDULED_IMAGES,
        batch_size=None,
        rate=2e-4,
        gamma=None,
        final_gamma=None,
    ):
        """The authors' settings for the size of the images nearest to theirs.

        They are of batches of 256 and 512 and of 768 channels. Small batches and small
        networks, which see few images, learn much faster with more of both `rate` and
        `gamma`: of Fashion-MNIST with up to 128 channels and batches of 16, 1e-3 and
        0.3 to 1 (see `recipes/train_r3gan_fashion_mnist.py`).

        Args:
            num_images: Int, images that the discriminator sees until rates, gamma and
                half-life are what they stay; 20 million in the paper. For a shorter
                training pass its length.
            batch_size: Optional int, of `fit`; `default_batch_size` if None.
            rate: Float > 0, learning rate at the start; at the end a quarter of it.
            gamma: Optional float >= 0, weight of the penalties at the start, by
                default of the size of the images.
            final_gamma: Optional float >= 0, at the end; by default a tenth of it.

        Returns:
            Dict, arguments of `compile`.

        Raises:
            ValueError: If a number is out of its range.
        """
        num_images = whole_number(num_images, "num_images")
        size = whole_number(batch_size or self.default_batch_size, "batch_size")
        updates = max(1, num_images // size)
        side = max(self.data_spec.shape[:2])
        nearest = min(SETTINGS, key=lambda known: abs(math.log(known / side)))
        usual_gamma, half_life = SETTINGS[nearest]
        gamma = usual_gamma if gamma is None else number(gamma, "gamma", least=0.0)
        rate = number(rate, "rate", least=0.0)

        def adam():
            ramp = CosineRamp(rate, rate / 4.0, updates)
            return keras.optimizers.Adam(ramp, beta_1=0.0, beta_2=0.99, epsilon=1e-8)

        final = gamma / 10.0 if final_gamma is None else final_gamma
        final = number(final, "final_gamma", least=0.0)
        gamma = CosineRamp(gamma, final, updates)
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
