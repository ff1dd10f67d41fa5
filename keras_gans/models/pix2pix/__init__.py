"""Pix2Pix: Isola et al. 2017, arXiv:1611.07004."""

from keras_gans.models.pix2pix.pix2pix import Pix2Pix

__all__ = ["Pix2Pix"]
