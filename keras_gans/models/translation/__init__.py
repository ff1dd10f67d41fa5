"""Image-to-image translation: what CycleGAN and pix2pix have in common."""

from keras_gans.models.translation.translation import TranslationModel

__all__ = ["TranslationModel"]
