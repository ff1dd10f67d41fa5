"""Trains an SNGAN with classes on Fashion-MNIST at 32 x 32 pixels.

    python recipes/train_sngan_fashion_mnist.py --out runs/sngan

The sample grids have a row for each class. Interrupted and started again, it goes on
where it stopped. The paper's width is 64, with 5 updates of the discriminator for each
of the generator; the defaults here suit a CPU.
"""

import pathlib

import keras

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser


def main(argv=None):
    """Trains as the command line tells; returns the model."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/sngan", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--body", choices=["resnet", "cnn"], default="cnn")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--discriminator-steps", type=int, default=1)
    parser.add_argument("--num-images", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(args.seed)
    images, labels = kg.datasets.load("fashion_mnist", split="train", image_size=32)
    images, labels = images[: args.num_images], labels[: args.num_images]

    with kg.distribution.scope():
        gan = kg.models.SNGAN(
            image_shape=images.shape[1:],
            num_classes=10,
            body=args.body,
            width=args.width,
            seed=args.seed,
        )
    gan.summary()
    gan.compile(discriminator_steps=args.discriminator_steps)
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
    print(f"The model: kg.models.SNGAN.from_preset({str(args.out / 'preset')!r})")
    return gan


if __name__ == "__main__":
    main()
