"""Data sets as arrays: bundled ones, image folders, TensorFlow Datasets.

Those that do not fit in memory are read bit by bit, see `LazyImages`.
"""

from keras_gans.datasets.directory import directory_class_names
from keras_gans.datasets.directory import from_directory
from keras_gans.datasets.emoji import emoji_metadata
from keras_gans.datasets.lazy import LazyImages
from keras_gans.datasets.registry import class_names
from keras_gans.datasets.registry import load
from keras_gans.datasets.synthetic import modes
from keras_gans.datasets.tfds import from_tfds

__all__ = [
    "LazyImages",
    "class_names",
    "directory_class_names",
    "emoji_metadata",
    "from_directory",
    "from_tfds",
    "load",
    "modes",
]
