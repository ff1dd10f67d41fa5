"""Weights of NVlabs' PyTorch code (stylegan2-ada-pytorch), for `StyleGAN2`.

The networks are those of `networks.py`; only the order of axes differs, and features of
the dense layer behind D's last convolution are there (C, H, W). Their weights, and what
is made of them, are under NVIDIA's licence, which allows no commercial use.
"""

import re

import numpy as np

from keras_gans.models.style import AVERAGE
from keras_gans.models.style import MAPPING
from keras_gans.models.style import SYNTHESIS
from keras_gans.models.torch_weights import TorchWeights
from keras_gans.models.torch_weights import from_torch_kernel
from keras_gans.models.torch_weights import read_networks
from keras_gans.models.torch_weights import torch_shape

IGNORED = (".resample_filter",)
ADVICE = (
    "Networks must be of the classes Generator and Discriminator of "
    "stylegan2-ada-pytorch, with the architecture 'skip' in G."
)


def style_gan2_from_official(cls, source, discriminator=None, **kwargs):
    """Makes a model with the weights; see `StyleGAN2.from_official`."""
    states = read_networks(source, discriminator)
    sizes = generator_sizes(states["G_ema"])
    if "D" in states:
        sizes |= discriminator_sizes(states["D"])
    model = cls(**sizes, **kwargs)
    load_generator(model.generator, states["G"])
    load_generator(model.ema_generator, states["G_ema"])
    if "D" in states:
        load_discriminator(model.discriminator, states["D"])
    return model


def _stages(state, prefix):
    """Resolutions of the blocks, ascending."""
    pattern = re.compile(re.escape(prefix) + r"b(\d+)\.")
    return sorted({int(m[1]) for key in state if (m := pattern.match(key))})


def generator_sizes(state):
    """Arguments of `StyleGAN2` for the generator of a state dict.

    Args:
        state: Dict, name -> array.

    Raises:
        ValueError: If it is not such a generator.
    """
    if "synthesis.input.weight" in state:
        raise ValueError(
            "Expected: a generator of StyleGAN2. Received: one of StyleGAN3, whose "
            "networks are not in keras_gans."
        )
    resolutions = _stages(state, "synthesis.")
    first = "synthesis.b4.const"
    if first not in state or "mapping.fc0.weight" not in state:
        raise ValueError(
            f"Expected: a generator of StyleGAN2, with {first} and mapping.fc0.weight. "
            f"Received: {', '.join(list(state)[:6])}. {ADVICE}"
        )
    if resolutions != [4 << i for i in range(len(resolutions))] or not all(
        f"synthesis.b{r}.torgb.weight" in state for r in resolutions
    ):
        raise ValueError(
            "Expected: a generator of the architecture 'skip', with an image at each "
            f"resolution from 4. Received: resolutions {resolutions}. {ADVICE}"
        )
    channels = [state[f"synthesis.b{r}.conv1.weight"].shape[0] for r in resolutions]
    style_dim, latent_dim = state["mapping.fc0.weight"].shape
    num_classes = None
    if "mapping.embed.weight" in state:
        embedded, num_classes = state["mapping.embed.weight"].shape
        latent_dim -= embedded
    depth = len([k for k in state if re.fullmatch(r"mapping\.fc\d+\.weight", k)])
    side = resolutions[-1]
    return {
        "image_shape": (side, side, state["synthesis.b4.torgb.weight"].shape[0]),
        "num_classes": num_classes,
        "latent_dim": latent_dim,
        "style_dim": style_dim,
        "mapping_depth": depth,
        **_channels(resolutions, channels),
    }


