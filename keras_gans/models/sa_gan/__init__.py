"""SAGAN: Zhang et al. 2019, arXiv:1805.08318."""

from keras_gans.models.sa_gan.sa_gan import SAGAN

__all__ = ["SAGAN"]
