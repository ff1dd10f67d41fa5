"""Reads the tensors of a PyTorch checkpoint, without PyTorch and without running code.

`torch.save` writes a pickle, which may name any function to be called on reading. Here
only what rebuilds tensors is known, and it is our own; everything else is refused by
name. Two layouts are read: the zip archive of PyTorch 1.6 and later, and the one before
it (several pickles one after the other, then the values).
"""

import collections
import math
import pathlib
import pickle
import struct
import zipfile
import zlib

import numpy as np

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_ZIP_MAGIC = b"PK\x03\x04"
MOST_REPEATED = 1 << 24  # values of a tensor that shows its storage's more than once
DAMAGE = (
    pickle.UnpicklingError, EOFError, zipfile.BadZipFile, zlib.error, struct.error,
    KeyError, IndexError, AttributeError, TypeError, UnicodeDecodeError, OverflowError,
    MemoryError, RuntimeError,
)  # fmt: skip
"""What reading a damaged file raises."""
_DTYPES = {
    "BFloat16Storage": "bfloat16",
    "BoolStorage": "bool",
    "ByteStorage": "<u1",
    "CharStorage": "<i1",
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "IntStorage": "<i4",
    "LongStorage": "<i8",
    "ShortStorage": "<i2",
}


def read_torch_file(path):
    """Reads a state dict, or another nest of dicts, lists and tensors.

    Args:
        path: Of a file that `torch.save` wrote (`.pth`, `.pt`, `.bin`).

    Returns:
        What was saved, with NumPy arrays for the tensors (float32 for bfloat16, which
        NumPy does not know) and plain dicts for ordered ones.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a PyTorch checkpoint, is damaged, or holds anything
            but tensors, numbers, strings, lists, tuples and dicts.

    Example:

    ```python
    weights = read_torch_file("inception.pth")
    print(weights["fc.weight"].shape)  # (1008, 2048)
    ```
    """
    path = pathlib.Path(path)
    try:
        with open(path, "rb") as file:
            if zipfile.is_zipfile(file):
                return _read_zip(path)
            file.seek(0)
            if file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC:
                raise EOFError("the end of the archive is missing")
            file.seek(0)
            return resolve(read_legacy(file, path), path)
    except DAMAGE as error:
        raise ValueError(
            f"Expected: a whole file that `torch.save` wrote. Received: {path}, which "
            f"cannot be read ({type(error).__name__}: {error}). Get it again."
        ) from error


def _read_zip(path):
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        pickles = [name for name in names if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError(
                f"Expected: a checkpoint of `torch.save`, with one data.pkl. Received: "
                f"{path}, a zip archive with {len(pickles)}."
            )
        root = pickles[0].removesuffix("data.pkl")
        if any(name.startswith((f"{root}code/", f"{root}constants")) for name in names):
            raise ValueError(
                f"Expected: a state dict. Received: {path}, a TorchScript program. "
                "Save its `state_dict()` with PyTorch."
            )
        for member in archive.infolist():
            # `torch.save` compresses nothing; what little bytes may blow up to.
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(
                    f"Expected: an archive without compression, as `torch.save` writes "
                    f"it. Received: {path}, with {member.filename} compressed."
                )
        order = f"{root}byteorder"
        if order in names and archive.read(order) != b"little":
            raise ValueError(
                f"Expected: little-endian values. Received: {path}, which has "
                f"{archive.read(order).decode()}-endian ones."
            )
        with archive.open(pickles[0]) as file:
            unpickler = Unpickler(file, path)
            saved = unpickler.load()
        for key, storage in unpickler.storages.items():
            name = f"{root}data/{key}"
            storage.check(archive.getinfo(name).file_size, path)
            storage.fill(archive.read(name), path)
    return resolve(saved, path)


def read_legacy(file, path):
    """Reads the layout before PyTorch 1.6; tensors and storages are not resolved."""
    try:
        magic = Unpickler(file, path).load()
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError) as e:
        raise ValueError(
            f"Expected: a file that `torch.save` wrote. Received: {path}, which is "
            "another kind of file."
        ) from e
    if magic != _LEGACY_MAGIC:
        raise ValueError(
            f"Expected: a file that `torch.save` wrote. Received: {path}, a pickle of "
            "something else."
        )
    Unpickler(file, path).load()  # the version of the layout, 1001
    system = Unpickler(file, path).load()
    if not system["little_endian"]:
        raise ValueError(
            f"Expected: little-endian values. Received: {path}, with big-endian ones."
        )
    unpickler = Unpickler(file, path)
    saved = unpickler.load()
    for key in Unpickler(file, path).load():
        storage = unpickler.storages[key]
        (count,) = struct.unpack("<q", file.read(8))
        if count != storage.count:
            raise ValueError(
                f"{path} is damaged. Expected: {storage.count} values of storage "
                f"{key}. Received: {count}."
            )
        here = file.tell()
        left = file.seek(0, 2) - here
        file.seek(here)
        storage.check(min(left, storage.size), path)
        storage.fill(file.read(storage.size), path)
    return saved


