"""Weights of R3GAN's authors (brownvc/R3GAN), for `R3GAN`.

The networks are those of `r3_gan.py`: only names and the order of axes differ.
"""

import re

from keras_gans.models.torch_weights import TorchWeights
from keras_gans.models.torch_weights import from_torch_kernel
from keras_gans.models.torch_weights import read_networks
from keras_gans.models.torch_weights import torch_shape

IGNORED = (".Kernel",)  # of the filter for changes of size
ADVICE = "Networks must be of train.py of brownvc/R3GAN, with 3 channels."


def r3_gan_from_official(cls, source, discriminator=None, **kwargs):
    """Makes a model with the weights; see `R3GAN.from_official`."""
    states = {
        name: {key.removeprefix("Model."): value for key, value in state.items()}
        for name, state in read_networks(source, discriminator).items()
    }
    model = cls(**sizes_of(states["G_ema"]), **kwargs)
    load_generator(model.generator, states["G"])
    load_generator(model.ema_generator, states["G_ema"])
    if "D" in states:
        load_discriminator(model.discriminator, states["D"])
    return model


def sizes_of(state):
    """Arguments of `R3GAN` for the generator of a state dict.

    Args:
        state: Dict, name -> array.

    Raises:
        ValueError: If it is not such a generator.
    """
    basis, linear = (
        f"MainLayers.0.Layers.0.{name}" for name in ("Basis", "LinearLayer.weight")
    )
    image = "AggregationLayer.Layer.weight"
    if not {basis, linear, image} <= set(state):
        raise ValueError(
            f"Expected: a generator of R3GAN, with {basis}, {linear} and {image}. "
            f"Received: {', '.join(list(state)[:6])}. {ADVICE}"
        )
    stages = 1 + max(int(m[1]) for m in map(_STAGE.match, state) if m)
    blocks = max(int(m[2]) for m in map(_STAGE.match, state) if m and m[1] == "0")
    first = "MainLayers.{}.Layers.1.LinearLayer{}.Layer.weight".format
    channels = [state[first(i, 1)].shape[1] for i in range(stages)]
    width = channels[0]
    usual = [width >> max(0, i - 3) for i in range(stages)]
    latent_dim, num_classes = state[linear].shape[1], None
    if "EmbeddingLayer.weight" in state:
        embedded, num_classes = state["EmbeddingLayer.weight"].shape
        latent_dim -= embedded
        if embedded != latent_dim:
            raise ValueError(
                "Expected: an embedding of classes of the size of the latents, "
                f"{latent_dim}. Received: {embedded}."
            )
    side = state[basis].shape[1] << (stages - 1)
    return {
        "image_shape": (side, side, state[image].shape[0]),
        "num_classes": num_classes,
        "width": width,
        "channels": None if channels == usual else channels,
        "blocks": blocks,
        "group_size": state[first(0, 2)].shape[1],
        "latent_dim": latent_dim,
    }


_STAGE = re.compile(r"MainLayers\.(\d+)\.Layers\.(\d+)\.")


class _Loader:
    """Takes the parts that both networks have."""

    def __init__(self, network, state):
        self.network = network
        self.names = {layer.name for layer in network.layers}
        self.stages = 1 + max(
            int(m[1]) for m in (re.match(r"stage_(\d+)_", n) for n in self.names) if m
        )
        self.blocks = 1 + max(
            int(m[1])
            for m in (re.match(r"stage_0_block_(\d+)_", n) for n in self.names)
            if m
        )
        self.weights = TorchWeights(state, IGNORED)

    def kernel(self, name, key):
        variable = self.network.get_layer(name).kernel
        value = self.weights.take(key, *torch_shape(variable))
        self.weights.assign(variable, from_torch_kernel(value))

    def convolution(self, name, key):
        """A convolution, if the network has it."""
        if name in self.names:
            self.kernel(name, f"{key}.Layer.weight")

    def block(self, i, j, key):
        """A residual block, whose bias is that of the activation after it."""
        name = f"stage_{i}_block_{j}"
        for index, part in enumerate(("expand", "grouped", "project"), 1):
            self.convolution(f"{name}_{part}", f"{key}.LinearLayer{index}")
        for index, part in ((1, "expand"), (2, "grouped")):
            bias = self.network.get_layer(f"{name}_{part}").bias
            value = self.weights.take(f"{key}.NonLinearity{index}.Bias", *bias.shape)
            self.weights.assign(bias, value)


def load_generator(network, state):
    """Loads a state dict into an `R3GAN` generator.

    Raises:
        ValueError: If names or shapes do not fit.
    """
    loader = _Loader(network, state)
    for i in range(loader.stages):
        first = f"MainLayers.{i}.Layers.0"
        if i == 0:
            loader.kernel("dense", f"{first}.LinearLayer.weight")
            basis = network.get_layer("basis").basis
            height, width, channels = basis.shape
            value = loader.weights.take(f"{first}.Basis", channels, height, width)
            loader.weights.assign(basis, value.transpose(1, 2, 0))
        else:
            loader.convolution(f"stage_{i}_channels", f"{first}.LinearLayer")
        for j in range(loader.blocks):
            loader.block(i, j, f"MainLayers.{i}.Layers.{j + 1}")
    loader.convolution("to_image", "AggregationLayer")
    if "embedding" in loader.names:
        loader.kernel("embedding", "EmbeddingLayer.weight")
    loader.weights.finish(ADVICE)


def load_discriminator(network, state):
    """Loads a state dict into an `R3GAN` discriminator.

    Raises:
        ValueError: If names or shapes do not fit.
    """
    loader = _Loader(network, state)
    loader.convolution("from_image", "ExtractionLayer")
    for i in range(loader.stages):
        stage = f"MainLayers.{loader.stages - 1 - i}.Layers"
        for j in range(loader.blocks):
            loader.block(i, j, f"{stage}.{j}")
        last = f"{stage}.{loader.blocks}"
        if i > 0:
            loader.convolution(f"stage_{i}_channels", f"{last}.LinearLayer")
            continue
        basis = network.get_layer("basis").basis
        height, width, channels = basis.shape
        value = loader.weights.take(f"{last}.Basis.weight", channels, 1, height, width)
        loader.weights.assign(basis, value[:, 0].transpose(1, 2, 0))
        conditional = "embedding" in loader.names
        name = "projection" if conditional else "logit"
        loader.kernel(name, f"{last}.LinearLayer.weight")
        if conditional:
            loader.kernel("embedding", "EmbeddingLayer.weight")
    loader.weights.finish(ADVICE)
