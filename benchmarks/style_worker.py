"""Measures steps of the style models on the backend in force, for one size of images.

    KERAS_BACKEND=jax python -m benchmarks.style_worker '{"model": "r3gan", ...}'

`benchmarks.style_step` starts one for each line of its table. The last line of the
output is JSON.
"""

import argparse
import importlib
import json
import sys
import time

import keras
import numpy as np
import torch

import keras_gans as kg
from benchmarks.fit_step import Stopwatch
from benchmarks.fit_step import batches
from benchmarks.pytorch_style_loop import Loop

FORMATS = {"NCHW": torch.contiguous_format, "channels last": torch.channels_last}
# What is measured: updates per evaluation of R1 and of the path length.
PHASES = {
    "stylegan2": {
        "plain": (None, None),
        "r1": (1, None),
        "path_length": (None, 1),
        "lazy": (16, 4),
    },
    "r3gan": {"step": (None, None)},
}


def make_model(args):
    """Makes the model with the widths of the command line."""
    shape = (args.image_size, args.image_size, 3)
    if args.model == "r3gan":
        return kg.models.R3GAN(shape, width=args.width, seed=0)
    return kg.models.StyleGAN2(
        shape,
        channel_base=args.channel_base,
        channel_max=args.channel_max,
        latent_dim=args.channel_max,
        style_dim=args.channel_max,
        mapping_depth=args.mapping_depth,
        seed=0,
    )


def make_fit(args, stopwatch, r1_every, path_every):
    """Makes a model, and a callable that trains it on images for an epoch."""
    gan = make_model(args)
    recipe = gan.recipe(batch_size=args.batch_size)
    if args.model == "stylegan2":
        r1, path_length = recipe["penalties"]
        r1 = kg.penalties.R1(r1.gamma, every=r1_every) if r1_every else None
        path_length = kg.penalties.PathLength(every=path_every) if path_every else None
        recipe["penalties"] = [p for p in (r1, path_length) if p is not None]
    gan.compile(**recipe)

    return stopwatch.of_fit(gan.fit, args.batch_size)


def fastest_loop(args, images):
    """The PyTorch loop in the memory format in which its plain step takes least."""
    model, seconds, loops = make_model(args), {}, {}
    for name, memory_format in FORMATS.items():
        loops[name] = Loop(model, memory_format, args.batch_size)
        epoch = loops[name].epoch()
        epoch(batches([images[: args.batch_size]], args.batch_size))
        start = time.perf_counter()
        epoch(batches([images[: 2 * args.batch_size]], args.batch_size))
        seconds[name] = time.perf_counter() - start
    name = min(seconds, key=seconds.get)
    return name, loops[name]


def main(options):
    """Measures seconds per step by turns, the first step of an epoch apart.

    Args:
        options: Dict: model, image_size, batch_size, rounds, steps, cycle (steps of
            the lazy phase), and the widths.

    Returns:
        Dict: "versions", "parameters", "format" of PyTorch's memory, and "seconds": for
        each phase and side, "fit" and "pytorch", a list with one value a round.
    """
    args = argparse.Namespace(**options)
    phases, stopwatch = PHASES[args.model], Stopwatch()
    count = (args.cycle + 1) * args.batch_size
    shape = (count, args.image_size, args.image_size, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, "uint8")
    memory_format, loop = fastest_loop(args, images)

    runs = {}
    for phase, every in phases.items():
        runs[phase, "fit"] = make_fit(args, stopwatch, *every)
        epoch = loop.epoch(*every)
        runs[phase, "pytorch"] = stopwatch.of_loop(epoch, args.batch_size)
    for run in runs.values():
        run(images[: 2 * args.batch_size])
    seconds = {phase: {"fit": [], "pytorch": []} for phase in phases}
    for _ in range(args.rounds):
        for (phase, side), run in runs.items():
            steps = args.cycle if phase == "lazy" else args.steps
            run(images[: (steps + 1) * args.batch_size])
            seconds[phase][side].append(stopwatch.seconds / steps)
    names = {"keras", keras.config.backend(), "torch"}
    return {
        "versions": {n: importlib.import_module(n).__version__ for n in sorted(names)},
        "parameters": [
            sum(p.numel() for p in network.parameters())
            for network in (loop.generator, loop.discriminator)
        ],
        "format": memory_format,
        "seconds": seconds,
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
