"""TensorFlow: Keras' own operations, but for filters, and groups on CPUs."""

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
    if _has_gradients_of_groups():
        return tf.nn.conv2d(inputs, kernel, strides, padding.upper())
    return conv_in_groups(inputs, kernel, strides, groups)


@functools.cache
def _has_gradients_of_groups():
    """Whether this CPU's convolutions in groups have gradients: oneDNN's have."""
    try:
        with tf.init_scope(), tf.device("CPU"):
            tf.raw_ops.Conv2DBackpropInput(
                input_sizes=(1, 3, 3, 4),
                filter=tf.ones((3, 3, 2, 4)),
                out_backprop=tf.ones((1, 3, 3, 4)),
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
    """Filters up and down; see `keras_gans.backend`.

    Convolutions of each channel by itself, whose gradients are written as `upfirdn`:
    TensorFlow's own take up to 28 times as long on CPUs (of bfloat16). Zeros between
    samples are not convolved where the product with a matrix is faster.
    """
    if up > 1:
        given = (taps, up, down, padding)
        counts = [filters.samples_after(side, *given) for side in x.shape[1:3]]
        if max(counts) <= filters.LONGEST:
            return filters.upfirdn(x, *given)
        zeros = (up * up - 1) * x.shape[-1]
        x = tf.nn.depth_to_space(tf.pad(x, [(0, 0)] * 3 + [(0, zeros)]), up)
    if min(padding) < 0:
        first, last = (max(0, -pad) for pad in padding)
        rows, columns = (slice(first, side - last) for side in x.shape[1:3])
        x = x[:, rows, columns]
    return _filter(x, taps, down, tuple(max(0, pad) for pad in padding))


def _filter(x, taps, down, padding):
    kernel = np.outer(taps, taps)[:, :, None, None]
    kernel = tf.constant(np.repeat(kernel, x.shape[-1], axis=2), x.dtype)
    pads = [(0, 0), padding, padding, (0, 0)]

    @tf.custom_gradient
    def filtered(x):
        def gradient(upstream):
            height, width = x.shape[1:3]
            before = len(taps) - 1 - padding[0]
            after = max(
                side - down * count - before + len(taps) - 1
                for side, count in zip(x.shape[1:3], upstream.shape[1:3], strict=True)
            )
            whole = upfirdn(upstream, taps[::-1], down, 1, (before, after))
            return whole[:, :height, :width]

        return tf.nn.depthwise_conv2d(x, kernel, (1, down, down, 1), pads), gradient

    return filtered(x)


def pool(inputs, size, strides, padding, kind):
    """Pools; see `keras_gans.backend`."""
    run = ops.max_pool if kind == "max" else ops.average_pool
    return run(inputs, size, strides, padding, data_format="channels_last")


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
