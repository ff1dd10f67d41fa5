"""Functions of images, applied tile by tile: for images larger than memory.

Tiles are of one size, so that a backend compiles once, and lie evenly, so that
neighbours share at least `overlap` pixels. Of these the `rim` next to either tile's
edge, which an image's end looked like to the function, is left out; in the middle one
tile goes over linearly into the next,

    (1 - w) a + w b = a + w (b - a),

which is a wherever both agree, to the last bit.

N: images, H, W: sides, C: channels.
"""

import keras
import numpy as np


def apply_in_tiles(
    fn,
    images,
    tile=256,
    overlap=32,
    *,
    scale=1,
    multiple=1,
    rim=None,
    any_size=False,
    verbose=1,
):
    """Applies a function to images in tiles, and blends its results.

    The result is that for the whole image if a pixel of it depends on no pixel farther
    than `rim`; else tiles differ a little where they meet, and blending hides it.

    Args:
        fn: Callable from `(N, h, w, C)` to `(N, scale * h, scale * w, C')`, NumPy, with
            h and w those of a tile.
        images: `(N, H, W, C)`, NumPy; a `numpy.memmap` is read tile by tile.
        tile: Int or `(h, w)`, pixels; multiples of `multiple`. Images that are smaller
            are padded by reflection, which `fn` may see at the borders, and results
            cropped.
        overlap: Int, pixels that neighbours share at least; less than a tile.
        scale: Int, how many times as long the sides of the results are.
        multiple: Int. Tiles begin at its multiples, and sides of images are padded to
            multiples of it, as a network that halves its features needs.
        rim: Int, pixels at inner edges of tiles that are not used, at most half of the
            overlap. Default: a quarter of it.
        any_size: Whether `fn` takes tiles of other sizes: those of images that are
            smaller are as small then, but for multiples of `multiple`.
        verbose: 1 shows a progress bar, 0 does not.

    Returns:
        `(N, scale * H, scale * W, C')`, of the dtype that `fn` returns; of integers
        blended ones are rounded.

    Raises:
        ValueError: If arguments do not fit together, or `fn` returns another shape.

    Example:

    >>> images = np.arange(300.0).reshape(1, 10, 30, 1)
    >>> np.array_equal(apply_in_tiles(np.copy, images, 8, 4, verbose=0), images)
    True
    """
    images = np.asanyarray(images)
    tile = tuple(tile) if isinstance(tile, tuple | list) else (tile, tile)
    rim = int(overlap // 4) if rim is None else rim
    _check(images, tile, overlap, scale, multiple, rim)
    count, height, width, _ = images.shape
    if any_size:
        wholes = [-(-side // multiple) * multiple for side in (height, width)]
        tile = tuple(map(min, tile, wholes))
    tops, lefts = (
        _starts(side, length, overlap, multiple)
        for side, length in zip((height, width), tile, strict=True)
    )
    ramp = scale * (overlap - 2 * rim)
    bar = keras.utils.Progbar(len(tops) * len(lefts), verbose=verbose, unit_name="tile")
    result = strip = None
    for row, top in enumerate(tops):
        rows = _reflected(top, tile[0], height)
        for column, left in enumerate(lefts):
            columns = _reflected(left, tile[1], width)
            part = _call(fn, images[:, rows[:, None], columns], scale)
            if strip is None:  # the tiles of a row, side by side
                length = scale * (lefts[-1] + tile[1])
                shape = (count, part.shape[1], length, part.shape[3])
                strip = np.empty(shape, part.dtype)
            _put(strip, part, 2, [scale * i for i in lefts[: column + 1]], ramp)
            bar.add(1)
        if result is None:
            length = scale * (tops[-1] + tile[0])
            result = np.empty((count, length, *strip.shape[2:]), strip.dtype)
        _put(result, strip, 1, [scale * i for i in tops[: row + 1]], ramp)
    return result[:, : scale * height, : scale * width]


def _check(images, tile, overlap, scale, multiple, rim):
    if images.ndim != 4 or not images.size:
        raise ValueError(
            "Expected: images of shape (N, H, W, C), none of them 0. Received: "
            f"{images.shape}."
        )
    least = {"scale": 1, "multiple": 1, "overlap": 0, "rim": 0}
    given = {"scale": scale, "multiple": multiple, "overlap": overlap, "rim": rim}
    for name, value in given.items():
        if not isinstance(value, int | np.integer) or value < least[name]:
            raise ValueError(
                f"Expected: `{name}` as an int of at least {least[name]}. Received: "
                f"{value!r}."
            )
    if len(tile) != 2 or any(
        not isinstance(side, int | np.integer) or side < 1 or side % multiple
        for side in tile
    ):
        raise ValueError(
            f"Expected: `tile` as an int or two, multiples of {multiple}. Received: "
            f"{tile}."
        )
    shared = -(-overlap // multiple) * multiple
    if shared >= min(tile):
        raise ValueError(
            f"Expected: `overlap` of less than a tile, {min(tile)}, also when it "
            f"is rounded up to a multiple of {multiple}. Received: {overlap}."
        )
    if 2 * rim > overlap:
        raise ValueError(
            f"Expected: `rim` of at most half of the overlap, {overlap // 2}. "
            f"Received: {rim}."
        )


def _starts(side, tile, overlap, multiple):
    """Where tiles begin along a side: as few as can be, evenly."""
    # In units of `multiple`; a side that is too short is padded at its end.
    free = max(0, -(-(side - tile) // multiple))
    if not free:
        return [0]
    step = tile // multiple - -(-overlap // multiple)
    gaps = -(-free // step)
    return [multiple * (free * i // max(gaps, 1)) for i in range(gaps + 1)]


def _reflected(start, length, side):
    """Indices of pixels from `start` on, which turn round at the end of a side."""
    if side == 1:
        return np.zeros(length, int)
    index = np.arange(start, start + length) % (2 * side - 2)
    return np.minimum(index, 2 * side - 2 - index)


def _call(fn, part, scale):
    """What the function makes of a tile, checked."""
    count, height, width, _ = part.shape
    result = np.asarray(fn(part))
    expected = (count, scale * height, scale * width)
    if result.ndim != 4 or result.shape[:3] != expected:
        raise ValueError(
            f"Expected: `fn` to return {(*expected, 'C')} for {part.shape} and "
            f"scale={scale}. Received: {result.shape}."
        )
    return result


def _put(whole, part, axis, starts, ramp):
    """Puts a part at the last of the starts, over those before it.

    Args:
        whole: Array that is written to.
        part: Array, shorter along the axis.
        axis: Int.
        starts: List of ints, where the parts so far begin.
        ramp: Int, pixels in which the part before goes over into this one.
    """
    whole, part = whole.swapaxes(0, axis), part.swapaxes(0, axis)
    start, length = starts[-1], len(part)
    first = 0  # pixel of the part from which on it is used
    if len(starts) > 1:
        shared = starts[-2] + length - start
        first = (shared - ramp) // 2
        old = whole[start + first : start + first + ramp]
        new = part[first : first + ramp]
        kind = old.dtype if np.issubdtype(old.dtype, np.floating) else "float64"
        weight = ((np.arange(ramp) + 0.5) / max(ramp, 1)).astype(kind)
        weight = weight.reshape(-1, *(1,) * (part.ndim - 1))
        mixed = old + weight * (new.astype(kind) - old)
        old[...] = mixed if kind == old.dtype else np.rint(mixed)
        first += ramp
    whole[start + first : start + length] = part[first:]
