"""Layers that GANs need and Keras lacks, or has slower."""

from keras_gans.layers.batch_normalization import BatchNormalization
from keras_gans.layers.conditional_batch_normalization import (
    ConditionalBatchNormalization,
)
from keras_gans.layers.convolution import Conv2D
from keras_gans.layers.convolution import Conv2DTranspose
from keras_gans.layers.minibatch_discrimination import MinibatchDiscrimination
from keras_gans.layers.minibatch_standard_deviation import MinibatchStandardDeviation
from keras_gans.layers.resampling import Blur2D
from keras_gans.layers.resampling import FIRDownSampling2D
from keras_gans.layers.resampling import FIRUpSampling2D
from keras_gans.layers.self_attention import SelfAttention
from keras_gans.layers.spectral_normalization import SpectralNormalization

__all__ = [
    "BatchNormalization",
    "Blur2D",
    "ConditionalBatchNormalization",
    "Conv2D",
    "Conv2DTranspose",
    "FIRDownSampling2D",
    "FIRUpSampling2D",
    "MinibatchDiscrimination",
    "MinibatchStandardDeviation",
    "SelfAttention",
    "SpectralNormalization",
]
