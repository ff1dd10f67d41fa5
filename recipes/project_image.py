"""Finds an image among those that a model with styles can make.

    python recipes/project_image.py my_preset photo.png --out projected.png

The picture that is written shows the image beside what was found; the styles, for
editing, are in a file .npy beside it.
"""

import numpy as np
from PIL import Image

import keras_gans as kg
from keras_gans.datasets.images import fit
from keras_gans.datasets.images import normalize
from keras_gans.utils.arguments import RecipeParser
from keras_gans.utils.arguments import existing_file
from keras_gans.utils.image_grid import picture_path
from keras_gans.utils.image_grid import save_grid


def main(argv=None):
    """Projects as the command line tells; returns what was found."""
    parser = RecipeParser(__doc__)
    parser.add_argument("preset")
    parser.add_argument("image", type=existing_file)
    parser.add_argument("--out", default="projected.png", type=picture_path)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--space", choices=["w", "w+"], default="w")
    parser.add_argument(
        "--features", help="such as efficientnet_lite0; default: pixels"
    )
    parser.add_argument("--label", type=int, help="class of the image")
    args = parser.parse_args(argv)

    gan = kg.models.GAN.from_preset(args.preset)
    height, width, channels = gan.data_spec.shape
    with Image.open(args.image) as image:
        target = fit(normalize(image, channels), (height, width))
    found = kg.latent_tools.project(
        gan,
        target,
        steps=args.steps,
        space=args.space,
        features=args.features,
        labels=args.label,
    )
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.save(args.out.with_suffix(".npy"), found["styles"])
    save_grid(np.stack([target, found["image"]]), args.out, columns=2)
    print(f"The image, and what was found: {args.out}")
    return found


if __name__ == "__main__":
    main()
