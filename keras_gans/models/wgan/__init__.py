"""WGAN: Arjovsky et al. 2017, arXiv:1701.07875."""

from keras_gans.models.wgan.wgan import WGAN

__all__ = ["WGAN"]
