"""Trains a conditional GAN on Fashion-MNIST at 28 x 28 pixels.

    python recipes/train_cgan_fashion_mnist.py --out runs/cgan

The sample grids have a row for each class. Interrupted and started again, it goes on
where it stopped. `--body mlp` takes the perceptrons of the paper.
"""

import pathlib

import keras

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser


def main(argv=None):
    """Trains as the command line tells; returns the model."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/cgan", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--body", choices=["mlp", "dcgan"], default="dcgan")
    parser.add_argument("--width", type=int, default=32, help="of the body dcgan")
    parser.add_argument("--hidden-units", type=int, default=1200, help="of mlp")
    parser.add_argument("--dtype", default="float32", help="or mixed_bfloat16")
    parser.add_argument("--num-images", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(args.seed)
    images, labels = kg.datasets.load("fashion_mnist", split="train")
    images, labels = images[: args.num_images], labels[: args.num_images]

    with kg.distribution.scope():
        gan = kg.models.ConditionalGAN(
            image_shape=images.shape[1:],
            num_classes=10,
            body=args.body,
            width=args.width,
            hidden_units=args.hidden_units,
            dtype=args.dtype,
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
    preset = str(args.out / "preset")
    print(f"The model: kg.models.ConditionalGAN.from_preset({preset!r})")
    return gan


if __name__ == "__main__":
    main()
