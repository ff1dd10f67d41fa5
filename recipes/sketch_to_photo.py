"""Paints emoji for drawings of their edges: pix2pix, judged on held-out emoji.

    python recipes/sketch_to_photo.py --out runs/sketches

The edges are where a Sobel filter finds a large slope. Pictures of your own, instead of
emoji: load them with `kg.datasets.from_directory`, and split them into two sets. The
table is written to results.csv; beside the model stand the edges themselves.
The features of the distances come with `pip install keras-gans[features]`.
"""

import pathlib

import keras
import numpy as np

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser
from keras_gans.utils.tables import save_table


def edges(images, threshold=100.0):
    """Black edges on white, uint8 `(N, H, W, 1)`, of images `(N, H, W, 3)`."""
    gray = images.astype("float32") @ np.float32([0.299, 0.587, 0.114])
    padded = np.pad(gray, ((0, 0), (1, 1), (1, 1)), "edge")
    left, right = padded[:, :, :-2], padded[:, :, 2:]
    up, down = padded[:, :-2], padded[:, 2:]
    across = right - left  # (N, H + 2, W); weighted 1, 2, 1 along H
    across = across[:, :-2] + 2 * across[:, 1:-1] + across[:, 2:]
    along = down - up  # (N, H, W + 2)
    along = along[:, :, :-2] + 2 * along[:, :, 1:-1] + along[:, :, 2:]
    slope = np.hypot(across, along)
    return np.where(slope > threshold, 0, 255).astype("uint8")[..., None]


def main(argv=None):
    """Trains as the command line tells; returns the rows of the table."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/sketches", type=pathlib.Path)
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
    sketches, test_sketches = edges(images), edges(test_images)
    with kg.distribution.scope():
        gan = kg.models.Pix2Pix(
            sketches.shape[1:],
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
        sketches,
        images,
        batch_size=args.batch_size,
        epochs=args.epochs,
        callbacks=[
            kg.callbacks.TranslationGrid(
                args.out, test_sketches, test_images, every_seconds=120
            ),
            kg.callbacks.BackupAndRestore(args.out / "backup", delete_checkpoint=False),
        ],
    )
    gan.save_to_preset(args.out / "preset", overwrite=True)

    made = {
        "identity": np.repeat(test_sketches, 3, axis=-1),
        "pix2pix": gan.translate(test_sketches),
    }
    rows = {
        name: kg.metrics.paired_scores(images, test_images)
        for name, images in made.items()
    }
    save_table(rows, args.out / "results.csv")
    return rows


if __name__ == "__main__":
    main()
