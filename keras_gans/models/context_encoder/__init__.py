"""Context encoder: Pathak et al. 2016, arXiv:1604.07379."""

from keras_gans.models.context_encoder.context_encoder import ContextEncoder

__all__ = ["ContextEncoder"]
