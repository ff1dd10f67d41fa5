"""CycleGAN: Zhu et al. 2017, arXiv:1703.10593."""

from keras_gans.models.cycle_gan.cycle_gan import CycleGAN

__all__ = ["CycleGAN"]
