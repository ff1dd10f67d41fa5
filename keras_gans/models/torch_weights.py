"""Takes arrays of PyTorch's state dicts over into layers, and says what is amiss."""

import os
import pathlib

import numpy as np

from keras_gans.utils.network_pickle import read_network_pickle
from keras_gans.utils.torch_file import read_torch_file

SHOWN = 4  # problems of one kind that an error names


def as_state(source):
    """A state dict with NumPy arrays, of a path or as it is.

    The prefixes "module." of `torch.nn.DataParallel` and "_orig_mod." of
    `torch.compile` are dropped.
    """
    is_path = isinstance(source, str | os.PathLike)
    state = read_torch_file(source) if is_path else source
    wrong = None
    if not isinstance(state, dict):
        wrong = f"a {type(state).__name__}"
    elif others := [
        key
        for key, value in state.items()
        if not isinstance(key, str) or not isinstance(value, np.ndarray)
    ]:
        wrong = f"a dict with {others[:SHOWN]} that are none"
    if wrong is not None:
        raise ValueError(
            "Expected: the state dict of one network, names with arrays. Received: "
            f"{f'{source}, ' if is_path else ''}{wrong}. Save the `state_dict()` of "
            "that network alone."
        )
    return {
        key.removeprefix("module.").removeprefix("_orig_mod."): value
        for key, value in state.items()
    }


def read_networks(source, discriminator=None):
    """State dicts of the networks of a snapshot.

    Args:
        source: Path of a `.pkl` file with all networks; or the state dict of a
            generator, as for `as_state`.
        discriminator: Optional state dict, likewise.

    Returns:
        Dict from "G", "G_ema" and, if there is one, "D" to state dicts. Of G and G_ema
        one stands for both where the other is missing.

    Raises:
        ValueError: If there is no generator.
    """
    is_pickle = not isinstance(source, dict) and pathlib.Path(source).suffix == ".pkl"
    states = read_network_pickle(source) if is_pickle else {"G": as_state(source)}
    if discriminator is not None:
        states["D"] = as_state(discriminator)
    average = states.get("G_ema", states.get("G"))
    if average is None:
        raise ValueError(
            f"Expected: a generator. Received: {source}, with {', '.join(states)}."
        )
    return {"G": average} | states | {"G_ema": average}


class TorchWeights:
    """Collects assignments to a network's variables; `finish` makes them, or raises.

    Args:
        state: Dict, name -> array.
        ignored: Endings of names that are not needed.
    """

    def __init__(self, state, ignored=()):
        self._left = {k: v for k, v in state.items() if not k.endswith(tuple(ignored))}
        self._missing, self._misshapen = [], []
        self._assignments = []

    def take(self, key, *shape):
        """Returns an array, float32, which counts as used; zeros if it is amiss."""
        found = self._left.pop(key, None)
        if found is None:
            self._missing.append(f"{key} {shape}")
        elif found.shape != shape:
            self._misshapen.append(f"{key} {found.shape} in place of {shape}")
        else:
            return found.astype("float32")
        return np.zeros(shape, "float32")

    def shape(self, key):
        """The shape of an array that is still there, or None."""
        return self._left[key].shape if key in self._left else None

    def assign(self, variable, value):
        """Notes a value for a variable."""
        self._assignments.append((variable, np.reshape(value, variable.shape)))

    def finish(self, advice):
        """Assigns all values.

        Raises:
            ValueError: If arrays are missing, of another shape, or left over.
        """
        problems = {
            "missing": self._missing,
            "of another shape": self._misshapen,
            "unexpected": list(self._left),
        }
        if any(problems.values()):
            found = "; ".join(
                f"{len(keys)} arrays {kind}: {', '.join(keys[:SHOWN])}"
                + (", ..." if len(keys) > SHOWN else "")
                for kind, keys in problems.items()
                if keys
            )
            raise ValueError(
                f"Expected: the arrays of this network. Received: {found}. {advice}"
            )
        for variable, value in self._assignments:
            variable.assign(value)


def from_torch_kernel(weight):
    """Keras' kernel: `(O, I, h, w)` -> `(h, w, I, O)`, `(O, I)` -> `(I, O)`."""
    return weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight.T


def torch_shape(kernel):
    """The shape of PyTorch's weight for Keras' kernel."""
    if len(kernel.shape) == 4:
        height, width, inputs, outputs = kernel.shape
        return outputs, inputs, height, width
    return tuple(reversed(kernel.shape))


def u_for_sigma(matrix, sigma):
    r"""A vector from which one power iteration gives a certain norm of a matrix.

    PyTorch's own spectral normalization divides by u^T W v of stored vectors, ours by
    |W v| with v = W^T u / |W^T u|. For u = cos(t) u_1 + sin(t) u_k, of left singular
    vectors to the values s_1 and s_k,

        |W v|^2 = (s_1^4 cos^2 t + s_k^4 sin^2 t) / (s_1^2 cos^2 t + s_k^2 sin^2 t),

    which takes every value between them; here it is solved for t. In trained networks
    sigma is close to s_1, and u to u_1.

    Args:
        matrix: W, `(outputs, rest)`.
        sigma: Float, the norm that is to come out.

    Returns:
        u, `(outputs,)`, float64; the singular vector closest to it if there is none.
    """
    matrix = np.asarray(matrix, "float64")
    if not matrix.any():
        return np.ones(matrix.shape[0])
    wide = matrix.shape[0] <= matrix.shape[1]
    gram = matrix @ matrix.T if wide else matrix.T @ matrix
    squares, vectors = np.linalg.eigh(gram)  # ascending
    positive = squares > 1e-12 * squares[-1]
    values, vectors = np.sqrt(squares[positive]), vectors[:, positive]
    if not wide:
        vectors = matrix @ vectors / values
    below = int(np.searchsorted(values, sigma))  # the number of values below sigma
    if below in (0, len(values)):
        return vectors[:, max(below - 1, 0)]
    top, low = values[-1], values[below - 1]
    cos = low**2 * (sigma**2 - low**2)
    sin = top**2 * (top**2 - sigma**2)
    u = np.sqrt(cos) * vectors[:, -1] + np.sqrt(sin) * vectors[:, below - 1]
    return u / np.linalg.norm(u)
