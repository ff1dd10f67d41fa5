"""WGAN-GP: Gulrajani et al. 2017, arXiv:1704.00028."""

from keras_gans.models.wgan_gp.wgan_gp import WGANGP

__all__ = ["WGANGP"]
