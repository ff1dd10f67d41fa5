"""One picture of the tables that have been measured."""

import pathlib

import numpy as np


def plot(tables, folder):
    """Draws what has been measured, mean and spread, and what was published.

    Args:
        tables: `Table` objects; those without rows are left out.
        folder: Of the CSV files; `evidence.png` is written into it.

    Returns:
        The path, or None if nothing has been measured.
    """
    from matplotlib.figure import Figure  # needs no display, and no global state

    tables = [table for table in tables if table.read(folder)]
    if not tables:
        return None
    columns = max(len(table.columns) for table in tables)
    methods_of = [_methods(table, folder) for table in tables]
    heights = [0.8 + 0.2 * len(methods) for methods in methods_of]  # inches
    figure = Figure((5 * columns, 0.4 + sum(heights)), layout="constrained")
    dates = [row["date"] for table in tables for row in table.read(folder)]
    title = f"python -m keras_gans.evidence, {min(dates)} to {max(dates)}"
    figure.suptitle(title, fontsize=9)
    ratios = {"height_ratios": heights}
    grid = figure.subplots(len(tables), columns, squeeze=False, gridspec_kw=ratios)
    for axes, table, methods in zip(grid, tables, methods_of, strict=True):
        summary = table.summary(folder)
        places = np.arange(len(methods))
        for axis, column in zip(axes, table.columns, strict=False):
            label = column
            for place, method in zip(places, methods, strict=True):
                if method in summary:
                    mean, spread = summary[method][column]
                    axis.barh(place, mean, xerr=spread, color="tab:blue")
                published = table.published.get(method, {}).get(column)
                if published is not None:
                    axis.plot(published, place, "D", color="tab:orange")
                    label = f"{column} (diamond: published)"
            axis.set_yticks(places, methods, fontsize=7)
            axis.set_ylim(len(methods) - 0.5, -0.5)
            axis.set_xlabel(label, fontsize=8)
        axes[0].set_title(table.title, fontsize=8, loc="left")
        for axis in axes[len(table.columns) :]:
            axis.set_axis_off()
    path = pathlib.Path(folder) / "evidence.png"
    figure.savefig(path, dpi=100)
    return path


def _methods(table, folder):
    """Methods that were measured or published, ours first."""
    known = {*table.summary(folder), *table.published}
    return [m for m in dict.fromkeys((*table.methods, *table.published)) if m in known]
