r"""Resizes of images before a feature network, in NumPy: the same on every backend.

FIDs differ by implementation mostly because resizes do (Parmar et al. 2022,
arXiv:2104.11222), so each is named after whose it is:

* "tf1": bilinear as in TensorFlow 1, without half-pixel centers and antialiasing: pixel
  i of n_out lies at `i * n_in / n_out`. TTUR's and torch-fidelity's.
* "torch": bilinear with half-pixel centers, without antialiasing: pixel i lies at
  `(i + 1/2) * n_in / n_out - 1/2`. pytorch-fid's (`torch.nn.functional.interpolate`).
* "clean": bicubic with antialiasing, by Pillow, on each channel in floats. clean-fid's.
* "none": images are taken as they are.
"""

import numpy as np
from PIL import Image

MODES = ("tf1", "torch", "clean", "none")


def resize(pixels, size, mode):
    """Resizes a batch.

    Args:
        pixels: Float32 `(B, H, W, C)`, values 0..255.
        size: `(h, w)`.
        mode: "tf1", "torch" or "clean".

    Returns:
        Float32 `(B, h, w, C)`, values 0..255.

    Example:

    >>> resize(np.ones((1, 2, 2, 3), "float32"), (4, 4), "tf1").shape
    (1, 4, 4, 3)
    """
    if pixels.shape[1:3] == tuple(size):
        return pixels
    if mode == "clean":
        return _pillow(pixels, size)
    height, width = size
    pixels = _interpolate(pixels, 2, width, mode)
    return _interpolate(pixels, 1, height, mode)


def _interpolate(pixels, axis, size, mode):
    """Linear interpolation along one axis."""
    # In float32, as the references do it: the fractions come out the same.
    scale = np.float32(pixels.shape[axis] / size)
    position = np.arange(size, dtype="float32")
    if mode == "torch":
        position = np.maximum((position + 0.5) * scale - np.float32(0.5), 0.0)
    else:
        position = position * scale
    low = np.minimum(position.astype(int), pixels.shape[axis] - 1)
    high = np.minimum(low + 1, pixels.shape[axis] - 1)
    shape = [1] * pixels.ndim
    shape[axis] = size
    fraction = (position - low.astype("float32")).reshape(shape)
    below = pixels.take(low, axis)
    between = pixels.take(high, axis)
    between -= below
    between *= fraction
    between += below
    return between


def _pillow(pixels, size):
    height, width = size
    count, channels = len(pixels), pixels.shape[-1]
    out = np.empty((count, height, width, channels), "float32")
    for i in range(count):
        for c in range(channels):
            channel = Image.fromarray(np.ascontiguousarray(pixels[i, ..., c]))
            out[i, ..., c] = channel.resize((width, height), Image.Resampling.BICUBIC)
    return np.clip(out, 0.0, 255.0, out=out)  # bicubic overshoots
