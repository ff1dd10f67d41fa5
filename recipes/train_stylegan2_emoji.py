"""Trains a StyleGAN2, or a StyleGAN, on emoji at 64 x 64 pixels.

    python recipes/train_stylegan2_emoji.py --out runs/stylegan2_emoji

About 3,400 pictures are few: ADA changes what the discriminator sees, the more the
surer it is. Emoji are not mirrored and not turned by quarters. Sample grids appear in
the folder while it trains; interrupted and started again, it goes on where it stopped.
A step takes seconds on a CPU: try `--image-size 32 --channel-max 32` there.
"""

import pathlib

import keras

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser


def main(argv=None):
    """Trains as the command line tells; returns the model."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/stylegan2_emoji", type=pathlib.Path)
    parser.add_argument(
        "--model", choices=["StyleGAN2", "StyleGAN"], default="StyleGAN2"
    )
    parser.add_argument("--style", choices=["noto", "twemoji"], default="noto")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--channel-base", type=int, default=4096)
    parser.add_argument("--channel-max", type=int, default=128)
    parser.add_argument("--style-dim", type=int, default=128, help="and of latents")
    parser.add_argument("--mapping-depth", type=int, default=2)
    parser.add_argument("--ada-speed", type=int, default=100_000, help="images")
    parser.add_argument("--num-images", type=int, default=4_000, help="at most")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(args.seed)
    images, _ = kg.datasets.load(
        "emoji", split="train", style=args.style, image_size=args.image_size
    )
    images = images[: args.num_images]

    cls = getattr(kg.models, args.model)
    with kg.distribution.scope():
        gan = cls(
            images.shape[1:],
            latent_dim=args.style_dim,
            style_dim=args.style_dim,
            channel_base=args.channel_base,
            channel_max=args.channel_max,
            mapping_depth=args.mapping_depth,
            seed=args.seed,
        )
    gan.summary()
    # Gamma and average follow the size of the images and of the batch, as in "auto".
    path_length = args.model == "StyleGAN2"
    options = kg.models.StyleGAN2.recipe(gan, args.batch_size, path_length=path_length)
    gan.compile(
        **options, augment=kg.augment.ADA(speed=args.ada_speed, xflip=0, rotate90=0)
    )
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
    print(
        f"The model: kg.models.{args.model}.from_preset({str(args.out / 'preset')!r})"
    )
    return gan


if __name__ == "__main__":
    main()
