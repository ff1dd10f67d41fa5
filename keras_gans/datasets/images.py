"""Pictures of any kind to uint8 arrays of one size. Resizing is Pillow's Lanczos."""

import contextlib

import numpy as np
from PIL import Image
from PIL import ImageColor
from PIL import ImageOps

CROPS = ("center", "none")

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # Pillow's, by number of channels


def parse_size(image_size):
    """Returns (H, W) for an int or a pair of ints; refuses anything else."""
    sides = image_size if isinstance(image_size, tuple | list) else (image_size,) * 2
    whole = all(isinstance(side, int | np.integer) for side in sides)
    if len(sides) != 2 or not whole or any(side < 1 for side in sides):
        raise ValueError(
            "`image_size` is wrong. Expected: a number of pixels (square images), or "
            f"a pair (height, width). Received: {image_size!r}."
        )
    return int(sides[0]), int(sides[1])


def check_options(channels, crop, background):
    """Refuses options that `normalize` and `fit` do not know."""
    if channels not in _MODES:
        raise ValueError(
            "`channels` is wrong. Expected: 1 (grey), 3 (RGB) or 4 (RGBA). "
            f"Received: {channels!r}."
        )
    if crop not in CROPS:
        raise ValueError(
            f"`crop` is wrong. Expected: one of {list(CROPS)}. Received: {crop!r}."
        )
    try:
        ImageColor.getrgb(background)
    except (ValueError, AttributeError, TypeError):
        raise ValueError(
            "`background` is wrong. Expected: a colour as in HTML, such as 'white' or "
            f"'#808080'. Received: {background!r}."
        ) from None


def resize(images, size):
    """Resizes a uint8 array (N, H, W, C) to `size`, (H, W); `None` keeps it."""
    if size is None or size == images.shape[1:3]:
        return images
    channels = images.shape[-1]
    resized = np.empty((len(images), *size, channels), "uint8")
    for i, image in enumerate(images):
        # Pillow wants grey images as (H, W).
        picture = Image.fromarray(image[..., 0] if channels == 1 else image)
        resized[i] = fit(picture, size, crop="none")
    return resized


def normalize(picture, channels=3, background="white"):
    """Makes any Pillow image an upright one with 8 bits a channel.

    Args:
        picture: `PIL.Image.Image` of any size and mode.
        channels: 1 (grey), 3 (RGB) or 4 (RGBA, transparency kept).
        background: Colour put behind transparent pixels if `channels` is not 4.

    Returns:
        `PIL.Image.Image` of mode L, RGB or RGBA.

    Raises:
        ValueError: If the picture's values have no known range.
    """
    picture.load()  # what is wrong with the pixels is to be told
    with contextlib.suppress(Exception):  # what is wrong with EXIF alone is not
        picture = ImageOps.exif_transpose(picture)
    picture = _to_8_bits(picture)
    if picture.mode == "LAB":  # Pillow makes no grey of it
        picture = picture.convert("RGB")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        if channels != 4:
            behind = Image.new("RGBA", picture.size, background)
            picture = Image.alpha_composite(behind, picture)
    return picture.convert(_MODES[channels])


def fit(picture, size, crop="center"):
    """Resizes a picture that `normalize` made.

    Args:
        picture: `PIL.Image.Image` of mode L, RGB or RGBA.
        size: (H, W).
        crop: `"center"` cuts what exceeds the aspect ratio of `size`, `"none"`
            squeezes the whole picture into it.

    Returns:
        uint8 array (H, W, C).
    """
    height, width = size
    if crop == "center":
        picture = ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
    else:
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(picture).reshape(height, width, -1)  # (H, W) -> (H, W, 1)


def _to_8_bits(picture):
    """Scales 16-bit grey to 8 bits: Pillow's own conversion cuts off at 255."""
    if not picture.mode.startswith(("I", "F")):
        return picture
    values = np.asarray(picture)
    if picture.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise ValueError(
            f"pixels of mode {picture.mode} have no known range; save it with 8 or 16 "
            "bits a channel"
        )
    return Image.fromarray(np.round(values / 257).astype("uint8"))
