"""JAX: convolutions that XLA has slow on CPUs: of pixels, in groups, transposed."""

import functools

import jax
from keras import ops

from keras_gans.backend import filters
from keras_gans.backend import jax_branches
from keras_gans.backend.groups import conv_in_groups


def conv(inputs, kernel, strides, groups=1, padding="same", bias=None):
    """2D convolution; see `keras_gans.backend`."""
    outputs = _conv(inputs, kernel, strides, groups, padding)
    return outputs if bias is None else ops.add(outputs, bias)


def _conv(inputs, kernel, strides, groups, padding):
    if jax.default_backend() == "cpu":
        if groups > 1:
            return conv_in_groups(inputs, kernel, strides, groups)
        if kernel.shape[:2] == (1, 1) and tuple(strides) == (1, 1):
            return ops.matmul(inputs, kernel[0, 0])
        if jax_branches.is_traced():
            return jax_branches.conv(inputs, kernel, tuple(strides), padding.upper())
    return ops.conv(inputs, kernel, strides=strides, padding=padding)


def conv_transpose(inputs, kernel, strides, bias=None, padding="same"):
    """2D transposed convolution; see `keras_gans.backend`."""
    if jax.default_backend() != "cpu":
        outputs = ops.conv_transpose(inputs, kernel, strides=strides, padding=padding)
    else:
        in_branch = jax_branches.is_traced()
        run = jax_branches.conv_transpose if in_branch else _conv_transpose
        outputs = run(inputs, kernel, tuple(strides), padding.upper())
    return outputs if bias is None else ops.add(outputs, bias)


def _plain_conv(outputs, kernel, strides, padding):
    return jax.lax.conv_general_dilated(
        outputs, kernel, strides, padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _conv_transpose(inputs, kernel, strides, padding):
    """The adjoint, in its first argument, of the plain convolution with `kernel`.

    What XLA derives as its kernel gradient takes over ten times as long on CPUs as the
    kernel gradient of the plain convolution, with which it is written here.
    """
    sides = jax_branches.sides_of_adjoint(inputs, kernel, strides, padding)
    shape = (inputs.shape[0], *sides, kernel.shape[2])
    adjoint = jax.linear_transpose(
        lambda outputs: _plain_conv(outputs, kernel, strides, padding),
        jax.ShapeDtypeStruct(shape, inputs.dtype),
    )
    return adjoint(inputs)[0]


def _forward(inputs, kernel, strides, padding):
    return _conv_transpose(inputs, kernel, strides, padding), (inputs, kernel)


def _backward(strides, padding, saved, gradient):
    inputs, kernel = saved
    # <gradient, convT(inputs, kernel)> = <conv(gradient, kernel), inputs>
    outputs, kernel_gradient = jax.vjp(
        lambda kernel: _plain_conv(gradient, kernel, strides, padding), kernel
    )
    return outputs, kernel_gradient(inputs)[0]


_conv_transpose.defvjp(_forward, _backward)


def upfirdn(x, taps, up, down, padding):
    """Products with matrices; see `keras_gans.backend`.

    On CPUs convolutions of each channel by itself take 4 to 70 times as long. Sums of
    shifted images are faster by themselves, but a step of StyleGAN2 was not, and took
    longer to compile.
    """
    return filters.upfirdn(x, taps, up, down, padding)


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
