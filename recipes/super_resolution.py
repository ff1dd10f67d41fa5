"""Enlarges emoji: SRResNet, then SRGAN, judged on held-out emoji beside bicubic.

    python recipes/super_resolution.py --scale 4 --out runs/large
    python recipes/super_resolution.py --scale 2 --perceptual-weight 0 --out runs/large2

Means of squares give the best PSNR, and blur; a discriminator and a perceptual loss
give detail. The latter takes most of the time on a CPU: `--perceptual-weight 0` does
without. `--pretraining 0` and `--epochs 0` leave a phase out. The table is written to
results.csv. The features of the distances come with `pip install keras-gans[features]`.
"""

import pathlib

import keras
import numpy as np
from PIL import Image

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser
from keras_gans.utils.tables import save_table


def resized(images, side, how):
    """Images `(N, side, side, 3)`, by one of Pillow's ways."""
    size = (side, side)
    return np.stack([np.asarray(Image.fromarray(i).resize(size, how)) for i in images])


def main(argv=None):
    """Trains as the command line tells; returns the rows of the table."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/large", type=pathlib.Path)
    parser.add_argument("--scale", type=int, choices=[2, 4], default=4)
    parser.add_argument("--body", choices=["srresnet", "rrdb"], default="srresnet")
    parser.add_argument("--style", choices=["noto", "twemoji"], default="noto")
    parser.add_argument("--image-size", type=int, default=64, help="of large images")
    parser.add_argument("--pretraining", type=int, default=50, help="epochs before D")
    parser.add_argument("--pretraining-rate", type=float, default=1e-4)
    parser.add_argument("--epochs", type=int, default=50, help="epochs with D")
    parser.add_argument("--perceptual-weight", type=float, default=1.0)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--blocks", type=int, default=8)
    parser.add_argument("--discriminator-width", type=int, default=24)
    parser.add_argument("--num-images", type=int, default=4_000, help="at most")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    kg.metrics.features.get("efficientnet_lite0")  # missing, it is to be told now
    keras.utils.set_random_seed(args.seed)
    large, test_large = (
        kg.datasets.load(
            "emoji", split=split, style=args.style, image_size=args.image_size
        )[0][: args.num_images]
        for split in ("train", "test")
    )
    side = args.image_size // args.scale
    ways = Image.Resampling
    small, test_small = (
        resized(images, side, ways.BICUBIC) for images in (large, test_large)
    )
    made = {
        "nearest": resized(test_small, args.image_size, ways.NEAREST),
        "bicubic": resized(test_small, args.image_size, ways.BICUBIC),
    }
    with kg.distribution.scope():
        gan = kg.models.SRGAN(
            small.shape[1:],
            scale=args.scale,
            body=args.body,
            width=args.width,
            blocks=args.blocks,
            discriminator_width=args.discriminator_width,
            seed=args.seed,
        )
    gan.summary()
    phases = {
        "without D": {
            "generator_optimizer": keras.optimizers.Adam(args.pretraining_rate),
            "adversarial_weight": 0.0,
            "perceptual_weight": 0.0,
        },
        "srgan": {"perceptual_weight": args.perceptual_weight},
    }
    for name, weights in phases.items():
        epochs = args.epochs if name == "srgan" else args.pretraining
        if not epochs:
            continue
        out = args.out / name.replace(" ", "_")
        gan.compile(**weights)
        gan.fit(
            small,
            large,
            batch_size=args.batch_size,
            epochs=epochs,
            callbacks=[
                kg.callbacks.TranslationGrid(
                    out, test_small, test_large, every_seconds=120
                ),
                kg.callbacks.BackupAndRestore(out / "backup", delete_checkpoint=False),
            ],
        )
        made[name] = gan.translate(test_small)
    gan.save_to_preset(args.out / "preset", overwrite=True)

    rows = {
        name: kg.metrics.paired_scores(images, test_large)
        for name, images in made.items()
    }
    save_table(rows, args.out / "results.csv")
    return rows


if __name__ == "__main__":
    main()
