"""The published weights of BigGAN-deep's generators, for `BigGANDeep`.

DeepMind published them for 128, 256 and 512 pixels; Hugging Face's
pytorch-pretrained-BigGAN has them in the layout that is read here. What differs:

* batch normalization has statistics for 51 truncations of the latents;
* spectral normalization divides by u^T W v of two stored vectors;
* the last convolution has `width` filters, of which the image is the first few. Its
  norm, that of all of them, is S; ours, of those few alone, is s. Since
  relu(r x) = r relu(x), scale and offset of the batch normalization before take s / S.
"""

import re

import numpy as np

from keras_gans.models.big_gan.networks import GENERATOR_CHANNELS
from keras_gans.models.torch_weights import TorchWeights
from keras_gans.models.torch_weights import as_state
from keras_gans.models.torch_weights import from_torch_kernel
from keras_gans.models.torch_weights import torch_shape
from keras_gans.models.torch_weights import u_for_sigma

IMAGE_CHANNELS = 3
ATTENTION_PARTS = {
    "query": "snconv1x1_theta",
    "key": "snconv1x1_phi",
    "value": "snconv1x1_g",
    "projection": "snconv1x1_o_conv",
}


def big_gan_deep_from_official(cls, generator, truncation=1.0, **kwargs):
    """Makes a model with the weights of a state dict; see `BigGANDeep`."""
    if not 0.0 <= truncation <= 1.0:
        raise ValueError(f"Expected: `truncation` in 0..1. Received: {truncation!r}.")
    state = as_state(generator)
    model = cls(**sizes_of(state), **kwargs)
    load_generator(model.generator, state, truncation)
    model.ema_generator.set_weights(model.generator.get_weights())
    return model


