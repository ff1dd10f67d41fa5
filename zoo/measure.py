"""Measures presets and writes the values into their cards.

    python -m zoo.measure dcgan_fashion_mnist_32
    python -m zoo.measure --all

Every data set has its protocol, below; image-to-image models have theirs in `pairs.py`.
Of as many real images in place of generated ones the values tell what a perfect
generator would get. The values go to `metadata` of `config.json` and to the card, with
those of fewer images, which a test measures again.
"""

import argparse
import json
from typing import NamedTuple

import numpy as np

import keras_gans as kg
from keras_gans.metrics import features
from keras_gans.metrics.shared import SharedExtraction
from keras_gans.metrics.shared import choose
from keras_gans.preset_files import CARD
from keras_gans.preset_files import CONFIG
from keras_gans.preset_files import read_config
from keras_gans.utils.files import atomic_path
from zoo import pairs
from zoo.publish import make_card

SEEDS = (0, 1, 2)


class Protocol(NamedTuple):
    """How presets of one data set are measured."""

    data: str
    options: dict  # of `kg.datasets.load`
    features: str
    reference: str  # the split that generated images are compared with
    ceiling: str  # the split that is measured in place of generated images
    samples: int
    check_samples: int  # of the values that a test measures again
    classifier: str | None  # features whose "logits" say the class
    within_classes: bool  # whether all splits have enough of every class for distances
    text: str
    ceiling_text: str


METRICS = (
    "Frechet distance (N - 1), KID (100 subsets of 1,000, polynomial kernel, unbiased; "
    "mean and standard error over subsets), precision, recall, density and coverage "
    "(k = 5). No value is a FID, whose features are Inception's."
)
WITHIN = "the mean of the Frechet distances within the classes; "
CONDITIONAL = (
    "Of conditional models, classes by turns: {}`cas`, the accuracy on the test images "
    "of a LeNet trained on the generated ones"
)
PROTOCOLS = {
    "fashion_mnist": Protocol(
        data="fashion_mnist",
        options={},
        features="lenet_fashion_mnist",
        reference="test",
        ceiling="train",
        samples=10_000,
        check_samples=1_000,
        classifier="lenet_fashion_mnist",
        within_classes=True,
        text=(
            "10,000 images of `gan.generate(10_000, seed=...)` against the 10,000 test "
            "images of Fashion-MNIST, as in Lucic et al. 2018 (arXiv:1711.10337), in "
            f"the features of `lenet_fashion_mnist` of 28 x 28 pixels: {METRICS}"
        ),
        ceiling_text="10,000 training images in place of generated ones",
    ),
    "emoji": Protocol(
        data="emoji",
        options={"style": "noto"},
        features="efficientnet_lite0",
        reference="train",
        ceiling="test",
        samples=3_444,
        check_samples=256,  # EfficientNet takes longer than LeNet
        classifier=None,
        within_classes=False,
        text=(
            "3,444 images of `gan.generate(3_444, seed=...)` against the 3,444 "
            "training images of the style, as is usual for small sets, in the features "
            f"of `efficientnet_lite0` (ImageNet): {METRICS} The sets are small: values "
            "have a bias of about 1/N, and compare only with values of the same N"
        ),
        ceiling_text="the 342 held-out images in place of generated ones, with a bias "
        "that is larger",
    ),
}


def protocol_of(name):
    """The protocol of a preset's samples, by its name; None if there is none."""
    if name in pairs.TASKS:
        return None
    return next((p for data, p in PROTOCOLS.items() if f"_{data}_" in name), None)


