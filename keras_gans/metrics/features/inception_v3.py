"""The Inception network of the FID, built in Keras.

Szegedy et al. 2016, arXiv:1512.00567, with the weights of 2015-12-05 that Heusel et al.
2017, arXiv:1706.08500, defined the FID by. It is not `keras.applications`' network:
average pools leave the padding out, the last block pools by maximum, the classifier
has 1,008 outputs, and batch normalization's epsilon is 1e-3.

Deviations, which change results by rounding alone: batch normalization is folded into
the kernels, and 1x1 convolutions come before average pools, with which they commute.
"""

import functools

import keras
from keras import layers

from keras_gans import backend
from keras_gans.layers import Conv2D
from keras_gans.metrics.features.extractor import FeatureExtractor
from keras_gans.metrics.features.state_dict import array
from keras_gans.metrics.features.state_dict import folded_convolution
from keras_gans.utils.download import cached_download
from keras_gans.utils.download import sha256
from keras_gans.utils.torch_file import read_torch_file

NAME = "inception_v3_fid"
URL = (
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
    "pt_inception-2015-12-05-6726825d.pth"
)
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
SIZE = 95_628_359
_EPSILON = 1e-3
# Ends of the parts between which the resolution changes, as perceptual distances use.
MAP_LAYERS = (
    "Conv2d_2b_3x3", "Conv2d_4a_3x3", "Mixed_5d", "Mixed_6e", "Mixed_7c",
)  # fmt: skip


@keras.saving.register_keras_serializable("keras_gans")
class Pool(layers.Layer):
    """The maximum or average of 3 x 3 pixels, without copies that Keras' makes.

    Args:
        kind: "max" or "average".
        strides: Int.
        padding: "valid" or, with a stride of 1, "same"; padding takes no part.
    """

    def __init__(self, kind, strides=1, padding="valid", **kwargs):
        super().__init__(**kwargs)
        self.kind, self.strides, self.padding = kind, strides, padding

    def call(self, inputs):
        """Maps `(B, H, W, C)` to `(B, H', W', C)`."""
        return backend.pool(inputs, 3, self.strides, self.padding, self.kind)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {
            "kind": self.kind,
            "strides": self.strides,
            "padding": self.padding,
        }


def _conv(x, name, filters, size=1, strides=1, padding="same", activation="relu"):
    """A convolution with folded batch normalization, then ReLU."""
    return Conv2D(
        filters, size, strides, padding, activation=activation, dtype="float32",
        name=name,
    )(x)  # fmt: skip


def _average_branch(x, name, filters):
    """The 3x3 average without padding, then 1x1; the other way round, as cheaper."""
    x = _conv(x, f"{name}__branch_pool", filters, activation=None)
    x = Pool("average", padding="same", dtype="float32")(x)
    return layers.ReLU(dtype="float32")(x)


def _join(branches, name):
    return layers.Concatenate(name=name, dtype="float32")(branches)


def _max_pool(x):
    return Pool("max", strides=2, dtype="float32")(x)


def _block_a(x, name, pool_filters):
    b5 = _conv(x, f"{name}__branch5x5_1", 48)
    b3 = _conv(x, f"{name}__branch3x3dbl_1", 64)
    b3 = _conv(b3, f"{name}__branch3x3dbl_2", 96, 3)
    branches = [
        _conv(x, f"{name}__branch1x1", 64),
        _conv(b5, f"{name}__branch5x5_2", 64, 5),
        _conv(b3, f"{name}__branch3x3dbl_3", 96, 3),
        _average_branch(x, name, pool_filters),
    ]
    return _join(branches, name)


def _block_b(x, name):
    b3 = _conv(x, f"{name}__branch3x3dbl_1", 64)
    b3 = _conv(b3, f"{name}__branch3x3dbl_2", 96, 3)
    branches = [
        _conv(x, f"{name}__branch3x3", 384, 3, 2, "valid"),
        _conv(b3, f"{name}__branch3x3dbl_3", 96, 3, 2, "valid"),
        _max_pool(x),
    ]
    return _join(branches, name)


def _block_c(x, name, filters):
    b7 = _conv(x, f"{name}__branch7x7_1", filters)
    b7 = _conv(b7, f"{name}__branch7x7_2", filters, (1, 7))
    double = _conv(x, f"{name}__branch7x7dbl_1", filters)
    for i, size in ((2, (7, 1)), (3, (1, 7)), (4, (7, 1))):
        double = _conv(double, f"{name}__branch7x7dbl_{i}", filters, size)
    branches = [
        _conv(x, f"{name}__branch1x1", 192),
        _conv(b7, f"{name}__branch7x7_3", 192, (7, 1)),
        _conv(double, f"{name}__branch7x7dbl_5", 192, (1, 7)),
        _average_branch(x, name, 192),
    ]
    return _join(branches, name)


def _block_d(x, name):
    b3 = _conv(x, f"{name}__branch3x3_1", 192)
    b7 = _conv(x, f"{name}__branch7x7x3_1", 192)
    b7 = _conv(b7, f"{name}__branch7x7x3_2", 192, (1, 7))
    b7 = _conv(b7, f"{name}__branch7x7x3_3", 192, (7, 1))
    branches = [
        _conv(b3, f"{name}__branch3x3_2", 320, 3, 2, "valid"),
        _conv(b7, f"{name}__branch7x7x3_4", 192, 3, 2, "valid"),
        _max_pool(x),
    ]
    return _join(branches, name)


