"""Weights of ESRGAN's and Real-ESRGAN's authors, for `rrdb_network`.

Three layouts of names are read, of networks that are the same:

* BasicSR and Real-ESRGAN: `conv_first`, `body.0.rdb1.conv1`, ..., `conv_last`;
* ESRGAN's test code: `conv_first`, `RRDB_trunk.0.RDB1.conv1`, ..., `conv_last`;
* ESRGAN's first code: `model.0`, `model.1.sub.0.RDB1.conv1.0`, ..., `model.10`.

A file has the arrays themselves, or a dict of them as "params_ema", the average, which
is preferred, or "params". All sizes are read from the arrays.
"""

import math
import re

from keras_gans.models.super_resolution.networks import rrdb_network
from keras_gans.models.torch_weights import TorchWeights
from keras_gans.models.torch_weights import as_state
from keras_gans.models.torch_weights import from_torch_kernel
from keras_gans.models.torch_weights import torch_shape
from keras_gans.utils.torch_file import read_torch_file

AVERAGE, TRAINED = "params_ema", "params"
ADVICE = (
    "Numbers of features, blocks and doublings (num_feat, num_grow_ch, num_block and "
    "scale of RRDBNet) are read from the arrays: some that are missing tell of a file "
    "that is not whole, unexpected ones of another network, such as ESRGAN+ if they "
    "are named conv1x1."
)
# Names by layout; of block i, its dense block j and convolution k. Of the second there
# are also networks with one doubling.
BASIC_SR = {
    "first": "conv_first",
    "dense": "body.{}.rdb{}.conv{}",
    "body": "conv_body",
    "up_1": "conv_up1",
    "up_2": "conv_up2",
    "high": "conv_hr",
    "last": "conv_last",
}
ESRGAN = {
    "first": "conv_first",
    "dense": "RRDB_trunk.{}.RDB{}.conv{}",
    "body": "trunk_conv",
    "high": "HRconv",
    "last": "conv_last",
}


def _first_esrgan(state, blocks):
    """The layout of ESRGAN's first code, which numbers the layers of a sequence."""
    last = max(int(m[1]) for m in map(re.compile(r"model\.(\d+)\.").match, state) if m)
    return {
        "first": "model.0",
        "dense": "model.1.sub.{}.RDB{}.conv{}.0",
        "body": f"model.1.sub.{blocks}",
        **{f"up_{i}": f"model.{3 * i}" for i in range(1, (last - 4) // 3 + 1)},
        "high": f"model.{last - 2}",
        "last": f"model.{last}",
    }


_BLOCK = re.compile(r"(?:body|RRDB_trunk|model\.1\.sub)\.(\d+)\.(?:rdb|RDB)\d\.")


def layout_of(state):
    """Names in a state dict.

    Args:
        state: Dict, name -> array.

    Returns:
        Dict from our layers' names to those of the arrays, "dense" with places for
        three numbers; and the number of blocks.

    Raises:
        ValueError: If it is no RRDBNet.
    """
    found = [int(m[1]) for m in map(_BLOCK.match, state) if m]
    blocks = max(found, default=-1) + 1
    if "model.0.weight" in state and found:
        return _first_esrgan(state, blocks), blocks
    if "conv_first.weight" not in state or not found:
        other = ""
        if "body.0.weight" in state:
            other = "It looks like an SRVGGNetCompact (realesr-general, animevideo). "
        elif "conv0.weight" in state:
            other = "It looks like a discriminator (netD). "
        raise ValueError(
            "Expected: the generator RRDBNet of ESRGAN or Real-ESRGAN, with "
            "conv_first.weight and body.0.rdb1.conv1.weight, or the names of an older "
            f"version. Received: {', '.join(map(str, list(state)[:4])) or 'nothing'}. "
            f"{other}Other networks are not in keras_gans."
        )
    if "body.0.rdb1.conv1.weight" in state:
        return BASIC_SR, blocks
    ups = [key for key in state if re.fullmatch(r"upconv\d+\.weight", key)]
    return ESRGAN | {f"up_{i + 1}": f"upconv{i + 1}" for i in range(len(ups))}, blocks


def sizes_of(state):
    """Arguments of `rrdb_network` for a state dict.

    Args:
        state: Dict, name -> array.

    Raises:
        ValueError: If it is no RRDBNet, or has channels that make no image.
    """
    layout, blocks = layout_of(state)
    names = [f"{layout[name]}.weight" for name in ("first", "last")]
    names.append(f"{layout['dense'].format(0, 1, 1)}.weight")
    missing = [name for name in names if name not in state]
    if missing:
        raise ValueError(
            f"Expected: {', '.join(names)}. Received: a state dict without "
            f"{', '.join(missing)}. {ADVICE}"
        )
    first, last, dense = (state[name].shape for name in names)
    channels = last[0]
    unshuffle = math.isqrt(first[1] // channels)
    doublings = sum(name.startswith("up_") for name in layout)
    if unshuffle**2 * channels != first[1] or (1 << doublings) % unshuffle:
        raise ValueError(
            f"Expected: {channels} channels in, as many as out, or 4 or 16 times as "
            f"many, of a network for scale 2 or 1. Received: {first[1]}, with "
            f"{doublings} doublings."
        )
    return {
        "channels": channels,
        "width": first[0],
        "growth": dense[0],
        "blocks": blocks,
        "scale": (1 << doublings) // unshuffle,
        "unshuffle": unshuffle,
    }


def rrdb_from_official(source):
    """A network with weights of ESRGAN's or Real-ESRGAN's authors, and of others.

    Read without PyTorch, and without running code that a file may carry. BSRGAN and
    most models that people trained with these authors' code have the same networks.

    Args:
        source: Path of a `.pth` file, such as RealESRGAN_x4plus.pth,
            RealESRGAN_x2plus.pth, RealESRGAN_x4plus_anime_6B.pth or
            RRDB_ESRGAN_x4.pth; or a state dict with NumPy arrays.

    Returns:
        A `keras.Model` of `rrdb_network`; see `upscale`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is of another network, or arrays are missing or left over.

    Example:

    ```python
    network = rrdb_from_official("RealESRGAN_x4plus.pth")
    large = upscale(network, images, tile=256)
    ```
    """
    state = source if isinstance(source, dict) else read_torch_file(source)
    if isinstance(state, dict):
        state = state.get(AVERAGE, state.get(TRAINED, state))
    state = as_state(state)
    network = rrdb_network(**sizes_of(state))
    load_rrdb_network(network, state)
    return network


def load_rrdb_network(network, state):
    """Takes over the weights of a state dict.

    Args:
        network: Of `rrdb_network`.
        state: Dict, name -> array.

    Raises:
        ValueError: If names or shapes do not fit.
    """
    layout, _ = layout_of(state)
    weights = TorchWeights(state)

    def take(convolution, key):
        value = weights.take(f"{key}.weight", *torch_shape(convolution.kernel))
        weights.assign(convolution.kernel, from_torch_kernel(value))
        bias = weights.take(f"{key}.bias", *convolution.bias.shape)
        weights.assign(convolution.bias, bias)

    for layer in network.layers:
        if match := re.fullmatch(r"block_(\d+)_dense_(\d)", layer.name):
            for k, convolution in enumerate(layer.convolutions, 1):
                take(convolution, layout["dense"].format(*match.groups(), k))
        elif hasattr(layer, "kernel"):
            take(layer, layout.get(layer.name, layer.name))
    weights.finish(ADVICE)
