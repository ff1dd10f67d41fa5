r"""StyleGAN2: styles that scale kernels, and images without growing.

Karras, Laine, Aittala, Hellsten, Lehtinen and Aila, "Analyzing and Improving the Image
Quality of StyleGAN", arXiv:1912.04958. Latents are mapped to styles, `w = f(z)`; each
layer's kernel is scaled by an affine function of w and demodulated (equations 1 and 3,
`layers.ModulatedConv2D`). D and G minimise

    D:  mean softplus(-D(x)) + mean softplus(D(G(z))) + gamma / 2 mean |grad D(x)|^2
    G:  mean softplus(-D(G(z))) + 2 mean (|J_w^T y| - a)^2

the penalties, R1 and path length (equation 4), in every 16th and every 4th update
("lazy", appendix B): the rates of Adam and the powers of its betas are multiplied by
16/17 and 4/5. Nine images of ten are made of two latents (style mixing).

Networks (figure 7, "output skips" in G, "residual nets" in D): two convolutions a
stage, 3 x 3, leaky ReLU, noise in G, sizes changed with the filter [1, 3, 3, 1],
minibatch standard deviation in D, equalized learning rates throughout, min(512,
32768 / resolution) channels.

With `recipe(batch_size=...)` gamma, rate and average follow the size of the images and
of the batch as in the authors' later code with its configuration `auto` (Karras et al.
2020, arXiv:2006.06676, appendix C): gamma = 0.0002 H W / B, half-life of the average
B 10 / 32 thousand images, at most a twentieth of what was seen. That configuration has
also `mapping_depth=2`, and `channel_base=16384` below 512 pixels.

Deviations: a penalty joins the loss of the update it is due in, where the authors give
it an update of its own; two latents are drawn for each image, not for a whole batch;
sides that are no powers of two begin from 5 to 7 pixels, in place of 4.
"""

import math

import keras

from keras_gans import losses
from keras_gans import penalties
from keras_gans.models.gan import GAN
from keras_gans.models.style import StyleMixin
from keras_gans.models.style import mapping_network
from keras_gans.models.style import style_generator
from keras_gans.models.style_gan2.networks import ARCHITECTURES
from keras_gans.models.style_gan2.networks import style_gan2_discriminator
from keras_gans.models.style_gan2.networks import style_gan2_synthesis
from keras_gans.schedules import LinearRamp


def lazy_adam(rate, every=None):
    """Adam (beta_1 0, beta_2 0.99), corrected for a penalty in every k-th update.

    Args:
        rate: Float.
        every: Optional int, k.

    Returns:
        A `keras.optimizers.Adam`.
    """
    share = 1.0 if every is None else every / (every + 1)
    return keras.optimizers.Adam(
        rate * share, beta_1=0.0, beta_2=0.99**share, epsilon=1e-8
    )


