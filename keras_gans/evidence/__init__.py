"""The small tables of the literature, measured again: `python -m keras_gans.evidence`.

Each module has tables (`table.Table`): what is measured, for which methods, and what
was published. Results are rows of a CSV file in `--out`, one per method and seed,
written as soon as they are there; a run that is started again goes on where it ended.
"""
