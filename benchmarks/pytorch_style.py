"""StyleGAN2 in plain PyTorch, without Keras and without compiled operations of its own.

The networks of `keras_gans.models.StyleGAN2`, written as the authors' PyTorch code
computes them in training where their CUDA operations are missing: features are scaled
before and after one convolution for all images, the scale after it is the norm of each
image's own kernel, and filters are depthwise convolutions of zero-stuffed images. Parts
have the names of the Keras layers, so that weights can be copied.

B: batch, H, W: sides, I, O: channels before and after, S: size of a style.
"""

import math

import torch
from torch import nn
from torch.nn import functional

GAIN = math.sqrt(2.0)


def low_pass(gain=1.0):
    """The filter [1, 3, 3, 1] along both sides, `(4, 4)`, with a sum of `gain`."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return gain * torch.outer(taps, taps) / 64.0


def upfirdn(x, taps, up=1, down=1, padding=(0, 0)):
    """Zeros between the pixels and around, a filter, every `down`-th pixel."""
    batch, channels, height, width = x.shape
    if up > 1:
        x = x.reshape(batch, channels, height, 1, width, 1)
        x = functional.pad(x, (0, up - 1, 0, 0, 0, up - 1))
        x = x.reshape(batch, channels, height * up, width * up)
    before, after = padding
    if before != after:
        x, before = functional.pad(x, (before, after) * 2), 0
    kernel = taps.repeat(channels, 1, 1, 1)  # (C, 1, 4, 4)
    return functional.conv2d(x, kernel, None, down, before, groups=channels)


def activate(x, bias, gain=GAIN):
    """Leaky ReLU of features `(B, C, ...)` with their bias."""
    bias = bias.reshape(-1, *(1,) * (x.ndim - 2))
    return functional.leaky_relu(x + bias, 0.2) * gain


class EqualizedLinear(nn.Module):
    """A dense layer with equalized learning rate."""

    def __init__(self, inputs, units, start=0.0, multiplier=1.0):
        super().__init__()
        self.scale, self.multiplier = multiplier / math.sqrt(inputs), multiplier
        self.weight = nn.Parameter(torch.randn(units, inputs) / multiplier)
        self.bias = nn.Parameter(torch.full((units,), start / multiplier))

    def forward(self, x, activated=False):
        """Maps `(B, I)` to `(B, O)`."""
        weight, bias = (self.weight * self.scale).t(), self.bias
        if self.multiplier != 1.0:
            bias = bias * self.multiplier
        if activated:
            return activate(x @ weight, bias)
        return torch.addmm(bias, x, weight)


class ModulatedConv(nn.Module):
    """A convolution whose kernel each image scales, with or without demodulation."""

    def __init__(self, inputs, filters, size, style_dim, up=False, demodulate=True):
        super().__init__()
        self.up, self.demodulate = up, demodulate
        self.affine = EqualizedLinear(style_dim, inputs, start=1.0)
        self.weight = nn.Parameter(torch.randn(filters, inputs, size, size))
        if not demodulate:
            self.bias = nn.Parameter(torch.zeros(filters))
        self.register_buffer("taps", low_pass(gain=4.0), persistent=False)

    def forward(self, x, style, noise=None):
        """Maps `(B, I, H, W)` and `(B, S)`; noise is added after the demodulation."""
        styles, weight = self.affine(style), self.weight
        if not self.demodulate:
            styles = styles / math.sqrt(weight[0].numel())
        y = x * styles[:, :, None, None]
        if self.up:
            y = functional.conv_transpose2d(y, weight.transpose(0, 1), stride=2)
            y = upfirdn(y, self.taps, padding=(1, 1))
        else:
            y = functional.conv2d(y, weight, padding=weight.shape[-1] // 2)
        if not self.demodulate:
            return y + self.bias[:, None, None]
        own = weight * styles[:, None, :, None, None]  # (B, O, I, k, k)
        scale = (own.square().sum((2, 3, 4)) + 1e-8).rsqrt()
        return torch.addcmul(noise, y, scale[:, :, None, None])


class Noise(nn.Module):
    """Noise of a learned strength, and the bias after it."""

    def __init__(self, channels):
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, like, factor):
        """Draws `(B, 1, factor H, factor W)` for features to come."""
        batch, _, height, width = like.shape
        shape = (batch, 1, factor * height, factor * width)
        return torch.randn(shape, device=like.device) * self.strength


class Constant(nn.Module):
    """Features to begin with."""

    def __init__(self, channels, size):
        super().__init__()
        self.constant = nn.Parameter(torch.randn(channels, *size))


class Mapping(nn.ModuleDict):
    """Latents to styles, with the moving average of these."""

    def __init__(self, latent_dim, style_dim, depth):
        super().__init__()
        for i in range(depth):
            inputs = style_dim if i else latent_dim
            self[f"dense_{i}"] = EqualizedLinear(inputs, style_dim, multiplier=0.01)
        self.register_buffer("average", torch.zeros(style_dim))

    def forward(self, latents):
        """Maps `(B, Z)` to `(B, S)`."""
        square = latents.square().mean(1, keepdim=True)
        x = latents * (square + 1e-8).rsqrt()
        for layer in self.values():
            x = layer(x, activated=True)
        self.average.copy_(x.detach().mean(0).lerp(self.average, 0.995))
        return x


class Synthesis(nn.ModuleDict):
    """Styles to images, which all stages add to ("skip")."""

    def __init__(self, size, channels, style_dim, image_channels):
        super().__init__()
        self.stages = len(channels)
        self.num_styles = 2 * len(channels)
        self["constant"] = Constant(channels[0], size)
        for i, filters in enumerate(channels):
            before = channels[max(0, i - 1)]
            if i:
                name = f"stage_{i}_conv_0"
                self[name] = ModulatedConv(before, filters, 3, style_dim, up=True)
                self[f"{name}_noise"] = Noise(filters)
            name = f"stage_{i}_conv_1"
            self[name] = ModulatedConv(filters, filters, 3, style_dim)
            self[f"{name}_noise"] = Noise(filters)
            self[f"stage_{i}_image"] = ModulatedConv(
                filters, image_channels, 1, style_dim, demodulate=False
            )
        self.register_buffer("taps", low_pass(gain=4.0), persistent=False)

    def _convolve(self, x, style, name):
        noise, layer = self[f"{name}_noise"], self[name]
        x = layer(x, style, noise(x, 2 if layer.up else 1))
        return activate(x, noise.bias)

    def forward(self, styles):
        """Maps `(B, L, S)` to `(B, C, H, W)`."""
        style = styles.unbind(1)
        x = self["constant"].constant.expand(len(styles), -1, -1, -1)
        image, used = None, 0
        for i in range(self.stages):
            for name in ("conv_0", "conv_1") if i else ("conv_1",):
                x = self._convolve(x, style[used], f"stage_{i}_{name}")
                used += 1
            own = self[f"stage_{i}_image"](x, style[used])
            if image is None:
                image = own
            else:
                image = upfirdn(image, self.taps, up=2, padding=(2, 1)) + own
        return image


class EqualizedConv(nn.Module):
    """A convolution with equalized learning rate, halving the sides if asked."""

    def __init__(self, inputs, filters, size, down=False, bias=True):
        super().__init__()
        self.down, self.scale = down, 1.0 / math.sqrt(inputs * size * size)
        self.weight = nn.Parameter(torch.randn(filters, inputs, size, size))
        if bias:
            self.bias = nn.Parameter(torch.zeros(filters))
        self.register_buffer("taps", low_pass(), persistent=False)

    def forward(self, x, gain=GAIN):
        """Maps `(B, I, H, W)`; without a bias there is no activation."""
        weight, size = self.weight * self.scale, self.weight.shape[-1]
        if self.down and size == 1:
            x = functional.conv2d(upfirdn(x, self.taps, down=2, padding=(1, 1)), weight)
        elif self.down:
            x = upfirdn(x, self.taps, padding=(2, 2))
            x = functional.conv2d(x, weight, stride=2)
        else:
            x = functional.conv2d(x, weight, padding=size // 2)
        return activate(x, self.bias, gain) if hasattr(self, "bias") else x * gain


class Discriminator(nn.ModuleDict):
    """Images to logits, by residual stages."""

    def __init__(self, size, channels, image_channels, group_size):
        super().__init__()
        self.stages, self.group_size = len(channels), group_size
        self["from_image"] = EqualizedConv(image_channels, channels[-1], 1)
        for i in reversed(range(1, len(channels))):
            inputs, filters = channels[i], channels[i - 1]
            self[f"stage_{i}_conv_0"] = EqualizedConv(inputs, inputs, 3)
            self[f"stage_{i}_conv_1"] = EqualizedConv(inputs, filters, 3, down=True)
            self[f"stage_{i}_skip"] = EqualizedConv(inputs, filters, 1, True, False)
        self["last_conv"] = EqualizedConv(channels[0] + 1, channels[0], 3)
        units = channels[0] * math.prod(size)
        self["last_dense"] = EqualizedLinear(units, channels[0])
        self["logit"] = EqualizedLinear(channels[0], 1)

    def forward(self, images):
        """Maps `(B, C, H, W)` to `(B, 1)`."""
        x = self["from_image"](images)
        for i in reversed(range(1, self.stages)):
            y = self[f"stage_{i}_skip"](x, gain=math.sqrt(0.5))
            x = self[f"stage_{i}_conv_0"](x)
            x = y.add_(self[f"stage_{i}_conv_1"](x, gain=1.0))
        x = self["last_conv"](torch.cat([x, self._deviation(x)], 1))
        x = x.permute(0, 2, 3, 1).flatten(1)  # (B, h w C), as Keras flattens
        return self["logit"](self["last_dense"](x, activated=True))

    def _deviation(self, x):
        """How much the images of a group differ, as one more channel."""
        batch, _, height, width = x.shape
        size = min(self.group_size, batch)
        groups = x.reshape(size, -1, *x.shape[1:])  # (G, M, C, h, w)
        variance = (groups - groups.mean(0)).square().mean(0)
        deviation = (variance + 1e-8).sqrt().mean((1, 2, 3))  # (M,)
        return deviation.repeat(size)[:, None, None, None].expand(-1, 1, height, width)
