"""Enlarging images: SRGAN, ESRGAN and Real-ESRGAN."""

from keras_gans.models.super_resolution.networks import rrdb_network
from keras_gans.models.super_resolution.networks import srgan_discriminator
from keras_gans.models.super_resolution.networks import srresnet

__all__ = ["rrdb_network", "srgan_discriminator", "srresnet"]
