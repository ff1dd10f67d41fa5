"""Makes a picture of yours into another with a pretrained model of images.

    python recipes/translate.py cyclegan_emoji_noto2twemoji_32 face.png
    python recipes/translate.py pix2pix_emoji_edges_64 drawing.png --threshold 230
    python recipes/translate.py pix2pix_emoji_colorize_64 gray.png
    python recipes/translate.py srgan_emoji_x4 small.png
    python recipes/translate.py inpaint_emoji_64 torn.png --mask hole.png

The preset may also be a folder that a training wrote. Pictures are cut and scaled to
what the model was trained with; those to enlarge are taken as they are, and others with
`--own-size`, in tiles where they are larger. `--threshold` is for drawings, black on
white: edges were trained on without gray. Of a mask white is to be filled.
"""

import numpy as np
from PIL import Image

import keras_gans as kg
from keras_gans.datasets.images import fit
from keras_gans.datasets.images import normalize
from keras_gans.utils.arguments import RecipeParser
from keras_gans.utils.arguments import existing_file
from keras_gans.utils.image_grid import picture_path
from keras_gans.utils.image_grid import save_image


def main(argv=None):
    """Translates as the command line tells; returns the picture, uint8 `(H, W, C)`."""
    parser = RecipeParser(__doc__)
    parser.add_argument("preset")
    parser.add_argument("picture", type=existing_file)
    parser.add_argument("--out", default="translated.png", type=picture_path)
    parser.add_argument("--to", help="a or b, the domain to translate to; default: b")
    parser.add_argument("--mask", type=existing_file, help="picture, white is to fill")
    parser.add_argument(
        "--own-size", action="store_true", default=None, help="do not scale"
    )
    parser.add_argument("--threshold", type=int, help="0 to 255, what is white")
    parser.add_argument("--seed", type=int, help="of the noise that dropout is")
    args = parser.parse_args(argv)

    model = kg.models.GAN.from_preset(args.preset)
    fills, translates = hasattr(model, "inpaint"), hasattr(model, "translate")
    if not fills and not translates:
        parser.error(
            f"{args.preset} makes images of latents, see recipes/sample.py: "
            f"`{type(model).__name__}.from_preset(...).generate(64)`."
        )
    if fills != (args.mask is not None):
        which = "fills holes: --mask hole.png" if fills else "has no use for a --mask"
        parser.error(f"{args.preset} {which}")
    others = "to", "own_size", "threshold", "seed"
    if fills and any(getattr(args, name) is not None for name in others):
        parser.error(
            f"{args.preset} fills holes: no --to, --own-size, --threshold, --seed"
        )

    def read(path, channels, background="white"):
        with Image.open(path) as image:
            picture = normalize(image, channels, background)
        if keeps_size:
            return np.asarray(picture).reshape(*picture.size[::-1], channels)
        return fit(picture, source.shape[:2])

    if fills:
        source, keeps_size = model.data_spec, False
        mask = read(args.mask, 1, "black")[..., 0] > 127
        picture = read(args.picture, source.shape[2])
        made = model.inpaint(picture[None], mask)[0]
    else:
        to = args.to or "b"
        if to not in model.directions():
            known = " or ".join(model.directions())
            parser.error(f"{args.preset} translates to {known}: --to {to}")
        _, source, target = model.directions()[to]
        keeps_size = args.own_size or target.shape[0] > source.shape[0]
        picture = read(args.picture, source.shape[2])
        if args.threshold is not None:
            picture = np.where(picture < args.threshold, 0, 255).astype("uint8")
        made = model.translate(picture[None], to=to, seed=args.seed, verbose=1)[0]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_image(made, args.out)
    print(f"{made.shape[1]} x {made.shape[0]} pixels: {args.out}")
    return made


if __name__ == "__main__":
    main()
