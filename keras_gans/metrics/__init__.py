"""How good generated samples are, and how diverse."""

from keras_gans.metrics import features
from keras_gans.metrics.classification_accuracy_score import ClassificationAccuracyScore
from keras_gans.metrics.frechet_distance import FrechetDistance
from keras_gans.metrics.frechet_distance_infinity import FrechetDistanceInfinity
from keras_gans.metrics.image_similarity import PSNR
from keras_gans.metrics.image_similarity import SSIM
from keras_gans.metrics.inception_score import InceptionScore
from keras_gans.metrics.intra_class_frechet_distance import IntraClassFrechetDistance
from keras_gans.metrics.kernel_distance import KernelDistance
from keras_gans.metrics.metric import GenerativeMetric
from keras_gans.metrics.mode_coverage import ModeCoverage
from keras_gans.metrics.mode_coverage import StackedModeCoverage
from keras_gans.metrics.paired_scores import paired_scores
from keras_gans.metrics.pairwise_diversity import PairwiseDiversity
from keras_gans.metrics.perceptual_distance import PerceptualDistance
from keras_gans.metrics.perceptual_distance import PerceptualDiversity
from keras_gans.metrics.perceptual_path_length import PerceptualPathLength
from keras_gans.metrics.prdc import PRDC

__all__ = [
    "PRDC",
    "PSNR",
    "SSIM",
    "ClassificationAccuracyScore",
    "FrechetDistance",
    "FrechetDistanceInfinity",
    "GenerativeMetric",
    "InceptionScore",
    "IntraClassFrechetDistance",
    "KernelDistance",
    "ModeCoverage",
    "PairwiseDiversity",
    "PerceptualDistance",
    "PerceptualDiversity",
    "PerceptualPathLength",
    "StackedModeCoverage",
    "features",
    "paired_scores",
]
