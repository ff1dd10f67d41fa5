"""What a recipe of the zoo loses in half precision: distances, beside those of seeds.

    KERAS_BACKEND=jax python -m benchmarks.half_precision --recipe gan --epochs 10
    KERAS_BACKEND=tensorflow python -m benchmarks.half_precision --recipe cgan \
        --epochs 6 --dtypes float32 mixed_bfloat16

Trains a recipe of a preset of Fashion-MNIST with some seeds in each dtype, and measures
the Frechet distance of 10,000 generated images, as on the zoo's cards, of three
sampling seeds each. Goal: the means differ by no more than the seeds of float32 do.
"""

import argparse
import importlib
import pathlib
import sys
import time

import keras
import numpy as np

import keras_gans as kg

ROOT = pathlib.Path(__file__).resolve().parents[1]
SAMPLING_SEEDS = (0, 1, 2)


def distance(gan, real, num_samples):
    """The mean distance of what a model generates, over sampling seeds."""
    values = []
    for seed in SAMPLING_SEEDS:
        metric = kg.metrics.FrechetDistance(
            features="lenet_fashion_mnist", num_samples=num_samples
        )
        metric.update_state(real[:num_samples], gan.generate(num_samples, seed=seed))
        values.append(float(metric.result()))
    return float(np.mean(values))


def main(argv=None):
    """Trains, measures, and prints Markdown; returns distances by dtype."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.half_precision", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--recipe", choices=["gan", "cgan"], default="gan")
    parser.add_argument(
        "--dtypes", nargs="+", default=["float32", "mixed_bfloat16", "mixed_float16"]
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--num-images", type=int, default=60_000)
    parser.add_argument("--num-samples", type=int, default=10_000)
    parser.add_argument("--out", default="runs/half", type=pathlib.Path)
    args = parser.parse_args(argv)
    sys.path.insert(0, str(ROOT / "recipes"))
    train = importlib.import_module(f"train_{args.recipe}_fashion_mnist").main

    real, _ = kg.datasets.load("fashion_mnist", split="test")
    found, minutes = ({dtype: [] for dtype in args.dtypes} for _ in range(2))
    for seed in args.seeds:
        for dtype in args.dtypes:
            options = {
                "dtype": dtype,
                "seed": seed,
                "epochs": args.epochs,
                "num-images": args.num_images,
                "out": args.out / f"{dtype}_{seed}",
            }
            start = time.perf_counter()
            gan = train([f"--{name}={value}" for name, value in options.items()])
            minutes[dtype].append((time.perf_counter() - start) / 60)
            found[dtype].append(distance(gan, real, args.num_samples))
            print(f"{dtype}, seed {seed}: {found[dtype][-1]:.4g}", flush=True)
    title = f"train_{args.recipe}_fashion_mnist, {args.epochs} epochs"
    print(f"{keras.config.backend()}, {title}, seeds {args.seeds}\n")
    print("| dtype | distance of each seed | mean | standard deviation | minutes |")
    print("|---|---|---:|---:|---:|")
    for dtype, values in found.items():
        spread = np.std(values, ddof=1) if len(values) > 1 else float("nan")
        each = ", ".join(f"{value:.4g}" for value in values)
        print(
            f"| {dtype} | {each} | {np.mean(values):.4g} | {spread:.2g} | "
            f"{np.mean(minutes[dtype]):.3g} |"
        )
    return found


if __name__ == "__main__":
    main()
