"""Trains an R3GAN on emoji at 64 x 64 pixels.

    python recipes/train_r3gan_emoji.py --out runs/r3gan_emoji

About 3,400 pictures are few: each change of ADA's pipeline happens with a fixed
probability to whatever the discriminator sees, but for mirroring and quarter turns.
Sample grids appear in the folder while it trains; interrupted and started again, it
goes on where it stopped. `--preset` begins with a trained model, the zoo's or your own,
whose networks it takes. For one CPU core and a night or less:
`--image-size 32 --channels 128 128 64 32 --batch-size 16 --rate 1e-3 --gamma 0.5`.
"""

import pathlib

import keras

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser


def main(argv=None):
    """Trains as the command line tells; returns the model."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/r3gan_emoji", type=pathlib.Path)
    parser.add_argument("--preset", help="to train on, a folder or a name")
    parser.add_argument("--style", choices=["noto", "twemoji"], default="noto")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rate", type=float, default=2e-4, help="at the start")
    parser.add_argument("--gamma", type=float, help="at the start; else the authors'")
    parser.add_argument(
        "--ema-half-life", type=float, help="in images; else grows as the authors' does"
    )
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument(
        "--channels",
        type=int,
        nargs="+",
        metavar="N",
        help="of features of 4, 8, 16 ... px, in place of one width for all",
    )
    parser.add_argument("--blocks", type=int, default=1, help="of a stage")
    parser.add_argument("--ada-p", type=float, default=0.3)
    parser.add_argument("--num-images", type=int, default=4_000, help="at most")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(args.seed)
    images, _ = kg.datasets.load(
        "emoji", split="train", style=args.style, image_size=args.image_size
    )
    images = images[: args.num_images]

    with kg.distribution.scope():
        if args.preset:
            gan = kg.models.R3GAN.from_preset(args.preset, seed=args.seed)
        else:
            gan = kg.models.R3GAN(
                images.shape[1:],
                width=args.width,
                channels=args.channels,
                blocks=args.blocks,
                seed=args.seed,
            )
    gan.summary()
    size = min(args.batch_size, len(images))  # the rest of an epoch is left out
    seen = args.epochs * (len(images) // size) * size
    recipe = gan.recipe(seen, size, rate=args.rate, gamma=args.gamma)
    if args.ema_half_life is not None:
        recipe["ema_half_life"] = args.ema_half_life
    gan.compile(
        **recipe,
        augment=kg.augment.ADA(p=args.ada_p, fixed=True, xflip=0, rotate90=0),
    )
    gan.fit(
        images,
        batch_size=size,
        epochs=args.epochs,
        callbacks=[
            kg.callbacks.SampleGrid(args.out, every_seconds=60),
            kg.callbacks.BackupAndRestore(args.out / "backup", delete_checkpoint=False),
        ],
    )
    gan.save_to_preset(args.out / "preset", overwrite=True)
    print(f"Sample grids and animation.webp: {args.out}")
    print(f"The model: kg.models.R3GAN.from_preset({str(args.out / 'preset')!r})")
    return gan


if __name__ == "__main__":
    main()