def _channels(resolutions, channels):
    """`channel_base` and `channel_max` of channels; raises if there are none."""
    most = max(channels)
    fewer = [r * c for r, c in zip(resolutions, channels, strict=True) if c < most]
    base = fewer[0] if fewer else most * resolutions[-1]
    if [min(base // r, most) for r in resolutions] != channels:
        raise ValueError(
            "Expected: min(base / resolution, most) channels at each resolution. "
            f"Received: {channels} at {resolutions}."
        )
    return {"channel_base": base, "channel_max": most}


def discriminator_sizes(state):
    """Arguments of `StyleGAN2` for the discriminator of a state dict."""
    resolutions = _stages(state, "")
    if "b4.out.weight" not in state or len(resolutions) < 3:
        raise ValueError(
            "Expected: a discriminator of StyleGAN2, with b4.out.weight. Received: "
            f"{', '.join(list(state)[:6])}. {ADVICE}"
        )
    architecture = "orig"
    if f"b{resolutions[-1]}.skip.weight" in state:
        architecture = "resnet"
    elif f"b{resolutions[-2]}.fromrgb.weight" in state:
        architecture = "skip"
    return {"architecture": architecture}


def load_generator(network, state):
    """Loads a state dict into a `StyleGAN2` generator.

    Raises:
        ValueError: If names or shapes do not fit.
    """
    weights = TorchWeights(state, IGNORED)
    _take_mapping(weights, network.get_layer(MAPPING), "mapping")
    average = network.get_layer(AVERAGE).average
    weights.assign(average, weights.take("mapping.w_avg", *average.shape))
    synthesis = network.get_layer(SYNTHESIS)
    constant = synthesis.get_layer("constant").constant
    height, width, channels = constant.shape
    value = weights.take("synthesis.b4.const", channels, height, width)
    weights.assign(constant, value.transpose(1, 2, 0))
    stages = synthesis.inputs[0].shape[1] // 2
    for i in range(stages):
        prefix = f"synthesis.b{4 << i}"
        for name in ("conv_1",) if i == 0 else ("conv_0", "conv_1"):
            key = f"{prefix}.{name.replace('_', '')}"
            layer = synthesis.get_layer(f"stage_{i}_{name}")
            _take_modulated(weights, layer, key)
            noise = synthesis.get_layer(f"stage_{i}_{name}_noise")
            for variable, suffix in (
                (noise.strength, "noise_strength"),
                (noise.noise, "noise_const"),
                (noise.bias, "bias"),
            ):
                value = weights.take(f"{key}.{suffix}", *variable.shape)
                weights.assign(variable, value)
        layer = synthesis.get_layer(f"stage_{i}_image")
        _take_modulated(weights, layer, f"{prefix}.torgb")
        weights.assign(
            layer.bias, weights.take(f"{prefix}.torgb.bias", *layer.bias.shape)
        )
    weights.finish(ADVICE)


def _take_modulated(weights, layer, key):
    value = weights.take(f"{key}.weight", *torch_shape(layer.kernel))
    weights.assign(layer.kernel, from_torch_kernel(value))
    _take_dense(weights, layer.affine, f"{key}.affine")


def _take_dense(weights, layer, key):
    value = weights.take(f"{key}.weight", *torch_shape(layer.kernel))
    weights.assign(layer.kernel, from_torch_kernel(value))
    weights.assign(layer.bias, weights.take(f"{key}.bias", *layer.bias.shape))


def _take_mapping(weights, mapping, prefix):
    for layer in mapping.layers:
        if layer.name == "embedding":
            _take_dense(weights, layer, f"{prefix}.embed")
        elif layer.name.startswith("dense_"):
            index = layer.name.removeprefix("dense_")
            _take_dense(weights, layer, f"{prefix}.fc{index}")


def load_discriminator(network, state):
    """Loads a state dict into a `StyleGAN2` discriminator.

    Raises:
        ValueError: If names or shapes do not fit.
    """
    weights = TorchWeights(state, IGNORED)
    names = {layer.name for layer in network.layers}

    def convolution(name, key):
        layer = network.get_layer(name)
        value = weights.take(f"{key}.weight", *torch_shape(layer.kernel))
        weights.assign(layer.kernel, from_torch_kernel(value))
        if layer.use_bias:
            weights.assign(layer.bias, weights.take(f"{key}.bias", *layer.bias.shape))

    stages = len([name for name in names if re.fullmatch(r"stage_\d+_conv_0", name)])
    convolution("from_image", f"b{4 << stages}.fromrgb")
    for i in range(1, stages + 1):
        prefix = f"b{4 << i}"
        convolution(f"stage_{i}_conv_0", f"{prefix}.conv0")
        convolution(f"stage_{i}_conv_1", f"{prefix}.conv1")
        if f"stage_{i}_skip" in names:
            convolution(f"stage_{i}_skip", f"{prefix}.skip")
        if f"stage_{i}_from_image" in names:
            convolution(f"stage_{i}_from_image", f"b{4 << (i - 1)}.fromrgb")
    convolution("last_conv", "b4.conv")
    last = network.get_layer("last_dense")
    inputs, outputs = last.kernel.shape
    channels = network.get_layer("last_conv").filters
    side = round((inputs // channels) ** 0.5)
    value = weights.take("b4.fc.weight", outputs, inputs)
    value = np.reshape(value, (outputs, channels, side, side)).transpose(2, 3, 1, 0)
    weights.assign(last.kernel, value)
    weights.assign(last.bias, weights.take("b4.fc.bias", outputs))
    if "condition_mapping" in names:
        _take_mapping(weights, network.get_layer("condition_mapping"), "mapping")
        _take_dense(weights, network.get_layer("features"), "b4.out")
    else:
        _take_dense(weights, network.get_layer("logit"), "b4.out")
    weights.finish(ADVICE)
