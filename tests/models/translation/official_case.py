"""State dicts as the authors' code writes them, of NumPy's random numbers.

The numbers of an array depend on its name and shape alone, so that networks laid out as
in the authors' PyTorch code, given the same, make the images and logits that
tests/golden/translation_official.npz has. The file also has the names and shapes.
"""

import json
import pathlib
import zlib

import numpy as np

GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "translation_official.npz"


def random_array(name, shape):
    """Random numbers of a usual size for an array of that name."""
    rng = np.random.default_rng(zlib.crc32(f"{name} {tuple(shape)}".encode()))
    if name.endswith("num_batches_tracked"):
        return np.array(7, "int64")
    if name.endswith("running_var") or (len(shape) == 1 and name.endswith("weight")):
        return rng.uniform(0.5, 1.5, shape).astype("float32")
    rest = np.prod(shape[1:]) if len(shape) > 1 else 10
    return (rng.standard_normal(shape) / np.sqrt(rest)).astype("float32")


def random_state(shapes):
    """A state dict of such arrays, for a list of names and shapes."""
    return {name: random_array(name, shape) for name, shape in shapes}


def random_images(shape):
    """Images in [-1, 1], `(B, H, W, C)`."""
    return np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")


def golden(case):
    """Arrays of a case; its "shapes" as a list of pairs."""
    with np.load(GOLDEN) as file:
        arrays = {
            key.removeprefix(f"{case}/"): file[key]
            for key in file.files
            if key.startswith(f"{case}/")
        }
    arrays["shapes"] = json.loads(str(arrays["shapes"]))
    return arrays
