"""Enlarging images: SRGAN, ESRGAN and Real-ESRGAN."""

from keras_gans.models.super_resolution.networks import rrdb_network
from keras_gans.models.super_resolution.networks import srgan_discriminator
from keras_gans.models.super_resolution.networks import srresnet
from keras_gans.models.super_resolution.official import rrdb_from_official
from keras_gans.models.super_resolution.upscale import upscale

__all__ = [
    "rrdb_from_official",
    "rrdb_network",
    "srgan_discriminator",
    "srresnet",
    "upscale",
]
