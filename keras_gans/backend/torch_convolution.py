"""torch: convolutions whose gradient is differentiated, as gradient penalties need.

torch differentiates the gradient of a convolution by convolutions with images as
kernels, one a group, of channels that are cut out of the images: in memory with
channels last each is copied. But with y = x * w and the cotangents g of y, X of the
gradient of x and W of that of w, all that is needed is

    g:  X * w + x * W,    x:  g's way back through W,    w:  the kernel gradient of X, g

which are one convolution, or one gradient of it, each: half to all of the time.
"""

import contextlib

import torch

_differentiated = False  # whether the convolutions being made are, with kernels apart
_of_inputs_alone = False  # whether the gradients being made are those of inputs


@contextlib.contextmanager
def differentiated(enabled=True):
    """Makes convolutions whose input gradient is differentiated by what is above."""
    global _differentiated
    before, _differentiated = _differentiated, enabled
    try:
        yield
    finally:
        _differentiated = before


@contextlib.contextmanager
def of_inputs_alone(enabled=True):
    """Leaves out what gradients do not need where no kernel depends on the inputs.

    (An `autograd.Function` is not told which gradients are wanted.)
    """
    global _of_inputs_alone
    before, _of_inputs_alone = _of_inputs_alone, enabled
    try:
        yield
    finally:
        _of_inputs_alone = before


def convolution(
    x, weight, bias, stride, padding, more=(0, 0), groups=1, transposed=False
):
    """2D convolution, plain or transposed, of images `(B, C, H, W)`.

    Args:
        x: Images.
        weight: Kernel as torch has it.
        bias: Optional `(C,)`.
        stride: Pair of ints.
        padding: Pair of ints.
        more: Pair of ints, rows and columns of the outputs at their end that only
            fewer inputs reach, if transposed (torch's `output_padding`).
        groups: Int.
        transposed: Bool.
    """
    options = (stride, padding, (1, 1), transposed, more, groups)
    if _differentiated and torch.is_grad_enabled():
        return _Convolution.apply(x, weight, bias, options)
    return torch.convolution(x, weight, bias, *options)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, options):
        ctx.save_for_backward(x, weight)
        ctx.options = options
        return torch.convolution(x, weight, bias, *options)

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad[:3]
        if _of_inputs_alone:
            wanted = (wanted[0], False, False)
        return (*_Gradients.apply(g, x, weight, ctx.options, wanted), None)


class _Gradients(torch.autograd.Function):
    """Gradients of a convolution's images, kernel and bias."""

    @staticmethod
    def forward(ctx, g, x, weight, options, wanted):
        ctx.save_for_backward(g, x, weight)
        ctx.set_materialize_grads(False)
        ctx.options = options
        return _gradients(g, x, weight, options, wanted)

    @staticmethod
    def backward(ctx, x_cotangent, weight_cotangent, bias_cotangent):
        g, x, weight = ctx.saved_tensors
        g_wanted, x_wanted, weight_wanted = ctx.needs_input_grad[:3]
        of_g, of_x, of_weight = [], None, None
        if x_cotangent is not None:
            if g_wanted:
                of_g.append(torch.convolution(x_cotangent, weight, None, *ctx.options))
            if weight_wanted:
                only = (False, True, False)
                of_weight = _gradients(g, x_cotangent, weight, ctx.options, only)[1]
        if weight_cotangent is not None:
            if g_wanted:
                of_g.append(torch.convolution(x, weight_cotangent, None, *ctx.options))
            if x_wanted:
                only = (True, False, False)
                of_x = _gradients(g, x, weight_cotangent, ctx.options, only)[0]
        if bias_cotangent is not None and g_wanted:
            of_g.append(bias_cotangent[:, None, None].expand_as(g))
        return sum(of_g) if of_g else None, of_x, of_weight, None, None


def _gradients(g, x, weight, options, wanted):
    sizes = [g.shape[1]]
    return torch.ops.aten.convolution_backward(g, x, weight, sizes, *options, wanted)
