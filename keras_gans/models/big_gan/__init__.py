"""BigGAN: Brock et al. 2019, arXiv:1809.11096."""

from keras_gans.models.big_gan.big_gan import BigGAN

__all__ = ["BigGAN"]
