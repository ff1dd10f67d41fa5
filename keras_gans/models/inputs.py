"""What users give to `fit`: looked at before any time is spent."""

import itertools
import os

import keras
import numpy as np

from keras_gans.streams import as_arrays


def check_examples(x, spec):
    """Raises unless a list has single examples of one shape, and not x and y."""
    shapes = list(dict.fromkeys(tuple(np.shape(part)) for part in x))
    if len(shapes) > 1 or any(len(shape) > len(spec.shape) for shape in shapes):
        some = ", ".join(map(str, shapes[:3])) + ", ..." * (len(shapes) > 3)
        raise ValueError(
            f"Expected: {spec.kind} as one array, or as a list of single ones of one "
            f"shape. Received: a {type(x).__name__} of {len(x)}, of shapes {some}. "
            "Labels, or images of a second domain, are an argument of their own: pass "
            "`fit(images, labels)`, and `validation_data=(images, labels)`. There are "
            "no sample weights."
        )


def check_kind(x):
    """Raises for what has to be read or called first."""
    if isinstance(x, str | os.PathLike):
        raise ValueError(
            "Expected: images. Received: a path. Load them: "
            f"`images, labels = kg.datasets.from_directory({str(x)!r}, 64)`."
        )
    if callable(x) and not hasattr(x, "__iter__"):
        raise ValueError(
            "Expected: arrays, or something to iterate over. Received: a callable. "
            "Pass what it returns: `fit(function())`."
        )


def peek(data):
    """Returns the data, nothing lost, and its first batch as arrays (or None)."""
    if isinstance(data, keras.utils.PyDataset):
        empty = data.num_batches == 0
        return data, None if empty else _first_arrays(data[0])
    iterator = iter(data)
    try:
        first = next(iterator)
    except StopIteration:
        return data, None
    if iterator is data:  # can be read once only: put the batch back
        data = _chain(first, data)
    return data, _first_arrays(first)


def _first_arrays(batch):
    if isinstance(batch, dict):
        raise ValueError(
            "Expected: batches of images, or of (images, labels). Received: dicts with "
            f"{', '.join(map(repr, batch))}. Map them first, such as "
            "`data.map(lambda batch: batch['image'])`."
        )
    return as_arrays(batch)


def _chain(first, rest):
    """Keras takes generators, not `itertools.chain`, and of them tuples alone."""
    for batch in itertools.chain([first], rest):
        yield tuple(batch) if isinstance(batch, tuple | list) else (batch,)