def _block_e(x, name, max_pool):
    b3 = _conv(x, f"{name}__branch3x3_1", 384)
    double = _conv(x, f"{name}__branch3x3dbl_1", 448)
    double = _conv(double, f"{name}__branch3x3dbl_2", 384, 3)
    if max_pool:
        pool = Pool("max", padding="same", dtype="float32")(x)
        pool = _conv(pool, f"{name}__branch_pool", 192)
    else:
        pool = _average_branch(x, name, 192)
    branches = [
        _conv(x, f"{name}__branch1x1", 320),
        _conv(b3, f"{name}__branch3x3_2a", 384, (1, 3)),
        _conv(b3, f"{name}__branch3x3_2b", 384, (3, 1)),
        _conv(double, f"{name}__branch3x3dbl_3a", 384, (1, 3)),
        _conv(double, f"{name}__branch3x3dbl_3b", 384, (3, 1)),
        pool,
    ]
    return _join(branches, name)


def inception_v3():
    """Builds the network, with random weights.

    Returns:
        Keras model from normalized images, float32 `(B, 299, 299, 3)`, to a dict of
        "features" `(B, 2048)` and "logits" `(B, 1008)`, without their bias, as the
        Inception score of the literature has it.
    """
    images = keras.Input((299, 299, 3), dtype="float32")
    x = _conv(images, "Conv2d_1a_3x3", 32, 3, 2, "valid")
    x = _conv(x, "Conv2d_2a_3x3", 32, 3, padding="valid")
    x = _conv(x, "Conv2d_2b_3x3", 64, 3)
    x = _max_pool(x)
    x = _conv(x, "Conv2d_3b_1x1", 80)
    x = _conv(x, "Conv2d_4a_3x3", 192, 3, padding="valid")
    x = _max_pool(x)
    for name, filters in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
        x = _block_a(x, name, filters)
    x = _block_b(x, "Mixed_6a")
    for name, filters in zip("bcde", (128, 160, 160, 192), strict=True):
        x = _block_c(x, f"Mixed_6{name}", filters)
    x = _block_d(x, "Mixed_7a")
    x = _block_e(x, "Mixed_7b", max_pool=False)
    x = _block_e(x, "Mixed_7c", max_pool=True)
    features = layers.GlobalAveragePooling2D(dtype="float32", name="features")(x)
    logits = layers.Dense(1008, use_bias=False, dtype="float32", name="fc")(features)
    return keras.Model(images, {"features": features, "logits": logits}, name=NAME)


def load_state_dict(model, state):
    """Sets the weights of `inception_v3()` from a PyTorch state dict.

    Args:
        model: What `inception_v3` returned.
        state: Dict, name -> array, in the layout of torchvision's network, which
            pytorch-fid and torch-fidelity share.

    Raises:
        ValueError: If arrays are missing, or of another shape.
    """
    for layer in model.layers:
        if isinstance(layer, Conv2D):
            key = layer.name.replace("__", ".")  # on torch, names cannot have dots
            names = f"{key}.conv", f"{key}.bn"
            layer.set_weights(
                folded_convolution(state, *names, layer.kernel.shape, _EPSILON)
            )
    fc = array(state, "fc.weight", (1008, 2048))
    model.get_layer("fc").set_weights([fc.T])


class InceptionV3FID(FeatureExtractor):
    """The 2,048 features that the FID is defined by.

    Args:
        resize: "tf1" (default), "torch" or "clean", to 299 x 299. Pixels x become
            (x - 128) / 128 or, with "torch", x / 127.5 - 1, each as its reference
            does.
        quantize: As in `FeatureExtractor`.
        weights: Optional path of a file of weights in the same layout; by default the
            FID's are downloaded (91 MB) on first use. With others the name is not the
            FID's, but has the beginning of their SHA-256.

    Raises:
        OSError: If the weights cannot be downloaded, with how to place them by hand.
        ValueError: If the file is damaged.
    """

    default_resize = "tf1"

    def __init__(self, resize=None, quantize=True, weights=None):
        name = NAME
        if weights is None:
            weights, digest = cached_download(URL, SHA256, SIZE), SHA256
        else:
            digest = sha256(weights)
        if digest != SHA256:
            name = f"inception_v3_{digest[:8]}"
        network = _load(weights, digest)
        super().__init__(network, name=name, resize=resize, quantize=quantize)

    def normalize(self, pixels):
        """As the reference of the resize does it."""
        if self.resize == "torch":
            return super().normalize(pixels)
        pixels -= 128.0
        pixels /= 128.0
        return pixels

    def maps_network(self):
        """Five maps of falling resolution, 147 to 8 pixels wide."""
        return _maps(self.network)


@functools.lru_cache(maxsize=1)
def _load(path, digest):
    model = inception_v3()
    load_state_dict(model, read_torch_file(path))
    model.trainable = False
    return model


@functools.lru_cache(maxsize=1)
def _maps(network):
    outputs = [network.get_layer(name).output for name in MAP_LAYERS]
    return keras.Model(network.input, outputs)
