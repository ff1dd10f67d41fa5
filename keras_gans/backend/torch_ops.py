"""torch: convolutions and batch normalization without copies.

Keras' images are channels last; permuted, as a view, one is exactly what torch calls a
channels-last tensor, the format that is fastest on CPUs and tensor cores.
"""

import torch
from torch.nn import functional

from keras_gans.backend import filters
from keras_gans.backend.torch_convolution import convolution


def conv(inputs, kernel, strides, groups=1, padding="same", bias=None):
    """2D convolution; see `keras_gans.backend`."""
    weight = kernel.permute(3, 2, 0, 1)
    if weight.shape[0] == 1:  # else bfloat16 fails on CPUs without its instructions
        weight = weight.contiguous()
    padding = _padding(kernel, strides) if padding == "same" else (0, 0)
    images = inputs.permute(0, 3, 1, 2)
    outputs = convolution(images, weight, bias, strides, padding, groups=groups)
    return outputs.permute(0, 2, 3, 1)


def conv_transpose(inputs, kernel, strides, bias=None, padding="same"):
    """2D transposed convolution; see `keras_gans.backend`."""
    padding = _padding(kernel, strides) if padding == "same" else (0, 0)
    images, weight = inputs.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1)
    outputs = convolution(images, weight, bias, strides, padding, transposed=True)
    return outputs.permute(0, 2, 3, 1)


def upfirdn(x, taps, up, down, padding):
    """Convolutions of each channel by itself; see `keras_gans.backend`."""
    before, after = padding
    side = torch.tensor(taps, dtype=x.dtype, device=x.device)
    channels = x.shape[-1]
    kernel = torch.outer(side, side).repeat(channels, 1, 1, 1)
    images = x.permute(0, 3, 1, 2)
    if up == 1:
        if before != after or before < 0:
            images, before = functional.pad(images, (before, after) * 2), 0
        pads = (before, before)
        y = convolution(images, kernel, None, (down, down), pads, groups=channels)
        return y.permute(0, 2, 3, 1)
    cut, more = len(taps) - 1 - before, after - before + up - 1
    if down > 1 or cut < 0 or not 0 <= more < up:
        return filters.upfirdn(x, taps, up, down, padding)
    pads, kernel = ((cut, cut), (more, more)), kernel.flip(2, 3)
    y = convolution(images, kernel, None, (up, up), *pads, channels, transposed=True)
    return y.permute(0, 2, 3, 1)


def pool(inputs, size, strides, padding, kind):
    """Pools; see `keras_gans.backend`. Keras' copies to channels first before it."""
    images, pads = inputs.permute(0, 3, 1, 2), size // 2 if padding == "same" else 0
    if kind == "max":
        outputs = functional.max_pool2d(images, size, strides, pads)
    else:
        outputs = functional.avg_pool2d(
            images, size, strides, pads, count_include_pad=False
        )
    return outputs.permute(0, 2, 3, 1)


def _padding(kernel, strides):
    return [(k - s) // 2 for k, s in zip(kernel.shape[:2], strides, strict=True)]


def pack_kernel(kernel):
    """Reorders a kernel's memory; see `keras_gans.backend`."""
    value = kernel.value
    with torch.no_grad():  # (h, w, i, o), in memory (o, h, w, i)
        value.data = value.permute(3, 0, 1, 2).contiguous().permute(1, 2, 3, 0)


def pack_states(states, variables):
    """Packs states as the kernels they belong to; see `keras_gans.backend`."""
    packed = {
        tuple(v.shape)
        for v in variables
        if len(v.shape) == 4 and not v.value.is_contiguous()
    }
    for state in states:
        if tuple(state.shape) in packed:
            pack_kernel(state)


def batch_norm(inputs, gamma, beta, epsilon):
    """Normalizes by the batch; see `keras_gans.backend`."""
    outputs, mean, inverse = torch.native_batch_norm(
        inputs.movedim(-1, 1), gamma, beta, None, None, True, 0.0, epsilon
    )
    variance = inverse.detach().pow(-2) - epsilon
    return outputs.movedim(1, -1), mean.detach(), variance
