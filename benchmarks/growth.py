"""How the cost of a step of DCGAN grows: with pixels, batch, width and replicas.

    python -m benchmarks.growth --out runs/growth
    python -m benchmarks.growth --backends jax --axes batch width --out runs/growth

One size is changed at a time. Each point is a process of its own, and its row has the
time of a step, the mean of an epoch without its first step, and the most memory that
the process held beyond what it held before `fit`. Replicas are virtual devices, or
processes of torchrun, which share one batch and one machine: with more of them than
cores, what they show is what sharing costs. Writes growth.csv and growth.png, and
prints Markdown.
"""

import argparse
import csv
import json
import os
import pathlib
import subprocess
import sys

import numpy as np

from benchmarks.memory import peak

ROOT = pathlib.Path(__file__).resolve().parents[1]
BACKENDS = ["tensorflow", "jax", "torch"]
BASE = {"side": 32, "batch": 32, "width": 16, "replicas": 1}
AXES = {
    "side": [32, 64, 128, 256],
    "batch": [16, 32, 64, 128, 256],
    "width": [16, 32, 64, 128],
    "replicas": [1, 2, 4],
}
COLUMNS = ["backend", "axis", *BASE, "seconds", "megabytes"]


def measure(point, steps):
    """Trains here; returns seconds of a step and megabytes."""
    import keras

    import keras_gans as kg
    from benchmarks.fit_step import Stopwatch

    class Clock(Stopwatch):
        def on_train_batch_end(self, batch, logs=None):
            if self.first is None:  # JAX's first step may still run: reading waits
                float(next(iter(logs.values())))
            super().on_train_batch_end(batch, logs)

    if keras.config.backend() == "tensorflow" and point["replicas"] > 1:
        import tensorflow as tf

        (cpu,) = tf.config.list_physical_devices("CPU")
        devices = [tf.config.LogicalDeviceConfiguration()] * point["replicas"]
        tf.config.set_logical_device_configuration(cpu, devices)
    keras.utils.set_random_seed(0)
    shape = (point["side"], point["side"], 3)
    with kg.distribution.scope():
        gan = kg.models.DCGAN(shape, width=point["width"], seed=0)
    gan.compile()
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, ((1 + steps) * point["batch"], *shape), "uint8")
    before, stopwatch = peak(), Clock()
    stopwatch.start()
    gan.fit(images, batch_size=point["batch"], verbose=0, callbacks=[stopwatch])
    return {
        "seconds": stopwatch.seconds / steps,
        "megabytes": peak() - before,
        "writes": kg.distribution.is_first_process(),
    }


def run(backend, point, steps):
    """Measures a point in processes of its own."""
    environment = os.environ | {"KERAS_BACKEND": backend}
    command, count = [sys.executable], point["replicas"]
    if backend == "jax":
        flags = environment.get("XLA_FLAGS", "")
        flags += f" --xla_force_host_platform_device_count={count}"
        environment["XLA_FLAGS"] = flags.strip()
    if backend == "torch" and count > 1:
        command += ["-m", "torch.distributed.run", f"--nproc-per-node={count}"]
    command += ["-m", "benchmarks.growth", "--steps", str(steps)]
    command += ["--here", json.dumps(point)]
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise RuntimeError(f"{backend}, {point} failed:\n{result.stderr[-3000:]}")
    lines = [line for line in result.stdout.splitlines() if line.startswith("{")]
    return json.loads(lines[-1])


def slope(rows, axis, column):
    """Exponent of the growth from the last point but one to the last."""
    if len(rows) < 2 or min(row[column] for row in rows[-2:]) <= 0:
        return float("nan")
    (x0, y0), (x1, y1) = ((row[axis], row[column]) for row in rows[-2:])
    return float(np.log(y1 / y0) / np.log(x1 / x0))


def select(rows, backend, axis):
    """Rows of a backend and of the size that is changed."""
    return [r for r in rows if (r["backend"], r["axis"]) == (backend, axis)]


def save(rows, folder):
    """Writes growth.csv and growth.png."""
    from matplotlib.figure import Figure

    with (folder / "growth.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    axes = list(dict.fromkeys(row["axis"] for row in rows))
    backends = list(dict.fromkeys(row["backend"] for row in rows))
    figure = Figure((3.2 * len(axes), 6), layout="constrained")
    panels = figure.subplots(2, len(axes), squeeze=False)
    for j, axis in enumerate(axes):
        for panel, column in zip(panels[:, j], ("seconds", "megabytes"), strict=True):
            for backend in backends:
                found = select(rows, backend, axis)
                x, y = [r[axis] for r in found], [r[column] for r in found]
                label = f"{backend}: {slope(found, axis, column):.2f}"
                panel.loglog(x, y, "o-", markersize=4, label=label)
            ticks = sorted({r[axis] for r in rows if r["axis"] == axis})
            panel.set_xticks(ticks, ticks)
            panel.minorticks_off()
            panel.set_xlabel(axis)
            panel.legend(title="last exponent", fontsize=7, title_fontsize=7)
    panels[0, 0].set_ylabel("seconds a step")
    panels[1, 0].set_ylabel("peak memory, MB")
    figure.savefig(folder / "growth.png", dpi=90)


def main(argv=None):
    """Measures all points; returns the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--axes", nargs="+", choices=[*AXES], default=[*AXES])
    parser.add_argument("--points", type=int, default=9, help="of an axis, at most")
    parser.add_argument("--steps", type=int, default=4, help="after the first one")
    parser.add_argument("--out", type=pathlib.Path, default="runs/growth")
    parser.add_argument("--here", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.here:
        result = measure(args.here, args.steps)
        if result.pop("writes"):
            print(json.dumps(result), flush=True)
        return None
    args.out.mkdir(parents=True, exist_ok=True)
    rows = []
    print("| backend | " + " | ".join([*BASE, "s a step", "MB"]) + " |")
    print("|---|" + "---:|" * (len(BASE) + 2), flush=True)
    for axis in args.axes:
        for backend in args.backends:
            for size in AXES[axis][: args.points]:
                point = BASE | {axis: size}
                found = run(backend, point, args.steps)
                rows.append({"backend": backend, "axis": axis, **point, **found})
                cells = [backend, *point.values(), f"{found['seconds']:.3f}"]
                cells.append(f"{found['megabytes']:.0f}")
                print("| " + " | ".join(map(str, cells)) + " |", flush=True)
                save(rows, args.out)
    print("\n| exponent at the last points | time | memory |\n|---|---:|---:|")
    for axis in args.axes:
        for backend in args.backends:
            found = select(rows, backend, axis)
            exponents = [slope(found, axis, c) for c in ("seconds", "megabytes")]
            print(f"| {backend}, {axis} | {exponents[0]:.2f} | {exponents[1]:.2f} |")
    return rows


if __name__ == "__main__":
    main()
