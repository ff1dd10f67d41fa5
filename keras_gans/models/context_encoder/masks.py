"""Holes in images: 1 where a pixel is missing, 0 where it is known.

B: batch, N: images, H, W: sides.
"""

import numpy as np
from keras import ops

from keras_gans.utils import random


def random_rectangles(count, sides, shares, seed):
    """Draws a rectangle for each image, inside the training step.

    Args:
        count: B.
        sides: `(H, W)`.
        shares: `(least, most)`, of a side that is missing, in (0, 1].
        seed: A seed generator.

    Returns:
        Float32 `(B, H, W, 1)`, of 0 and 1; at least one pixel is missing.
    """
    least, most = shares
    u = random.uniform((count, 4), seed)
    inside = []
    for i, side in enumerate(sides):
        length = ops.round((least + (most - least) * u[:, i : i + 1]) * side)
        length = ops.clip(length, 1, side)  # (B, 1)
        start = ops.floor(u[:, i + 2 : i + 3] * (side - length + 1))
        start = ops.minimum(start, side - length)  # where u rounds to 1
        place = ops.cast(ops.arange(side), "float32")  # (side,)
        inside.append((place >= start) & (place < start + length))  # (B, side)
    rows, columns = inside
    # (B, H, 1) and (B, 1, W) -> (B, H, W) -> (B, H, W, 1)
    mask = ops.logical_and(rows[:, :, None], columns[:, None, :])
    return ops.cast(mask[..., None], "float32")


def as_masks(masks, sides, count=None, name="masks"):
    """Checks holes given by the user.

    Args:
        masks: `(H, W)` or, with `count`, `(N, H, W)` or `(N, H, W, 1)`; bool, or 0
            where a pixel is known.
        sides: `(H, W)`.
        count: Optional int, N.
        name: What to call them in the error.

    Returns:
        Float32 `(H, W, 1)`, or with `count` `(N, H, W, 1)`, of 0 and 1.

    Raises:
        ValueError: If their shape is another.
    """
    masks, sides = np.asarray(masks), tuple(sides)
    shapes = [sides, (*sides, 1)]
    if count is not None:
        shapes += [(count, *sides), (count, *sides, 1)]
    if masks.shape not in shapes or masks.dtype.kind not in "biuf":
        expected = f"(N, H, W) = {(count, *sides)} or " if count is not None else ""
        raise ValueError(
            f"Expected: `{name}` of shape {expected}(H, W) = {sides}, bool or numbers, "
            "not 0 where a pixel is missing. Received: "
            f"{masks.dtype} of shape {masks.shape}."
        )
    if masks.shape in (sides, (count, *sides)):
        masks = masks[..., None]
    masks = (masks != 0).astype("float32")
    return masks if count is None else np.broadcast_to(masks, (count, *sides, 1))
