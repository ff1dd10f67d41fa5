"""Trains the GAN of 2014 on Fashion-MNIST at 28 x 28 pixels.

    python recipes/train_gan_fashion_mnist.py --out runs/gan

Sample grids appear in the folder while it trains; interrupted and started again, it
goes on where it stopped.
"""

import pathlib

import keras

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser


def main(argv=None):
    """Trains as the command line tells; returns the model."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/gan", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--hidden-units", type=int, default=1000)
    parser.add_argument("--dtype", default="float32", help="or mixed_bfloat16")
    parser.add_argument("--num-images", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(args.seed)
    images, _ = kg.datasets.load("fashion_mnist", split="train")
    images = images[: args.num_images]

    with kg.distribution.scope():
        gan = kg.models.GAN(
            image_shape=images.shape[1:],
            hidden_units=args.hidden_units,
            dtype=args.dtype,
            seed=args.seed,
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
    print(f"The model: kg.models.GAN.from_preset({str(args.out / 'preset')!r})")
    return gan


if __name__ == "__main__":
    main()
