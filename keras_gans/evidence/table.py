"""A table: methods, what is measured, what was published; its file and its print."""

import csv
import dataclasses
import datetime
import pathlib
import time
from collections.abc import Callable

import numpy as np

from keras_gans import backend
from keras_gans.utils.files import atomic_path


@dataclasses.dataclass(frozen=True)
class Table:
    """One published table that can be measured again.

    Args:
        name: Its name, and the name of its CSV file.
        title: One line.
        methods: Names of the methods, in the order of the rows.
        columns: Names of the figures.
        run: Callable `(method, seed, steps)` to a dict of the figures.
        steps: Int, the updates of a full run.
        quick_steps: Int, the updates with `--quick`.
        published: Dict from a method to a dict of figures, not only of our methods.
        seeded: Whether figures depend on the seed.
    """

    name: str
    title: str
    methods: tuple
    columns: tuple
    run: Callable
    steps: int
    quick_steps: int
    published: dict
    seeded: bool = True

    @property
    def _header(self):
        more = ("seconds", "backend", "date", "command")
        return ("method", "seed", "steps", *self.columns, *more)

    def path(self, folder):
        """The CSV file in a folder."""
        return pathlib.Path(folder) / f"{self.name}.csv"

    def read(self, folder):
        """Rows of the CSV file, dicts of strings; none if there is no file."""
        if not self.path(folder).exists():
            return []
        with self.path(folder).open(newline="") as file:
            return list(csv.DictReader(file))

    def measure(self, method, seed, steps, folder, command):
        """Measures one method with one seed, unless the file has that row already.

        Args:
            method: One of `methods`.
            seed: Int.
            steps: Int.
            folder: Of the CSV file; made if it does not exist.
            command: What was typed, for the row.

        Returns:
            The new row, or None.
        """
        key = {"method": method, "seed": str(seed), "steps": str(steps)}
        if any(key.items() <= row.items() for row in self.read(folder)):
            return None
        start = time.perf_counter()
        figures = self.run(method, seed, steps)
        row = key | {column: f"{figures[column]:.6g}" for column in self.columns}
        row["seconds"] = f"{time.perf_counter() - start:.0f}"
        row["backend"] = backend.name()
        row["date"] = datetime.date.today().isoformat()
        row["command"] = command
        path = self.path(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [*self.read(folder), row]  # read again: others may have measured too
        with atomic_path(path) as temporary:
            with open(temporary, "w", newline="") as file:
                writer = csv.DictWriter(file, self._header, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
        return row

    def summary(self, folder):
        """Mean and spread over seeds, of the longest runs of each method.

        Returns:
            Dict from a method to a dict: `steps`, `seeds`, and for each column mean and
            standard deviation (of the sample; 0 for one seed).
        """
        summary = {}
        rows = self.read(folder)
        for method in self.methods:
            own = [row for row in rows if row["method"] == method]
            if not own:
                continue
            steps = max(int(row["steps"]) for row in own)
            own = [row for row in own if int(row["steps"]) == steps]
            figures = {"steps": steps, "seeds": len(own)}
            for column in self.columns:
                values = np.array([float(row[column]) for row in own])
                spread = values.std(ddof=1) if len(values) > 1 else 0.0
                figures[column] = (values.mean(), spread)
            summary[method] = figures
        return summary

    def text(self, folder):
        """The table for the terminal: measured beside published."""
        summary = self.summary(folder)
        head = ["method", "steps", "seeds"]
        for column in self.columns:
            head += [column, "published"]
        lines = [head]
        others = [method for method in self.published if method not in self.methods]
        for method in (*self.methods, *others):
            own = summary.get(method)
            line = [method, *(str(own[k]) if own else "-" for k in ("steps", "seeds"))]
            for column in self.columns:
                figure = "-"
                if own:
                    mean, spread = own[column]
                    figure = f"{mean:.4g}"
                    figure += f" +- {spread:.2g}" if own["seeds"] > 1 else ""
                published = self.published.get(method, {}).get(column)
                line += [figure, "-" if published is None else f"{published:g}"]
            lines.append(line)
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        texts = [
            "  ".join(f"{cell:<{w}}" for cell, w in zip(line, widths, strict=True))
            for line in lines
        ]
        return "\n".join([self.title, "-" * len(texts[0]), *map(str.rstrip, texts)])


def epochs_of(steps, epoch):
    """How a number of steps is trained: steps an epoch, and the number of epochs.

    Args:
        steps: Int.
        epoch: Int, the usual length.

    Raises:
        ValueError: If the steps are no whole number of epochs.
    """
    epoch = min(epoch, steps)
    if steps < 1 or steps % epoch:
        raise ValueError(
            f"Expected: steps as a multiple of {epoch}, or fewer. Received: {steps}."
        )
    return epoch, steps // epoch
