"""The best model of a training: which it is, and where it is kept."""

import math
import pathlib

import keras
import numpy as np

from keras_gans import distribution
from keras_gans.preset_files import CONFIG
from keras_gans.preset_files import read_config

# What the names of values begin with, of metrics that do not say it themselves.
_HIGHER_IS_BETTER = (
    "inception_score", "classifier_score", "precision", "recall", "density", "coverage",
    "cas", "modes", "high_quality", "psnr", "ssim",
)  # fmt: skip
_LOWER_IS_BETTER = (
    "fd", "fid", "kid", "intra_class_fd", "pairwise_ms_ssim", "ppl", "perceptual",
)  # fmt: skip


class BestModel:
    """Keeps the best model of a training, by one of its values.

    Args:
        folder: Path of a preset folder for the model, or None.
        in_memory: Whether the averaged weights are held, for `restore`.
        monitor: Name of the value that tells the best; the first if None.
        mode: "min", "max" or "auto".

    Attributes:
        best: Dict with "value", "images_seen" and "epoch"; None if there is none yet.
        higher: Dict, names of values -> whether they are the better the higher, or
            None, as their metrics say.

    Raises:
        ValueError: If `mode` is another.
    """

    def __init__(self, folder=None, in_memory=False, monitor=None, mode="auto"):
        if mode not in ("min", "max", "auto"):
            raise ValueError(
                f"Expected: `mode` of 'min', 'max' or 'auto'. Received: {mode!r}."
            )
        self.folder = None if folder is None else pathlib.Path(folder)
        self.in_memory = in_memory
        self.monitor = monitor
        self.mode = mode
        self.higher = {}
        self.forget()

    def forget(self):
        """Begins anew: nothing is the best."""
        self.best, self._weights, self._kept_name = None, None, None

    def check(self, metrics):
        """Raises if it is plain already that the best cannot be kept."""
        if self.folder is not None and self.folder.is_file():
            raise ValueError(
                "Expected: `keep_best` as the path of a folder. Received: that of a "
                f"file, {self.folder}."
            )
        if self.folder is not None and self.folder.is_dir():
            found = sorted(path.name for path in self.folder.iterdir())
            if found and CONFIG not in found:
                raise ValueError(
                    "Expected: `keep_best` as a folder of its own, for the preset. "
                    f"Received: {self.folder}, which has {found[0]!r} in it."
                )
        if self.monitor is None:
            monitored = metrics[:1]
        else:
            monitored = [m for m in metrics if m.name == self.monitor] or metrics
        if monitored and all(m.higher_is_better is None for m in monitored):
            self.higher_is_better(self.monitor or monitored[0].name)

    def find(self, images_seen):
        """Reads the best of the training that is resumed, or moves another's aside."""
        if self.folder is None or not self.folder.exists():
            return
        if not any(self.folder.iterdir()):
            return  # a folder made for it
        kept = read_config(self.folder)["metadata"].get("best", {})
        is_ours = 0 < kept.get("images_seen", -1) <= images_seen
        if is_ours and not math.isnan(kept["value"]):
            self.best = {key: kept[key] for key in ("value", "images_seen", "epoch")}
            self._kept_name = kept.get("monitor")
        else:
            self._move_aside()

    def keep(self, model, values, images_seen, epoch):
        """Keeps the model if it is the best so far.

        Args:
            model: The model, as `values` were measured.
            values: Dict of floats.
            images_seen: Int.
            epoch: Int.

        Raises:
            ValueError: If the value to monitor is missing, or nothing tells whether it
                is the better the higher.
        """
        name = self.monitor or next(iter(values))
        if name not in values:
            raise ValueError(
                f"Expected: `monitor` among {', '.join(values)}. Received: {name!r}."
            )
        value, higher = values[name], self.higher_is_better(name)
        if higher is None or math.isnan(value):
            return
        if self._kept_name not in (None, name):  # the best was that of another name
            self.best = None
            self._move_aside()
        self._kept_name = None
        best = None if self.best is None else self.best["value"]
        if best is not None and not (value > best if higher else value < best):
            return
        self.best = {"value": value, "images_seen": images_seen, "epoch": epoch}
        if self.in_memory:
            self._weights = [
                np.array(keras.ops.convert_to_numpy(weight))
                for weight in _averages(model)
            ]
        if self.folder is not None:
            metadata = {"metrics": values, "best": {"monitor": name, **self.best}}
            model.save_to_preset(self.folder, metadata=metadata, overwrite=True)

    def restore(self, model):
        """Puts the best weights back, if there are any, and lets go of them."""
        is_kept = self.folder is not None and self.best is not None
        if self.in_memory and self._weights is None and is_kept:  # of an earlier `fit`
            best = type(model).from_preset(self.folder)
            self._weights = list(map(keras.ops.convert_to_numpy, _averages(best)))
        if self._weights is not None:
            for weight, value in zip(_averages(model), self._weights, strict=True):
                weight.assign(value)
        self._weights = None

    def higher_is_better(self, name):
        """Whether a value is the better the higher; None if nothing tells."""
        if self.mode != "auto":
            return self.mode == "max"
        higher = self.higher.get(name)
        if higher is None:
            higher = _told_by(name)
        if higher is None and (self.in_memory or self.folder is not None):
            raise ValueError(
                "Expected, to keep the best: a `monitor` of which it is known whether "
                f"it is the better the higher. Received: {name!r} and mode='auto'. Set "
                "`mode` to 'min' or 'max', or `higher_is_better` of your metric."
            )
        return higher

    def _move_aside(self):
        if not distribution.is_first_process():
            return
        k, name = 1, f"{self.folder.name}_previous"
        while self.folder.with_name(f"{name}_{k}").exists():
            k += 1
        self.folder.rename(self.folder.with_name(f"{name}_{k}"))


def _averages(model):
    """The weights that images are made with."""
    return [w for _, average in model.averaged() for w in average.weights]


def _told_by(name):
    """Whether values of such a name are the better the higher; None if not known."""
    for words, higher in ((_HIGHER_IS_BETTER, True), (_LOWER_IS_BETTER, False)):
        if any(f"{name}_".startswith(f"{word}_") for word in words):
            return higher
    return None
