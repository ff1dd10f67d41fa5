"""InfoGAN: Chen et al. 2016, arXiv:1606.03657."""

from keras_gans.models.info_gan.info_gan import InfoGAN

__all__ = ["InfoGAN"]
