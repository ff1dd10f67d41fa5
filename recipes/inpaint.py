"""Fills holes in emoji: a context encoder, judged on held-out emoji.

    python recipes/inpaint.py --out runs/holes

It is trained with random rectangles, and judged with others, beside the mean color of
what is known of each picture. The table is written to results.csv.
The features of the distances come with `pip install keras-gans[features]`.
"""

import pathlib

import keras
import numpy as np

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser
from keras_gans.utils.tables import save_table


def rectangles(count, side, least, most, seed=0):
    """Holes, bool `(N, side, side)`: a rectangle each, of these shares of a side."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, side, side), bool)
    for mask in masks:
        sizes = np.maximum(1, np.rint(rng.uniform(least, most, 2) * side)).astype(int)
        top, left = (rng.integers(side - size + 1) for size in sizes)
        mask[top : top + sizes[0], left : left + sizes[1]] = True
    return masks


def mean_fill(images, masks):
    """Holes in the mean color of the known pixels of each image."""
    known = ~masks[..., None]
    means = (images * known).sum((1, 2)) / known.sum((1, 2))  # (N, C)
    means = np.rint(means).astype("uint8")[:, None, None]
    return np.where(known, images, means)


def main(argv=None):
    """Trains as the command line tells; returns the rows of the table."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/holes", type=pathlib.Path)
    parser.add_argument("--style", choices=["noto", "twemoji"], default="noto")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--hole", type=float, nargs=2, default=[0.25, 0.5])
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
    with kg.distribution.scope():
        gan = kg.models.ContextEncoder(
            images.shape[1:],
            hole=args.hole,
            width=args.width,
            discriminator_width=args.width,
            seed=args.seed,
        )
    gan.summary()
    gan.compile()
    masks = rectangles(len(test_images), args.image_size, *args.hole)
    gan.fit(
        images,
        batch_size=args.batch_size,
        epochs=args.epochs,
        callbacks=[
            kg.callbacks.InpaintingGrid(
                args.out, test_images, masks, every_seconds=120
            ),
            kg.callbacks.BackupAndRestore(args.out / "backup", delete_checkpoint=False),
        ],
    )
    gan.save_to_preset(args.out / "preset", overwrite=True)

    damaged = np.where(masks[..., None], np.uint8(127), test_images)
    made = {
        "mean fill": mean_fill(test_images, masks),
        "context encoder": gan.inpaint(damaged, masks),
    }
    rows = {
        name: kg.metrics.paired_scores(images, test_images)
        for name, images in made.items()
    }
    save_table(rows, args.out / "results.csv")
    return rows


if __name__ == "__main__":
    main()
