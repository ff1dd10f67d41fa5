"""Tables of results, for files and for people."""

import csv

from keras_gans.utils.files import atomic_path


def save_table(rows, path, key="method"):
    """Writes a table as CSV, four digits a value, and prints it.

    Args:
        rows: Dict, name of a row -> dict, name of a column -> number.
        path: Where to, for instance "results.csv"; its folder must be there.
        key: Heading of the names of rows.

    Example:

    ```python
    save_table({"identity": {"psnr": 20.0}, "cyclegan": {"psnr": 25.0}}, "out.csv")
    ```
    """
    with (
        atomic_path(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([key, *next(iter(rows.values()))])
        for name, row in rows.items():
            writer.writerow([name, *(f"{value:.4g}" for value in row.values())])
            print(f"{name:16}", *(f"{k} {v:.4g}  " for k, v in row.items()))