class Measure:
    """The metrics against the real images of a protocol.

    Args:
        protocol: A `Protocol`.
        image_size: Int, of the preset's images.
        num_samples: Int, N of real and of generated images.
        conditional: Whether the metrics of classes are measured too.
        cas: Whether a classifier is trained on samples of conditional models, which
            takes longer than all else.
    """

    def __init__(self, protocol, image_size, num_samples, conditional=False, cas=True):
        self.protocol = protocol
        self.image_size, self.num_samples = image_size, num_samples
        given = {"features": protocol.features, "num_samples": num_samples}
        self.metrics = [
            kg.metrics.FrechetDistance(**given),
            kg.metrics.KernelDistance(**given),
            kg.metrics.PRDC(**given),
        ]
        if conditional and protocol.within_classes:
            self.metrics.append(kg.metrics.IntraClassFrechetDistance(**given))
        if conditional and cas:
            self.metrics.append(
                kg.metrics.ClassificationAccuracyScore(
                    *self._load("test"), num_samples=num_samples
                )
            )
        self.conditional = conditional
        self.classifier = None
        if conditional and protocol.classifier is not None:
            self.classifier = features.get(protocol.classifier)
        self.shared = SharedExtraction(self.metrics)
        self.shared.load_real(*self._load(protocol.reference))

    def _load(self, split):
        return kg.datasets.load(
            self.protocol.data,
            split=split,
            image_size=self.image_size,
            **self.protocol.options,
        )

    def real(self, names):
        """The values of real images in place of generated ones, under given names."""
        images, labels = self._load(self.protocol.ceiling)
        rows = choose(np.arange(len(images)), self.num_samples, 0)
        values = self.of(images[rows], labels[rows])
        values = dict(zip(names, values.values(), strict=True))
        if self.protocol.ceiling == "test":  # no classifier is tested on what it learnt
            values |= {k: self.accuracy_of_real for k in names if k.startswith("cas")}
        return values

    def generated(self, gan, seed):
        """The values of generated images, of classes by turns."""
        labels = None
        if self.conditional:
            labels = gan.condition.for_samples(None, self.num_samples)
        given = {} if labels is None else {"labels": labels}
        return self.of(gan.generate(self.num_samples, seed=seed, **given), labels)

    def of(self, images, labels=None):
        """The values of images.

        Args:
            images: `(N, H, W, C)`.
            labels: Their classes, if those are measured.

        Returns:
            Dict, name -> float.
        """
        self.shared.update(fake_images=images, labels=labels)
        values = {}
        for metric in self.metrics:
            values |= metric.values()
            metric.reset_state()
        if self.classifier is not None:
            logits = self.classifier.extract(images, outputs=("logits",))["logits"]
            right = np.mean(np.argmax(logits, axis=1) == labels)
            values[f"class_accuracy_{self.classifier.name}"] = float(right)
        for name in [name for name in values if name.endswith("_real")]:
            self.accuracy_of_real = values.pop(name)
        return values


def measure(gan, protocol):
    """Measures a model.

    Args:
        gan: A model of the protocol's data.
        protocol: A `Protocol`.

    Returns:
        Dict of what a card says: protocol, seeds, values per seed, and those of real
        images and of fewer samples.
    """
    size, conditional = gan.data_spec.shape[0], gan.num_classes is not None
    measure = Measure(protocol, size, protocol.samples, conditional)
    found = [measure.generated(gan, seed) for seed in SEEDS]
    check = Measure(protocol, size, protocol.check_samples, conditional)
    text = protocol.text.removesuffix(".")
    if conditional:
        text += f". {CONDITIONAL.format(WITHIN if protocol.within_classes else '')}"
        if protocol.classifier is not None:
            text += f"; the share that `{protocol.classifier}` takes for the class"
    return {
        "protocol": f"{text}. The last column is of {protocol.ceiling_text}.",
        "seeds": list(SEEDS),
        "values": {name: [values[name] for values in found] for name in found[0]},
        "training_images": measure.real(found[0]),
        "check": check.generated(gan, SEEDS[0]),
    }


def write(preset, gan, measurements):
    """Writes measurements into the metadata and the card of a preset."""
    config = read_config(preset.path)
    metadata = config["metadata"]
    metadata["metrics"] = {
        name: float(f"{np.mean(values):.4g}")
        for name, values in measurements["values"].items()
    }
    metadata["measurements"] = measurements
    files = {
        CONFIG: json.dumps(config, indent=2) + "\n",
        CARD: make_card(gan, preset.name, metadata),
    }
    for name, text in files.items():
        with atomic_path(preset.path / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def main(argv=None):
    """Measures what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("presets", nargs="*", metavar="preset")
    parser.add_argument("--all", action="store_true", help="that have a protocol")
    args = parser.parse_args(argv)
    known = {
        name: preset
        for name, preset in kg.presets().items()
        if name in pairs.TASKS or protocol_of(name)
    }
    names = list(known) if args.all else args.presets
    unknown = sorted(set(names) - set(known))
    if unknown or not names:
        parser.error(f"presets with a protocol: {', '.join(known)}; {unknown}")
    for name in names:
        gan = kg.models.GAN.from_preset(name)
        if name in pairs.TASKS:
            measurements = pairs.measure(gan, name)
        else:
            measurements = measure(gan, protocol_of(name))
        write(known[name], gan, measurements)
        print(name, known[name].path / CARD)
        for metric, values in measurements["values"].items():
            print(f"  {metric}: {', '.join(f'{value:.4g}' for value in values)}")


if __name__ == "__main__":
    main()
