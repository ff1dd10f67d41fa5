"""Weights of the BigGAN author's PyTorch code (ajbrock/BigGAN-PyTorch), for `BigGAN`.

Its networks are those of `big_gan.py` if they were trained with `--hier --G_shared`,
spectral normalization in both (the default) and the same self-attention in both, as
`scripts/launch_BigGAN_bs256x8.sh` does. What differs is the order of axes; features of
the first dense layer are there (C, H, W); and D's embedding is normalized with a u for
each class, not for each channel.
"""

import re

import numpy as np

from keras_gans.models.big_gan.networks import GENERATOR_CHANNELS
from keras_gans.models.torch_weights import TorchWeights
from keras_gans.models.torch_weights import as_state
from keras_gans.models.torch_weights import from_torch_kernel
from keras_gans.models.torch_weights import torch_shape
from keras_gans.models.torch_weights import u_for_sigma

ATTENTION_PARTS = {"query": "theta", "key": "phi", "value": "g", "projection": "o"}
IGNORED = (".sv0", ".num_batches_tracked")
ADVICE = (
    "Networks must be trained with --hier --G_shared, --G_param SN, equal --G_attn and "
    "--D_attn, and without --cross_replica and --mybn."
)


def big_gan_from_official(cls, generator, discriminator=None, **kwargs):
    """Makes a model with the weights of state dicts; see `BigGAN.from_official`."""
    state = as_state(generator)
    model = cls(**sizes_of(state), **kwargs)
    load_generator(model.generator, state)
    if discriminator is not None:
        load_discriminator(model.discriminator, as_state(discriminator))
    model.ema_generator.set_weights(model.generator.get_weights())
    return model


def sizes_of(state):
    """Arguments of `BigGAN` for the generator of a state dict.

    Args:
        state: Dict, name -> array.

    Raises:
        ValueError: If it is not a generator, or one with other options.
    """
    last, first = "output_layer.2.weight", "linear.weight"
    if last not in state or first not in state:
        raise ValueError(
            "Expected: the state dict of a generator of BigGAN-PyTorch, such as "
            f"G_ema.pth. Received: one without {last!r} or {first!r}, but with "
            f"{list(state)[:4]}."
        )
    found = {match[1] for key in state if (match := re.match(r"blocks\.(\d+)\.", key))}
    side = 4 << len(found)
    options = {
        "--model BigGAN, not BigGANdeep": "blocks.0.0.conv3.weight" not in state,
        "--G_shared": "shared.weight" in state,
        f"a resolution of {list(GENERATOR_CHANNELS)}": side in GENERATOR_CHANNELS,
    }
    chunk = state[first].shape[1]
    if all(options.values()):
        embedding_dim = state["shared.weight"].shape[1]
        gain = state.get("blocks.0.0.bn1.gain.weight")
        joined = gain is not None and gain.shape[1] == embedding_dim + chunk
        options["--hier"] = joined
    missing = [option for option, is_set in options.items() if not is_set]
    if missing:
        raise ValueError(
            f"Expected: a network with {' and '.join(options)}. Received: one without "
            f"{' and '.join(missing)}."
        )
    channels, filters = state[last].shape[:2]
    return {
        "image_shape": (side, side, channels),
        "num_classes": state["shared.weight"].shape[0],
        "width": filters // GENERATOR_CHANNELS[side][-1],
        "latent_dim": chunk * len(GENERATOR_CHANNELS[side]),
        "embedding_dim": embedding_dim,
        "attention_resolutions": [
            8 << i for i in range(len(found)) if f"blocks.{i}.1.gamma" in state
        ],
    }


