"""The variants: each a `keras.Model` that trains with `fit`."""

from keras_gans.models import super_resolution
from keras_gans.models.ac_gan import ACGAN
from keras_gans.models.big_gan import BigGAN
from keras_gans.models.big_gan_deep import BigGANDeep
from keras_gans.models.conditional_gan import ConditionalGAN
from keras_gans.models.context_encoder import ContextEncoder
from keras_gans.models.cycle_gan import CycleGAN
from keras_gans.models.dcgan import DCGAN
from keras_gans.models.gan import GAN
from keras_gans.models.info_gan import InfoGAN
from keras_gans.models.pix2pix import Pix2Pix
from keras_gans.models.r3_gan import R3GAN
from keras_gans.models.sa_gan import SAGAN
from keras_gans.models.sn_gan import SNGAN
from keras_gans.models.sr_gan import SRGAN
from keras_gans.models.style_gan import StyleGAN
from keras_gans.models.style_gan2 import StyleGAN2
from keras_gans.models.wgan import WGAN
from keras_gans.models.wgan_gp import WGANGP

__all__ = [
    "ACGAN",
    "BigGAN",
    "BigGANDeep",
    "ConditionalGAN",
    "ContextEncoder",
    "CycleGAN",
    "DCGAN",
    "GAN",
    "InfoGAN",
    "Pix2Pix",
    "R3GAN",
    "SAGAN",
    "SNGAN",
    "SRGAN",
    "StyleGAN",
    "StyleGAN2",
    "WGAN",
    "WGANGP",
    "super_resolution",
]
