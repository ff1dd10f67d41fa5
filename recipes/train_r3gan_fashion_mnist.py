"""Trains an R3GAN on Fashion-MNIST at 32 x 32 pixels.

    python recipes/train_r3gan_fashion_mnist.py --out runs/r3gan

Rates and penalties follow the authors' schedules, here stretched over the whole
training. As the network is small and sees few images, batches are small, and both start
higher: after 24,000 images the Frechet distance was 28 with 1e-3 and 0.3, and 96 with
batches of 64, 2e-4 and 0.5. Train it in float32: with convolutions in bfloat16 the
discriminator came to see what rounding makes of the black ground, and won against that
(its loss falls by half). The best epoch is kept beside the last.
Sample grids appear in the folder while it trains; interrupted and started again, it
goes on where it stopped. `--preset` begins with a trained model, the zoo's or your own,
whose networks it takes; the rate may be lower then. What the authors take for images of
this size, for a GPU:
`--width 768 --blocks 2 --batch-size 512 --rate 2e-4 --gamma 0.05`.
"""

import pathlib

import keras

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser


def main(argv=None):
    """Trains as the command line tells; returns the model."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/r3gan", type=pathlib.Path)
    parser.add_argument("--preset", help="to train on, such as r3gan_fashion_mnist_32")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3, help="at the start")
    parser.add_argument("--gamma", type=float, default=0.5, help="at the start")
    parser.add_argument("--final-gamma", type=float, help="a tenth of it if not given")
    parser.add_argument(
        "--ema-half-life", type=float, default=2e4, help="of the generator, in images"
    )
    parser.add_argument(
        "--channels",
        type=int,
        nargs=4,
        default=[128, 128, 64, 32],
        metavar="N",
        help="of features of 4, 8, 16 and 32 px",
    )
    parser.add_argument("--width", type=int, help="for all of them, in place of these")
    parser.add_argument("--blocks", type=int, default=1, help="of a stage")
    parser.add_argument("--num-images", type=int, default=60_000)
    parser.add_argument(
        "--samples", type=int, default=5_000, help="of an epoch's Frechet distance"
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(args.seed)
    images, _ = kg.datasets.load("fashion_mnist", split="train", image_size=32)
    images = images[: args.num_images]

    with kg.distribution.scope():
        if args.preset:
            gan = kg.models.R3GAN.from_preset(args.preset, seed=args.seed)
        else:
            gan = kg.models.R3GAN(
                image_shape=images.shape[1:],
                channels=[args.width] * 4 if args.width else args.channels,
                blocks=args.blocks,
                seed=args.seed,
            )
    gan.summary()
    size = min(args.batch_size, len(images))  # the rest of an epoch is left out
    seen = args.epochs * (len(images) // size) * size
    recipe = gan.recipe(seen, size, args.rate, args.gamma, args.final_gamma)
    gan.compile(**recipe | {"ema_half_life": args.ema_half_life})
    monitor = kg.callbacks.FrechetDistance(
        images, num_samples=args.samples, keep_best=args.out / "best"
    )
    gan.fit(
        images,
        batch_size=size,
        epochs=args.epochs,
        callbacks=[
            kg.callbacks.SampleGrid(args.out, every_seconds=60),
            monitor,
            kg.callbacks.BackupAndRestore(args.out / "backup", delete_checkpoint=False),
        ],
    )
    gan.save_to_preset(args.out / "preset", overwrite=True)
    print(f"The best epoch of all by Frechet distance: {args.out / 'best'}")
    print(f"Sample grids and animation.webp: {args.out}")
    print(f"The model: kg.models.R3GAN.from_preset({str(args.out / 'preset')!r})")
    return gan


if __name__ == "__main__":
    main()
