"""Fashion-MNIST: 70,000 grey images of clothes, 28x28, ten classes.

Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747. MIT licence.
"""

import gzip

import numpy as np

from keras_gans.datasets import files
from keras_gans.datasets import images
from keras_gans.utils.download import cached_download

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
HOME = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"

SIZES = {
    "train-images-idx3-ubyte.gz": 26_421_880,
    "train-labels-idx1-ubyte.gz": 29_515,
    "t10k-images-idx3-ubyte.gz": 4_422_102,
    "t10k-labels-idx1-ubyte.gz": 5_148,
}

_PREFIXES = {"train": "train", "test": "t10k"}


def load(split, image_size):
    """Reads a split from the zoo or, without a zoo, downloads it from its home.

    Size 32 gets a border of 2 zeros (the background) on each side, so that the clothes
    stay as they were drawn; any other size is resized.
    """
    prefix = _PREFIXES[split]
    x = _idx(_read(f"fashion_mnist/{prefix}-images-idx3-ubyte.gz"))[..., None]
    y = _idx(_read(f"fashion_mnist/{prefix}-labels-idx1-ubyte.gz")).astype("int32")
    if image_size == (32, 32):
        return np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0))), y
    return images.resize(x, image_size), y


def _read(name):
    if files.find(name):
        return files.read(name)
    file_name = name.rpartition("/")[2]
    try:
        path = cached_download(
            HOME + file_name, files.SHA256[name], SIZES[file_name], "fashion_mnist"
        )
    except (OSError, ValueError) as error:
        raise OSError(
            f"Fashion-MNIST is not on this machine and {HOME}{file_name} could not be "
            f"downloaded. Received: {error}. Install the zoo, which has the data set: "
            "pip install keras-gans[zoo]"
        ) from error
    return files.verified(path, name)


def _idx(content):
    """Parses the idx format: 0, 0, type (8: uint8), rank, big-endian sizes, values."""
    raw = gzip.decompress(content)
    rank = raw[3]
    shape = np.frombuffer(raw, ">u4", count=rank, offset=4)
    # A copy: what frombuffer returns cannot be written to.
    return np.frombuffer(raw, "uint8", offset=4 + 4 * rank).reshape(shape).copy()
