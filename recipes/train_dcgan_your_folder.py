"""Trains a DCGAN on a folder of your own images.

    python recipes/train_dcgan_your_folder.py my_photos --out runs/mine --image-size 64

Any sizes and formats; sub-folders are searched. With fewer than a few thousand images
keep the augmentation, which is on by default. Interrupted and started again, it goes
on where it stopped.
"""

import argparse
import pathlib

import keras

import keras_gans as kg


def main(argv=None):
    """Trains as the command line tells; returns the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--out", default="runs/your_folder", type=pathlib.Path)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--channels", type=int, default=3, choices=(1, 3))
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-augment", action="store_true")
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(args.seed)
    images, _ = kg.datasets.from_directory(
        args.folder, image_size=args.image_size, channels=args.channels, labels=None
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
            kg.callbacks.BackupAndRestore(args.out / "backup"),
        ],
    )
    gan.save_to_preset(args.out / "preset", overwrite=True)
    print(f"Sample grids and an animation of them: {args.out}")
    print(f"The model: kg.models.DCGAN.from_preset({str(args.out / 'preset')!r})")
    return gan


if __name__ == "__main__":
    main()
