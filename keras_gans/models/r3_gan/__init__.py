"""R3GAN: Huang et al. 2024, arXiv:2501.05441."""

from keras_gans.models.r3_gan.r3_gan import R3GAN

__all__ = ["R3GAN"]
