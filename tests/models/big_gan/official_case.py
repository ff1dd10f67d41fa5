"""State dicts as the official code writes them, of NumPy's random numbers.

The numbers of an array depend on its name and shape alone, so that the official code,
given the same, makes the images and logits that tests/golden/big_gan_official.npz and
big_gan_deep_official.npz have. These files also have the names and shapes.
"""

import json
import pathlib
import zlib

import numpy as np

FOLDER = pathlib.Path(__file__).parents[2] / "golden"


def random_array(name, shape):
    """Random numbers of a usual size for an array of that name."""
    rng = np.random.default_rng(zlib.crc32(f"{name} {tuple(shape)}".encode()))
    if name.endswith(("stored_var", "running_vars")):
        values = rng.uniform(0.5, 2.0, shape)
    elif name.endswith("gamma") or (len(shape) == 1 and name.endswith(".gain")):
        values = rng.uniform(0.5, 1.5, shape)
    else:
        rest = int(np.prod(shape[1:])) if len(shape) > 1 else 10
        values = rng.standard_normal(shape) / np.sqrt(rest)
    return np.asarray(values, "float32")


def random_state(shapes):
    """A state dict of such arrays, for a dict or list of names and shapes.

    Vectors u and v of PyTorch's own spectral normalization are those after an update.
    """
    state = {name: random_array(name, shape) for name, shape in dict(shapes).items()}
    for name in state:
        if name.endswith(".weight_orig"):
            prefix = name.removesuffix("orig")
            matrix = state[name].reshape(len(state[name]), -1).astype("float64")
            v = state[f"{prefix}u"] @ matrix
            v = v / np.linalg.norm(v)
            u = matrix @ v
            state[f"{prefix}u"] = (u / np.linalg.norm(u)).astype("float32")
            state[f"{prefix}v"] = v.astype("float32")
    return state


def golden(name):
    """Arrays of a golden file; those that end in "shapes" as lists of pairs."""
    with np.load(FOLDER / f"{name}.npz") as file:
        return {
            key: json.loads(str(file[key])) if key.endswith("shapes") else file[key]
            for key in file.files
        }
