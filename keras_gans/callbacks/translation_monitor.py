"""Metrics of what a model makes of images, while it trains."""

import keras
import numpy as np

from keras_gans import metrics as metrics_module
from keras_gans.callbacks.metric_monitor import MetricMonitor
from keras_gans.data_specs import is_few
from keras_gans.models.translation import TranslationModel

PAIRED = ("psnr", "ssim", "perceptual")


class TranslationMonitor(MetricMonitor):
    """Measures translated images every few epochs or images, into the logs.

    Translated images are compared with those of the domain they are translated to, as
    distributions ("fd", "kid", "prdc"), and, where these are the truth, one by one:
    "psnr" in decibels and "ssim", the higher the better, and "perceptual", the mean
    `PerceptualDistance`, the lower the better. All else is as in `MetricMonitor`: when
    it measures, `keep_best`, `restore_best`.

    Args:
        images: `(N, H, W, C)`, images to translate, uint8 or float in [-1, 1]; best
            such as the model is not trained on.
        target_images: `(M, H, W, C)` of the domain they are translated to. With paired
            metrics the truth, M = N.
        metrics: Names, those above, or objects as in `MetricMonitor`.
        features: Of "fd", "kid", "prdc" and "perceptual".
        to: "b" or "a", the domain.
        every_epochs: As in `MetricMonitor`.
        **kwargs: As in `MetricMonitor`, but for `num_samples`: as many are measured as
            there are of both, and metrics that are objects have that `num_samples`.

    Raises:
        ValueError: If an argument is wrong, or images do not fit the model.

    Example:

    ```python
    monitor = kg.callbacks.TranslationMonitor(test_a, test_b, ["fd", "ssim"])
    model.fit((a, b), epochs=100, callbacks=[monitor])
    ```
    """

    def __init__(
        self,
        images,
        target_images,
        metrics=("fd",),
        features="efficientnet_lite0",
        *,
        to="b",
        every_epochs=None,
        **kwargs,
    ):
        images = np.asarray(images)
        if kwargs.get("real_labels") is not None:
            raise ValueError(
                "Expected: no `real_labels`, as translations have no classes. "
                "Received: some."
            )
        if "num_samples" in kwargs:
            raise ValueError(
                "Expected: no `num_samples`; give fewer images to measure fewer. "
                f"Received: {kwargs['num_samples']!r}."
            )
        if isinstance(metrics, str | keras.metrics.Metric):
            metrics = [metrics]
        paired = [m for m in metrics if isinstance(m, str) and m in PAIRED]
        others = [m for m in metrics if m not in paired]
        if any(isinstance(m, metrics_module.PerceptualPathLength) for m in others):
            raise ValueError(
                "Expected: metrics of images. Received: PerceptualPathLength, which "
                "needs a model that makes them of latents."
            )
        if paired and len(images) != len(target_images):
            raise ValueError(
                f"Expected: with {', '.join(paired)}, as many `target_images` as "
                f"`images`, their truth. Received: {len(target_images)} and "
                f"{len(images)}."
            )
        super().__init__(
            target_images,
            others,
            features,
            min(len(images), len(target_images)),
            every_epochs=every_epochs,
            **kwargs,
        )
        self.images = images
        self.to = to
        self._pair_metrics = {
            name: metrics_module.PerceptualDistance(features)
            if name == "perceptual"
            else {"psnr": metrics_module.PSNR, "ssim": metrics_module.SSIM}[name]()
            for name in paired
        }
        if self._best.monitor is None and paired and metrics[0] == paired[0]:
            first = self._pair_metrics[paired[0]]  # measured after the others
            is_perceptual = paired[0] == "perceptual"
            self._best.monitor = first.name if is_perceptual else paired[0]

    def _check_model(self):
        if not isinstance(self.model, TranslationModel):
            raise ValueError(
                "Expected: a model that translates images, such as CycleGAN. Received: "
                f"{type(self.model).__name__}: use `MetricMonitor`."
            )
        if not self.metrics and not self._pair_metrics:
            raise ValueError("Expected: `metrics`. Received: none.")
        directions = self.model.directions()
        if self.to not in directions:
            raise ValueError(
                f"Expected: `to` of {' or '.join(map(repr, directions))}. "
                f"Received: {self.to!r}."
            )
        _, source, target = directions[self.to]
        source.check(self.images, "images", lenient=is_few(self.images))
        few = is_few(self.real_images)
        target.check(self.real_images, "target_images", lenient=few)

    def _begin(self):
        self._pair_values = {name: [] for name in self._pair_metrics}

    def _labels(self):
        return None

    def _make_images(self, rows, labels):
        made = self.model.translate(self.images[rows], to=self.to)
        target = self.model.directions()[self.to][2]
        truth = self.real_images[rows]
        if truth.dtype != np.uint8:
            truth = target.to_user(truth)
        for name, metric in self._pair_metrics.items():
            if name == "perceptual":
                self._pair_values[name].append(metric(made, truth))
            else:
                metric.update_state(truth, made)
        return made

    def _paired_values(self):
        """The values of pairs since the last call, by the names of their logs."""
        values = {}
        for kind, metric in self._pair_metrics.items():
            if kind == "perceptual":
                parts, self._pair_values[kind] = self._pair_values[kind], []
                name, value = metric.name, float(np.concatenate(parts).mean())
            else:
                name, value = kind, float(metric.result())
                metric.reset_state()
            values[name] = value
            self._best.higher[name] = metric.higher_is_better
        return values
