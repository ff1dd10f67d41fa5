"""Measures what keras_gans costs, as ratios.

From a checkout:

    python -m benchmarks
    python -m benchmarks --backends torch --rounds 9

Each backend runs in a process of its own, one after the other. Whatever is compared is
measured in the same process by turns, so that a change of the machine's speed meets
both sides. Prints Markdown.
"""

import argparse
import json
import os
import sys

from benchmarks import import_time
from benchmarks import processes
from benchmarks import report

QUICK = {
    "width": 4,
    "batch_size": 4,
    "image_size": 16,
    "rounds": 1,
    "steps": 2,
    "samples": 8,
    "features": 32,
    "feature_images": 1,
}


def parse(argv=None):
    """Reads the command line; `--quick` replaces the sizes by tiny ones."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--backends",
        nargs="+",
        choices=report.BACKENDS,
        default=report.BACKENDS,
        help="which to measure (default: all three)",
    )
    parser.add_argument("--width", type=int, default=64, help="of the DCGAN")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=50, help="steps of an epoch")
    parser.add_argument("--samples", type=int, default=1024, help="to generate")
    parser.add_argument(
        "--feature-images", type=int, default=8, help="in a batch for Inception"
    )
    parser.add_argument(
        "--features", type=int, default=2048, help="of the Frechet distance"
    )
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes: does it run, not how fast"
    )
    args = parser.parse_args(argv)
    if args.quick:
        vars(args).update(QUICK)
    return args


def measure(backend, args):
    """Runs the worker on one backend; returns its JSON with the import times."""
    options = json.dumps(vars(args))
    measured = processes.measured_by("benchmarks.worker", backend, options)
    environment = processes.environment_of(backend)
    measured["seconds"] |= import_time.measure(processes.ROOT, environment, args.rounds)
    return measured


def main(argv=None):
    """Measures and prints the tables."""
    args = parse(argv)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    measured = {}
    for backend in args.backends:
        print(f"measuring on {backend} ...", file=sys.stderr)
        measured[backend] = measure(backend, args)
    print(report.markdown(measured, args, load))


if __name__ == "__main__":
    main()
