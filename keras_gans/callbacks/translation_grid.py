"""Pictures of what a model makes of images, while it trains."""

import numpy as np

from keras_gans.callbacks.sample_grid import SampleGrid
from keras_gans.models.translation import TranslationModel
from keras_gans.utils.image_grid import make_grid


class TranslationGrid(SampleGrid):
    """Writes a picture of translated images as training goes on.

    A row is an image (its pixels enlarged where the model makes larger ones), what the
    model makes of it, what comes back if that is translated back (where the model has a
    way back), and the truth (where there is one). Models that translate both ways have
    a second such picture to the right, of images of B. All else is as in `SampleGrid`:
    names, resumed trainings, the animation.

    Args:
        directory: Folder of the pictures; made if it does not exist.
        images_a: `(N, H, W, C)`, images of domain A, uint8 or float in [-1, 1].
        images_b: Those of domain B. For paired models, and with `paired`, the truth.
        every_epochs: As in `SampleGrid`.
        rows: Int, images from top to bottom: that many, evenly spread over those given.
        paired: Whether `images_b` belong to `images_a`, though the model does not need
            it. By default where the model is trained on pairs.
        **kwargs: As in `SampleGrid`: `every_images`, `every_seconds`, `animation`,
            `tensorboard`.

    Raises:
        ValueError: If an argument is wrong, or images do not fit the model.

    Example:

    ```python
    grid = kg.callbacks.TranslationGrid("runs/zebras", horses[:8], zebras[:8])
    model.fit((horses, zebras), epochs=200, callbacks=[grid])
    ```
    """

    def __init__(
        self,
        directory,
        images_a,
        images_b,
        every_epochs=None,
        *,
        rows=8,
        paired=None,
        **kwargs,
    ):
        super().__init__(directory, every_epochs, rows=rows, **kwargs)
        if not len(images_a) or not len(images_b):
            raise ValueError(
                "Expected: at least one image of each domain. Received: "
                f"{len(images_a)} and {len(images_b)}."
            )
        self.images = {"a": np.asarray(images_a), "b": np.asarray(images_b)}
        self.paired = paired

    def _check_model(self):
        if not isinstance(self.model, TranslationModel):
            raise ValueError(
                "Expected: a model that translates images, such as CycleGAN. Received: "
                f"{type(self.model).__name__}: use `SampleGrid`, or "
                "`InpaintingGrid`."
            )
        specs = {"a": self.model.data_spec, "b": self.model.data_spec_b}
        for domain, images in self.images.items():
            specs[domain].check(images, f"images_{domain}", lenient=True)
            if specs[domain].shape[2] not in (1, 3, 4):
                raise ValueError(
                    "Expected: images with 1, 3 or 4 channels, to draw them. Received: "
                    f"{specs[domain].shape[2]} channels in domain {domain}."
                )
        paired = self.model.data_are_aligned if self.paired is None else self.paired
        counts = [len(images) for images in self.images.values()]
        if paired and counts[0] != counts[1]:
            raise ValueError(
                "Expected: pairs, as many images of B as of A, or paired=False. "
                f"Received: {counts[0]} and {counts[1]}."
            )
        self._has_truth = paired

    def _begin(self):
        self._shown = {}
        for domain, images in self.images.items():
            chosen = spread_rows(len(images), self.rows)
            if images.dtype != np.uint8:
                chosen = self.model.data_spec.to_user(images[chosen])
            else:
                chosen = images[chosen]
            self._shown[domain] = chosen

    def _picture(self):
        pictures = []
        for to in self.model.directions():
            source = "a" if to == "b" else "b"
            columns = [self._shown[source]]
            columns.append(self.model.translate(columns[0], to=to))
            if source in self.model.directions():
                columns.append(self.model.translate(columns[1], to=source))
            if self._has_truth:
                columns.append(self._shown[to])
            sides = np.max([images.shape[1:3] for images in columns], axis=0)
            columns = [_enlarged(as_colors(images), sides) for images in columns]
            # (columns, rows, H, W, 3) -> row by row
            cells = np.stack(columns, axis=1).reshape(-1, *columns[0].shape[1:])
            pictures.append(make_grid(cells, len(columns)))
        height = max(picture.shape[0] for picture in pictures)
        gap = 8
        pictures = [
            np.pad(
                picture,
                ((0, height - picture.shape[0]), (gap * (i > 0), 0), (0, 0)),
                constant_values=255,
            )
            for i, picture in enumerate(pictures)
        ]
        return np.concatenate(pictures, axis=1)


def spread_rows(count, rows):
    """Which of `count` images the rows of a picture show, evenly spread over them."""
    return np.linspace(0, count - 1, min(rows, count)).round().astype(int)


def as_colors(images):
    """`(N, H, W, 1 or 3 or 4)` -> `(N, H, W, 3)`: what is transparent becomes white."""
    if images.shape[-1] == 1:
        return np.repeat(images, 3, axis=-1)
    if images.shape[-1] == 4:
        alpha = images[..., 3:] / 255.0
        return np.rint(images[..., :3] * alpha + 255 * (1 - alpha)).astype("uint8")
    return images[..., :3]


def _enlarged(images, sides):
    """`(N, h, w, C)` -> `(N, H, W, C)`, pixels repeated."""
    rows, columns = (
        np.arange(side) * own // side
        for side, own in zip(sides, images.shape[1:3], strict=True)
    )
    return images[:, rows[:, None], columns]
