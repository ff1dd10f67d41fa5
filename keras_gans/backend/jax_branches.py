"""JAX: convolutions within the branches of `cond`, whose gradients XLA has slow there.

XLA brings the convolutions that gradients consist of into a form that it has fast code
for, but on CPUs not within branches: there a kernel's gradient took 300 times as long,
that of images 40 times. So there they are written in that form, and there alone, as
they cannot be differentiated forwards.
"""

import contextlib
import functools
import threading

import jax


class _State(threading.local):
    in_branch = False


_state = _State()


@contextlib.contextmanager
def branch():
    """Where a branch of `cond` is traced."""
    before, _state.in_branch = _state.in_branch, True
    try:
        yield
    finally:
        _state.in_branch = before


def is_traced():
    """Whether a branch of `cond` is traced."""
    return _state.in_branch


def sides_of_adjoint(inputs, kernel, strides, padding):
    """Height and width of what a transposed convolution gives."""
    sizes = zip(inputs.shape[1:3], strides, kernel.shape[:2], strict=True)
    more = padding == "VALID"
    return [n * s + more * (k - s) for n, s, k in sizes]


def conv(inputs, kernel, strides, padding):
    """2D convolution; `strides` is a tuple, `padding` in capitals."""
    pads = _pads(inputs.shape[1:3], kernel, strides, padding)
    return _dilated(inputs, kernel, strides, pads, (1, 1), (1, 1))


def _pads(sides, kernel, strides, padding):
    pads = jax.lax.padtype_to_pads(sides, kernel.shape[:2], strides, padding)
    return tuple(map(tuple, pads))


def conv_transpose(inputs, kernel, strides, padding):
    """2D transposed convolution, likewise."""
    sides = sides_of_adjoint(inputs, kernel, strides, padding)
    pads = _pads(sides, kernel, strides, padding)
    return _of_inputs(inputs, kernel, sides, strides, pads, (1, 1), (1, 1))


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4, 5))
def _dilated(inputs, kernel, strides, pads, dilation, kernel_dilation):
    """A convolution, `(N, H, W, C)` with `(h, w, C, F)`, whose gradients are such."""
    axes = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(
        inputs, kernel, strides, pads, dilation, kernel_dilation, axes
    )


def _spans(sizes, dilation):
    return [(size - 1) * step + 1 for size, step in zip(sizes, dilation, strict=True)]


def _of_inputs(gradient, kernel, sides, strides, pads, dilation, kernel_dilation):
    """The adjoint of `_dilated` in its inputs, whose sides are given."""
    spans = zip(
        _spans(sides, dilation),
        _spans(kernel.shape[:2], kernel_dilation),
        _spans(gradient.shape[1:3], strides),
        pads,
        strict=True,
    )
    new = []
    for side, reach, given, (low, _) in spans:
        before = reach - 1 - low
        new.append((before, side + reach - 1 - given - before))
    kernel = kernel[::-1, ::-1].swapaxes(2, 3)
    return _dilated(gradient, kernel, dilation, tuple(new), strides, kernel_dilation)


def _of_kernel(inputs, gradient, sizes, strides, pads, dilation, kernel_dilation):
    """The adjoint of `_dilated` in its kernel, whose height and width are given."""
    spans = zip(
        _spans(inputs.shape[1:3], dilation),
        _spans(sizes, kernel_dilation),
        _spans(gradient.shape[1:3], strides),
        pads,
        strict=True,
    )
    new = [
        (low, reach - 1 + given - side - low) for side, reach, given, (low, _) in spans
    ]
    outputs = _dilated(
        inputs.transpose(3, 1, 2, 0),
        gradient.transpose(1, 2, 0, 3),
        kernel_dilation,
        tuple(new),
        dilation,
        strides,
    )
    return outputs.transpose(1, 2, 0, 3)


def _dilated_forward(inputs, kernel, *options):
    return _dilated(inputs, kernel, *options), (inputs, kernel)


def _dilated_backward(*arguments):
    *options, (inputs, kernel), gradient = arguments
    return (
        _of_inputs(gradient, kernel, inputs.shape[1:3], *options),
        _of_kernel(inputs, gradient, kernel.shape[:2], *options),
    )


_dilated.defvjp(_dilated_forward, _dilated_backward)
