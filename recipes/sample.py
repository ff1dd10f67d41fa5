"""Samples a preset into a picture.

    python recipes/sample.py dcgan_fashion_mnist_32 --out samples.png

The preset is a name of the zoo, a folder that `save_to_preset` wrote, or hf://user/repo.
Those that make images of images, such as pix2pix, have `translate` for that instead.
"""

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser
from keras_gans.utils.image_grid import picture_path
from keras_gans.utils.image_grid import save_grid


def main(argv=None):
    """Samples as the command line tells; returns the images, uint8 (N, H, W, C)."""
    parser = RecipeParser(__doc__)
    parser.add_argument("preset", nargs="?", default="dcgan_fashion_mnist_32")
    parser.add_argument("--out", default="samples.png", type=picture_path)
    parser.add_argument("--num", type=int, default=64, help="how many images")
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    gan = kg.models.GAN.from_preset(args.preset)
    if not hasattr(gan, "generate"):
        parser.error(
            f"{args.preset} is a {type(gan).__name__}, which makes images of images: "
            "see recipes/translate.py."
        )
    images = gan.generate(args.num, seed=args.seed)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_grid(images, args.out, columns=args.columns)
    print(f"{args.num} samples of {args.preset}: {args.out}")
    return images


if __name__ == "__main__":
    main()
