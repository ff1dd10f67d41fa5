"""Peak memory of training DCGAN, beside loops written by hand and plain PyTorch.

    python -m benchmarks.peak_memory
    python -m benchmarks.peak_memory --backends torch --batch-size 256

Each figure is of a process of its own, which makes the networks and then trains them
for some steps. Memory is what the process holds at most beyond what it held before the
first of them: states of optimizers, gradients, activations, the pages that an allocator
keeps, and what compiling takes. The networks' own weights are there before. Prints
Markdown.
"""

import argparse
import json
import statistics

from benchmarks import processes
from benchmarks.memory import peak

BACKENDS = ["tensorflow", "jax", "torch"]
GOAL = 1.1
EMA_RATE = 0.01


def measure(trainer, side, batch_size, width, steps):
    """Trains here, and returns megabytes.

    Args:
        trainer: "fit"; "loop", written by hand for the backend in force; or "pytorch",
            without Keras.
        side: Int, of the images.
        batch_size: Int.
        width: Int, of the networks.
        steps: Int.
    """
    import keras
    import numpy as np

    import keras_gans as kg
    from benchmarks import fit_step
    from benchmarks import games
    from benchmarks import loops

    keras.utils.set_random_seed(0)
    shape = (side, side, 1)
    gan = kg.models.DCGAN(image_shape=shape, width=width, seed=0)
    gan.compile()
    stopwatch = fit_step.Stopwatch()
    if trainer == "fit":
        run = stopwatch.of_fit(gan.fit, batch_size)
    else:
        if trainer == "loop":
            epoch = loops.make_epoch(games.dcgan(gan, batch_size), EMA_RATE)
        else:
            from benchmarks import pytorch_loop

            epoch = pytorch_loop.make_epoch(gan, width, EMA_RATE)
        run = stopwatch.of_loop(epoch, batch_size)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (steps * batch_size, *shape), "uint8")
    before = peak()
    run(images)
    return peak() - before


def main(argv=None):
    """Measures each row in processes of its own, and prints them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--here", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    sizes = (args.side, args.batch_size, args.width, args.steps)
    if args.here:
        print(json.dumps(measure(args.here, *sizes)))
        return None

    names = ("--side", "--batch-size", "--width", "--steps")
    options = [str(o) for pair in zip(names, sizes, strict=True) for o in pair]

    def median_of(trainer, backend):
        module = "benchmarks.peak_memory"
        rounds = [
            processes.measured_by(module, backend, "--here", trainer, *options)
            for _ in range(args.rounds)
        ]
        return statistics.median(rounds)

    peer = median_of("pytorch", "torch")
    print(f"DCGAN, {args.side} px, width {args.width}, batches of {args.batch_size}\n")
    print(f"| | MB | of the loop's | of PyTorch's (goal of torch: {GOAL}) |")
    print(f"|---|---:|---:|---:|\n| plain PyTorch | {peer:.0f} | | |")
    measured = {"pytorch": peer}
    for backend in args.backends:
        loop, fit = median_of("loop", backend), median_of("fit", backend)
        print(f"| {backend}: loop by hand | {loop:.0f} | | {loop / peer:.2f} |")
        ratios = f"{fit / loop:.2f} | {fit / peer:.2f}"
        print(f"| {backend}: `fit` | {fit:.0f} | {ratios} |", flush=True)
        measured[backend] = {"loop": loop, "fit": fit}
    return measured


if __name__ == "__main__":
    main()
