"""The variants: each a `keras.Model` that trains with `fit`."""

from keras_gans.models.ac_gan import ACGAN
from keras_gans.models.conditional_gan import ConditionalGAN
from keras_gans.models.dcgan import DCGAN
from keras_gans.models.gan import GAN
from keras_gans.models.info_gan import InfoGAN
from keras_gans.models.wgan import WGAN
from keras_gans.models.wgan_gp import WGANGP

__all__ = [
    "ACGAN",
    "ConditionalGAN",
    "DCGAN",
    "GAN",
    "InfoGAN",
    "WGAN",
    "WGANGP",
]
