"""Options of the generator's objective: what else it learns from."""

from keras_gans.objectives.feature_matching import FeatureMatching
from keras_gans.objectives.top_k import TopK
from keras_gans.objectives.unrolled import Unrolled

__all__ = ["FeatureMatching", "TopK", "Unrolled"]
