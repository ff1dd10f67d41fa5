"""StyleGAN2: Karras et al. 2020, arXiv:1912.04958."""

from keras_gans.models.style_gan2.style_gan2 import StyleGAN2

__all__ = ["StyleGAN2"]
