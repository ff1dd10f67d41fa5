"""Measures presets and writes the values into their cards.

    python -m zoo.measure dcgan_fashion_mnist_32
    python -m zoo.measure --all

Metrics on features of the LeNet of `zoo/classifiers`, of 10,000 generated images per
sampling seed against the 10,000 test images, as in Lucic et al. 2018
(arXiv:1711.10337). The same of 10,000 training images tells what a perfect generator
would get. The values go to `metadata` of `config.json` and to the card, with those of
1,000 images, which a test measures again.
"""

import argparse
import json

import numpy as np

import keras_gans as kg
from keras_gans.metrics.shared import SharedExtraction
from keras_gans.metrics.shared import choose
from keras_gans.preset_files import CARD
from keras_gans.preset_files import CONFIG
from keras_gans.preset_files import read_config
from keras_gans.utils.files import atomic_path
from zoo.publish import make_card

SEEDS = (0, 1, 2)
SAMPLES = 10_000
CHECK_SAMPLES = 1_000
DATA = "fashion_mnist"
PROTOCOL = (
    "10,000 images of `gan.generate(10_000, seed=...)` against the 10,000 test images "
    "of Fashion-MNIST, in the features of `lenet_fashion_mnist` of 28 x 28 pixels: "
    "Frechet distance (N - 1), KID (100 subsets of 1,000, polynomial kernel, unbiased; "
    "mean and standard error over subsets), precision, recall, density and coverage "
    "(k = 5). No value is a FID, whose features are Inception's. The last column is of "
    "10,000 training images in place of generated ones."
)


class Measure:
    """The metrics against the test images.

    Args:
        image_size: Int, of the preset's images.
        num_samples: Int, N of real and of generated images.
    """

    def __init__(self, image_size, num_samples):
        self.image_size, self.num_samples = image_size, num_samples
        self.metrics = [
            kg.metrics.FrechetDistance(num_samples=num_samples),
            kg.metrics.KernelDistance(num_samples=num_samples),
            kg.metrics.PRDC(num_samples=num_samples),
        ]
        self.shared = SharedExtraction(self.metrics)
        self.shared.load_real(self._images("test"))

    def _images(self, split):
        return kg.datasets.load(DATA, split=split, image_size=self.image_size)[0]

    def training_images(self):
        """The values of training images in place of generated ones."""
        return self.of(choose(self._images("train"), self.num_samples, 0))

    def of(self, images):
        """The values of images.

        Args:
            images: `(num_samples, H, W, C)`.

        Returns:
            Dict, name -> float.
        """
        self.shared.update(fake_images=images)
        values = {}
        for metric in self.metrics:
            values |= metric.values()
            metric.reset_state()
        return values


def measure(gan):
    """Measures a model.

    Args:
        gan: A model of Fashion-MNIST.

    Returns:
        Dict of what a card says: protocol, seeds, values per seed, and those of
        training images and of fewer samples.
    """
    measure = Measure(gan.data_spec.shape[0], SAMPLES)
    found = [measure.of(gan.generate(SAMPLES, seed=seed)) for seed in SEEDS]
    check = Measure(gan.data_spec.shape[0], CHECK_SAMPLES)
    return {
        "protocol": PROTOCOL,
        "seeds": list(SEEDS),
        "values": {name: [values[name] for values in found] for name in found[0]},
        "training_images": measure.training_images(),
        "check": check.of(gan.generate(CHECK_SAMPLES, seed=SEEDS[0])),
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
    parser.add_argument("--all", action="store_true", help="of Fashion-MNIST")
    args = parser.parse_args(argv)
    known = {name: p for name, p in kg.presets().items() if DATA in name}
    names = list(known) if args.all else args.presets
    unknown = sorted(set(names) - set(known))
    if unknown or not names:
        parser.error(f"presets of {DATA}: {', '.join(known)}; received: {unknown}")
    for name in names:
        gan = kg.models.GAN.from_preset(name)
        measurements = measure(gan)
        write(known[name], gan, measurements)
        print(name, known[name].path / CARD)
        for metric, values in measurements["values"].items():
            print(f"  {metric}: {', '.join(f'{value:.4g}' for value in values)}")


if __name__ == "__main__":
    main()
