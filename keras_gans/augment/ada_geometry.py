"""The geometric changes of ADA: Karras et al. 2020, arXiv:2006.06676, appendix B.

An image is doubled, resampled at the places that an affine map of the plane tells, and
halved. Places are relative to the middle of the image, in pixels.

B: batch, H, W: sides, C: channels, N: places.
"""

import functools
import math
from typing import Any
from typing import NamedTuple

import numpy as np
from keras import ops

# Daubechies' symlet of 6 vanishing moments, scaled to a sum of 1: doubled and halved
# with it an image is what it was, as its shifts by two are orthogonal.
SYM6 = tuple(
    tap / math.sqrt(2.0)
    for tap in (
        0.015404109327027373,
        0.0034907120842174702,
        -0.11799011114819057,
        -0.048311742585633,
        0.4910559419267466,
        0.787641141030194,
        0.3379294217276218,
        -0.07263752278646252,
        -0.021060292512300564,
        0.04472490177066578,
        0.0017677118642428036,
        -0.007800708325034148,
    )
)
MARGIN = len(SYM6) // 2  # pixels of the doubled image that the filter looks beyond
# The filter is not quite symmetric: its mean is this much off its middle.
OFFSET = sum(k * tap for k, tap in enumerate(SYM6)) - (len(SYM6) - 1) / 2.0


class Amounts(NamedTuple):
    """By how much each image is changed: `(B,)`, or `(B, 2)` along width and height."""

    xflip: Any  # 0 or 1
    quarters: Any  # 0 to 3, quarter turns
    xint: Any  # of the size, rounded to whole pixels
    scale: Any  # log2
    rotate: Any  # radians
    aniso: Any  # log2, of the width; the height's is the opposite
    rotate_after: Any  # radians
    xfrac: Any  # of the size


def matrices(amounts, size):
    """The maps from a place in the changed image to the one it shows of the given.

    Args:
        amounts: `Amounts`.
        size: `(H, W)`.

    Returns:
        `(B, 2, 3)`: rows of x and y, columns for x, y and 1.
    """
    height, width = size
    sides = ops.convert_to_tensor([float(width), float(height)])
    ones, zeros = ops.ones_like(amounts.scale), ops.zeros_like(amounts.scale)

    def scaling(x, y):
        return (x, zeros, zeros, y)

    def rotation(angle):
        # Of the place by the opposite angle.
        sine, cosine = ops.sin(angle), ops.cos(angle)
        return (cosine, sine, -sine, cosine)

    flip = 1.0 - 2.0 * amounts.xflip
    grown, stretched = ops.exp2(-amounts.scale), ops.exp2(-amounts.aniso)
    # The order of the changes is that of the factors: a place of the result goes
    # through the last change first.
    linear = scaling(flip, ones)
    linear = _product(linear, rotation(amounts.quarters * (-math.pi / 2.0)))
    shift = ops.round(amounts.xint * sides)
    offset = _apply(linear, -shift[:, 0], -shift[:, 1])
    linear = _product(linear, scaling(grown, grown))
    linear = _product(linear, rotation(amounts.rotate))
    linear = _product(linear, scaling(stretched, 1.0 / stretched))
    linear = _product(linear, rotation(amounts.rotate_after))
    moved = amounts.xfrac * sides
    last = _apply(linear, -moved[:, 0], -moved[:, 1])
    a, b, c, d = linear
    x, y = offset[0] + last[0], offset[1] + last[1]
    rows = [ops.stack([a, b, x], axis=1), ops.stack([c, d, y], axis=1)]
    return ops.stack(rows, axis=1)


def _product(first, second):
    """The product of 2 x 2 matrices, each a row-major tuple of `(B,)`."""
    (a, b, c, d), (e, f, g, h) = first, second
    return (a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h)


def _apply(matrix, x, y):
    a, b, c, d = matrix
    return a * x + b * y, c * x + d * y


