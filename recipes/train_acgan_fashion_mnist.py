"""Trains an AC-GAN on Fashion-MNIST at 32 x 32 pixels.

    python recipes/train_acgan_fashion_mnist.py --out runs/acgan

The sample grids have a row for each class. Interrupted and started again, it goes on
where it stopped.
"""

import pathlib

import keras

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser


def main(argv=None):
    """Trains as the command line tells; returns the model."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/acgan", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--width", type=int, default=48, help="the paper's is 96")
    parser.add_argument("--num-images", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(args.seed)
    images, labels = kg.datasets.load("fashion_mnist", split="train", image_size=32)
    images, labels = images[: args.num_images], labels[: args.num_images]

    with kg.distribution.scope():
        gan = kg.models.ACGAN(
            image_shape=images.shape[1:],
            num_classes=10,
            width=args.width,
            seed=args.seed,
        )
    gan.summary()
    gan.compile()
    gan.fit(
        images,
        labels,
        batch_size=args.batch_size,
        epochs=args.epochs,
        callbacks=[
            kg.callbacks.SampleGrid(args.out, rows=10, columns=8, every_seconds=60),
            kg.callbacks.BackupAndRestore(args.out / "backup", delete_checkpoint=False),
        ],
    )
    gan.save_to_preset(args.out / "preset", overwrite=True)
    print(f"Sample grids and animation.webp: {args.out}")
    print(f"The model: kg.models.ACGAN.from_preset({str(args.out / 'preset')!r})")
    return gan


if __name__ == "__main__":
    main()
