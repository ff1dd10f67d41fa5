"""Trains a class-conditional BigGAN on Fashion-MNIST at 32 x 32 pixels.

    python recipes/train_biggan_fashion_mnist.py --out runs/biggan

Sample grids, a row for each class, appear in the folder while it trains; interrupted
and started again, it goes on where it stopped. `--model BigGANDeep` is the deeper one.
`--quick` is a smaller network for some minutes on a CPU. The author's settings for
CIFAR-10, for a GPU: `--channels 4 4 4 4 --width 64 --batch-size 50
--discriminator-steps 4 --ema-half-life 350000`.
"""

import pathlib

import keras

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser

MODELS = ("BigGAN", "BigGANDeep")


def main(argv=None):
    """Trains as the command line tells; returns the model."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/biggan", type=pathlib.Path)
    parser.add_argument("--model", choices=MODELS, default=MODELS[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--channels", type=int, nargs=4, default=[4, 4, 2, 1])
    parser.add_argument("--discriminator-steps", type=int, default=2)
    parser.add_argument("--ema-half-life", type=int, default=20_000, help="images")
    parser.add_argument("--num-images", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="width 8, 2 epochs")
    args = parser.parse_args(argv)
    if args.quick:  # other defaults
        parser.set_defaults(width=8, epochs=2)
        args = parser.parse_args(argv)

    keras.utils.set_random_seed(args.seed)
    images, labels = kg.datasets.load("fashion_mnist", split="train", image_size=32)
    images, labels = images[: args.num_images], labels[: args.num_images]

    with kg.distribution.scope():
        gan = getattr(kg.models, args.model)(
            image_shape=images.shape[1:],
            num_classes=10,
            width=args.width,
            channels=args.channels,
            seed=args.seed,
        )
    gan.summary()
    gan.compile(
        discriminator_steps=args.discriminator_steps,
        ema_half_life=args.ema_half_life,
    )
    gan.fit(
        images,
        labels,
        batch_size=args.batch_size,
        epochs=args.epochs,
        callbacks=[
            kg.callbacks.SampleGrid(args.out, every_seconds=60, rows=10, columns=8),
            kg.callbacks.BackupAndRestore(args.out / "backup", delete_checkpoint=False),
        ],
    )
    gan.save_to_preset(args.out / "preset", overwrite=True)
    print(f"Sample grids and animation.webp: {args.out}")
    preset = str(args.out / "preset")
    print(f"The model: kg.models.{args.model}.from_preset({preset!r})")
    return gan


if __name__ == "__main__":
    main()
