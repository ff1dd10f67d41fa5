"""Trains an InfoGAN on Fashion-MNIST at 28 x 28 pixels, and shows what it found.

    python recipes/train_infogan_fashion_mnist.py --out runs/infogan

No labels are used. `codes.png` has a row for each value of the categorical code;
`continuous_1.png` and `continuous_2.png` a row likewise, along which a continuous code
goes from -1 to 1. Interrupted and started again, it goes on where it stopped.
"""

import pathlib

import keras
import numpy as np

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser
from keras_gans.utils.image_grid import save_grid


def show_codes(gan, out, columns=10):
    """Pictures of the codes, into the folder `out`."""
    (values,) = gan.categorical
    rows = np.repeat(np.arange(values), columns)
    latents = gan.sample_latents(len(rows), seed=0, categorical=rows)
    save_grid(gan.generate(latents=latents), out / "codes.png", columns=columns)
    # One noise for all, so that nothing but the codes differs.
    noise = np.repeat(gan.sample_latents(1, seed=1), len(rows), axis=0)
    for code in range(gan.continuous):
        continuous = np.zeros((len(rows), gan.continuous))
        continuous[:, code] = np.tile(np.linspace(-1.0, 1.0, columns), values)
        latents = gan.sample_latents(
            len(rows), seed=0, categorical=rows, continuous=continuous
        )
        latents[:, : gan.noise_dim] = noise[:, : gan.noise_dim]
        picture = out / f"continuous_{code + 1}.png"
        save_grid(gan.generate(latents=latents), picture, columns=columns)


def main(argv=None):
    """Trains as the command line tells; returns the model."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/infogan", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--num-images", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    keras.utils.set_random_seed(args.seed)
    images, _ = kg.datasets.load("fashion_mnist", split="train")
    images = images[: args.num_images]

    with kg.distribution.scope():
        gan = kg.models.InfoGAN(
            image_shape=images.shape[1:], width=args.width, seed=args.seed
        )
    gan.summary()
    gan.compile()
    gan.fit(
        images,
        batch_size=args.batch_size,
        epochs=args.epochs,
        callbacks=[
            kg.callbacks.SampleGrid(args.out, every_seconds=60),
            kg.callbacks.BackupAndRestore(args.out / "backup", delete_checkpoint=False),
        ],
    )
    gan.save_to_preset(args.out / "preset", overwrite=True)
    show_codes(gan, args.out)
    print(f"Sample grids, animation.webp and the codes: {args.out}")
    print(f"The model: kg.models.InfoGAN.from_preset({str(args.out / 'preset')!r})")
    return gan


if __name__ == "__main__":
    main()
