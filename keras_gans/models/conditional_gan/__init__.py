"""Conditional GAN: Mirza and Osindero 2014, arXiv:1411.1784."""

from keras_gans.models.conditional_gan.conditional_gan import ConditionalGAN

__all__ = ["ConditionalGAN"]
