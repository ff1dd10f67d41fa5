"""Enlarges images of any size with a network, tile by tile if they are large."""

import numpy as np

from keras_gans.layers import PixelUnshuffle
from keras_gans.models.sampling import whole_batches
from keras_gans.tiling import apply_in_tiles
from keras_gans.utils.prediction import predict


def upscale(network, images, tile=None, overlap=32, *, batch_size=1, verbose=1):
    """Enlarges images.

    Args:
        network: A `keras.Model` from `(B, H, W, C)` to `(B, s H, s W, C)` in [-1, 1],
            for any H and W, such as those of `srresnet`, `rrdb_network` and
            `rrdb_from_official`.
        images: uint8 `(N, H, W, C)`.
        tile: Optional int or `(h, w)`, pixels of the small images that are enlarged at
            a time, such as 256, where memory does not last for the whole; see
            `apply_in_tiles`.
        overlap: Int, pixels that neighbouring tiles share. Networks as deep as
            ESRGAN's look farther, but hardly.
        batch_size: Int, images at a time.
        verbose: 1 shows a progress bar of the tiles, 0 does not.

    Returns:
        uint8 `(N, s H, s W, C)`.

    Raises:
        ValueError: If images are not such images, or tiles do not fit.

    Example:

    ```python
    network = kg.models.super_resolution.rrdb_from_official("RealESRGAN_x4plus.pth")
    large = kg.models.super_resolution.upscale(network, images, tile=256)
    ```
    """
    images = np.asanyarray(images)
    channels = network.input_shape[-1]
    if images.ndim != 4 or images.shape[-1] != channels or images.dtype != np.uint8:
        raise ValueError(
            f"Expected: uint8 images of shape (N, H, W, {channels}). Received: "
            f"{images.dtype} {images.shape}."
        )
    multiple = multiple_of(network)
    if tile is None:
        overlap = verbose = 0
        tile = [-(-side // multiple) * multiple for side in images.shape[1:3]]

    def enlarge(part):
        rows, size = whole_batches(len(part), batch_size)
        part = part[rows].astype("float32") / 127.5 - 1.0
        large = predict(network, part, size)[: len(images)]
        return np.rint(np.clip((large + 1.0) * 127.5, 0.0, 255.0)).astype("uint8")

    return apply_in_tiles(
        enlarge,
        images,
        tile,
        overlap,
        scale=_scale(network, multiple),
        multiple=multiple,
        any_size=True,
        verbose=verbose,
    )


def multiple_of(network):
    """What the sides of the network's images must be multiples of."""
    factors = [
        layer.factor
        for layer in network._flatten_layers()
        if isinstance(layer, PixelUnshuffle)
    ]
    return int(np.prod(factors, dtype=int))


def _scale(network, multiple):
    """How many times as long the sides of the network's results are."""
    side = 16 * multiple
    shape = (None, side, side, network.input_shape[-1])
    return network.compute_output_shape(shape)[1] // side
