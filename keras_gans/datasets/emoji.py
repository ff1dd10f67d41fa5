"""Emoji: 3,786 aligned pairs of drawings, Noto Emoji and Twemoji, 64x64 on white.

Noto Emoji: Apache-2.0. Twemoji: CC BY 4.0, copyright Twitter, Inc and other
contributors. Metadata: emoji-datasource, MIT.
"""

import hashlib
import io
import json

import numpy as np
from PIL import Image

from keras_gans.datasets import files
from keras_gans.datasets import images

CLASS_NAMES = (
    "Smileys & Emotion",
    "People & Body",
    "Component",
    "Animals & Nature",
    "Food & Drink",
    "Travel & Places",
    "Activities",
    "Objects",
    "Symbols",
    "Flags",
)
STYLES = ("noto", "twemoji")
SPLITS = ("train", "test")

_TILE = 64  # pixels; a sheet has 64 columns of them


def load(split, image_size, style="noto"):
    """Reads a split of one style; the rows of both styles are the same emoji."""
    if style not in STYLES:
        raise ValueError(
            f"Unknown style of emoji. Expected: one of {list(STYLES)}. "
            f"Received: style={style!r}."
        )
    rows = _rows()
    keep = [i for i, row in enumerate(rows) if _split(row["base"]) == split]
    labels = [CLASS_NAMES.index(rows[i]["category"]) for i in keep]
    with Image.open(io.BytesIO(files.read(f"emoji/{style}_64.webp"))) as image:
        sheet = np.asarray(image.convert("RGB"))
    height, width, _ = sheet.shape
    # (rows H, columns W, C) -> (rows, H, columns, W, C) -> (rows * columns, H, W, C)
    tiles = sheet.reshape(height // _TILE, _TILE, width // _TILE, _TILE, 3)
    tiles = tiles.swapaxes(1, 2).reshape(-1, _TILE, _TILE, 3)
    return images.resize(tiles[keep], image_size), np.array(labels, "int32")


def emoji_metadata(split="train"):
    """Describes each row of the emoji set.

    Args:
        split: `"train"` or `"test"`.

    Returns:
        A list with one dict per row, in the order of `load("emoji", split)`:
        `codepoints` (hex, joined by `-`), `name`, `category`, `subcategory`, `base`
        (codepoints without the skin tone: rows with the same base differ by skin tone
        alone) and `skin_tone` (codepoints, empty for the base itself).

    Raises:
        ValueError: If there is no such split.
        FileNotFoundError: If the zoo is not installed.

    Example:

    ```python
    import keras_gans as kg

    rows = kg.datasets.emoji_metadata("test")
    print(rows[0]["name"], rows[0]["category"])
    ```
    """
    if split not in SPLITS:
        raise ValueError(
            f"Unknown split of emoji. Expected: one of {list(SPLITS)}. "
            f"Received: split={split!r}."
        )
    return [row for row in _rows() if _split(row["base"]) == split]


def _rows():
    table = json.loads(files.read("emoji/emoji.json"))
    return [dict(zip(table["fields"], row, strict=True)) for row in table["rows"]]


def _split(base):
    """A tenth of the bases is for testing: skin tones must not fall on both sides."""
    digest = hashlib.sha256(base.encode()).digest()
    return "train" if int.from_bytes(digest[:8], "big") % 10 else "test"
