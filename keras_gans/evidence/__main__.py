"""Measures published tables again.

python -m keras_gans.evidence                          # all that is missing
python -m keras_gans.evidence grid_unrolled --methods rpgan_r1_r2 --seeds 0
python -m keras_gans.evidence --print           # what has been measured, and its plot
"""

import argparse
import pathlib
import shlex
import sys

from keras_gans.evidence import dirac_gan
from keras_gans.evidence import gaussians
from keras_gans.evidence import plots
from keras_gans.evidence import stacked

TABLES = {
    table.name: table
    for module in (dirac_gan, gaussians, stacked)
    for table in module.TABLES
}


def main(arguments=None):
    """Runs the command; returns the texts of the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m keras_gans.evidence",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("tables", nargs="*", help=f"of {', '.join(TABLES)}; or all")
    parser.add_argument("--methods", nargs="+", help="only these")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, help="other than the table's")
    parser.add_argument("--out", type=pathlib.Path, default="zoo/evidence")
    parser.add_argument("--quick", action="store_true", help="a few steps, one seed")
    parser.add_argument("--print", action="store_true", help="measure nothing")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.tables if name not in TABLES]
    tables = [TABLES[name] for name in options.tables if name in TABLES]
    tables = tables or list(TABLES.values())
    known = {method for table in tables for method in table.methods}
    unknown += [method for method in options.methods or () if method not in known]
    if unknown:
        parser.error(
            f"Expected: tables of {', '.join(TABLES)}; methods of "
            f"{', '.join(sorted(known))}. Received: {', '.join(unknown)}."
        )
    arguments = sys.argv[1:] if arguments is None else arguments
    command = shlex.join(["python", "-m", "keras_gans.evidence", *arguments])
    if not options.print:
        # All methods with one seed, before any with the next.
        for seed in options.seeds[:1] if options.quick else options.seeds:
            for table in tables:
                _measure(table, seed, options, command)
    texts = [table.text(options.out) for table in tables if table.read(options.out)]
    print("\n\n".join(texts))
    plots.plot(TABLES.values(), options.out)
    return texts


def _measure(table, seed, options, command):
    steps = options.steps or (table.quick_steps if options.quick else table.steps)
    seed = seed if table.seeded else 0
    for method in options.methods or table.methods:
        if method in table.methods:
            row = table.measure(method, seed, steps, options.out, command)
            if row is not None:
                print(table.name, *row.values(), flush=True)


if __name__ == "__main__":
    main()