def transform(images, amounts):
    """Changes images; what comes from outside of one is its mirror image.

    Args:
        images: `(B, H, W, C)`, float32, sides of at least 8.
        amounts: `Amounts`.

    Returns:
        `(B, H, W, C)`.

    Raises:
        ValueError: If a side is below 8.
    """
    _, height, width, channels = images.shape
    if min(height, width) < 8:
        raise ValueError(
            "Expected: images of at least 8 x 8 pixels for geometric augmentation. "
            f"Received: {height} x {width}."
        )
    maps = matrices(amounts, (height, width))  # (B, 2, 3)
    doubled = _along_sides(images, doubling(height), doubling(width))
    # (B, 2 H + 12, 2 W + 12, C)
    # Places of the doubled result, with the margin that halving needs.
    x, y = (
        (ops.arange(-MARGIN + 1, 2 * side + MARGIN - 1, dtype="float32") + 0.5 + OFFSET)
        / 2.0
        - side / 2.0
        for side in (width, height)
    )
    shape = (y.shape[0], x.shape[0])
    x, y = x[None, None, :], y[None, :, None]
    places = [
        maps[:, i, 0, None, None] * x
        + maps[:, i, 1, None, None] * y
        + maps[:, i, 2, None, None]
        for i in range(2)
    ]  # (B, 2 H + 10, 2 W + 10) each
    index = [
        _index(place, side) for place, side in zip(places, (width, height), strict=True)
    ]
    flat = [ops.reshape(i, (-1, shape[0] * shape[1])) for i in index]
    sampled = bilinear(doubled, *flat)
    sampled = ops.reshape(sampled, (-1, *shape, channels))
    return _along_sides(sampled, halving(height), halving(width))


def _along_sides(images, of_rows, of_columns):
    """Multiplies the rows and columns of images with matrices."""
    x = ops.einsum("ih,bhwc->biwc", ops.convert_to_tensor(of_rows), images)
    return ops.einsum("jw,biwc->bijc", ops.convert_to_tensor(of_columns), x)


@functools.cache
def doubling(side):
    """The matrix that doubles a side, mirrored at both ends, margins included.

    Returns:
        `(2 side + 2 MARGIN, side)`, float32.
    """
    matrix = np.zeros((2 * side + 2 * MARGIN, side))
    for row in range(len(matrix)):
        for k, tap in enumerate(SYM6):
            place = row + k - 2 * MARGIN  # in the side with zeros put in
            if place % 2 == 0:
                source = abs(place // 2)
                source = side - 1 - abs(side - 1 - source)
                matrix[row, source] += 2.0 * tap
    return matrix.astype("float32")


@functools.cache
def halving(side):
    """The matrix that halves a doubled side with its margins: `(side, 2 side + 10)`."""
    matrix = np.zeros((side, 2 * side + 2 * MARGIN - 2))
    for row in range(side):
        matrix[row, 2 * row : 2 * row + 2 * MARGIN] = SYM6[::-1]
    return matrix.astype("float32")


def _index(place, side):
    """Where places, relative to the middle of a side, are in its doubled rows.

    Beyond the margins, which halving needs, sides are mirrored about the middles of
    their first and their last pixel.
    """
    index = 2.0 * (place + side / 2.0) - 0.5 - OFFSET  # 0: the first doubled pixel
    length = 2 * side - 2
    first = 0.5 - OFFSET  # the middle of the first pixel
    folded = ops.abs(index - first)
    folded = folded - 2.0 * length * ops.floor(folded / (2.0 * length))
    folded = length - ops.abs(folded - length) + first
    near = (index >= -MARGIN) & (index <= 2 * side + MARGIN - 1.0)
    return ops.where(near, index, folded) + MARGIN


def bilinear(images, x, y):
    """Interpolates between the four pixels around each place.

    Args:
        images: `(B, H, W, C)`.
        x: `(B, N)`, in [0, W - 1]: 0 is the middle of the first pixel.
        y: `(B, N)`, in [0, H - 1].

    Returns:
        `(B, N, C)`.
    """
    _, height, width, channels = images.shape
    left = ops.clip(ops.floor(x), 0.0, width - 2.0)
    top = ops.clip(ops.floor(y), 0.0, height - 2.0)
    to_right, to_bottom = (x - left)[..., None], (y - top)[..., None]
    count = ops.shape(images)[0]
    first = ops.arange(count, dtype="int32")[:, None] * (height * width)
    corner = first + ops.cast(top, "int32") * width + ops.cast(left, "int32")
    # Both pixels of a row at once: a pixel and its right neighbour are one of 2 C.
    pairs = ops.concatenate([images, ops.roll(images, -1, axis=2)], axis=3)
    pairs = ops.reshape(pairs, (-1, 2 * channels))
    upper, lower = (
        ops.take(pairs, corner + step, axis=0) for step in (0, width)
    )  # (B, N, 2 C)
    rows = upper + to_bottom * (lower - upper)
    left_value, right_value = rows[..., :channels], rows[..., channels:]
    return left_value + to_right * (right_value - left_value)
