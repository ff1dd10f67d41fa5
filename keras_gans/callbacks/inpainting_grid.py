"""Pictures of how a model fills holes, while it trains."""

import numpy as np

from keras_gans.callbacks.sample_grid import SampleGrid
from keras_gans.callbacks.translation_grid import as_colors
from keras_gans.callbacks.translation_grid import spread_rows
from keras_gans.data_specs import is_few
from keras_gans.models.context_encoder import ContextEncoder
from keras_gans.models.context_encoder.masks import as_masks
from keras_gans.utils.image_grid import make_grid


class InpaintingGrid(SampleGrid):
    """Writes a picture of filled holes as training goes on.

    A row is an image with its hole in gray, what the model fills it with, and the whole
    image. All else is as in `SampleGrid`: names, resumed trainings, the animation.

    Args:
        directory: Folder of the pictures; made if it does not exist.
        images: `(N, H, W, C)`, uint8 or float in [-1, 1].
        masks: `(N, H, W)`, or one `(H, W)` for all; bool, or 0 where a pixel is known.
        every_epochs: As in `SampleGrid`.
        rows: Int, images from top to bottom: that many, evenly spread over those given.
        **kwargs: As in `SampleGrid`: `every_images`, `every_seconds`, `animation`,
            `tensorboard`.

    Raises:
        ValueError: If an argument is wrong, or images or masks do not fit the model.

    Example:

    ```python
    masks = np.zeros((64, 64), bool)
    masks[16:48, 16:48] = True
    grid = kg.callbacks.InpaintingGrid("runs/holes", test_images, masks)
    model.fit(images, epochs=100, callbacks=[grid])
    ```
    """

    def __init__(
        self, directory, images, masks, every_epochs=None, *, rows=8, **kwargs
    ):
        super().__init__(directory, every_epochs, rows=rows, **kwargs)
        self.images, self.masks = np.asarray(images), np.asarray(masks)

    def _check_model(self):
        if not isinstance(self.model, ContextEncoder):
            raise ValueError(
                "Expected: a model that fills holes, a ContextEncoder. Received: "
                f"{type(self.model).__name__}: use `SampleGrid`, or `TranslationGrid`."
            )
        spec = self.model.data_spec
        spec.check(self.images, "images", lenient=is_few(self.images))
        as_masks(self.masks, spec.shape[:2], len(self.images))

    def _begin(self):
        spec, count = self.model.data_spec, len(self.images)
        chosen = spread_rows(count, self.rows)
        masks = as_masks(self.masks, spec.shape[:2], count)
        self._masks = np.broadcast_to(masks, (count, *masks.shape[-3:]))[chosen]
        images = self.images[chosen]
        self._whole = images if images.dtype == np.uint8 else spec.to_user(images)

    def _picture(self):
        columns = [
            np.where(self._masks > 0, np.uint8(127), self._whole),
            self.model.inpaint(self._whole, self._masks),
            self._whole,
        ]
        cells = np.stack([as_colors(images) for images in columns], axis=1)
        return make_grid(cells.reshape(-1, *cells.shape[2:]), len(columns))