@keras.saving.register_keras_serializable("keras_gans")
class StyleGAN2(StyleMixin, GAN):
    """StyleGAN2 (Karras et al. 2020, arXiv:1912.04958), with or without classes.

    Args:
        image_shape: `(H, W, C)`; sides that can be halved until the smaller one has 4
            to 7 pixels, such as 32, 64, 256, 1024 or 64 x 128.
        num_classes: Optional int, K.
        latent_dim: Int, Z.
        style_dim: Int, S.
        channel_base: Int; at a resolution of r there are channel_base / r channels,
        channel_max: Int, but no more than these.
        mapping_depth: Int, layers of the mapping network.
        style_mixing: Float in [0, 1], share of the training images made of two latents.
        architecture: "orig", "skip" or "resnet", of D.
        group_size: Int, of the minibatch standard deviation in D.
        **kwargs: As in `GAN`: `num_attributes`, `discriminator`, `seed`.

    Raises:
        ValueError: If an argument is out of range, or the networks do not exist for
            the size of the images.

    Example:

    ```python
    images, _ = kg.datasets.from_directory("pictures", image_size=64, labels=None)
    gan = kg.models.StyleGAN2(images.shape[1:], channel_base=8192)
    gan.compile(**gan.recipe(batch_size=32), augment=kg.augment.ADA())
    gan.fit(images, batch_size=32, epochs=200)
    gan.generate(64, seed=0, truncation_psi=0.7)
    ```
    """

    default_batch_size = 32
    is_conditional = True
    synthesis_network = staticmethod(style_gan2_synthesis)  # of a variant its own

    def __init__(
        self,
        image_shape=(256, 256, 3),
        *,
        num_classes=None,
        latent_dim=512,
        style_dim=512,
        channel_base=32768,
        channel_max=512,
        mapping_depth=8,
        style_mixing=0.9,
        architecture="resnet",
        group_size=4,
        latent_distribution="normal",
        **kwargs,
    ):
        if architecture not in ARCHITECTURES:
            raise ValueError(
                f"Expected: `architecture` as one of {ARCHITECTURES}. "
                f"Received: {architecture!r}."
            )
        if not 0.0 <= style_mixing <= 1.0:
            raise ValueError(
                f"Expected: `style_mixing` in [0, 1]. Received: {style_mixing!r}."
            )
        if kwargs.get("generator") is not None:
            raise ValueError(
                "Expected: no `generator`, as styles are parts of this model's own. "
                "Derive from it, and write `networks`. Received: a generator."
            )
        super().__init__(
            image_shape,
            num_classes=num_classes,
            latent_dim=latent_dim,
            style_dim=style_dim,
            channel_base=channel_base,
            channel_max=channel_max,
            mapping_depth=mapping_depth,
            architecture=architecture,
            group_size=group_size,
            latent_distribution=latent_distribution,
            **kwargs,
        )
        self.style_mixing = float(style_mixing)

    def networks(
        self,
        data_spec,
        latent_dim,
        style_dim,
        channel_base,
        channel_max,
        mapping_depth,
        architecture,
        group_size,
    ):
        """Makes the networks of configuration F."""
        size = None if self.condition is None else self.condition.size
        shape = data_spec.shape
        generator = style_generator(
            mapping_network(latent_dim, size, style_dim, mapping_depth),
            self.synthesis_network(shape, style_dim, channel_base, channel_max),
        )
        discriminator = style_gan2_discriminator(
            shape, size, channel_base, channel_max, architecture, group_size
        )
        return generator, discriminator

    def recipe(self, batch_size=None, gamma=None, path_length=True):
        """The authors' settings for the size of images and batch.

        Args:
            batch_size: Optional int, of `fit`; `default_batch_size` if None.
            gamma: Optional float, of R1, in place of 0.0002 H W / B.
            path_length: Bool; the authors leave it out for CIFAR-10.

        Returns:
            Dict, arguments of `compile`.
        """
        batch_size = batch_size or self.default_batch_size
        pixels = math.prod(self.data_spec.shape[:2])
        rate = 0.0025 if pixels < 1024 * 1024 else 0.002
        gamma = 0.0002 * pixels / batch_size if gamma is None else gamma
        terms = [penalties.R1(gamma, every=16)]
        if path_length:
            terms.append(penalties.PathLength(every=4))
        return {
            "generator_optimizer": lazy_adam(rate, 4 if path_length else None),
            "discriminator_optimizer": lazy_adam(rate, 16),
            "loss": losses.NonSaturating(),
            "penalties": terms,
            "discriminator_steps": 1,
            "ema_half_life": LinearRamp(batch_size * 10_000 / 32, 0.05),
        }

    @classmethod
    def from_official(cls, generator, discriminator=None, **kwargs):
        """Makes a model with the weights of NVlabs' PyTorch code.

        The file is read without running what it asks for, and without PyTorch. NVIDIA's
        weights, and what is made of them, are for non-commercial use alone.

        Args:
            generator: Path of a `.pkl` file of stylegan2-ada-pytorch, with D; or the
                path of a `torch.save`d state dict of its generator, or such a dict
                with NumPy arrays. Sizes are read off the shapes.
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
        gan = kg.models.StyleGAN2.from_official("network-snapshot.pkl")
        gan.generate(16, seed=0, truncation_psi=0.7)
        ```
        """
        from keras_gans.models.style_gan2.official import style_gan2_from_official

        return style_gan2_from_official(cls, generator, discriminator, **kwargs)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {"style_mixing": self.style_mixing}