def sizes_of(state):
    """Arguments of `BigGANDeep` for the generator of a state dict.

    Args:
        state: Dict, name -> array.

    Raises:
        ValueError: If it is not such a generator.
    """
    needed = (
        "embeddings.weight",
        "generator.gen_z.weight_orig",
        "generator.conv_to_rgb.weight_orig",
    )
    blocks, attentions = _layers_of(state)
    side = 4 << (len(blocks) // 2)
    if any(key not in state for key in needed) or side not in GENERATOR_CHANNELS:
        raise ValueError(
            "Expected: a state dict of pytorch-pretrained-BigGAN, with "
            f"{', '.join(needed)} and two blocks for each doubling of the size. "
            f"Received: {len(blocks)} blocks, and {list(state)[:4]}."
        )
    embedding_dim, num_classes = state[needed[0]].shape
    return {
        "image_shape": (side, side, IMAGE_CHANNELS),
        "num_classes": num_classes,
        "width": state[needed[2]].shape[1] // GENERATOR_CHANNELS[side][-1],
        "latent_dim": state[needed[1]].shape[1] - embedding_dim,
        "embedding_dim": embedding_dim,
        "attention_resolutions": [
            4 << ((index - i) // 2) for i, index in enumerate(attentions)
        ],
    }


def _layers_of(state):
    """Places of blocks, and of self-attention, in the list `generator.layers`."""
    pattern = re.compile(r"generator\.layers\.(\d+)\.(bn_0\.running_means|gamma)")
    found = [match for key in state if (match := pattern.fullmatch(key))]
    places = {
        kind: sorted(int(match[1]) for match in found if match[2].startswith(kind))
        for kind in ("bn_0", "gamma")
    }
    return places["bn_0"], places["gamma"]


def load_generator(network, state, truncation=1.0):
    """Takes over the weights of a generator.

    Args:
        network: Of `big_gan_deep_generator`.
        state: Dict, name -> array.
        truncation: Float in 0..1, of the latents that will be sampled.

    Raises:
        ValueError: If the arrays are not those of the network.
    """
    weights = TorchWeights(state)
    blocks, attentions = _layers_of(state)
    ratio = 1.0
    for layer in reversed(network.layers):  # the end first, for the ratio
        name = layer.name
        if name == "embedding":
            kernel = weights.take("embeddings.weight", *torch_shape(layer.kernel))
            weights.assign(layer.kernel, kernel.T)
        elif name == "dense":
            _take_normalized(weights, layer, "generator.gen_z")
        elif name == "normalization":
            _take_statistics(weights, layer, "generator.bn", truncation)
            for variable, key in ((layer.gamma, "weight"), (layer.beta, "bias")):
                value = weights.take(f"generator.bn.{key}", *variable.shape)
                weights.assign(variable, ratio * value)
        elif name == "to_image":
            ratio = _take_last(weights, layer, "generator.conv_to_rgb")
        elif name.startswith("attention_"):
            prefix = f"generator.layers.{attentions.pop()}"
            for part, key in ATTENTION_PARTS.items():
                _take_normalized(weights, getattr(layer, part), f"{prefix}.{key}")
            weights.assign(layer.gamma, weights.take(f"{prefix}.gamma", 1))
        elif match := re.fullmatch(r"block_(\d+)_(norm|conv)_(\d)", name):
            place = f"generator.layers.{blocks[int(match[1])]}"
            number = int(match[3]) - 1
            if match[2] == "conv":
                _take_normalized(weights, layer, f"{place}.conv_{number}")
                continue
            prefix = f"{place}.bn_{number}"
            _take_statistics(weights, layer.normalization, prefix, truncation)
            _take_normalized(weights, layer.gain, f"{prefix}.scale")
            _take_normalized(weights, layer.bias, f"{prefix}.offset")
    weights.finish("Is it another network's? BigGAN-deep's of 128 to 512 pixels fit.")


def _take_weight(weights, prefix, shape):
    """Weight, bias-free, and the norm that the file's authors divide it by."""
    weight = weights.take(f"{prefix}.weight_orig", *shape)
    matrix = weight.reshape(shape[0], -1).astype("float64")
    u = weights.take(f"{prefix}.weight_u", shape[0])
    v = weights.take(f"{prefix}.weight_v", matrix.shape[1])
    return weight, matrix, float(u @ matrix @ v)


def _take_normalized(weights, layer, prefix):
    """Kernel, bias and u of a layer under spectral normalization."""
    shape = torch_shape(layer.layer.kernel)
    weight, matrix, sigma = _take_weight(weights, prefix, shape)
    weights.assign(layer.layer.kernel, from_torch_kernel(weight))
    weights.assign(layer.u, u_for_sigma(matrix, sigma))
    if layer.layer.use_bias:
        weights.assign(layer.layer.bias, weights.take(f"{prefix}.bias", shape[0]))


def _take_last(weights, layer, prefix):
    """The first filters of the last convolution; returns s / S."""
    count, inputs, *size = torch_shape(layer.layer.kernel)
    shape = (inputs, inputs, *size)
    weight, matrix, sigma = _take_weight(weights, prefix, shape)
    bias = weights.take(f"{prefix}.bias", inputs)
    weights.assign(layer.layer.kernel, from_torch_kernel(weight[:count]))
    weights.assign(layer.layer.bias, bias[:count])
    vectors, values, _ = np.linalg.svd(matrix[:count], full_matrices=False)
    weights.assign(layer.u, vectors[:, 0])
    return values[0] / sigma if sigma else 1.0


def _take_statistics(weights, layer, prefix, truncation):
    """The nearest of the statistics for truncations of 0, ..., 1."""
    channels = layer.moving_mean.shape[0]
    for variable, key in (
        (layer.moving_mean, f"{prefix}.running_means"),
        (layer.moving_variance, f"{prefix}.running_vars"),
    ):
        steps = (weights.shape(key) or (51,))[0]
        values = weights.take(key, steps, channels)
        weights.assign(variable, values[round(truncation * (steps - 1))])
