"""TensorFlow: Keras' own operations, but for convolutions in groups on CPUs."""

import functools

import numpy as np
import tensorflow as tf
from keras import ops

from keras_gans.backend import filters
from keras_gans.backend.groups import conv_in_groups


def conv(inputs, kernel, strides, groups=1, padding="same", bias=None):
    """2D convolution; see `keras_gans.backend`."""
    outputs = _conv(inputs, kernel, strides, groups, padding)
    return outputs if bias is None else ops.add(outputs, bias)


def _conv(inputs, kernel, strides, groups, padding):
    if groups == 1 or tf.config.list_logical_devices("GPU"):
        return ops.conv(inputs, kernel, strides=strides, padding=padding)
    # On CPUs Keras goes through XLA, which takes ninety times as long.
    if has_gradients_of_groups():
        return tf.nn.conv2d(inputs, kernel, strides, padding.upper())
    return conv_in_groups(inputs, kernel, strides, groups)


@functools.cache
def has_gradients_of_groups():
    """Whether this CPU's convolutions in groups have gradients: oneDNN's have."""
    ones = functools.partial(tf.ones, dtype="float32")
    try:
        with tf.init_scope(), tf.device("CPU"):
            tf.raw_ops.Conv2DBackpropInput(
                input_sizes=(1, 3, 3, 4),
                filter=ones((3, 3, 2, 4)),
                out_backprop=ones((1, 3, 3, 4)),
                strides=(1, 1, 1, 1),
                padding="SAME",
            )
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
        return False
    return True


def conv_transpose(inputs, kernel, strides, bias=None, padding="same"):
    """2D transposed convolution; see `keras_gans.backend`."""
    outputs = ops.conv_transpose(inputs, kernel, strides=strides, padding=padding)
    return outputs if bias is None else ops.add(outputs, bias)


def upfirdn(x, taps, up, down, padding):
    """Convolutions of each channel by itself; see `keras_gans.backend`.

    Zeros between samples: the gradient of a convolution that takes every `up`-th.
    """
    before, after = padding
    kernel = np.outer(taps, taps)[:, :, None, None]
    kernel = tf.constant(np.repeat(kernel, x.shape[-1], axis=2), x.dtype)
    if up == 1:
        if min(padding) < 0:
            first, last = max(0, -before), max(0, -after)
            rows, columns = (slice(first, side - last) for side in x.shape[1:3])
            x = x[:, rows, columns]
        pads = (max(0, before), max(0, after))
        pads = [(0, 0), pads, pads, (0, 0)]
        return tf.nn.depthwise_conv2d(x, kernel, (1, down, down, 1), pads)
    before, after = len(taps) - 1 - before, len(taps) - up - after
    if down > 1 or min(before, after) < 0:
        return filters.upfirdn(x, taps, up, down, padding)
    sides = [up * (side - 1) + len(taps) - before - after for side in x.shape[1:3]]
    return tf.nn.depthwise_conv2d_backprop_input(
        (tf.shape(x)[0], *sides, x.shape[-1]),
        kernel[::-1, ::-1],
        x,
        (1, up, up, 1),
        [(0, 0), (before, after), (before, after), (0, 0)],
    )


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
