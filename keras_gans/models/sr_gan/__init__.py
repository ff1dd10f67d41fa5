"""SRGAN: Ledig et al. 2017, arXiv:1609.04802."""

from keras_gans.models.sr_gan.sr_gan import SRGAN

__all__ = ["SRGAN"]
