"""R3GAN in plain PyTorch, without Keras and without compiled operations of its own.

The networks of `keras_gans.models.R3GAN` (Config E) of PyTorch's own layers; features
are filtered by depthwise convolutions of stride 2. Parts have the names of the Keras
layers, so that weights can be copied.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from benchmarks.pytorch_style import low_pass

GAIN = math.sqrt(2.0 / (1.0 + 0.2**2))


def pointwise(inputs, filters, gain=1.0, bias=False):
    """A 1 x 1 convolution with weights of N(0, gain^2 / fan_in)."""
    return _scaled(nn.Conv2d(inputs, filters, 1, bias=bias), gain)


def _scaled(layer, gain):
    fan_in = math.prod(layer.weight.shape[1:])
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(fan_in))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class Stages(nn.ModuleDict):
    """What both networks consist of: residual blocks, and changes of size."""

    def __init__(self, channels, blocks, group_size):
        super().__init__()
        self.channels, self.blocks = channels, blocks
        gain = GAIN * (blocks * len(channels)) ** -0.25
        for i, outer in enumerate(channels):
            inner = 2 * outer
            groups = max(1, inner // group_size)
            for j in range(blocks):
                name = f"stage_{i}_block_{j}"
                self[f"{name}_expand"] = pointwise(outer, inner, gain, bias=True)
                grouped = nn.Conv2d(inner, inner, 3, padding=1, groups=groups)
                self[f"{name}_grouped"] = _scaled(grouped, gain)
                self[f"{name}_project"] = pointwise(inner, outer, gain=0.0)
        self.register_buffer("taps", low_pass(), persistent=False)

    def residual(self, x, i):
        """The blocks of a stage."""
        for j in range(self.blocks):
            name = f"stage_{i}_block_{j}"
            h = functional.leaky_relu(self[f"{name}_expand"](x), 0.2)
            h = functional.leaky_relu(self[f"{name}_grouped"](h), 0.2)
            x = x + self[f"{name}_project"](h)
        return x

    def filters(self, x):
        """The low-pass filter for each channel, `(C, 1, 4, 4)`."""
        return self.taps.repeat(x.shape[1], 1, 1, 1)


class Basis(nn.Module):
    """Learned features, `(C, h, w)`."""

    def __init__(self, channels, size, stddev=1.0):
        super().__init__()
        self.basis = nn.Parameter(stddev * torch.randn(channels, *size))


class Generator(Stages):
    """Latents to images."""

    def __init__(self, size, channels, latent_dim, image_channels, blocks, group_size):
        super().__init__(channels, blocks, group_size)
        self["dense"] = _scaled(nn.Linear(latent_dim, channels[0], bias=False), 1.0)
        self["basis"] = Basis(channels[0], size)
        for i in range(1, len(channels)):
            if channels[i] != channels[i - 1]:
                self[f"stage_{i}_channels"] = pointwise(channels[i - 1], channels[i])
        self["to_image"] = pointwise(channels[-1], image_channels)

    def forward(self, latents):
        """Maps `(B, Z)` to `(B, C, H, W)`."""
        x = self["dense"](latents)[:, :, None, None] * self["basis"].basis
        x = self.residual(x, 0)
        for i in range(1, len(self.channels)):
            if f"stage_{i}_channels" in self:
                x = self[f"stage_{i}_channels"](x)
            x = functional.conv_transpose2d(
                x, 4.0 * self.filters(x), None, 2, 1, groups=x.shape[1]
            )
            x = self.residual(x, i)
        return self["to_image"](x)


class Discriminator(Stages):
    """Images to logits."""

    def __init__(self, size, channels, image_channels, blocks, group_size):
        super().__init__(channels, blocks, group_size)
        self["from_image"] = pointwise(image_channels, channels[-1])
        for i in range(1, len(channels)):
            if channels[i] != channels[i - 1]:
                self[f"stage_{i}_channels"] = pointwise(channels[i], channels[i - 1])
        self["basis"] = Basis(channels[0], size, 1.0 / math.sqrt(math.prod(size)))
        self["logit"] = _scaled(nn.Linear(channels[0], 1, bias=False), 1.0)

    def forward(self, images):
        """Maps `(B, C, H, W)` to `(B, 1)`."""
        x = self["from_image"](images)
        for i in reversed(range(len(self.channels))):
            x = self.residual(x, i)
            if i:
                x = functional.conv2d(x, self.filters(x), None, 2, 1, groups=x.shape[1])
            if i and f"stage_{i}_channels" in self:
                x = self[f"stage_{i}_channels"](x)
        return self["logit"]((x * self["basis"].basis).sum((2, 3)))
