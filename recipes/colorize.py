"""Colors gray emoji: pix2pix, judged on held-out emoji.

    python recipes/colorize.py --out runs/colors

What is known stays: the model's picture is shifted to the given gray, pixel by pixel.
Beside it, in results.csv, stand the gray picture itself, and the mean color that pixels
of a gray have in training.
The features of the distances come with `pip install keras-gans[features]`.
"""

import pathlib

import keras
import numpy as np

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser
from keras_gans.utils.tables import save_table

LUMA = np.float32([0.299, 0.587, 0.114])


def gray(images):
    """Luma, uint8 `(N, H, W, 1)`, of images `(N, H, W, 3)`."""
    return np.rint(images.astype("float32") @ LUMA).astype("uint8")[..., None]


def with_gray(images, grays):
    """Images whose luma is that of the gray ones, as far as colors allow."""
    images = images.astype("float32")
    shift = grays - (images @ LUMA)[..., None]
    return np.clip(np.rint(images + shift), 0, 255).astype("uint8")


def mean_colors(grays, images):
    """For each gray of 0..255 the mean color there, uint8 `(256, 3)`."""
    index, colors = grays.ravel(), images.reshape(-1, 3)
    counts = np.bincount(index, minlength=256)[:, None]
    sums = [np.bincount(index, colors[:, c], minlength=256) for c in range(3)]
    means = np.stack(sums, axis=-1) / np.maximum(counts, 1)
    return np.where(counts, means, np.arange(256)[:, None]).round().astype("uint8")


def main(argv=None):
    """Trains as the command line tells; returns the rows of the table."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/colors", type=pathlib.Path)
    parser.add_argument("--style", choices=["noto", "twemoji"], default="noto")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--num-images", type=int, default=4_000, help="at most")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    kg.metrics.features.get("efficientnet_lite0")  # missing, it is to be told now
    keras.utils.set_random_seed(args.seed)
    images, test_images = (
        kg.datasets.load(
            "emoji", split=split, style=args.style, image_size=args.image_size
        )[0][: args.num_images]
        for split in ("train", "test")
    )
    grays, test_grays = gray(images), gray(test_images)
    with kg.distribution.scope():
        gan = kg.models.Pix2Pix(
            grays.shape[1:],
            images.shape[1:],
            width=args.width,
            discriminator_width=args.width,
            discriminator_layers=3 if args.image_size >= 32 else 2,
            seed=args.seed,
        )
    gan.summary()
    steps = args.epochs * (len(images) // min(args.batch_size, len(images)))
    rate = kg.schedules.LinearDecay(2e-4, steps // 2, steps)
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(rate, beta_1=0.5),
        discriminator_optimizer=keras.optimizers.Adam(rate, beta_1=0.5),
    )
    gan.fit(
        grays,
        images,
        batch_size=args.batch_size,
        epochs=args.epochs,
        callbacks=[
            kg.callbacks.TranslationGrid(
                args.out, test_grays, test_images, every_seconds=120
            ),
            kg.callbacks.BackupAndRestore(args.out / "backup", delete_checkpoint=False),
        ],
    )
    gan.save_to_preset(args.out / "preset", overwrite=True)

    made = {
        "identity": np.repeat(test_grays, 3, axis=-1),
        "mean color": mean_colors(grays, images)[test_grays[..., 0]],
        "pix2pix": with_gray(gan.translate(test_grays), test_grays),
    }
    rows = {
        name: kg.metrics.paired_scores(images, test_images)
        for name, images in made.items()
    }
    save_table(rows, args.out / "results.csv")
    return rows


if __name__ == "__main__":
    main()
