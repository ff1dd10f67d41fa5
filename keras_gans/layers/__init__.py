"""Layers that GANs need and Keras lacks, or has slower."""

from keras_gans.layers.batch_normalization import BatchNormalization
from keras_gans.layers.convolution import Conv2D
from keras_gans.layers.convolution import Conv2DTranspose

__all__ = ["BatchNormalization", "Conv2D", "Conv2DTranspose"]
