"""Measures `fit` of four models against loops written by hand, as ratios.

    python -m benchmarks.fit_models
    python -m benchmarks.fit_models --backends torch --models cyclegan --rounds 9

DCGAN and BigGAN at 32, StyleGAN2 and CycleGAN at 64 pixels, of widths for a CPU. Each
line is a process of its own in which `fit` and the loop take turns; both train Keras
networks of the same sizes by the same equations (`benchmarks.games`). Prints Markdown.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
from typing import NamedTuple

import numpy as np

from benchmarks import processes

BACKENDS = ["tensorflow", "jax", "torch"]
GOAL = 1.03
HALF_LIFE = 10_000  # images


class Setup(NamedTuple):
    """A model, and what it is trained with.

    `tiny` are arguments that make it small, to see whether it runs; `classes`: of how
    many its labels are.
    """

    class_name: str
    game: str
    batch_size: int
    arguments: dict
    tiny: dict
    classes: int | None = None


SETUPS = {
    "dcgan": Setup(
        "DCGAN",
        "dcgan",
        64,
        {"image_shape": (32, 32, 1), "width": 64},
        {"image_shape": (16, 16, 1), "width": 4},
    ),
    "biggan": Setup(
        "BigGAN",
        "big_gan",
        32,
        {"image_shape": (32, 32, 1), "num_classes": 10, "width": 16},
        {"width": 2},
        10,
    ),
    "stylegan2": Setup(
        "StyleGAN2",
        "style_gan2",
        8,
        {"image_shape": (64, 64, 3), "channel_base": 2048, "channel_max": 64}
        | {"latent_dim": 64, "style_dim": 64, "mapping_depth": 2},
        {"image_shape": (16, 16, 3), "channel_base": 64, "channel_max": 8}
        | {"latent_dim": 8, "style_dim": 8},
    ),
    "cyclegan": Setup(
        "CycleGAN",
        "cycle_gan",
        4,
        {"image_shape": (64, 64, 3), "width": 16, "discriminator_width": 16},
        {"image_shape": (32, 32, 3), "width": 2, "discriminator_width": 2},
    ),
}
TINY_BATCH = 4


def data(model, count, classes):
    """Arrays of `count` examples, as `fit` takes them."""
    rng = np.random.default_rng(0)
    specs = [s for s in (model.data_spec, getattr(model, "data_spec_b", None)) if s]
    arrays = [rng.integers(0, 256, (count, *spec.shape), "uint8") for spec in specs]
    if classes is not None:
        arrays.append(rng.integers(0, classes, count).astype("int32"))
    return arrays


def models(name, tiny):
    """Two models of the same sizes and weights, and the batch size."""
    import keras

    import keras_gans as kg

    setup = SETUPS[name]
    arguments = setup.arguments | (setup.tiny if tiny else {})
    make = getattr(kg.models, setup.class_name)
    made = []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        made.append(make(**arguments, seed=0))
    return *made, TINY_BATCH if tiny else setup.batch_size


def measure(name, steps, rounds, tiny):
    """Measures here; returns "fit" and "loop", seconds of a step, one a round."""
    from benchmarks import games
    from benchmarks import loops
    from benchmarks.fit_step import Stopwatch

    setup = SETUPS[name]
    gan, other, batch_size = models(name, tiny)
    recipe, ema_rate = gan.recipe(), 1.0 - 0.5 ** (batch_size / HALF_LIFE)
    if recipe["ema_half_life"] is not None:
        recipe["ema_half_life"] = HALF_LIFE
    gan.compile(**recipe)
    stopwatch = Stopwatch()
    game = getattr(games, setup.game)(other, batch_size)
    step = batch_size * game.updates
    runs = {
        "fit": stopwatch.of_fit(fit_of(gan), batch_size),
        "loop": stopwatch.of_loop(loops.make_epoch(game, ema_rate), step),
    }
    arrays = data(gan, (steps + 1) * step, setup.classes)
    for run in runs.values():  # of 5 steps the last has the second path length
        run(*(array[: 5 * step] for array in arrays))
    seconds = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            run(*arrays)
            seconds[name].append(stopwatch.seconds / steps)
    return seconds


def fit_of(gan):
    """`fit` of arrays: of one, of images and labels, or of two domains."""
    if hasattr(gan, "data_spec_b"):
        return lambda *domains, **kwargs: gan.fit(domains, **kwargs)
    return gan.fit


def main(argv=None):
    """Measures, and prints each line as soon as it is known."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fit_models", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--models", nargs="+", choices=[*SETUPS], default=[*SETUPS])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=32, help="of an epoch, but one")
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes: does it run, not how fast"
    )
    parser.add_argument("--here", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.here:
        print(json.dumps(measure(*args.here)), flush=True)
        return
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(
        f"{datetime.date.today()}; {os.cpu_count()} cores ({platform.machine()}), load "
        f"average {load:.1f} at the start; {args.rounds} rounds of {args.steps} steps."
    )
    print("\n| Backend | Model | `fit`, ms | Loop, ms | Ratio (range) | Met |")
    print("|---|---|---:|---:|---:|---|", flush=True)
    for backend in args.backends:
        for name in args.models:
            here = json.dumps([name, args.steps, args.rounds, args.quick])
            module = "benchmarks.fit_models"
            seconds = processes.measured_by(module, backend, "--here", here)
            pairs = zip(seconds["fit"], seconds["loop"], strict=True)
            ratios = [fit / loop for fit, loop in pairs]
            ratio = statistics.median(ratios)
            fit, loop = (1e3 * statistics.median(s) for s in seconds.values())
            print(
                f"| {backend} | {name} | {fit:.1f} | {loop:.1f} | {ratio:.3f} "
                f"({min(ratios):.3f} to {max(ratios):.3f}) | "
                f"{'yes' if ratio <= GOAL else 'no'} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
