"""Pictures of what the generator makes, while it trains."""

import math
import time
import warnings

import keras
import numpy as np

from keras_gans import backend
from keras_gans.utils.checks import is_positive
from keras_gans.utils.checks import whole_number
from keras_gans.utils.files import prepare_directory
from keras_gans.utils.image_grid import make_grid
from keras_gans.utils.image_grid import read_text
from keras_gans.utils.image_grid import save_animation
from keras_gans.utils.image_grid import save_image
from keras_gans.utils.image_grid import scatter_plot

POINTS = 2_500  # in a scatter plot


class SampleGrid(keras.callbacks.Callback):
    """Writes a picture of samples from fixed latents as training goes on.

    The latents are drawn once from `seed`, so that pictures show how the same samples
    develop. Samples come from `model.generate`, that is from the averaged generator.
    The first picture shows the model before training, the last one after it. Names
    sort by time: `epoch_0003.png`, or `images_0000012800.png` for pictures counted in
    images or seconds. Vectors are drawn as a scatter plot.

    A resumed training goes on in the same folder. One that starts anew in a folder
    with pictures moves those to `previous_1` in it first. A picture that cannot be
    written in mid-training, on a full disk for instance, is a warning, not the end.

    Args:
        directory: Folder of the pictures; made if it does not exist.
        every_epochs: Int; a picture after every so many epochs. Defaults to 1, unless
            one of the next two is given.
        every_images: Int; a picture whenever so many more images were seen, at the end
            of the batch that passes a multiple.
        every_seconds: Number; a picture whenever so much more time has passed.
        rows: Int, images from top to bottom.
        columns: Int, images from left to right.
        seed: Int, of the latents.
        labels: Ints `(rows * columns,)` for conditional models, row by row. Defaults
            to one class per column, or per row, or in turns if neither is enough.
        animation: "webp" or "gif": when training ends, all pictures of the folder, at
            most 100, become `animation.webp`. None for no animation.
        real: Optional float array `(N, D)`, for vectors only: real points to draw
            beneath, in grey; they also fix the axes.
        tensorboard: Optional `keras.callbacks.TensorBoard`, one that is also among the
            callbacks of `fit`: pictures are written there too.

    Raises:
        ValueError: If an argument is wrong.
        OSError: At the start of `fit`, if the folder cannot be written to.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[SampleGrid("runs/dcgan")])
    ```
    """

    only_writes = True  # of processes that train together, the first one's

    def __init__(
        self,
        directory,
        every_epochs=None,
        *,
        every_images=None,
        every_seconds=None,
        rows=8,
        columns=8,
        seed=0,
        labels=None,
        animation="webp",
        real=None,
        tensorboard=None,
    ):
        super().__init__()
        given = {
            "every_epochs": every_epochs,
            "every_images": every_images,
            "every_seconds": every_seconds,
        }
        given = {name: value for name, value in given.items() if value is not None}
        if len(given) > 1 or not all(map(is_positive, given.values())):
            raise ValueError(
                "Expected: one of `every_epochs`, `every_images`, `every_seconds`, "
                f"positive. Received: {given}."
            )
        if animation not in ("webp", "gif", None):
            raise ValueError(
                "Expected: `animation` of 'webp', 'gif' or None. "
                f"Received: {animation!r}."
            )
        rows, columns = whole_number(rows, "rows"), whole_number(columns, "columns")
        if labels is not None and np.shape(labels)[:1] != (rows * columns,):
            raise ValueError(
                f"Expected: `labels` for {rows} rows x {columns} columns, "
                f"{rows * columns} of them. Received: {np.shape(labels)}."
            )
        self.directory = directory
        self.every_epochs = every_epochs or (None if given else 1)
        self.every_images = every_images
        self.every_seconds = every_seconds
        self.rows = rows
        self.columns = columns
        self.seed = seed
        self.labels = labels
        self.animation = animation
        self.real = real
        self.tensorboard = tensorboard

    # ---------------------------------------------------------------- when

    def on_train_begin(self, logs=None):
        """Checks what could fail hours later."""
        self._folder = prepare_directory(self.directory, "directory")
        self._check_model()
        board = self.tensorboard
        if board is not None and board.model is not self.model:
            raise ValueError(
                "Expected: `tensorboard` as a callback that `fit` has too. Received: "
                "one that is not. Pass it in `fit(callbacks=[...])` as well."
            )
        self._begun = False

    def _check_model(self):
        """Raises if there is nothing to draw of the model."""
        if not hasattr(self.model, "generate"):
            raise ValueError(
                "Expected: a model that makes images of latents. Received: "
                f"{type(self.model).__name__}. For one that translates images use "
                "`TranslationGrid`, for one that fills holes `InpaintingGrid`."
            )
        shape = tuple(self.model.data_spec.shape)
        self._draws_vectors = len(shape) == 1 and shape[0] >= 2
        if not self._draws_vectors and not (len(shape) == 3 and shape[2] in (1, 3, 4)):
            raise ValueError(
                "Expected: a model of images with 1, 3 or 4 channels, or of vectors "
                f"of at least 2 numbers. Received: one of examples of shape {shape}."
            )

    def on_epoch_begin(self, epoch, logs=None):
        """Draws the first picture, once all callbacks have begun and restored."""
        self._epoch = epoch
        if self._begun:
            return
        seen = self._images_seen()
        self._move_aside(epoch, seen)
        self._begin()
        self._begun = True
        self._offset = self._find_offset(epoch, seen) if self.every_epochs else 0
        self._drawn_at, self._began_at = None, seen
        self._last_time = time.monotonic()
        # Batches until a look at the counter, and what the last look told.
        self._wait, self._calls, self._last_look, self._per_batch = 1, 0, seen, 1
        if self.every_images:
            self._next = (seen // self.every_images + 1) * self.every_images
        if not any(0 <= _seen_by(path) <= seen for path in self._pictures()):
            self._draw(seen, epoch)

    def on_train_batch_begin(self, batch, logs=None):
        """Draws what is due after the batch before.

        (A callback that acts at the *end* of batches makes `fit` wait for each.)
        """
        # Not `self.model`, which on JAX writes back the whole state each time.
        if self.every_epochs or self._model.stop_training:
            return
        self._calls += 1
        if self.every_images:
            if self._calls > self._wait:
                self._look()
        elif time.monotonic() - self._last_time >= self.every_seconds:
            self._draw(self._images_seen(), self._epoch)
            self._last_time = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        """Draws what is due after the epoch."""
        self._epoch = epoch + 1
        if self.every_images:
            self._calls += 1
            self._look()
            self._calls = 0
        elif self.every_epochs and self._epoch % self.every_epochs == 0:
            self._draw(self._images_seen(), self._epoch)

    def on_train_end(self, logs=None):
        """Draws the last picture, then the animation."""
        if not self._begun:  # no epoch was trained
            return
        self._draw(self._images_seen(), self._epoch, to_tensorboard=False)
        self._begun = False
        paths = self._pictures()
        if self.animation and len(paths) > 1:
            self._write(
                save_animation, paths, self._folder / f"animation.{self.animation}"
            )

    def _look(self):
        """Reads the counter of images; draws, or plans when to look again."""
        batches, seen = self._calls - 1, self._images_seen()
        if seen < self._last_look:  # training went back: its pictures are another's
            self._next = seen
        if seen >= self._next:
            self._draw(seen, self._epoch)
            self._next = (seen // self.every_images + 1) * self.every_images
        # The largest batches so far: rather a look too early than one too late.
        self._per_batch = max(
            self._per_batch, (seen - self._last_look) / max(1, batches)
        )
        self._wait = math.ceil((self._next - seen) / self._per_batch)
        self._calls, self._last_look = 1, seen

    def _images_seen(self):
        backend.sync_state(self.model)
        return int(keras.ops.convert_to_numpy(self.model.images_seen))

    # ---------------------------------------------------------------- what

    def _draw(self, seen, epoch, to_tensorboard=True):
        if (seen, epoch) == self._drawn_at:
            return
        number = self._offset + epoch if self.every_epochs else seen
        name = f"epoch_{number:04d}" if self.every_epochs else f"images_{number:010d}"
        path = self._folder / f"{name}.png"
        self._drawn_at = seen, epoch
        if _seen_by(path) == seen and seen <= self._began_at:
            return  # drawn before training was interrupted
        picture = self._picture()
        self._write(save_image, picture, path, {"images_seen": str(seen)})
        if self.tensorboard is not None and to_tensorboard:
            with self.tensorboard._train_writer.as_default():
                self.tensorboard.summary.image("samples", picture[None], step=number)

    def _begin(self):
        """Draws what all pictures begin with."""
        count = POINTS if self._draws_vectors else self.rows * self.columns
        self._latents = self.model.sample_latents(count, self.seed)

    def _picture(self):
        arguments = {"seed": self.seed, "latents": self._latents}
        if self.model.condition is not None:
            arguments["labels"] = self._labels(self.model.condition.size)
        samples = self.model.generate(len(self._latents), **arguments)
        if self._draws_vectors:
            return scatter_plot(samples, self.real)
        return make_grid(samples, self.columns)

    def _labels(self, size):
        """A class, or an attribute, for each row or column if they suffice."""
        index = np.arange(len(self._latents))
        if self.labels is not None and not self._draws_vectors:
            return np.asarray(self.labels)
        if self._draws_vectors or max(self.rows, self.columns) < size:
            index = index % size
        elif self.columns >= size:
            index = index % self.columns % size
        else:
            index = index // self.columns % size
        return index if self.model.num_classes is not None else np.eye(size)[index]

    def _write(self, save, *arguments):
        try:
            save(*arguments)
        except OSError as error:
            warnings.warn(
                f"A picture in {self._folder} could not be written: {error}. "
                "Training goes on.",
                RuntimeWarning,
                stacklevel=2,
            )

    # ---------------------------------------------------------------- where

    def _pictures(self):
        prefix = "epoch" if self.every_epochs else "images"
        paths = self._folder.glob(f"{prefix}_{'[0-9]' * 4}*.png")
        return sorted(paths, key=_number)

    def _move_aside(self, epoch, seen):
        """Moves the pictures of another training to a folder of their own.

        Those are of another one if this one has seen nothing, or begins at its first
        epoch with fewer images seen than a picture tells. (After an interruption
        there may be pictures of the future too: training will make them again.)
        """
        paths = self._pictures()
        latest = max((_seen_by(path) for path in paths), default=-1)
        if not paths or not (seen == 0 or (epoch == 0 and latest > seen)):
            return
        k = 1
        while (self._folder / f"previous_{k}").exists():
            k += 1
        (self._folder / f"previous_{k}").mkdir()
        for path in [*paths, *self._folder.glob("animation.*")]:
            path.rename(self._folder / f"previous_{k}" / path.name)

    def _find_offset(self, epoch, seen):
        """What to add to the epoch, so that numbers go on from a training before.

        `fit` counts epochs from 0 each time it is called, unless it is resumed. The
        newest picture that is not of the future tells where the folder stands.
        """
        for path in reversed(self._pictures()):
            then = _seen_by(path)
            if 0 <= then <= seen:
                drawn = epoch if then == seen else epoch - epoch % self.every_epochs
                return max(0, _number(path) - drawn)
        return 0


def _number(path):
    """The number in a picture's name, which may have more digits than others."""
    return int(path.stem.split("_")[1])


def _seen_by(path):
    """Images that the model of a picture had seen; -1 for pictures of others."""
    return int(read_text(path, "images_seen") or -1)
