"""Handwritten digits, 8x8 pixels: 1,797 images with which anything can be tried fast.

Alpaydin and Kaynak 1998 (UCI), scikit-learn's copy. BSD-3-Clause licence.
"""

import io

import numpy as np

from keras_gans.datasets import files
from keras_gans.datasets import images

CLASS_NAMES = tuple("0123456789")


def load(split, image_size):
    """Reads a split: of each class every fifth image is for testing."""
    with np.load(io.BytesIO(files.read("digits/digits.npz"))) as arrays:
        x, y = arrays["images"], arrays["labels"].astype("int32")
    rank = np.empty_like(y)  # the how-manyth of its class an image is
    for label in range(10):
        rows = np.flatnonzero(y == label)
        rank[rows] = np.arange(len(rows))
    keep = (rank % 5 == 4) == (split == "test")
    # 0..16 -> 0..255
    x = np.round(x[keep] * (255 / 16)).astype("uint8")[..., None]
    return images.resize(x, image_size), y[keep]
