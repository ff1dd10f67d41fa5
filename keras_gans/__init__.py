"""Generative adversarial networks for Keras 3, on TensorFlow, JAX and torch."""

from keras_gans import augment
from keras_gans import callbacks
from keras_gans import datasets
from keras_gans import distribution
from keras_gans import interpolation
from keras_gans import latent_tools
from keras_gans import layers
from keras_gans import losses
from keras_gans import metrics
from keras_gans import models
from keras_gans import objectives
from keras_gans import penalties
from keras_gans import regularizers
from keras_gans import schedules
from keras_gans import tiling
from keras_gans.balance import Balance
from keras_gans.data_specs import Images
from keras_gans.data_specs import Vectors
from keras_gans.presets import Preset
from keras_gans.presets import presets
from keras_gans.version import __version__

__all__ = [
    "Balance",
    "Images",
    "Preset",
    "Vectors",
    "__version__",
    "augment",
    "callbacks",
    "datasets",
    "distribution",
    "interpolation",
    "latent_tools",
    "layers",
    "losses",
    "metrics",
    "models",
    "objectives",
    "penalties",
    "presets",
    "regularizers",
    "schedules",
    "tiling",
]
