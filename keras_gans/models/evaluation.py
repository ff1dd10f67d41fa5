"""`evaluate` with metrics that compare generated with real images."""

import itertools
import warnings

import keras
import numpy as np

from keras_gans.batches import InOrder
from keras_gans.datasets.lazy import LazyImages
from keras_gans.metrics.metric import GenerativeMetric
from keras_gans.metrics.metric import check_names
from keras_gans.metrics.shared import CHUNK
from keras_gans.metrics.shared import SharedExtraction
from keras_gans.streams import as_arrays


class GenerativeMetrics:
    """The metrics of `compile(metrics=...)`, out of sight of Keras.

    Keras would take them into the compiled step and into the saved state.

    Args:
        metrics: List of `GenerativeMetric`, one, or None.

    Raises:
        ValueError: If one is something else, or holds real images of its own.
    """

    def __init__(self, metrics):
        if isinstance(metrics, keras.metrics.Metric):
            metrics = [metrics]
        self.metrics = list(metrics or [])
        for metric in self.metrics:
            if not isinstance(metric, GenerativeMetric):
                raise ValueError(
                    "Expected: `metrics` as a list of keras_gans.metrics that compare "
                    f"generated with real images. Received: {metric!r}."
                )
            if metric.real_images is not None:
                raise ValueError(
                    "Expected: metrics without `real_images`, since `evaluate` feeds "
                    f"them with the images it gets. Received: {metric.name} with "
                    "such. Use it in callbacks.MetricMonitor, or by itself."
                )
        check_names(self.metrics)

    def get_config(self):
        """The metrics, serialized; without those whose features have no name."""
        serialized, dropped = [], []
        for metric in self.metrics:
            try:
                serialized.append(keras.saving.serialize_keras_object(metric))
            except ValueError:
                dropped.append(metric.name)
        if dropped:
            warnings.warn(
                f"Not saved with the model: the metrics {', '.join(dropped)}, whose "
                "features have no name that could be looked up. Give them to `compile` "
                "again after loading.",
                UserWarning,
                stacklevel=2,
            )
        return serialized

    def check(self, model, x):
        """Raises if the metrics cannot be measured, before any time is spent."""
        if hasattr(x, "__next__"):
            raise ValueError(
                "Expected, with `metrics`: data that can be read twice, for the losses "
                "and for the metrics. Received: an iterator. Pass arrays, a "
                "tf.data.Dataset, a keras.utils.PyDataset or a DataLoader."
            )
        for metric in self.metrics:
            if metric.output is not None and len(model.data_spec.shape) != 3:
                raise ValueError(
                    f"{metric.name} compares images. Expected: a model of images. "
                    f"Received: one of examples of shape {model.data_spec.shape}."
                )
            if metric.uses_labels and model.num_classes is None:
                raise ValueError(
                    f"{metric.name} compares classes. Expected: a conditional model. "
                    "Received: num_classes=None."
                )
            metric.extractor  # noqa: B018 - loads its weights, or fails now

    def measure(self, model, batches):
        """Feeds the metrics with real images and with as many generated ones.

        Each takes its first `num_samples`. Latents depend on nothing but the order, so
        that a value changes with the generator alone; labels are those of the batch.

        Args:
            model: The GAN.
            batches: Iterable of tuples of arrays: images, and labels if any.

        Returns:
            Dict, name -> float.
        """
        for metric in self.metrics:
            metric.reset_state()
        shared = SharedExtraction(self.metrics)
        for seen, images, labels in self._pieces(batches):
            fake = model.generate(len(images), seed=seen, labels=labels)
            hungry = {id(m) for m in self.metrics if m.num_samples > seen}
            shared.update(images, fake, labels, fits=lambda m, ids=hungry: id(m) in ids)
        values = {}
        for metric in self.metrics:
            values |= metric.values()
            metric.reset_state()
        return values

    def _pieces(self, batches):
        """Cuts batches where a metric has enough, and stops when all have."""
        seen = 0
        for batch in batches:
            images, labels = batch[0], batch[1] if len(batch) > 1 else None
            start = 0
            while start < len(images):
                missing = [m.num_samples - seen for m in self.metrics]
                missing = [number for number in missing if number > 0]
                if not missing:
                    return
                rows = slice(start, start + min(CHUNK, len(images) - start, *missing))
                yield seen, images[rows], None if labels is None else labels[rows]
                seen += rows.stop - start
                start = rows.stop


class EvaluationMixin:
    """`evaluate`, and with it `validation_data` of `fit`, with generative metrics."""

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        *,
        steps=None,
        return_dict=False,
        **kwargs,
    ):
        """Measures the losses on data, then the metrics; updates nothing.

        The metrics of `compile(metrics=...)` get the images and as many generated
        ones, of each at most their `num_samples`, with the labels of the images if the
        model is conditional.

        Args:
            x: As in `fit`. With metrics it is read twice, so no generator.
            y: As in `fit`.
            batch_size: Int, for arrays.
            steps: As in Keras.
            return_dict: As in Keras.
            **kwargs: As in Keras: verbose, callbacks.

        Returns:
            List of losses in the order of `metrics_names`, then of the values of the
            metrics in the order of `compile`; or a dict with `return_dict=True`.

        Raises:
            ValueError: If the data are not what the model is made for.
        """
        evaluation = getattr(self, "_evaluation", None)
        if evaluation is None or not evaluation.metrics:
            return super().evaluate(
                x, y, batch_size, steps=steps, return_dict=return_dict, **kwargs
            )
        evaluation.check(self, x)
        losses = super().evaluate(
            x, y, batch_size, steps=steps, return_dict=True, **kwargs
        )
        batches = self._evaluation_batches(x, y, batch_size, steps)
        values = evaluation.measure(self, batches)
        if return_dict:
            return losses | values
        return [
            *np.atleast_1d(self._flatten_metrics_in_order(losses)),
            *values.values(),
        ]

    def _evaluation_batches(self, x, y, batch_size, steps):
        """The user's data once more, as tuples of arrays."""
        if not isinstance(x, keras.utils.PyDataset):  # of `backend.input_of_keras`
            x = getattr(x, "py_dataset", x)
        if isinstance(x, InOrder):
            batch_size, (x, *y) = x.batch_size, x.arrays
            y = y[0] if y else None
        if isinstance(x, list | tuple) or hasattr(x, "__array__"):
            size = batch_size or self.default_batch_size
            stop = None if steps is None else steps * size
            y = None if self.condition is None else np.asarray(y)
            if stop is not None or not isinstance(x, LazyImages):
                x = np.asarray(x[:stop])
            yield x, None if y is None else y[:stop]
            return
        is_dataset = isinstance(x, keras.utils.PyDataset)
        if is_dataset:
            endless = x.num_batches is None
            indices = itertools.count() if endless else range(x.num_batches)
            batches = (x[i] for i in indices)
        else:
            batches = x
        for i, batch in enumerate(batches):
            if i == steps:
                return
            batch = as_arrays(batch)
            yield batch[:2] if self.condition is not None else batch[:1]

    def _checked_validation(self, data, batch_size):
        checked = super()._checked_validation(data, batch_size)
        evaluation = getattr(self, "_evaluation", None)
        if evaluation is not None and evaluation.metrics:
            evaluation.check(self, checked)
        return checked
