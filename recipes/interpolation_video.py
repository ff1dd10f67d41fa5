"""Makes a film of images that turn into one another.

    python recipes/interpolation_video.py stylegan2_emoji_32 --out morph.webp

The preset is that of a model with styles. The film is .webp, .gif, or .mp4 (for which
`pip install imageio-ffmpeg`); it ends where it began.
"""

import pathlib

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser


def main(argv=None):
    """Makes the film that the command line tells; returns its path."""
    parser = RecipeParser(__doc__)
    parser.add_argument("preset")
    parser.add_argument("--out", default="morph.webp", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=2)
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--stops", type=int, default=5, help="styles that are passed")
    parser.add_argument("--frames", type=int, default=24, help="between stops")
    parser.add_argument("--psi", type=float, default=0.7, help="of the truncation")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    gan = kg.models.GAN.from_preset(args.preset)
    path = kg.latent_tools.interpolation_video(
        gan,
        args.out,
        rows=args.rows,
        columns=args.columns,
        stops=args.stops,
        frames=args.frames,
        truncation_psi=args.psi,
        seed=args.seed,
    )
    print(f"{args.stops * args.frames} frames: {path}")
    return path


if __name__ == "__main__":
    main()
