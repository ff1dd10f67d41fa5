"""Convolutions in groups, for backends whose own are slow on CPUs."""

from keras import ops


def conv_in_groups(inputs, kernel, strides, groups):
    """One convolution after the other, "same" padding; see `keras_gans.backend`."""
    pairs = zip(
        ops.split(inputs, groups, axis=3),
        ops.split(kernel, groups, axis=3),
        strict=True,
    )
    return ops.concatenate(
        [ops.conv(x, k, strides=strides, padding="same") for x, k in pairs], axis=3
    )
