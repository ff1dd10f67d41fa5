"""Data sets as arrays: bundled ones, image folders, TensorFlow Datasets."""

from keras_gans.datasets.directory import directory_class_names
from keras_gans.datasets.directory import from_directory
from keras_gans.datasets.emoji import emoji_metadata
from keras_gans.datasets.registry import class_names
from keras_gans.datasets.registry import load
from keras_gans.datasets.synthetic import modes
from keras_gans.datasets.tfds import from_tfds

__all__ = [
    "class_names",
    "directory_class_names",
    "emoji_metadata",
    "from_directory",
    "from_tfds",
    "load",
    "modes",
]
