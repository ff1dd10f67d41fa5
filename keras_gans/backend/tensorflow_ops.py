"""TensorFlow: Keras' own operations, but for convolutions in groups on CPUs."""

import tensorflow as tf
from keras import ops

from keras_gans.backend.groups import conv_in_groups


def conv(inputs, kernel, strides, groups=1, padding="same"):
    """2D convolution; see `keras_gans.backend`."""
    if groups == 1 or tf.config.list_logical_devices("GPU"):
        return ops.conv(inputs, kernel, strides=strides, padding=padding)
    # TensorFlow has no gradients of groups on CPUs, and Keras goes through XLA, which
    # takes ninety times as long.
    return conv_in_groups(inputs, kernel, strides, groups)


def conv_transpose(inputs, kernel, strides):
    """2D transposed convolution; see `keras_gans.backend`."""
    return ops.conv_transpose(inputs, kernel, strides=strides, padding="same")


def pack_kernel(kernel):
    """Does nothing; see `keras_gans.backend`."""


def pack_states(states, variables):
    """Does nothing; see `keras_gans.backend`."""


def batch_norm(inputs, gamma, beta, epsilon):
    """Normalizes by the batch; see `keras_gans.backend`."""
    mean, variance = ops.moments(inputs, axes=list(range(len(inputs.shape) - 1)))
    outputs = ops.batch_normalization(
        inputs, mean, variance, axis=-1, offset=beta, scale=gamma, epsilon=epsilon
    )
    return outputs, mean, variance
