"""Trains a DCGAN on a folder of your own images.

    python recipes/train_dcgan_your_folder.py my_photos --out runs/mine --image-size 64

Any sizes and formats; sub-folders are searched. Images are made squares, of which
`--crop none` squeezes the whole picture and the default takes the middle. With fewer
than a few thousand images keep the augmentation, which is on by default. Sample grids
appear in the folder while it trains; interrupted (Ctrl-C) and started again, it goes on
where it stopped, and with more epochs also when it was done. On a CPU take
`--image-size 32 --width 32`.
"""

import pathlib

import keras

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser


def main(argv=None):
    """Trains as the command line tells; returns the model."""
    parser = RecipeParser(__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="of images")
    parser.add_argument("--out", type=pathlib.Path, help="default: runs/ and its name")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument(
        "--channels", type=int, default=3, choices=(1, 3, 4), help="4: transparency too"
    )
    parser.add_argument("--crop", default="center", choices=("center", "none"))
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-augment", action="store_true")
    args = parser.parse_args(argv)
    args.out = args.out or pathlib.Path("runs", args.folder.resolve().name)
    if args.out.resolve().is_relative_to(args.folder.resolve()):
        parser.error(
            f"--out {args.out} is inside {args.folder}: the sample grids would be "
            "trained on. Name another folder."
        )

    keras.utils.set_random_seed(args.seed)
    images, _ = kg.datasets.from_directory(
        args.folder,
        image_size=args.image_size,
        channels=args.channels,
        crop=args.crop,
        labels=None,
    )
    print(f"{len(images)} images of {images.shape[1:]}")

    with kg.distribution.scope():
        gan = kg.models.DCGAN(
            image_shape=images.shape[1:], width=args.width, seed=args.seed
        )
    gan.summary()
    augment = None if args.no_augment else "diffaugment"
    gan.compile(augment=augment)
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
    print(f"Sample grids and an animation of them: {args.out}")
    print(f"The model: kg.models.DCGAN.from_preset({str(args.out / 'preset')!r})")
    print(f"More samples: python recipes/sample.py {args.out / 'preset'} --seed 1")
    return gan


if __name__ == "__main__":
    main()