def load_generator(network, state):
    """Takes over the weights of a generator.

    Args:
        network: Of `big_gan_generator`.
        state: Dict, name -> array.

    Raises:
        ValueError: If the arrays are not those of the network.
    """
    weights = TorchWeights(state, IGNORED)
    for layer in network.layers:
        name = layer.name
        if name == "embedding":
            kernel = weights.take("shared.weight", *layer.kernel.shape)
            weights.assign(layer.kernel, kernel)
        elif name == "dense":
            channels = layer.layer.bias.shape[0] // 16
            # Places of (H, W, C) in (C, H, W).
            order = np.arange(16 * channels).reshape(channels, 4, 4)
            order = order.transpose(1, 2, 0).reshape(-1)
            _take_normalized(weights, layer, "linear", order)
        elif name == "normalization":
            _take_statistics(weights, layer, "output_layer.0")
            for variable, key in ((layer.gamma, "gain"), (layer.beta, "bias")):
                value = weights.take(f"output_layer.0.{key}", *variable.shape)
                weights.assign(variable, value)
        elif name == "to_image":
            _take_normalized(weights, layer, "output_layer.2")
        elif name.startswith("attention_"):
            index = (int(name.removeprefix("attention_")) // 8).bit_length() - 1
            _take_attention(weights, layer, f"blocks.{index}.1")
        elif match := re.fullmatch(r"block_(\d+)_norm_(\d)", name):
            prefix = f"blocks.{match[1]}.0.bn{match[2]}"
            _take_statistics(weights, layer.normalization, prefix)
            _take_normalized(weights, layer.gain, f"{prefix}.gain")
            _take_normalized(weights, layer.bias, f"{prefix}.bias")
        else:
            _take_block(weights, layer)
    weights.finish(f"Is it of another network? {ADVICE}")


def load_discriminator(network, state):
    """Takes over the weights of a discriminator.

    Args:
        network: Of `big_gan_discriminator`.
        state: Dict, name -> array.

    Raises:
        ValueError: If the arrays are not those of the network.
    """
    weights = TorchWeights(state, IGNORED)
    side = network.input_shape[0][1]
    for layer in network.layers:
        if layer.name == "logit":
            _take_normalized(weights, layer, "linear")
        elif layer.name == "projection":
            shape = layer.layer.kernel.shape
            kernel = weights.take("embed.weight", *shape)
            u = weights.take("embed.u0", 1, shape[0])
            weights.assign(layer.layer.kernel, kernel)
            weights.assign(layer.u, u_for_sigma(kernel.T, _norm_from(kernel, u[0])))
        elif layer.name.startswith("attention_"):
            index = (side // int(layer.name.removeprefix("attention_"))).bit_length()
            _take_attention(weights, layer, f"blocks.{index - 2}.1")
        else:
            _take_block(weights, layer)
    weights.finish(f"Is it of the generator's resolution, width and classes? {ADVICE}")


def _norm_from(matrix, u):
    """|W v| after one power iteration, float64."""
    v = u.astype("float64") @ matrix.astype("float64")
    return np.linalg.norm(matrix @ (v / max(np.linalg.norm(v), 1e-12)))


def _take_block(weights, layer):
    """The convolutions of a residual block; layers without weights have none."""
    match = re.fullmatch(r"block_(\d+)_(conv_\d|shortcut)", layer.name)
    if match:
        part = {"shortcut": "conv_sc"}.get(match[2], match[2].replace("_", ""))
        _take_normalized(weights, layer, f"blocks.{match[1]}.0.{part}")


def _take_normalized(weights, layer, prefix, order=slice(None)):
    """Kernel, bias and u of a layer under spectral normalization."""
    shape = torch_shape(layer.layer.kernel)
    kernel = weights.take(f"{prefix}.weight", *shape)[order]
    weights.assign(layer.layer.kernel, from_torch_kernel(kernel))
    weights.assign(layer.u, weights.take(f"{prefix}.u0", 1, shape[0])[0, order])
    if layer.layer.use_bias:
        bias = weights.take(f"{prefix}.bias", shape[0])[order]
        weights.assign(layer.layer.bias, bias)


def _take_statistics(weights, layer, prefix):
    for variable, key in (
        (layer.moving_mean, "stored_mean"),
        (layer.moving_variance, "stored_var"),
    ):
        weights.assign(variable, weights.take(f"{prefix}.{key}", *variable.shape))


def _take_attention(weights, layer, prefix):
    for part, key in ATTENTION_PARTS.items():
        _take_normalized(weights, getattr(layer, part), f"{prefix}.{key}")
    weights.assign(layer.gamma, weights.take(f"{prefix}.gamma"))
