"""Draws Noto emoji in the style of Twemoji, and back: CycleGAN, judged by the truth.

    python recipes/translate_emoji_styles.py --out runs/styles
    python recipes/translate_emoji_styles.py --model pix2pix --out runs/styles_pairs

CycleGAN is trained without pairs. As both styles draw the same emoji, what it makes of
held-out ones can be compared with the truth, beside doing nothing, matching colors, and
(`--model pix2pix`) training on the pairs. The table is written to results.csv.
The features of the distances come with `pip install keras-gans[features]`.
"""

import pathlib

import keras
import numpy as np

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser
from keras_gans.utils.tables import save_table


def match_colors(images, source, target):
    """Maps each channel's values so that its histogram over `source` is `target`'s."""
    matched = np.empty_like(images)
    for c in range(images.shape[-1]):
        shares = np.bincount(source[..., c].ravel(), minlength=256).cumsum()
        shares = shares / shares[-1]
        values = np.quantile(target[..., c], shares, method="nearest").astype("uint8")
        matched[..., c] = values[images[..., c]]
    return matched


def main(argv=None):
    """Trains as the command line tells; returns the rows of the table."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/styles", type=pathlib.Path)
    parser.add_argument("--model", choices=["cyclegan", "pix2pix"], default="cyclegan")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=60, help="6 at 32 px")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--discriminator-width", type=int, default=64)
    parser.add_argument(
        "--discriminator-layers",
        type=int,
        help="1, 2, 3: of 16, 34, 70 px; by default of about half a side at most",
    )
    own = parser.add_argument_group("of CycleGAN")
    bodies = ["residual_unet", "resnet"]
    own.add_argument("--body", choices=bodies, default=bodies[0], help="paper: resnet")
    own.add_argument("--cycle-weight", type=float, default=2.0, help="paper: 10")
    own.add_argument("--identity-weight", type=float, default=0.0, help="paper: 5")
    own.add_argument("--ema-half-life", type=float, default=4e3, help="paper: 0")
    parser.add_argument("--num-images", type=int, default=4_000, help="at most")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    kg.metrics.features.get("efficientnet_lite0")  # missing, it is to be told now
    keras.utils.set_random_seed(args.seed)
    (a, b), (test_a, test_b) = (
        [
            kg.datasets.load(
                "emoji", split=split, style=style, image_size=args.image_size
            )[0][: args.num_images]
            for style in ("noto", "twemoji")
        ]
        for split in ("train", "test")
    )
    usual = 1 + sum(args.image_size >= side for side in (64, 128))
    cls, layout, weights = kg.models.Pix2Pix, {}, {}
    if args.model == "cyclegan":
        cls = kg.models.CycleGAN
        # Both styles draw the same: a residual U-Net adds to the drawing that it gets.
        layout = {"body": args.body, "global_skip": args.body != "resnet"}
        weights = {n: getattr(args, n) for n in ("cycle_weight", "identity_weight")}
        weights["ema_half_life"] = args.ema_half_life or None
    with kg.distribution.scope():
        gan = cls(
            a.shape[1:],
            width=args.width,
            discriminator_width=args.discriminator_width,
            discriminator_layers=args.discriminator_layers or usual,
            seed=args.seed,
            **layout,
        )
    gan.summary()
    steps = args.epochs * (len(a) // min(args.batch_size, len(a)))
    rate = kg.schedules.LinearDecay(args.rate, steps // 2, steps)
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(rate, beta_1=0.5),
        discriminator_optimizer=keras.optimizers.Adam(rate, beta_1=0.5),
        **weights,
    )
    gan.fit(
        a,
        b,
        batch_size=args.batch_size,
        epochs=args.epochs,
        callbacks=[
            kg.callbacks.TranslationGrid(
                args.out, test_a, test_b, every_seconds=120, paired=True
            ),
            kg.callbacks.BackupAndRestore(args.out / "backup", delete_checkpoint=False),
        ],
    )
    gan.save_to_preset(args.out / "preset", overwrite=True)

    rows = {
        "identity": kg.metrics.paired_scores(test_a, test_b),
        "color histogram": kg.metrics.paired_scores(match_colors(test_a, a, b), test_b),
        args.model: kg.metrics.paired_scores(gan.translate(test_a), test_b),
    }
    save_table(rows, args.out / "results.csv")
    return rows


if __name__ == "__main__":
    main()
