"""SNGAN: Miyato et al. 2018, arXiv:1802.05957."""

from keras_gans.models.sn_gan.sn_gan import SNGAN

__all__ = ["SNGAN"]
