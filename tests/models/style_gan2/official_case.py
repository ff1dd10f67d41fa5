"""State dicts as NVlabs' and R3GAN's code writes them, of NumPy's random numbers.

The numbers of an array depend on its name and shape alone, so that the official code,
given the same, makes the images and logits that tests/golden/style_gan2_official.npz
and r3_gan_official.npz have. These files also have the names and shapes.
"""

import zlib

import numpy as np

FILTER = np.outer([1, 3, 3, 1], [1, 3, 3, 1]).astype("float32") / 64.0


def random_array(name, shape):
    """Random numbers of a usual size for an array of that name."""
    if name.endswith("resample_filter"):
        return FILTER
    rng = np.random.default_rng(zlib.crc32(f"{name} {tuple(shape)}".encode()))
    values = rng.standard_normal(shape)
    if "mapping.fc" in name:  # which are scaled by 0.01
        values = 100.0 * values
    elif name.endswith(("Layer.weight", "LinearLayer.weight", "EmbeddingLayer.weight")):
        values = 0.2 * values
    return np.asarray(values, "float32")


def random_state(shapes):
    """A state dict of such arrays, for a list of names and shapes."""
    return {name: random_array(name, shape) for name, shape in shapes}
