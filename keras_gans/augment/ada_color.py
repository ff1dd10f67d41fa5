"""The color changes of ADA: Karras et al. 2020, arXiv:2006.06676, appendix B.

All of them are one affine map of a pixel's colors, of which grey images get the mean.

B: batch, H, W: sides, C: channels.
"""

import math
from typing import Any
from typing import NamedTuple

from keras import ops

GREY = (1.0 / math.sqrt(3.0),) * 3  # the axis of grey colors


class Amounts(NamedTuple):
    """By how much each image is changed; `(B,)`."""

    brightness: Any  # added
    contrast: Any  # log2
    lumaflip: Any  # 0 or 1
    hue: Any  # radians
    saturation: Any  # log2


def matrices(amounts):
    """Maps of colors: y = M x + b.

    Args:
        amounts: `Amounts`.

    Returns:
        M, `(B, 3, 3)`, and b, `(B, 3)`.
    """
    axis = ops.convert_to_tensor(GREY)
    parallel = axis[:, None] * axis[None, :]  # (3, 3), onto the axis
    identity = ops.eye(3)
    across = identity - parallel
    x, y, z = GREY
    turned = ops.convert_to_tensor([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])

    def each(values):
        return values[:, None, None]

    contrast = each(ops.exp2(amounts.contrast)) * identity
    flip = identity - 2.0 * each(amounts.lumaflip) * parallel
    hue = (
        parallel
        + each(ops.cos(amounts.hue)) * across
        + each(ops.sin(amounts.hue)) * turned
    )
    saturation = parallel + each(ops.exp2(amounts.saturation)) * across
    after = ops.matmul(saturation, ops.matmul(hue, ops.matmul(flip, contrast)))
    shift = ops.sum(after, axis=2) * amounts.brightness[:, None]
    return after, shift


def recolor(images, amounts):
    """Changes the colors of images.

    Args:
        images: `(B, H, W, C)`, float32, of 1 channel, 3, or 4, whose last stays.
        amounts: `Amounts`.

    Returns:
        `(B, H, W, C)`.

    Raises:
        ValueError: If the images have 2 channels, or more than 4.
    """
    height, width, channels = images.shape[1:]
    if channels not in (1, 3, 4):
        raise ValueError(
            "Expected: images of 1, 3 or 4 channels for augmentation of colors. "
            f"Received: {channels}. Set the strengths of the color changes to 0."
        )
    if channels == 1:
        zeros = ops.zeros_like(amounts.hue)
        matrix, shift = matrices(amounts._replace(hue=zeros, saturation=zeros))
        gain = ops.mean(ops.sum(matrix, axis=2), axis=1)  # (B,)
        shift = ops.mean(shift, axis=1)
        return images * gain[:, None, None, None] + shift[:, None, None, None]
    matrix, shift = matrices(amounts)
    colors = ops.reshape(images[..., :3], (-1, height * width, 3))
    changed = ops.matmul(colors, ops.transpose(matrix, (0, 2, 1))) + shift[:, None]
    changed = ops.reshape(changed, (-1, height, width, 3))
    if channels == 3:
        return changed
    return ops.concatenate([changed, images[..., 3:]], axis=3)
