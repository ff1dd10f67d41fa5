"""StyleGAN: Karras et al. 2019, arXiv:1812.04948."""

from keras_gans.models.style_gan.style_gan import StyleGAN

__all__ = ["StyleGAN"]
