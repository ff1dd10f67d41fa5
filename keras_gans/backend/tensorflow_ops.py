"""TensorFlow: Keras' own convolutions and batch normalization are fast enough."""

from keras import ops


def conv(inputs, kernel, strides):
    """2D convolution; see `keras_gans.backend`."""
    return ops.conv(inputs, kernel, strides=strides, padding="same")


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
