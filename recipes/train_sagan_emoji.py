"""Trains a SAGAN on the categories of emoji, at 32 x 32 pixels.

    python recipes/train_sagan_emoji.py --out runs/sagan

About 3,400 pictures are few for a GAN: the discriminator sees them and the generated
ones under random changes (DiffAugment). The sample grids have a row for each category.
Interrupted and started again, it goes on where it stopped.
"""

import pathlib

import keras

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser


def main(argv=None):
    """Trains as the command line tells; returns the model."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/sagan", type=pathlib.Path)
    parser.add_argument("--style", choices=["noto", "twemoji"], default="noto")
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--width", type=int, default=32, help="the paper's is 64")
    parser.add_argument("--num-images", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(args.seed)
    images, labels = kg.datasets.load(
        "emoji", split="train", style=args.style, image_size=32
    )
    images, labels = images[: args.num_images], labels[: args.num_images]

    with kg.distribution.scope():
        gan = kg.models.SAGAN(
            image_shape=images.shape[1:],
            num_classes=10,
            width=args.width,
            seed=args.seed,
        )
    gan.summary()
    gan.compile(augment=kg.augment.DiffAugment("color,translation,cutout"))
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
    print(f"The model: kg.models.SAGAN.from_preset({str(args.out / 'preset')!r})")
    return gan


if __name__ == "__main__":
    main()
