"""How good generated samples are, and how diverse."""

from keras_gans.metrics import features

__all__ = ["features"]
