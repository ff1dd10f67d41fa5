"""Trains a StyleGAN2 on a folder of your own images: 500 to 10,000 of them.

    python recipes/train_stylegan2_your_folder.py my_photos --out runs/mine

Images are made squares (`--crop none` squeezes the whole picture, the default takes
the middle) and smaller; files that cannot be read are named.
Widths, rates and penalties follow the size of the images, ADA how many there are: the
fewer, the more it changes what the discriminator sees. Sample grids appear in the
folder while it trains; interrupted (Ctrl-C) and started again, it goes on where it
stopped, and with more `--kimg` also when it was done. The defaults want a GPU. One core
of a CPU takes 1.5 hours for `--image-size 32 --channel-base 512 --channel-max 64
--style-dim 64 --kimg 600`.
"""

import pathlib

import keras
import numpy as np

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser


def main(argv=None):
    """Trains as the command line tells; returns the model."""
    parser = RecipeParser(__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="of images")
    parser.add_argument("--out", type=pathlib.Path, help="default: runs/ and its name")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--crop", default="center", choices=("center", "none"))
    parser.add_argument("--kimg", type=float, default=2_000, help="thousand images")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--channel-base", type=int, help="default: by the size")
    parser.add_argument("--channel-max", type=int, default=512)
    parser.add_argument("--style-dim", type=int, default=512)
    parser.add_argument("--gamma", type=float, help="of R1; default: by size and batch")
    parser.add_argument(
        "--mirror", action="store_true", help="the data twice: also left is right"
    )
    parser.add_argument("--turn", action="store_true", help="ADA may turn by quarters")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    args.out = args.out or pathlib.Path("runs", args.folder.resolve().name)
    if args.out.resolve().is_relative_to(args.folder.resolve()):
        parser.error(
            f"--out {args.out} is inside {args.folder}: the sample grids would be "
            "trained on. Name another folder."
        )

    keras.utils.set_random_seed(args.seed)
    images, _ = kg.datasets.from_directory(
        args.folder, image_size=args.image_size, crop=args.crop, labels=None
    )
    print(f"{len(images)} images of {images.shape[1:]}")
    if args.mirror:
        images = np.concatenate([images, images[:, :, ::-1]])
    # The configuration "auto" of the authors: half of the width below 512 pixels.
    base = args.channel_base or (32768 if args.image_size >= 512 else 16384)
    with kg.distribution.scope():
        gan = kg.models.StyleGAN2(
            images.shape[1:],
            latent_dim=args.style_dim,
            style_dim=args.style_dim,
            channel_base=base,
            channel_max=args.channel_max,
            mapping_depth=2,
            seed=args.seed,
        )
    gan.summary()
    size = min(args.batch_size, len(images))  # the rest of an epoch is left out
    # Of few images p has to grow soon: within 50 passes over them, at most 500,000.
    speed = min(500_000, 50 * len(images))
    gan.compile(
        **gan.recipe(size, gamma=args.gamma),
        augment=kg.augment.ADA(speed=speed, xflip=0.0, rotate90=float(args.turn)),
    )
    gan.fit(
        images,
        batch_size=size,
        epochs=max(1, round(1000 * args.kimg / (len(images) // size * size))),
        callbacks=[
            kg.callbacks.SampleGrid(args.out, every_seconds=60),
            kg.callbacks.BackupAndRestore(
                args.out / "backup", delete_checkpoint=False, every_seconds=300
            ),
        ],
    )
    gan.save_to_preset(args.out / "preset", overwrite=True)
    print(f"Sample grids and animation.webp: {args.out}")
    print(f"The model: kg.models.StyleGAN2.from_preset({str(args.out / 'preset')!r})")
    print(f"More samples: python recipes/sample.py {args.out / 'preset'} --seed 1")
    return gan


if __name__ == "__main__":
    main()
