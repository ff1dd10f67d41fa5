"""BigGAN-deep: Brock et al. 2019, arXiv:1809.11096."""

from keras_gans.models.big_gan_deep.big_gan_deep import BigGANDeep

__all__ = ["BigGANDeep"]
