"""Weights of the authors' PyTorch code (junyanz/pytorch-CycleGAN-and-pix2pix).

Its networks are those of `networks.py`; files such as `latest_net_G.pth` hold a state
dict. Instance normalization has no weights. Files of 2018 have running statistics for
it, which are ignored: the networks were tested with those of each image.
"""

import numpy as np

from keras_gans.models.torch_weights import TorchWeights
from keras_gans.models.torch_weights import as_state
from keras_gans.models.torch_weights import from_torch_kernel
from keras_gans.models.torch_weights import torch_shape
from keras_gans.models.translation.networks import patch_discriminator
from keras_gans.models.translation.networks import resnet_generator
from keras_gans.models.translation.networks import unet_generator
from keras_gans.models.translation.official_names import ADVICE
from keras_gans.models.translation.official_names import options_of
from keras_gans.models.translation.official_names import parts_of
from keras_gans.models.translation.official_names import variables_of

COUNTER = (".num_batches_tracked",)
STATISTICS = (".running_mean", ".running_var")


def generator_from_official(
    source, image_size=None, normalization=None, dropout=True, noise=True
):
    """Makes a generator with the weights of a file; options are told from them.

    Args:
        source: Path of a `.pth` file, or a state dict with NumPy arrays.
        image_size: Int or `(H, W)`; None for 256, or `2**depth` of a U-Net.
        normalization: None for the file's, of which "batch" may be replaced by
            "test_batch"; see `resnet_generator`. pix2pix was tested with "test_batch".
        dropout: Bool, whether a U-Net has dropout; of others the file tells.
        noise: Bool, whether dropout acts in inference too.

    Returns:
        A `keras.Model` as of `resnet_generator` or `unet_generator`.

    Raises:
        ValueError: If it is no such generator.

    Example:

    ```python
    generator = generator_from_official("checkpoints/horse2zebra/latest_net_G.pth")
    zebras = generator(horses)  # (B, 256, 256, 3) in [-1, 1]
    ```
    """
    state = as_state(source)
    options = options_of(state)
    kind = options.pop("kind")
    if kind == "discriminator":
        raise ValueError(
            "Expected: a generator, such as latest_net_G.pth. Received: a "
            "discriminator. Take `discriminator_from_official`."
        )
    channels = options.pop("channels_in")
    side = 1 << options["depth"] if kind == "unet" else 256
    options |= {"normalization": normalization or options["normalization"]}
    if kind == "unet":
        options["dropout"] = dropout
    make = unet_generator if kind == "unet" else resnet_generator
    network = make((*_size(image_size or side), channels), noise=noise, **options)
    load_official(network, state)
    return network


def discriminator_from_official(
    source, image_size=256, condition_channels=0, normalization=None
):
    """Makes a discriminator with the weights of a file.

    Args:
        source: As in `generator_from_official`.
        image_size: Int or `(H, W)`.
        condition_channels: Int, how many of its channels are those of a condition:
            pix2pix' are the ones of its generator's input, CycleGAN's 0.
        normalization: As in `generator_from_official`.

    Returns:
        A `keras.Model` as of `patch_discriminator`.

    Raises:
        ValueError: If it is no such discriminator.
    """
    state = as_state(source)
    options = options_of(state)
    if options.pop("kind") != "discriminator":
        raise ValueError(
            "Expected: a discriminator, such as latest_net_D.pth. Received: a "
            "generator. Take `generator_from_official`."
        )
    channels = options.pop("channels_in") - condition_channels
    if condition_channels < 0 or channels < 1:
        raise ValueError(
            "Expected: `condition_channels` fewer than the channels that the network "
            f"sees. Received: {condition_channels} of {channels + condition_channels}."
        )
    options |= {"normalization": normalization or options["normalization"]}
    shape = (*_size(image_size), channels)
    network = patch_discriminator(shape, condition_channels, **options)
    load_official(network, state)
    return network


def cycle_gan_from_official(
    cls, generator_b, generator_a=None, discriminator_b=None, discriminator_a=None,
    image_size=None, **kwargs,
):  # fmt: skip
    """`CycleGAN.from_official`; see there."""
    # U-Nets do not tell whether they had dropout; CycleGAN's have none.
    network = generator_from_official(generator_b, image_size, dropout=False)
    networks = {"generator_b": network}
    (_, *shape_a), (_, *shape_b) = _shapes(network)
    if generator_a is not None:
        networks["generator_a"] = generator_from_official(
            generator_a, shape_a[:2], dropout=False
        )
    for name, source in (
        ("discriminator_b", discriminator_b),
        ("discriminator_a", discriminator_a),
    ):
        if source is not None:
            networks[name] = discriminator_from_official(source, shape_a[:2])
    return cls(tuple(shape_a), tuple(shape_b), **networks, **kwargs)


def pix2pix_from_official(
    cls, generator, discriminator=None, image_size=None, **kwargs
):
    """`Pix2Pix.from_official`; see there."""
    state = as_state(generator)
    # As the authors test: by the statistics of the batch.
    is_batch = options_of(state).get("normalization") == "batch"
    normalization = "test_batch" if is_batch else None
    networks = {"generator": generator_from_official(state, image_size, normalization)}
    (_, *shape_a), (_, *shape_b) = _shapes(networks["generator"])
    if discriminator is not None:
        networks["discriminator"] = discriminator_from_official(
            discriminator, shape_b[:2], shape_a[-1]
        )
    return cls(tuple(shape_a), tuple(shape_b), **networks, **kwargs)


def _shapes(network):
    return network.input_shape, network.output_shape


def _size(size):
    return (size, size) if isinstance(size, int) else tuple(size)


def load_official(network, source):
    """Takes weights over into a network that is there.

    Args:
        network: Of `resnet_generator`, `unet_generator` or `patch_discriminator`.
        source: As in `generator_from_official`.

    Raises:
        ValueError: If the arrays are not those of the network, with the options that
            differ.
    """
    state = as_state(source)
    parts = list(parts_of(network))
    normalized = any(hasattr(layer, "moving_mean") for layer, _ in parts)
    weights = TorchWeights(state, COUNTER if normalized else COUNTER + STATISTICS)
    for layer, prefix in parts:
        for variable, key in variables_of(layer, prefix):
            is_kernel = len(variable.shape) == 4
            shape = torch_shape(variable) if is_kernel else tuple(variable.shape)
            value = weights.take(key, *shape)
            weights.assign(variable, from_torch_kernel(value) if is_kernel else value)
    weights.finish(_advice(network, state))


def _advice(network, state):
    """Which options differ between a network and a state dict."""
    shapes = {
        key: np.broadcast_to(
            np.float32(0),
            torch_shape(variable) if len(variable.shape) == 4 else variable.shape,
        )
        for layer, prefix in parts_of(network)
        for variable, key in variables_of(layer, prefix)
    }
    theirs, ours = options_of(state), options_of(shapes)
    differing = [
        f"{name}={theirs[name]!r} (here {ours.get(name)!r})"
        for name in theirs
        if theirs[name] != ours.get(name)
    ]
    if not differing:
        return ADVICE
    return (
        f"The arrays are those of a {theirs['kind']} with {', '.join(differing)}: make "
        "the network with these options."
    )
