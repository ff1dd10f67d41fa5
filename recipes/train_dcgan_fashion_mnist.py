"""Trains a DCGAN on Fashion-MNIST at 32 x 32 pixels.

    python recipes/train_dcgan_fashion_mnist.py --out runs/dcgan

Sample grids appear in the folder while it trains; interrupted and started again, it
goes on where it stopped. `--quick` is a smaller network for a few minutes on a CPU.
"""

import pathlib

import keras

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser


def main(argv=None):
    """Trains as the command line tells; returns the model."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/dcgan", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--num-images", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="width 32, 3 epochs")
    args = parser.parse_args(argv)
    if args.quick:  # other defaults
        parser.set_defaults(width=32, epochs=3)
        args = parser.parse_args(argv)

    keras.utils.set_random_seed(args.seed)
    images, _ = kg.datasets.load("fashion_mnist", split="train", image_size=32)
    images = images[: args.num_images]

    with kg.distribution.scope():
        gan = kg.models.DCGAN(
            image_shape=images.shape[1:], width=args.width, seed=args.seed
        )
    gan.summary()
    gan.compile()
    gan.fit(
        images,
        batch_size=args.batch_size,
        epochs=args.epochs,
        callbacks=[
            kg.callbacks.SampleGrid(args.out, every_seconds=60),
            kg.callbacks.BackupAndRestore(args.out / "backup", delete_checkpoint=False),
        ],
    )
    gan.save_to_preset(args.out / "preset", overwrite=True)
    print(f"Sample grids and animation.webp: {args.out}")
    print(f"The model: kg.models.DCGAN.from_preset({str(args.out / 'preset')!r})")
    return gan


if __name__ == "__main__":
    main()
