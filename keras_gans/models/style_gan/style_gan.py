r"""StyleGAN: latents become styles, which set the statistics of every layer.

Karras, Laine and Aila, "A Style-Based Generator Architecture for Generative Adversarial
Networks", arXiv:1812.04948. Latents are mapped to styles, `w = f(z)`, by eight dense
layers; the synthesis network begins with a learned constant, and after each convolution
noise is added and features are normalized and scaled by the style (AdaIN, equation 1).
D and G minimise (appendix C; Goodfellow et al. 2014, Mescheder et al. 2018)

    D:  mean softplus(-D(x)) + mean softplus(D(G(z))) + 10 / 2 mean |grad D(x)|^2
    G:  mean softplus(-D(G(z)))

Nine images of ten are made of two latents (style mixing). Networks: min(512, 16384 /
resolution) channels, that is 512 up to 32 x 32, then half as many with each doubling;
"bilinear" changes of size; minibatch standard deviation in D;
equalized learning rates. Adam with beta_1 0, beta_2 0.99 and a rate of 0.001, up to
0.003 for 512 and more.

Deviations: networks do not grow in training, but have all stages from the start, as
StyleGAN2's (arXiv:1912.04958, section 4) have; leaky ReLU is scaled by sqrt(2), and
kernels by 1 / sqrt(fan_in), where the authors scale kernels by both.
"""

import keras
from keras import layers

from keras_gans import losses
from keras_gans import penalties
from keras_gans.layers import AdaIN
from keras_gans.layers import EqualizedConv2D
from keras_gans.layers import EqualizedUpConv2D
from keras_gans.layers import LearnedConstant
from keras_gans.layers import NoiseInjection
from keras_gans.layers import ScaledLeakyReLU
from keras_gans.models.style import SYNTHESIS
from keras_gans.models.style_gan2.networks import stages_of
from keras_gans.models.style_gan2.style_gan2 import StyleGAN2

RATES = ((512, 0.003), (256, 0.002), (128, 0.0015), (0, 0.001))  # from this side on


def style_gan_synthesis(image_shape, style_dim, channel_base, channel_max):
    """Styles -> convolutions, each normalized to its style -> images.

    Args:
        image_shape: `(H, W, C)`; sides as in `stages_of`.
        style_dim: Int, S.
        channel_base: Int, see `stages_of`.
        channel_max: Int, see `stages_of`.

    Returns:
        A `keras.Model` from `(B, L, S)` to `(B, H, W, C)`, float32, not bounded.
    """
    size, channels = stages_of(image_shape, channel_base, channel_max)
    num_styles = 2 * len(channels)
    ws = keras.Input((num_styles, style_dim))
    used = 0

    def styled(x, name):
        nonlocal used
        x = NoiseInjection(per_channel=True, use_bias=True, name=f"{name}_noise")(x)
        x = ScaledLeakyReLU(name=f"{name}_activation")(x)
        x = AdaIN(name=f"{name}_style")([x, ws[:, used]])
        used += 1
        return x

    def convolution(x, filters, name):
        layer = EqualizedConv2D(filters, 3, padding="same", use_bias=False, name=name)
        return styled(layer(x), name)

    constant = LearnedConstant((*size, channels[0]), "ones", name="constant")
    x = styled(constant(ws[:, 0]), "stage_0_constant")
    x = convolution(x, channels[0], "stage_0_conv")
    for i, filters in enumerate(channels[1:], 1):
        name = f"stage_{i}_conv_0"
        x = styled(EqualizedUpConv2D(filters, 3, name=name)(x), name)
        x = convolution(x, filters, f"stage_{i}_conv_1")
    x = EqualizedConv2D(image_shape[-1], 1, name="to_image")(x)
    images = layers.Activation("linear", dtype="float32", name="images")(x)
    return keras.Model(ws, images, name=SYNTHESIS)


@keras.saving.register_keras_serializable("keras_gans")
class StyleGAN(StyleGAN2):
    """StyleGAN (Karras et al. 2019, arXiv:1812.04948), with or without classes.

    Args:
        image_shape: As in `StyleGAN2`, like all other arguments.
        channel_base: Int; at a resolution of r there are channel_base / r channels:
            the paper's 16384 / r, of no more than 512.
        architecture: Of D; the paper's is "orig".
        **kwargs: As in `StyleGAN2`.

    Raises:
        ValueError: As in `StyleGAN2`.

    Example:

    ```python
    gan = kg.models.StyleGAN((64, 64, 3), channel_base=4096)
    gan.compile(augment="ada")
    gan.fit(images, batch_size=32, epochs=200)
    ```
    """

    synthesis_network = staticmethod(style_gan_synthesis)

    def __init__(
        self,
        image_shape=(1024, 1024, 3),
        *,
        channel_base=16384,
        architecture="orig",
        **kwargs,
    ):
        super().__init__(
            image_shape, channel_base=channel_base, architecture=architecture, **kwargs
        )

    def recipe(self, batch_size=None, gamma=10.0):
        """Appendix C of the paper, for the size of the images.

        Args:
            batch_size: Of no influence; as in `StyleGAN2.recipe`.
            gamma: Float, of R1.

        Returns:
            Dict, arguments of `compile`.
        """
        side = max(self.data_spec.shape[:2])
        rate = next(rate for start, rate in RATES if side >= start)

        def adam():
            return keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99, epsilon=1e-8)

        return {
            "generator_optimizer": adam(),
            "discriminator_optimizer": adam(),
            "loss": losses.NonSaturating(),
            "penalties": [penalties.R1(gamma)],
            "discriminator_steps": 1,
            "ema_half_life": 10_000,
        }
