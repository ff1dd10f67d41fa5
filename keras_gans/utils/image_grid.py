"""Pictures of what a model generates: grids of images, scatter plots, animations."""

import argparse
import math
import pathlib

import numpy as np
from PIL import Image
from PIL import PngImagePlugin

from keras_gans.utils.files import atomic_path


def make_grid(images, columns=None, padding=1, value=255):
    """Arranges images in rows, from left to right, then down.

    Args:
        images: uint8 `(N, H, W, C)`, C of 1, 3 or 4.
        columns: Int, images in a row. Defaults to a grid about as wide as high.
        padding: Int, pixels between images and around the grid.
        value: Int in 0..255, of the padding and of places left over.

    Returns:
        uint8 `(rows * (H + padding) + padding, columns * (W + padding) + padding, C)`.

    Raises:
        ValueError: If `images` are not such images.

    Example:

    >>> make_grid(np.zeros((6, 8, 8, 3), "uint8"), columns=3).shape
    (19, 28, 3)
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4) or not len(images):
        raise ValueError(
            "Expected: images of shape (N, H, W, C) with C of 1, 3 or 4. "
            f"Received: {images.shape}."
        )
    if images.dtype != np.uint8:
        raise ValueError(
            f"Expected: uint8 images in 0..255. Received: {images.dtype}. Convert "
            "floats in [-1, 1] with `((x + 1) * 127.5).round().astype('uint8')`."
        )
    count, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = -(-count // columns)
    cells = np.full(
        (rows * columns, height + padding, width + padding, channels), value, "uint8"
    )
    cells[:count, :height, :width] = images
    cells = cells.reshape(rows, columns, *cells.shape[1:])
    # (rows, columns, H, W, C) -> (rows, H, columns, W, C) -> one image
    grid = cells.swapaxes(1, 2).reshape(
        rows * (height + padding), columns * (width + padding), channels
    )
    sides = ((padding, 0), (padding, 0), (0, 0))
    return np.pad(grid, sides, constant_values=value)


def scatter_plot(points, real=None, size=480):
    """Draws points of the plane.

    Args:
        points: Float `(N, D)`, D of at least 2; the first two coordinates are drawn.
        real: Optional float `(M, D)`, drawn beneath in grey; they also fix the axes.
            Without them the axes fit the points.
        size: Int, side of the picture in pixels.

    Returns:
        uint8 `(size, size, 3)`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    points = np.asarray(points)[:, :2]
    figure = Figure(figsize=(size / 100, size / 100), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.09, 0.07, 0.88, 0.9))
    framed = points
    if real is not None:
        framed = np.asarray(real)[:, :2]
        axes.scatter(*framed.T, s=3, c="0.75", linewidths=0)
    axes.scatter(*points.T, s=3, c="tab:blue", linewidths=0)
    finite = framed[np.isfinite(framed).all(axis=1)]
    low, high = (finite.min(0), finite.max(0)) if len(finite) else (-1.0, 1.0)
    center = np.broadcast_to((low + high) / 2, (2,))
    reach = max(0.6 * float(np.max(high - low)), 1e-3)
    axes.set_xlim(center[0] - reach, center[0] + reach)
    axes.set_ylim(center[1] - reach, center[1] + reach)
    axes.tick_params(labelsize=8)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def save_image(image, path, text=None):
    """Writes one image, in the format of the suffix; never a half-written file.

    Args:
        image: uint8 `(H, W, C)`, C of 1, 3 or 4.
        path: Where to.
        text: Optional dict of strings, stored in the file if it is a PNG.
    """
    path = picture_path(path)
    if image.shape[-1] == 4 and path.suffix.lower() in (".jpg", ".jpeg"):
        raise ValueError(
            "Expected: for images with transparency, a path of a format that has it, "
            f"such as .png or .webp. Received: {str(path)!r}."
        )
    image = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    options = {}
    if text and str(path).endswith(".png"):
        options["pnginfo"] = PngImagePlugin.PngInfo()
        for key, value in text.items():
            options["pnginfo"].add_text(key, value)
    with atomic_path(path) as temporary:
        image.save(temporary, **options)


class _PathError(ValueError, argparse.ArgumentTypeError):
    """An error of a path, or of an argument of a command, which tells the message."""


def picture_path(path):
    """A path that Pillow can write a picture to, by its suffix.

    Args:
        path: Str or path; also as `type=` of an argument of a command.

    Returns:
        `pathlib.Path`.

    Raises:
        ValueError: If its suffix is of no such format; of a kind that `argparse` shows.
    """
    path = pathlib.Path(path)
    kind = Image.registered_extensions().get(path.suffix.lower())
    if kind not in Image.SAVE:
        raise _PathError(
            "Expected: the path of a picture with its format as the suffix, such as "
            f"samples.png. Received: {str(path)!r}."
        )
    return path


def save_grid(images, path, columns=None):
    """Writes images as one picture; see `make_grid`.

    Args:
        images: uint8 `(N, H, W, C)`, C of 1, 3 or 4.
        path: Where to, for instance "samples.png".
        columns: Int, images in a row.

    Example:

    ```python
    save_grid(gan.generate(64, seed=0), "samples.png")
    ```
    """
    save_image(make_grid(images, columns), path)


def read_text(path, key):
    """Returns what `save_image(text=)` stored in a PNG under `key`, or None."""
    try:
        with Image.open(path) as image:
            return image.info.get(key)
    except OSError:
        return None


def save_animation(
    paths, path, max_frames=100, max_side=640, milliseconds=120, hold=2000
):
    """Writes pictures as an animation, WebP or GIF by the suffix, repeated forever.

    Args:
        paths: Paths of the pictures, in order. Those of another size than the last
            one are left out.
        path: Where to.
        max_frames: Int; of more pictures as many are taken, evenly spaced, the first
            and the last among them.
        max_side: Int; larger pictures are scaled down to this side in pixels.
        milliseconds: Int, time of a frame.
        hold: Int, time of the last frame.
    """
    with Image.open(paths[-1]) as last:
        size, mode = last.size, "RGBA" if last.mode == "RGBA" else "RGB"
    kept = []
    for candidate in paths:
        with Image.open(candidate) as image:
            if image.size == size:
                kept.append(candidate)
    if len(kept) > max_frames:
        rows = np.linspace(0, len(kept) - 1, max_frames).round().astype(int)
        kept = [kept[row] for row in rows]
    frames = []
    for candidate in kept:
        with Image.open(candidate) as image:
            frame = image.convert(mode)
        frame.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
        frames.append(frame)
    save_frames(frames, path, [milliseconds] * (len(frames) - 1) + [hold])


def save_frames(frames, path, durations):
    """Writes images as an animation, WebP or GIF by the suffix, repeated forever.

    Args:
        frames: List of `PIL.Image.Image`, of one size.
        path: Where to.
        durations: List of ints, milliseconds of each.
    """
    with atomic_path(path) as temporary:
        frames[0].save(
            temporary,
            save_all=True,
            append_images=frames[1:],
            duration=durations,
            loop=0,
        )
