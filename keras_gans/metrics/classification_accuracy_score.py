"""Train a classifier on generated samples, test it on real ones."""

import random

import keras
import numpy as np

from keras_gans import backend
from keras_gans.batches import InOrder
from keras_gans.conditions import check_labels
from keras_gans.data_specs import Images
from keras_gans.metrics.features.lenet import lenet
from keras_gans.metrics.metric import GenerativeMetric

LEARNING_RATE = 1e-3


class LabelledImages:
    """Images in [-1, 1], rounded to uint8's 256 values, and their labels."""

    kind = "labelled images"

    def __init__(self):
        self.count = 0
        self._batches = []

    def update(self, images, labels):
        """Takes a batch `(B, H, W, C)` with labels `(B,)`."""
        if images.dtype != np.uint8:
            images = np.clip(np.rint((images + 1.0) * 127.5), 0, 255).astype("uint8")
        self._batches.append((np.array(images), np.array(labels)))  # not the caller's
        self.count += len(images)

    def arrays(self):
        """Returns all images and all labels."""
        images, labels = (
            np.concatenate(parts) for parts in zip(*self._batches, strict=True)
        )
        return images.astype("float32") / 127.5 - 1.0, labels.astype("int32")


@keras.saving.register_keras_serializable("keras_gans")
class ClassificationAccuracyScore(GenerativeMetric):
    r"""Accuracy on real images of a classifier that was trained on generated ones.

    Ravuri and Vinyals 2019, arXiv:1905.10887. It finds what the Frechet distance does
    not: classes of which samples are few, wrong or alike. The same training on real
    images, given as such, is the ceiling; compare with it, since the value depends on
    the classifier and on how long it trains.

    The classifier is a small LeNet, trained anew by each `result` from the same seeded
    weights and order: with 10,000 samples of 28 x 28 a matter of half a minute on two
    CPU cores.

    Args:
        test_images: `(N, H, W, C)`, uint8 or float in [-1, 1], real images that the
            generator has not seen.
        test_labels: Ints `(N,)`.
        num_samples: Int, N, generated samples to train on.
        epochs: Int, of the classifier.
        batch_size: Int, of the classifier.
        classifier: Optional callable from `(image_shape, num_classes)` to a Keras
            model from images in [-1, 1] to logits. Its layers must not drop out.
        seed: Int, of the weights and the order.
        name: Optional name. Defaults to `cas_lenet_<N>`.

    Raises:
        ValueError: If images or labels are not as they should be.

    Example:

    ```python
    test_images, test_labels = kg.datasets.load("fashion_mnist", split="test")
    metric = kg.metrics.ClassificationAccuracyScore(test_images, test_labels)
    labels = np.arange(10_000) % 10
    samples = gan.generate(labels=labels, num_samples=10_000, seed=0)
    metric.update_state(fake_images=samples, fake_labels=labels)
    metric.result()  # {"cas_lenet_10k": 0.81}
    ```
    """

    output = None
    accumulator = LabelledImages
    higher_is_better = True
    uses_labels = True

    def __init__(
        self,
        test_images,
        test_labels,
        num_samples=10_000,
        *,
        epochs=10,
        batch_size=128,
        classifier=None,
        seed=0,
        name=None,
    ):
        super().__init__(None, None, num_samples, seed=seed, name=name)
        images = self.check_images(test_images, "test")
        Images(images.shape[1:]).check(images, "test_images")
        labels = np.asarray(test_labels)
        self.num_classes = int(labels.max()) + 1 if labels.size else 1
        check_labels(labels, self.num_classes, len(images))
        self.test = LabelledImages()
        self.test.update(images, labels.reshape(-1))
        self.epochs, self.batch_size = epochs, batch_size
        self.classifier = classifier
        kind = getattr(classifier, "__name__", "classifier") if classifier else "lenet"
        self.prefix = f"cas_{kind}"
        self._found = {}

    def update_state(
        self, real_images=None, fake_images=None, real_labels=None, fake_labels=None
    ):
        """Takes a batch of generated samples, and of real ones for the ceiling.

        Args:
            real_images: Optional `(B, H, W, C)`, uint8 or float in [-1, 1]; not those
                of the test.
            fake_images: Optional `(B', H, W, C)`, likewise.
            real_labels: Ints `(B,)`.
            fake_labels: Ints `(B',)`: the classes that were asked for.

        Raises:
            ValueError: If they are no such images, or without labels.
        """
        checked = {}  # both before one of them counts
        for kind, images, labels in (
            ("real", real_images, real_labels),
            ("fake", fake_images, fake_labels),
        ):
            if images is None:
                continue
            if kind == "real":
                self.check_real_is_open()
            images = self.check_images(images, kind)
            Images(images.shape[1:]).check(images, f"{kind}_images")
            if labels is None:
                raise ValueError(
                    f"Expected: `{kind}_labels`, a class for each of {len(images)} "
                    "images. Received: None."
                )
            labels = np.asarray(labels)
            check_labels(labels, self.num_classes, len(images))
            checked[kind] = images, labels.reshape(-1)
        for kind, samples in checked.items():
            getattr(self, kind).update(*samples)
            self._found.pop(kind, None)

    def result(self):
        """Trains, and returns a dict: the accuracy, and the ceiling with real images.

        Raises:
            ValueError: If there are no generated samples.
        """
        if not self.fake.count:
            raise ValueError(
                "Expected: generated samples with labels. Received: none. Call "
                "`update_state` first."
            )
        name = self.name
        values = {name: self._accuracy("fake", self.fake)}
        if self.real.count:
            values[f"{name}_real"] = self._accuracy("real", self.real)
        return values

    def _accuracy(self, kind, samples):
        if kind not in self._found:
            self._found[kind] = self._train_and_test(samples)
        return self._found[kind]

    def _train_and_test(self, samples):
        images, labels = samples.arrays()
        rng = np.random.default_rng(self.seed)
        model = self._make(images.shape[1:], rng)
        size = min(self.batch_size, len(images))
        for _ in range(self.epochs):
            # Whole batches only: backends compile anew for each size.
            order = rng.permutation(len(images))[: len(images) // size * size]
            batches = InOrder((images[order], labels[order]), size)
            batches = backend.input_of_keras(model, batches)
            model.fit(batches, verbose=0, shuffle=False)
        images, labels = self.test.arrays()
        count = len(images)
        rows = np.arange(-(-count // size) * size) % count
        logits = model.predict(images[rows], size, verbose=0)[:count]
        return float((logits.argmax(axis=1) == labels).mean())

    def _make(self, image_shape, rng):
        state = random.getstate()  # Keras' initializers draw their seeds from it
        if self.classifier is not None:
            model = self.classifier(image_shape, self.num_classes)
        else:
            network = lenet(image_shape, self.num_classes, dropout=0.0)
            model = keras.Model(network.input, network.output["logits"])
        random.setstate(state)
        # Drawn by NumPy: the same on every backend, and nobody's seeds move.
        weights = []
        for weight in model.get_weights():
            if weight.ndim > 1:
                fan_in = int(np.prod(weight.shape[:-1]))
                scale = np.sqrt(2.0 / fan_in)
                weight = rng.normal(0.0, scale, weight.shape).astype("float32")
            weights.append(weight)
        model.set_weights(weights)
        model.compile(
            keras.optimizers.Adam(LEARNING_RATE),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        return model

    def reset_state(self):
        """Forgets generated images, and real ones unless they were given for good."""
        super().reset_state()
        kept = ("real",) if self._real_is_loaded else ()
        self._found = {kind: self._found[kind] for kind in kept if kind in self._found}

    def get_config(self):
        """Raises, since a configuration cannot carry the test images."""
        raise ValueError(
            f"A configuration cannot carry the test images of {self.name}. Make the "
            "metric again where you load."
        )
