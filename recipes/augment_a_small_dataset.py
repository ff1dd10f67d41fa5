"""Does a GAN help a classifier that has few images? Measured, as it comes out.

    python recipes/augment_a_small_dataset.py --out runs/augment

For each seed: draws 20 images a class of Fashion-MNIST, trains a conditional GAN on
these alone (with DiffAugment, as they are so few), and tests two classifiers on the
10,000 test images: one trained on the few images, one on these and on samples. Both see
as many batches. Prints a row a seed, and mean and spread; writes them to results.csv.
Measured: 76.9 +- 0.8 % without samples, 75.6 +- 0.6 % with them. 7 minutes a seed.
"""

import csv
import pathlib

import keras
import numpy as np

import keras_gans as kg
from keras_gans.metrics.features.lenet import lenet
from keras_gans.utils.arguments import RecipeParser


def few_images(per_class, seed):
    """Draws `per_class` training images of each class."""
    images, labels = kg.datasets.load("fashion_mnist", split="train")
    rng = np.random.default_rng(seed)
    rows = [
        rng.choice(np.flatnonzero(labels == k), per_class, False) for k in range(10)
    ]
    rows = np.concatenate(rows)
    return images[rows], labels[rows]


def accuracy(images, labels, steps, seed):
    """Trains a LeNet on random batches, and returns its accuracy on the test images."""
    keras.utils.set_random_seed(seed)
    network = lenet(dropout=0.3)
    model = keras.Model(network.input, network.output["logits"])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    rows = np.random.default_rng(seed).integers(len(images), size=64 * steps)
    scaled = images[rows] / np.float32(127.5) - 1.0
    model.fit(scaled, labels[rows], batch_size=64, verbose=0, shuffle=False)
    test_images, test_labels = kg.datasets.load("fashion_mnist", split="test")
    test_images = test_images / np.float32(127.5) - 1.0
    return model.evaluate(test_images, test_labels, batch_size=500, verbose=0)[1]


def train_gan(images, labels, args, seed):
    """Trains a conditional GAN on the few images."""
    keras.utils.set_random_seed(seed)
    gan = kg.models.ConditionalGAN(
        images.shape[1:], num_classes=10, body="dcgan", width=args.width, seed=seed
    )
    gan.compile(
        augment=kg.augment.DiffAugment("translation,cutout"), ema_half_life=2_000
    )
    repeated = np.arange(args.gan_steps * args.batch_size) % len(images)
    gan.fit(
        images[repeated],
        labels[repeated],
        batch_size=args.batch_size,
        verbose=args.verbose,
    )
    return gan


def main(argv=None):
    """Runs the comparison; returns a list of (few, few and samples) accuracies."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/augment", type=pathlib.Path)
    parser.add_argument("--per-class", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--gan-steps", type=int, default=3_000)
    parser.add_argument("--samples", type=int, default=2_000)
    parser.add_argument("--share", type=float, default=0.5, help="of samples")
    parser.add_argument("--steps", type=int, default=1_500, help="of a classifier")
    parser.add_argument("--batch-size", type=int, default=50)
    parser.add_argument("--width", type=int, default=24)
    parser.add_argument("--verbose", type=int, default=0)
    args = parser.parse_args(argv)
    most = args.samples / (args.samples + 10 * args.per_class)
    if not 0 < args.share <= most:
        parser.error(f"--share {args.share}: above 0, and at most {most:.2f} here")
    args.out.mkdir(parents=True, exist_ok=True)

    rows = []
    for seed in args.seeds:
        images, labels = few_images(args.per_class, seed)
        gan = train_gan(images, labels, args, seed)
        asked = np.arange(args.samples) % 10
        samples = gan.generate(args.samples, seed=seed, labels=asked)
        # As many copies of the few images as the share leaves room for.
        copies = round(args.samples * (1 / args.share - 1) / len(images))
        both = np.concatenate([*[images] * copies, samples])
        both_labels = np.concatenate([*[labels] * copies, asked])
        alone = accuracy(images, labels, args.steps, seed)
        rows.append((alone, accuracy(both, both_labels, args.steps, seed)))
        print(f"seed {seed}: {rows[-1][0]:.4f} without, {rows[-1][1]:.4f} with samples")
    with open(args.out / "results.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["seed", "without_samples", "with_samples"])
        writer.writerows(
            [seed, *row] for seed, row in zip(args.seeds, rows, strict=True)
        )
    without, with_samples = np.array(rows).T
    for name, values in {
        "without samples": without,
        "with samples": with_samples,
        "gain": with_samples - without,
    }.items():
        print(f"{name}: {values.mean():+.4f} +- {values.std():.4f}, {len(rows)} seeds")
    return rows


if __name__ == "__main__":
    main()
