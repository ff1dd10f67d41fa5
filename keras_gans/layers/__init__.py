"""Layers that GANs need and Keras lacks, or has slower."""

from keras_gans.layers.batch_normalization import BatchNormalization
from keras_gans.layers.batch_normalization import BatchStatisticsNormalization
from keras_gans.layers.conditional_batch_normalization import (
    ConditionalBatchNormalization,
)
from keras_gans.layers.convolution import Conv2D
from keras_gans.layers.convolution import Conv2DTranspose
from keras_gans.layers.dropout import Dropout
from keras_gans.layers.equalized import EqualizedConv2D
from keras_gans.layers.equalized import EqualizedDense
from keras_gans.layers.equalized import EqualizedUpConv2D
from keras_gans.layers.equalized import PixelNormalization
from keras_gans.layers.equalized import ScaledLeakyReLU
from keras_gans.layers.image_pool import ImagePool
from keras_gans.layers.instance_normalization import InstanceNormalization
from keras_gans.layers.minibatch_discrimination import MinibatchDiscrimination
from keras_gans.layers.minibatch_standard_deviation import MinibatchStandardDeviation
from keras_gans.layers.permanent_dropout import PermanentDropout
from keras_gans.layers.pixel_shuffle import PixelShuffle
from keras_gans.layers.pixel_shuffle import PixelUnshuffle
from keras_gans.layers.reflection_padding import ReflectionPadding2D
from keras_gans.layers.resampling import Blur2D
from keras_gans.layers.resampling import FIRDownSampling2D
from keras_gans.layers.resampling import FIRUpSampling2D
from keras_gans.layers.residual_dense_block import ResidualDenseBlock
from keras_gans.layers.self_attention import SelfAttention
from keras_gans.layers.spectral_normalization import SpectralNormalization
from keras_gans.layers.styles import AdaIN
from keras_gans.layers.styles import LearnedConstant
from keras_gans.layers.styles import ModulatedConv2D
from keras_gans.layers.styles import NoiseInjection

__all__ = [
    "AdaIN",
    "BatchNormalization",
    "BatchStatisticsNormalization",
    "Blur2D",
    "ConditionalBatchNormalization",
    "Conv2D",
    "Conv2DTranspose",
    "EqualizedConv2D",
    "EqualizedDense",
    "EqualizedUpConv2D",
    "FIRDownSampling2D",
    "FIRUpSampling2D",
    "ImagePool",
    "InstanceNormalization",
    "LearnedConstant",
    "MinibatchDiscrimination",
    "MinibatchStandardDeviation",
    "ModulatedConv2D",
    "NoiseInjection",
    "Dropout",
    "PermanentDropout",
    "PixelNormalization",
    "ReflectionPadding2D",
    "PixelShuffle",
    "PixelUnshuffle",
    "ResidualDenseBlock",
    "ScaledLeakyReLU",
    "SelfAttention",
    "SpectralNormalization",
]