class _Storage:
    """The flat values that one or more tensors look at."""

    def __init__(self, dtype, count):
        self.dtype, self.count = dtype, int(count)
        self.values = None

    @property
    def size(self):
        """Bytes."""
        width = 2 if self.dtype == "bfloat16" else np.dtype(self.dtype).itemsize
        return self.count * width

    def check(self, size, path):
        """Raises if the file has another number of bytes for it."""
        if size != self.size:
            raise ValueError(
                f"{path} is damaged. Expected: {self.size} bytes of a tensor. "
                f"Received: {size}. Get the file again."
            )

    def fill(self, content, path):
        """Takes the values from bytes."""
        self.check(len(content), path)
        if self.dtype == "bfloat16":  # the upper half of a float32
            bits = np.frombuffer(content, "<u2").astype("<u4") << 16
            self.values = bits.view("<f4")
        else:
            self.values = np.frombuffer(content, self.dtype)


class _Tensor:
    """A view into a storage; what a pickle calls to make a tensor."""

    def __init__(self, storage, offset, shape, strides, *_):
        self.storage, self.offset = storage, int(offset)
        self.shape = tuple(int(n) for n in shape)
        self.strides = tuple(int(n) for n in strides)

    def to_numpy(self, path):
        """Copies the view."""
        last = self.offset + sum(
            (n - 1) * s for n, s in zip(self.shape, self.strides, strict=True)
        )
        count = math.prod(self.shape)
        values = getattr(self.storage, "values", None)
        if values is None or min((self.offset, *self.shape, *self.strides)) < 0:
            raise ValueError(f"{path} is damaged: a tensor without its values.")
        if count == 0:
            return np.zeros(self.shape, values.dtype)
        if count > max(len(values), MOST_REPEATED):
            raise ValueError(
                f"{path} is damaged. Expected: a tensor of its {len(values)} values. "
                f"Received: one of {self.shape}."
            )
        if last >= len(values):
            raise ValueError(
                f"{path} is damaged. Expected: a tensor within its {len(values)} "
                f"values. Received: one that reaches to value {last}."
            )
        view = np.lib.stride_tricks.as_strided(
            values[self.offset :],
            self.shape,
            [stride * values.itemsize for stride in self.strides],
        )
        return np.array(view, order="C")


class KnownFunction:
    """A function that a pickle may call, but not change."""

    __slots__ = ("_function",)

    def __init__(self, function):
        object.__setattr__(self, "_function", function)

    def __call__(self, *arguments):
        """Calls the function."""
        return self._function(*arguments)

    def __setattr__(self, name, value):
        raise AttributeError(f"{name} is read-only")


_tensor = KnownFunction(_Tensor)
_parameter = KnownFunction(lambda tensor, *_: tensor)


class Unpickler(pickle.Unpickler):
    """Knows how to make tensors and ordered dicts, and nothing else."""

    known = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch._utils", "_rebuild_parameter"): _parameter,
        ("torch._utils", "_rebuild_tensor"): _tensor,
        ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        **{("torch", name): dtype for name, dtype in _DTYPES.items()},
    }

    def __init__(self, file, path):
        super().__init__(file, encoding="utf-8")
        self.path = path
        self.storages = {}

    def find_class(self, module, name):
        """Returns what a pickle may use, or refuses it by name."""
        found = self.known.get((module, name))
        if found is None:
            raise ValueError(
                "Expected: tensors, numbers, strings, lists and dicts. Received: "
                f"{self.path}, which asks for `{module}.{name}`. Code in checkpoints "
                "is not run here. Save a plain `state_dict()` with PyTorch."
            )
        return found

    def persistent_load(self, saved_id):
        """Returns the storage of that id, still without its values."""
        kind, dtype, key, _, count, *view = saved_id
        if kind != "storage" or dtype not in _DTYPES.values() or any(view):
            raise ValueError(
                f"Expected: tensors. Received: {self.path}, which holds {kind!r} of "
                f"{dtype!r}. Save a plain `state_dict()` with PyTorch."
            )
        return self.storages.setdefault(key, _Storage(dtype, count))


_UNFINISHED = object()


def resolve(saved, path, done=None):
    """Puts arrays in place of tensors, in all nested containers.

    Args:
        saved: What a pickle holds.
        path: Of the file, for errors.
        done: Dict, for what is in it more than once: id -> what was made of it.

    Raises:
        ValueError: If it holds something else, or a container holds itself.
    """
    if isinstance(saved, bool | int | float | str | bytes | None):
        return saved
    done = {} if done is None else done
    made = done.get(id(saved))
    if made is _UNFINISHED:
        raise ValueError(f"{path} is damaged: a {type(saved).__name__} holds itself.")
    if made is not None:
        return made
    done[id(saved)] = _UNFINISHED
    if isinstance(saved, _Tensor):
        made = saved.to_numpy(path)
    elif isinstance(saved, dict):
        made = {key: resolve(value, path, done) for key, value in saved.items()}
    elif isinstance(saved, list | tuple):
        made = type(saved)(resolve(value, path, done) for value in saved)
    else:
        raise ValueError(
            f"Expected: tensors, numbers, strings, lists and dicts. Received: {path}, "
            f"which holds a {type(saved).__name__}."
        )
    done[id(saved)] = made
    return made
