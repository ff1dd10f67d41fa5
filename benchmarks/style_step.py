"""Measures steps of StyleGAN2 and R3GAN against plain PyTorch, as ratios.

From a checkout, at the sizes of a large GPU, or at ones for a CPU:

    python -m benchmarks.style_step
    python -m benchmarks.style_step --channel-base 2048 --channel-max 64 --width 64 \
        --batch-size 4 --mapping-depth 2 --backends torch --sizes 64

Each line is measured in a process of its own, `fit` and the PyTorch loop by turns. The
peers have the same networks with the same weights and make the same updates; of
PyTorch's two memory formats the faster is taken. What a penalty takes is the time of a
step with it less that of a plain step. Prints Markdown.
"""

import argparse
import datetime
import json
import os
import platform
import statistics

from benchmarks import processes

BACKENDS = ["torch", "tensorflow", "jax"]
MODELS = ["stylegan2", "r3gan"]
GOAL = 1.0
QUICK = {
    "sizes": [16],
    "channel_base": 64,
    "channel_max": 8,
    "mapping_depth": 2,
    "width": 8,
    "batch_size": 4,
    "rounds": 1,
    "steps": 1,
    "cycle": 1,
}
# Row of the table, the phase it is the time of, the phase that is taken from that.
ROWS = {
    "stylegan2": [
        ("plain step", "plain", None),
        ("R1 alone", "r1", "plain"),
        ("path length alone", "path_length", "plain"),
        ("mean step, R1 every 16th, path length every 4th", "lazy", None),
    ],
    "r3gan": [("step, R1 and R2 in each", "step", None)],
}


def parse(argv=None):
    """Reads the command line; `--quick` replaces the sizes by tiny ones."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.style_step", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--sizes", nargs="+", type=int, default=[64, 128])
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--channel-base", type=int, default=16384, help="StyleGAN2's")
    parser.add_argument("--channel-max", type=int, default=512, help="StyleGAN2's")
    parser.add_argument("--mapping-depth", type=int, default=8, help="StyleGAN2's")
    parser.add_argument("--width", type=int, default=768, help="R3GAN's")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8, help="of a measurement")
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes: does it run, not how fast"
    )
    parser.set_defaults(cycle=16)  # updates until both lazy penalties begin anew
    args = parser.parse_args(argv)
    if args.quick:
        vars(args).update(QUICK)
    return args


def measure(backend, model, image_size, args):
    """Runs the worker; returns its JSON."""
    options = vars(args) | {"model": model, "image_size": image_size}
    module = "benchmarks.style_worker"
    return processes.measured_by(module, backend, json.dumps(options))


def head(args, load):
    """What is measured, on what."""
    busy = "" if load is None else f", load average {load:.1f} at the start"
    yield (
        f"{datetime.date.today()}; {os.cpu_count()} cores ({platform.machine()}){busy};"
        f" batches of {args.batch_size}; {args.rounds} rounds of {args.steps} steps, "
        f"{args.cycle} for the mean step. StyleGAN2: channel_base {args.channel_base}, "
        f"channel_max and sizes of latents and styles {args.channel_max}, "
        f"mapping_depth {args.mapping_depth}. R3GAN: width {args.width}."
    )
    yield ""
    yield "| Backend | Model | Side | Time of | `fit`, ms | PyTorch, ms | Ratio | Met |"
    yield "|---|---|---:|---|---:|---:|---:|---|"


def rows(backend, model, image_size, seconds):
    """The lines of the table for one measurement; ratios with their minimum, maximum.

    Args:
        backend: String.
        model: String.
        image_size: Int.
        seconds: Dict, phase -> side -> list with one value a round.
    """
    for name, phase, base in ROWS[model]:
        times = {}
        for side, values in seconds[phase].items():
            less = seconds[base][side] if base else [0.0] * len(values)
            times[side] = [a - b for a, b in zip(values, less, strict=True)]
        fit, pytorch = times["fit"], times["pytorch"]
        ratios = [a / b for a, b in zip(fit, pytorch, strict=True)]
        ratio = statistics.median(ratios)
        yield (
            f"| {backend} | {model} | {image_size} | {name} | "
            f"{1e3 * statistics.median(fit):.1f} | "
            f"{1e3 * statistics.median(pytorch):.1f} | {ratio:.3f} "
            f"({min(ratios):.3f} to {max(ratios):.3f}) | "
            f"{'yes' if ratio <= GOAL else 'no'} |"
        )


def main(argv=None):
    """Measures, and prints each line as soon as it is known."""
    args = parse(argv)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    print(*head(args, load), sep="\n", flush=True)
    notes = {}
    for backend in args.backends:
        for model in args.models:
            for image_size in args.sizes:
                measured = measure(backend, model, image_size, args)
                lines = rows(backend, model, image_size, measured["seconds"])
                print(*lines, sep="\n", flush=True)
                g, d = measured["parameters"]
                notes |= measured["versions"]
                notes[f"{model} at {image_size} px"] = f"{g:,} + {d:,} parameters"
                key = f"PyTorch's format beside {backend}, {model}, {image_size} px"
                notes[key] = measured["format"]
    print("", "; ".join(f"{k} {v}" for k, v in notes.items()) + ".", sep="\n")


if __name__ == "__main__":
    main()
