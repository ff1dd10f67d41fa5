"""Mixes styles: the shape of one image, the colors of another.

    python recipes/style_mixing.py stylegan2_emoji_32 --out mixing.png

The preset is a name of the zoo, a folder that `save_to_preset` wrote, or hf://user/repo
of a model with styles. Layers from `--first` to `--last` get the style of the column,
the others that of the row: the first layers have shapes, the last have colors.
"""

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser
from keras_gans.utils.image_grid import picture_path


def main(argv=None):
    """Mixes as the command line tells; returns the images."""
    parser = RecipeParser(__doc__)
    parser.add_argument("preset")
    parser.add_argument("--out", default="mixing.png", type=picture_path)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--columns", type=int, default=6)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--last", type=int, help="the middle; from there on, the last")
    parser.add_argument("--psi", type=float, default=0.7, help="of the truncation")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    gan = kg.models.GAN.from_preset(args.preset)
    if not hasattr(gan, "num_styles"):
        parser.error(f"{args.preset} is a {type(gan).__name__}, which has no styles.")
    last = args.last
    if last is None:
        middle = gan.num_styles // 2 - 1
        last = middle if args.first <= middle else gan.num_styles - 1
    grid = kg.latent_tools.style_mixing_grid(
        gan,
        args.rows,
        args.columns,
        layers=range(args.first, last + 1),
        seed=args.seed,
        truncation_psi=args.psi,
        path=args.out,
    )
    print(f"Styles of layers {args.first} to {last} of the columns: {args.out}")
    return grid


if __name__ == "__main__":
    main()
