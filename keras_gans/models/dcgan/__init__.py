"""DCGAN: Radford et al. 2015, arXiv:1511.06434."""

from keras_gans.models.dcgan.dcgan import DCGAN
from keras_gans.models.dcgan.dcgan import dcgan_discriminator
from keras_gans.models.dcgan.dcgan import dcgan_generator

__all__ = ["DCGAN", "dcgan_discriminator", "dcgan_generator"]
