"""Metrics of what the generator makes, while it trains."""

import difflib
import math

import keras
import numpy as np

from keras_gans import backend
from keras_gans import metrics as metrics_module
from keras_gans.callbacks.best_model import BestModel
from keras_gans.metrics.metric import check_names
from keras_gans.metrics.shared import CHUNK
from keras_gans.metrics.shared import SharedExtraction
from keras_gans.metrics.shared import choose
from keras_gans.utils.checks import whole_number
from keras_gans.utils.progress import Progress

_NAMES = {
    "fd": metrics_module.FrechetDistance,
    "fd_infinity": metrics_module.FrechetDistanceInfinity,
    "is": metrics_module.InceptionScore,
    "kid": metrics_module.KernelDistance,
    "ms_ssim": metrics_module.PairwiseDiversity,
    "prdc": metrics_module.PRDC,
}


class MetricMonitor(keras.callbacks.Callback):
    """Measures the averaged generator every few epochs or images, into the logs.

    Samples come from `model.generate`, from latents drawn once from `seed`; features
    are extracted once for all metrics. Those of the real images are extracted when
    training begins, or found in the cache on the disk.

    The values are added to the logs of the epoch, so callbacks that come *later* in the
    list of `fit` see them: ModelCheckpoint, EarlyStopping, TensorBoard, CSVLogger, and
    History in any case. The first epoch is always measured, and between measurements
    the last values stay, so that every epoch has all keys; a `patience` counts epochs.

    Args:
        real_images: `(N, H, W, C)`, uint8 or float in [-1, 1], as the model trains on.
        metrics: Names, "fd", "fd_infinity", "is", "kid", "ms_ssim" and "prdc", or
            `keras_gans.metrics` with the same `num_samples` and without real images;
            `PerceptualPathLength` too, which makes its own samples.
        features: As in `keras_gans.metrics.FrechetDistance`, of named metrics.
        num_samples: Int, how many real and generated images to compare; of at most as
            many of each as there are real ones. It is part of the names of the values.
        every_epochs: Int; measure after every so many epochs. Defaults to 1, unless
            the next is given.
        every_images: Int; measure whenever so many more images were seen, also within
            an epoch.
        seed: Int, of the latents and of the choice of real images.
        real_labels: Ints `(N,)`, for conditional models: samples get the labels of the
            chosen real images. Without them classes take turns.
        keep_best: Path of a preset folder, to which the model is written whenever it is
            the best so far, for `from_preset`. A resumed training reads the best value
            from it; one that starts anew, or with another `monitor`, moves it to
            `<path>_previous_1`.
        restore_best: Whether the averaged generator gets its best weights back when
            training ends. They are held in memory, from the start of this `fit` on; a
            resumed one does not know those before.
        monitor: Name of the value that tells the best. Defaults to the first.
        mode: "min", "max", or "auto": what the metric's `higher_is_better` says, else
            what a known name tells; others need "min" or "max" to keep the best.

    Attributes:
        values: Dict of the last measurement.
        best: Dict with "value", "images_seen" and "epoch" of the best one; None before,
            or if nothing tells what is better.

    Raises:
        ValueError: If an argument is wrong, images do not fit the model, or are too few
            for a metric.

    Example:

    ```python
    monitor = kg.callbacks.MetricMonitor(images, ["fd", "kid", "prdc"], every_epochs=5)
    # Keras' callbacks do not know which of these names are better when lower: say it.
    patience = keras.callbacks.EarlyStopping(
        "fd_lenet_fashion_mnist_10k", mode="min", patience=20
    )
    gan.fit(images, epochs=50, callbacks=[monitor, patience])
    ```
    """

    def __init__(
        self,
        real_images,
        metrics=("fd",),
        features="lenet_fashion_mnist",
        num_samples=10_000,
        *,
        every_epochs=None,
        every_images=None,
        seed=0,
        real_labels=None,
        keep_best=None,
        restore_best=False,
        monitor=None,
        mode="auto",
    ):
        super().__init__()
        if every_epochs is not None and every_images is not None:
            raise ValueError(
                "Expected: one of `every_epochs`, `every_images`. Received: "
                f"every_epochs={every_epochs}, every_images={every_images}."
            )
        if every_images is not None:
            every_images = whole_number(every_images, "every_images")
        else:
            every_epochs = 1 if every_epochs is None else every_epochs
            every_epochs = whole_number(every_epochs, "every_epochs")
        self.real_images = np.asarray(real_images)
        if real_labels is not None and len(real_labels) != len(self.real_images):
            raise ValueError(
                f"Expected: `real_labels` for {len(self.real_images)} images. "
                f"Received: {len(real_labels)}."
            )
        self.real_labels = real_labels
        self.num_samples = num_samples
        if isinstance(metrics, str | keras.metrics.Metric):
            metrics = [metrics]
        if not isinstance(features, str):  # one extractor, which all metrics share
            features = metrics_module.features.get(features)
        self.metrics = [self._make(metric, features, seed) for metric in metrics]
        check_names(self.metrics)
        self.every_epochs = every_epochs
        self.every_images = every_images
        self.seed = seed
        self._best = BestModel(keep_best, restore_best, monitor, mode)
        self._shared = None
        self.values = {}

    @property
    def best(self):
        """The best measurement so far."""
        return self._best.best

    def _make(self, metric, features, seed):
        """A metric from its name, or the user's own, checked."""
        if isinstance(metric, str) and metric in _NAMES:
            kwargs = {} if metric == "ms_ssim" else {"features": features}
            return _NAMES[metric](num_samples=self.num_samples, seed=seed, **kwargs)
        if isinstance(metric, metrics_module.PerceptualPathLength):
            return metric
        if not isinstance(metric, metrics_module.GenerativeMetric):
            near = difflib.get_close_matches(str(metric).lower(), _NAMES)
            hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise ValueError(
                "Expected: `metrics` as names among "
                f"{', '.join(map(repr, _NAMES))}, or as keras_gans.metrics that "
                f"compare generated with real images. Received: {metric!r}.{hint}"
            )
        if metric.real_images is not None or metric.num_samples != self.num_samples:
            raise ValueError(
                "Expected: metrics without `real_images`, with num_samples="
                f"{self.num_samples}, as given to the monitor. Received: {metric.name}."
            )
        return metric

    # ---------------------------------------------------------------- when

    def on_train_begin(self, logs=None):
        """Checks what could fail later, and extracts the features of real images."""
        self._check_model()
        generative = metrics_module.GenerativeMetric
        compared = [m for m in self.metrics if isinstance(m, generative)]
        for metric in self.metrics:
            if metric not in compared:
                metric.check_model(self.model)
        for metric in compared:
            if metric.uses_labels and (
                self.real_labels is None or self.model.num_classes is None
            ):
                raise ValueError(
                    f"{metric.name} compares classes. Expected: a conditional model "
                    "and `real_labels`. Received: one without."
                )
        self._best.check(self.metrics)
        if self._shared is None:
            self._shared = SharedExtraction(compared)
            self._count = min(self.num_samples, len(self.real_images))
            self._labels()  # raises if they are none of the model's
            self._shared.load_real(
                self.real_images,
                self.real_labels,
                self._progress("Features of real images"),
            )
        for metric in compared:
            metric.check_count(self._count)
        self.values = {}
        self._best.forget()
        self._begun = False

    def _check_model(self):
        """Raises unless the model makes what it is compared with."""
        if not self.metrics:
            raise ValueError(
                f"Expected: `metrics`, of {', '.join(map(repr, _NAMES))}, or "
                "keras_gans.metrics. Received: none."
            )
        if not hasattr(self.model, "generate"):
            raise ValueError(
                "Expected: a model that makes images of latents. Received: "
                f"{type(self.model).__name__}. For one that translates images use "
                "`TranslationMonitor`."
            )
        shape = tuple(self.model.data_spec.shape)
        if self.real_images.shape[1:] != shape:
            raise ValueError(
                f"Expected: `real_images` as the model makes them, {shape}. Received: "
                f"{self.real_images.shape[1:]}."
            )

    def on_epoch_begin(self, epoch, logs=None):
        """Looks where training stands, once all callbacks have begun and restored."""
        self._epoch = epoch
        if self._begun:
            return
        self._begin()
        self._begun = True
        seen = self._images_seen()
        self._best.find(seen)
        # Batches until a look at the counter, and what the last look told.
        self._wait, self._calls, self._last_look, self._per_batch = 1, 0, seen, 1
        if self.every_images:
            self._next = (seen // self.every_images + 1) * self.every_images

    def on_train_batch_begin(self, batch, logs=None):
        """Measures what is due after the batch before.

        (A callback that acts at the *end* of batches makes `fit` wait for each.)
        """
        # Not `self.model`, which on JAX writes back the whole state each time.
        if not self.every_images or self._model.stop_training:
            return
        self._calls += 1
        if self._calls > self._wait:
            self._look()

    def on_epoch_end(self, epoch, logs=None):
        """Measures what is due, and adds the last values to the logs."""
        self._epoch = epoch + 1
        if self.every_images:
            self._calls += 1
            self._look()
            self._calls = 0
            due = not self.values
        else:
            due = self._epoch % self.every_epochs == 0 or not self.values
        if due:
            self._measure(self._images_seen())
        if logs is not None:
            logs.update(self.values)

    def on_train_end(self, logs=None):
        """Puts the best weights back, if asked to."""
        self._best.restore(self.model)
        self._begun = False

    def _look(self):
        """Reads the counter of images; measures, or plans when to look again."""
        batches, seen = self._calls - 1, self._images_seen()
        if seen >= self._next:
            self._measure(seen)
            self._next = (seen // self.every_images + 1) * self.every_images
        # The largest batches so far: rather a look too early than one too late.
        per_batch = (seen - self._last_look) / max(1, batches)
        self._per_batch = max(self._per_batch, per_batch)
        self._wait = math.ceil((self._next - seen) / self._per_batch)
        self._calls, self._last_look = 1, seen

    def _images_seen(self):
        backend.sync_state(self.model)
        return int(keras.ops.convert_to_numpy(self.model.images_seen))

    # ---------------------------------------------------------------- what

    def _begin(self):
        """Draws what all measurements begin with."""
        self._latents = self.model.sample_latents(self._count, self.seed)

    def _labels(self):
        """Conditions of all samples, or None."""
        if self.model.condition is None:
            return None
        labels = None
        if self.real_labels is not None:
            labels = choose(np.asarray(self.real_labels), self._count, self.seed)
        return self.model.condition.for_samples(labels, self._count)

    def _make_images(self, rows, labels):
        """Generated images."""
        given = {} if labels is None else {"labels": labels[rows]}
        latents = self._latents[rows]
        return self.model.generate(len(latents), latents=latents, **given)

    def _measure(self, seen):
        labels = self._labels()
        progress = self._progress("Metrics of generated images")
        for metric in self.metrics:
            metric.reset_state()
        for start in range(0, self._count, CHUNK):
            rows = slice(start, min(start + CHUNK, self._count))
            fake = self._make_images(rows, labels)
            given = {} if labels is None else {"labels": labels[rows]}
            self._shared.update(fake_images=fake, **given)
            progress(len(fake))
        self.values = {}
        for metric in self.metrics:
            if isinstance(metric, metrics_module.PerceptualPathLength):
                metric.update_state(self.model)
                self.values[metric.name] = float(metric.result())
                self._best.higher[metric.name] = metric.higher_is_better
            else:
                values = metric.values()
                self.values |= values
                self._best.higher |= metric.which_is_better(values)
            metric.reset_state()
        self.values |= self._paired_values()
        self._best.keep(self.model, self.values, seen, self._epoch)

    def _paired_values(self):
        """Values of generated images, each compared with its truth; here of none."""
        return {}

    def _progress(self, title):
        return Progress(title, self._count, self.params.get("verbose", 1))
