"""The Frechet distance within each class, for conditional generators."""

import keras
import numpy as np

from keras_gans.metrics.frechet_distance import check_counts
from keras_gans.metrics.frechet_distance import frechet_distance
from keras_gans.metrics.metric import GenerativeMetric
from keras_gans.metrics.statistics import FeatureStatistics


class LabelledStatistics:
    """One `FeatureStatistics` per class."""

    kind = "labelled statistics"

    def __init__(self):
        self.classes = {}

    @property
    def count(self):
        """Samples of all classes."""
        return sum(statistics.count for statistics in self.classes.values())

    @property
    def dim(self):
        """D, the number of features; None before the first batch."""
        return next((s.dim for s in self.classes.values()), None)

    def update(self, features, labels):
        """Takes a batch `(B, D)` with int labels `(B,)`."""
        labels = np.asarray(labels).reshape(-1)
        if len(labels) != len(features):
            raise ValueError(
                f"Expected: a label for each of {len(features)} samples. Received: "
                f"{len(labels)}."
            )
        if not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(f"Expected: labels as ints. Received: {labels.dtype}.")
        for label in np.unique(labels):
            statistics = self.classes.setdefault(int(label), FeatureStatistics())
            statistics.update(features[labels == label])


@keras.saving.register_keras_serializable("keras_gans")
class IntraClassFrechetDistance(GenerativeMetric):
    r"""Mean over the classes of the Frechet distance within each.

        1/K sum_y FD(real of class y, generated for class y)

    the intra-FID of Miyato and Koyama 2018 (arXiv:1802.05637). A generator that makes
    good images of the wrong class has a low Frechet distance and a high value here. N
    in the name is the number of generated samples of all classes together; the bias is
    that of N / K.

    Args:
        features: As in `FrechetDistance`.
        num_samples: As in `FrechetDistance`.
        **kwargs: `resize`, `quantize`, `seed` and `name`, as in `FrechetDistance`.

    Attributes:
        per_class: Dict, class -> distance, once `result` was called.

    Example:

    ```python
    metric = kg.metrics.IntraClassFrechetDistance(features="lenet_fashion_mnist")
    metric.update_state(
        images, gan.generate(len(labels), labels=labels), labels, labels
    )
    metric.result()
    ```
    """

    prefix = "intra_class_fd"
    accumulator = LabelledStatistics
    higher_is_better = False
    uses_labels = True

    def __init__(self, features="lenet_fashion_mnist", num_samples=10_000, **kwargs):
        super().__init__(None, features, num_samples, **kwargs)
        self.per_class = {}

    def update_state(
        self, real_images=None, fake_images=None, real_labels=None, fake_labels=None
    ):
        """Takes a batch of real images, of generated ones, or of both.

        Args:
            real_images: `(B, H, W, C)`, uint8 or float in [-1, 1].
            fake_images: `(B', H, W, C)`, likewise.
            real_labels: Ints `(B,)`.
            fake_labels: Ints `(B',)`.

        Raises:
            ValueError: If they are no such images, or without labels.
        """
        given = {"real": real_images, "fake": fake_images}
        found = {
            kind: self.found_in(images, kind)
            for kind, images in given.items()
            if images is not None
        }
        self.update_features(**found, real_labels=real_labels, fake_labels=fake_labels)

    def update_features(self, real=None, fake=None, real_labels=None, fake_labels=None):
        """Takes features, with labels, in place of images."""
        given = {"real": (real, real_labels), "fake": (fake, fake_labels)}
        given = {kind: pair for kind, pair in given.items() if pair[0] is not None}
        if "real" in given:
            self.check_real_is_open()
        for kind, (_, labels) in given.items():
            if labels is None:
                raise ValueError(
                    f"Expected: `{kind}_labels`, a class for each sample. Received: "
                    "None. For unlabelled images use FrechetDistance."
                )
        for kind, pair in given.items():
            getattr(self, kind).update(*pair)

    def check_count(self, count):
        """Raises unless there are 2 real samples of each class."""
        for label, statistics in self.real.classes.items():
            check_counts(statistics.count, count, label)

    def result(self):
        """Returns the mean distance; warns where a class has too few samples.

        Raises:
            ValueError: If the classes of real and generated samples differ, or one has
                fewer than 2 samples.
        """
        real, fake = self.real.classes, self.fake.classes
        if not real or set(real) != set(fake):
            raise ValueError(
                "Expected: real and generated samples of the same classes. Received: "
                f"{sorted(real)} and {sorted(fake)}."
            )
        for label in real:
            check_counts(real[label].count, fake[label].count, label)
        self.per_class = {
            label: frechet_distance(real[label], fake[label]) for label in sorted(real)
        }
        fewest = min(s.count for side in (real, fake) for s in side.values())
        if fewest <= self.fake.dim:
            self.warn_once(
                f"{self.name}: {fewest} samples of a class, {self.fake.dim} features. "
                "Expected: more samples than features in each class; with fewer the "
                "distance is too large, by a term of about 1/N."
            )
        return float(np.mean(list(self.per_class.values())))
