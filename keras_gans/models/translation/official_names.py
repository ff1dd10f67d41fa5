"""Names of the authors' code for the parts of the networks in `networks.py`.

In their PyTorch code (junyanz/pytorch-CycleGAN-and-pix2pix) they are indices within
`Sequential`s, from which all options can be told, but for the dropout of U-Nets, which
has no weights and moves no index.
"""

import re

import numpy as np

ADVICE = (
    "Networks must be of --netG resnet_6blocks, resnet_9blocks, unet_128 or unet_256, "
    "--netD basic, n_layers or pixel, with --norm instance or batch."
)
_BLOCK = re.compile(r"model\.(\d+)\.conv_block\.")
_FIRST_BLOCK = 10  # after the convolutions at 1, 4 and 7
_NONE = np.zeros((0, 0))
# The first kernel, the network, and a bias there is without weights of normalization.
_KINDS = (
    ("model.1.weight", "resnet", "model.1.bias"),
    ("model.model.0.weight", "unet", "model.model.0.bias"),
    ("model.0.weight", "discriminator", "model.2.bias"),
    ("net.0.weight", "discriminator", "net.2.bias"),
)


def variables_of(layer, prefix):
    """Variables of a layer, with their names there."""
    names = {
        "kernel": "weight",
        "gamma": "weight",
        "bias": "bias",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    }
    for ours, theirs in names.items():
        variable = getattr(layer, ours, None)
        if variable is not None:
            yield variable, f"{prefix}.{theirs}"


def parts_of(network):
    """Layers of a network with weights, each with its name there."""
    layers = {layer.name: layer for layer in network.layers}
    if "logits" in layers:
        names = _discriminator_names(layers)
    elif "from_image" in layers:
        names = _resnet_names(layers)
    else:
        names = _unet_names(layers)
    for name, (prefix, index, normalization) in names.items():
        yield layers[name], f"{prefix}{index}"
        if f"{name}_normalization" in layers:
            yield layers[f"{name}_normalization"], f"{prefix}{normalization}"


def _resnet_names(layers):
    """Name -> prefix, index of the convolution and of the normalization after it."""
    blocks = sum(name.startswith("block_") and name.endswith("_0") for name in layers)
    second = 6 if any("dropout" in name for name in layers) else 5
    names = {"from_image": ("model.", 1, 2)}
    names |= {f"down_{i}": ("model.", 4 + 3 * i, 5 + 3 * i) for i in range(2)}
    for i in range(blocks):
        prefix = f"model.{_FIRST_BLOCK + i}.conv_block."
        names[f"block_{i}_0"] = prefix, 1, 2
        names[f"block_{i}_1"] = prefix, second, second + 1
    last = _FIRST_BLOCK + blocks
    names |= {f"up_{i}": ("model.", last + 3 * i, last + 3 * i + 1) for i in range(2)}
    return names | {"to_image": ("model.", last + 7, None)}


def _unet_prefix(level):
    """What names of a level begin with; each is a part of the one before."""
    return "model.model." + "".join(
        "1.model." if i == 0 else "3.model." for i in range(level)
    )


def _unet_names(layers):
    """As `_resnet_names`; the way up lies behind what is nested in a level."""
    depth = sum(re.fullmatch(r"down_\d+", name) is not None for name in layers)
    names = {}
    for i in range(depth):
        down, up = (0, 3) if i == 0 else (1, 3) if i == depth - 1 else (1, 5)
        names[f"down_{i}"] = _unet_prefix(i), down, down + 1
        names[f"up_{i}"] = _unet_prefix(i), up, up + 1
    return names


def _discriminator_names(layers):
    """As `_resnet_names`."""
    count = sum(re.fullmatch(r"conv_\d+", name) is not None for name in layers)
    of_pixels = layers["logits"].kernel_size == (1, 1)
    prefix = "net." if of_pixels else "model."
    names = {"conv_0": (prefix, 0, None)}
    names |= {f"conv_{i}": (prefix, 3 * i - 1, 3 * i) for i in range(1, count)}
    return names | {"logits": (prefix, 3 * count - 1, None)}


def options_of(state):
    """What the names and shapes of a state dict tell of the network.

    Args:
        state: Dict, name -> array.

    Returns:
        Dict of "kind" ("resnet", "unet" or "discriminator"), "channels_in", and
        arguments of the function in `networks.py`.

    Raises:
        ValueError: If it is none of these, or has another normalization.
    """
    for first, kind, of_next in _KINDS:
        if first in state and state[first].ndim == 4:
            return _options(state, first, kind, of_next)
    raise ValueError(
        "Expected: a state dict of pytorch-CycleGAN-and-pix2pix. Received: one with "
        f"{', '.join(list(state)[:4])}. {ADVICE}"
    )


def _options(state, first, kind, bias):
    width, channels_in = state[first].shape[:2]
    options = {
        "kind": kind,
        "channels_in": channels_in,
        "width": width,
        "normalization": _normalization(state, bias),
    }
    if kind == "resnet":
        blocks = len({match[1] for match in map(_BLOCK.match, state) if match})
        sixth = state.get(f"model.{_FIRST_BLOCK}.conv_block.6.weight", _NONE)
        last = state.get(f"model.{_FIRST_BLOCK + blocks + 7}.weight", _NONE)
        return options | {
            "blocks": blocks,
            "dropout": sixth.ndim == 4,  # else it is 5 that is a convolution
            "channels_out": last.shape[0],
        }
    if kind == "unet":
        depth = 1
        while f"{_unet_prefix(depth)}1.weight" in state:
            depth += 1
        last = state.get("model.model.3.weight", _NONE)
        return options | {"depth": depth, "channels_out": last.shape[1]}
    convolutions = sum(value.ndim == 4 for value in state.values())
    return options | {"layers": 0 if first.startswith("net") else convolutions - 2}


def _normalization(state, bias):
    """Which of the two it is: convolutions have a bias with instance norm. alone."""
    has_weights = any(v.ndim == 1 and k.endswith(".weight") for k, v in state.items())
    has_bias = bias in state
    if has_weights == has_bias:
        reason = "an affine one" if has_bias else "--norm none"
        raise ValueError(
            "Expected: weights of the normalization, or a bias of convolutions before "
            f"it. Received: {'both' if has_bias else 'neither'}, as of {reason}. "
            f"{ADVICE}"
        )
    return "batch" if has_weights else "instance"
