"""Enlarges a picture with weights of ESRGAN's or Real-ESRGAN's authors.

    python recipes/upscale.py RealESRGAN_x4plus.pth picture.png --out big.png

The weights are files of the releases of github.com/xinntao/Real-ESRGAN (BSD-3-Clause):
RealESRGAN_x4plus.pth, RealESRGAN_x2plus.pth, RealESRGAN_x4plus_anime_6B.pth; or those
of ESRGAN or BSRGAN. They are read without PyTorch, on any backend. Transparency is
enlarged too. Where memory does not last take smaller tiles: `--tile 128`.
"""

import numpy as np
from PIL import Image

from keras_gans.datasets.images import normalize
from keras_gans.models.super_resolution import rrdb_from_official
from keras_gans.models.super_resolution import upscale
from keras_gans.utils.arguments import RecipeParser
from keras_gans.utils.arguments import existing_file
from keras_gans.utils.image_grid import picture_path
from keras_gans.utils.image_grid import save_image


def main(argv=None):
    """Enlarges as the command line tells; returns the picture."""
    parser = RecipeParser(__doc__)
    parser.add_argument("weights", type=existing_file)
    parser.add_argument("picture", type=existing_file)
    parser.add_argument("--out", default="upscaled.png", type=picture_path)
    parser.add_argument(
        "--tile", type=int, default=256, help="pixels; 0: the picture as a whole"
    )
    parser.add_argument("--overlap", type=int, default=32, help="pixels, of tiles")
    args = parser.parse_args(argv)

    network = rrdb_from_official(args.weights)
    with Image.open(args.picture) as image:
        transparent = "A" in image.getbands() or "transparency" in image.info
        picture = np.asarray(normalize(image, 4 if transparent else 3))
    if transparent and args.out.suffix.lower() in (".jpg", ".jpeg"):
        parser.error(f"{args.picture} has transparency, JPEG has none: --out x.png")

    def enlarge(pixels):
        return upscale(network, pixels[None], args.tile or None, args.overlap)[0]

    large = enlarge(picture[..., :3])
    if transparent:
        alpha = enlarge(np.repeat(picture[..., 3:], 3, axis=-1))
        alpha = alpha.mean(axis=-1, keepdims=True).round().astype("uint8")
        large = np.concatenate([large, alpha], axis=-1)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_image(large, args.out)
    height, width = large.shape[:2]
    print(f"{width} x {height} pixels: {args.out}")
    return large


if __name__ == "__main__":
    main()
