"""Markdown tables of what was measured."""

import datetime
import os
import platform
import statistics

BACKENDS = ["tensorflow", "jax", "torch"]

# Row, what is measured, what it is compared with, goals (the most the ratio may be).
RATIOS = [
    (
        "`fit` / hand-written loop on the same backend",
        "fit",
        "loop",
        dict.fromkeys(BACKENDS, 1.03),
    ),
    (
        "`fit` / hand-written PyTorch loop",
        "fit",
        "pytorch",
        {"tensorflow": 0.85, "torch": 1.10},
    ),
    ("`generate` / hand-written loop of batches", "generate", "sample", {}),
    (
        "Frechet distance / with SciPy's `sqrtm`",
        "frechet",
        "sqrtm",
        dict.fromkeys(BACKENDS, 0.20),
    ),
    (
        "Inception's features / torch-fidelity's",
        "features",
        "torch_fidelity",
        {"tensorflow": 1.0, "torch": 1.0},
    ),
    ("`import keras_gans` / `import keras`", "import keras_gans", "import keras", {}),
]

TIMES = {
    "fit": "`fit`, a step",
    "fit starts": "`fit`, before its first step",
    "loop": "hand-written loop, a step",
    "pytorch": "PyTorch loop, a step",
    "generate": "`generate`, all samples",
    "sample": "hand-written loop of batches, all samples",
    "features": "Inception's features, a batch",
    "torch_fidelity": "torch-fidelity's, a batch",
    "frechet": "Frechet distance",
    "sqrtm": "the same with SciPy's `sqrtm`",
    "import keras": "`import keras`",
    "import keras_gans": "`import keras_gans`",
    "import difference": "the difference of the two",
}


def markdown(measured, args, load=None):
    """Returns both tables and what they were measured with.

    Args:
        measured: Dict from the backend to the worker's dict: "versions", "parameters"
            and "seconds", lists with one value a round.
        args: The command line's options.
        load: Optional float, how busy the machine was at the start.
    """
    return "\n".join(
        [*_head(measured, args, load), *_ratios(measured), *_times(measured)]
    )


def _head(measured, args, load):
    versions, parameters = {}, None
    for result in measured.values():
        versions |= result["versions"]
        parameters = result["parameters"]
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    busy = "" if load is None else f", load average {load:.1f} at the start"
    size = args.image_size
    return [
        f"{datetime.date.today()}; {os.cpu_count()} cores ({platform.machine()}){busy};"
        f" Python {platform.python_version()}, {listed}.",
        f"DCGAN, {size} x {size} x 1, width {args.width} ({parameters:,} trainable "
        f"parameters), batches of {args.batch_size}; {args.rounds} rounds of "
        f"{args.steps} steps (updates of D and G); {args.samples} samples; "
        f"a Frechet distance of {args.features:,} features; {args.feature_images} "
        "images a batch for Inception, with random weights.",
    ]


def _ratios(measured):
    yield ""
    yield "| Backend | Ratio of times | Median | Min to max | Goal | Met |"
    yield "|---|---|---:|---:|---:|---|"
    for name, above, below, goals in RATIOS:
        for backend, result in measured.items():
            seconds = result["seconds"]
            if below not in seconds:
                continue
            pairs = zip(seconds[above], seconds[below], strict=True)
            ratios = [a / b for a, b in pairs]
            median, goal = statistics.median(ratios), goals.get(backend)
            met = "" if goal is None else "yes" if median <= goal else "no"
            yield (
                f"| {backend} | {name} | {median:.3f} | {min(ratios):.3f} to "
                f"{max(ratios):.3f} | {'' if goal is None else f'<= {goal:.2f}'} "
                f"| {met} |"
            )


def _times(measured):
    yield ""
    yield "| Backend | For information | Median, ms | Min to max, ms |"
    yield "|---|---|---:|---:|"
    for backend, result in measured.items():
        seconds = dict(result["seconds"])
        pairs = zip(seconds["import keras_gans"], seconds["import keras"], strict=True)
        seconds["import difference"] = [a - b for a, b in pairs]
        for key, name in TIMES.items():
            if key in seconds:
                ms = [1e3 * s for s in seconds[key]]
                yield (
                    f"| {backend} | {name} | {statistics.median(ms):.1f} | "
                    f"{min(ms):.1f} to {max(ms):.1f} |"
                )
