"""Reads the networks in NVlabs' and R3GAN's `.pkl` files, without running code.

They are pickles of whole PyTorch modules, which carry the source of their classes and
ask for it to be executed. Here a module is what its pickle says it holds: parameters,
buffers and modules. Of what else it asks for, the few things known below are made by
our own code, and everything else is refused by name.
"""

import collections
import io
import pathlib

from keras_gans.utils.torch_file import DAMAGE
from keras_gans.utils.torch_file import KnownFunction
from keras_gans.utils.torch_file import Unpickler
from keras_gans.utils.torch_file import read_legacy
from keras_gans.utils.torch_file import resolve

NETWORKS = ("G", "D", "G_ema")
# Modules of these packages are stored as they are, without their source.
PACKAGES = ("torch.nn.modules.", "R3GAN.", "training.", "torch_utils.ops.")
MOST_ARRAYS = 100_000
TENSORFLOW = ("dnnlib.tflib.network", "Network")


def read_network_pickle(path):
    """Reads the networks of a training snapshot.

    Args:
        path: Of a `.pkl` file of stylegan2-ada-pytorch, stylegan3 or R3GAN.

    Returns:
        Dict from "G", "D" and "G_ema", as far as there are such, to state dicts: name
        -> NumPy array.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is another kind of file, is damaged, or asks for code that is
            not known.

    Example:

    ```python
    networks = read_network_pickle("network-snapshot.pkl")
    print(networks["G_ema"]["mapping.w_avg"].shape)  # (512,)
    ```
    """
    path = pathlib.Path(path)
    try:
        with open(path, "rb") as file:
            saved = _NetworkUnpickler(file, path).load()
        found = saved if isinstance(saved, dict) else {}
        modules = {k: found[k] for k in NETWORKS if isinstance(found.get(k), _Module)}
        states = {k: _state_of(module, path, {}) for k, module in modules.items()}
    except DAMAGE as error:
        raise ValueError(
            f"Expected: a whole pickle of networks. Received: {path}, which cannot be "
            f"read ({type(error).__name__}: {error}). Get it again."
        ) from error
    if not states:
        raise ValueError(
            f"Expected: a dict with networks {', '.join(NETWORKS)}. Received: {path}, "
            f"which holds {type(saved).__name__} with {list(found)[:8]}."
        )
    return states


class _Module:
    """What a pickle says of a module: a dict of its attributes."""

    state = {}  # of one that has none

    def __setstate__(self, state):
        self.state = state if isinstance(state, dict) else {}

    def __setattr__(self, name, value):
        if name != "state":
            raise AttributeError(f"{name} is read-only")
        super().__setattr__(name, value)


class _Dict(dict):
    """A dict whose pickle may come with attributes, which are dropped."""

    def __setstate__(self, state):
        pass


def _persistent(meta):
    """In place of running the source that the pickle brings along: its state."""
    module = _Module()
    module.__setstate__(meta["state"])
    return module


def _storage(content):
    """The values that a tensor looks at, stored as a file within the file."""
    return read_legacy(io.BytesIO(content), "values of a tensor")


def _nothing(*_):
    """In place of devices, types and sizes, of which no values depend."""
    return None


class _NetworkUnpickler(Unpickler):
    known = Unpickler.known | {
        ("dnnlib.util", "EasyDict"): _Dict,
        ("torch_utils.persistence", "_reconstruct_persistent_obj"): KnownFunction(
            _persistent
        ),
        ("torch.storage", "_load_from_bytes"): KnownFunction(_storage),
        ("torch", "device"): KnownFunction(_nothing),
        ("torch", "Size"): KnownFunction(lambda sizes=(): tuple(sizes)),
        **{
            ("torch", name): name
            for name in ("float16", "bfloat16", "float32", "float64", "memory_format")
        },
        ("builtins", "set"): set,
        ("__builtin__", "set"): set,
        # Numbers and arrays of NumPy are attributes, of which no weight depends.
        ("numpy", "dtype"): KnownFunction(lambda *_: _Dict()),
        ("numpy", "ndarray"): KnownFunction(_nothing),
        # How protocol 2 holds bytes.
        ("_codecs", "encode"): KnownFunction(lambda text, *_: text.encode("latin1")),
        **{
            (f"numpy.{core}.multiarray", name): KnownFunction(function)
            for core in ("core", "_core")
            for name, function in (
                ("scalar", _nothing),
                ("_reconstruct", lambda *_: _Dict()),
            )
        },
    }

    def find_class(self, module, name):
        """Returns what a pickle may use, or refuses it by name."""
        if (module, name) == TENSORFLOW:
            raise ValueError(
                "Expected: networks of PyTorch. Received: "
                f"{self.path}, of the older TensorFlow code. Convert it with legacy.py "
                "of stylegan2-ada-pytorch."
            )
        if module.startswith(PACKAGES) and (module, name) not in self.known:
            return type(name, (_Module,), {"__slots__": ()})
        return super().find_class(module, name)


def _state_of(module, path, done):
    """The state dict of a module, with arrays; `done` has those made before, by id."""
    if id(module) in done:
        if done[id(module)] is None:
            raise ValueError(f"{path} is damaged: a module holds itself.")
        return done[id(module)]
    done[id(module)] = None
    state = {}
    for kind in ("_parameters", "_buffers"):
        for name, tensor in module.state.get(kind, {}).items():
            if tensor is not None:
                state[name] = resolve(tensor, path)
    modules = module.state.get("_modules", collections.OrderedDict())
    for name, inner in modules.items():
        if isinstance(inner, _Module):
            below = _state_of(inner, path, done)
            state |= {f"{name}.{key}": value for key, value in below.items()}
        if len(state) > MOST_ARRAYS:
            raise ValueError(f"{path} is damaged: over {MOST_ARRAYS} arrays.")
    done[id(module)] = state
    return state
