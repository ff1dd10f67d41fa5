"""AC-GAN: Odena et al. 2017, arXiv:1610.09585."""

from keras_gans.models.ac_gan.ac_gan import ACGAN

__all__ = ["ACGAN"]
