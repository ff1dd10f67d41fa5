"""Features of real images on the disk, found again by what they were made of.

The name of a file is a hash of the images, the extractor and what is kept, so that
other images never meet the numbers of these. The file is written under another name
and renamed, and begins with the SHA-256 of the rest.
"""

import hashlib
import io
import os
import pathlib
import warnings

import numpy as np

from keras_gans.utils.files import atomic_path

FORMAT = "1"


def folder():
    """The cache's folder: $KERAS_GANS_CACHE, or `~/.cache/keras_gans`."""
    path = os.environ.get("KERAS_GANS_CACHE") or "~/.cache/keras_gans"
    return pathlib.Path(path).expanduser() / "metrics"


def hash_array(array):
    """SHA-256 in hex of an array's bytes, shape and dtype."""
    array = np.ascontiguousarray(array)
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(memoryview(array.reshape(-1)).cast("B"))
    return digest.hexdigest()


def key(*facts):
    """The name of a file, from all that its content depends on.

    Args:
        *facts: Strings and numbers.

    Returns:
        64 hex digits.
    """
    return hashlib.sha256("\n".join(map(str, (FORMAT, *facts))).encode()).hexdigest()


def load(name):
    """Reads the arrays stored under a name of `key`.

    Args:
        name: What `key` returned.

    Returns:
        Dict of arrays; None if there are none, or if the file is damaged, with a
        warning.
    """
    path = folder() / f"{name}.bin"
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        _warn(f"{path} could not be read: {error}.")
        return None
    digest, content = content[:32], content[32:]
    if hashlib.sha256(content).digest() != digest:
        _warn(f"{path} is damaged: its SHA-256 is not the one written with it.")
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def store(name, arrays):
    """Stores arrays under a name of `key`; on a full disk it warns.

    Args:
        name: What `key` returned.
        arrays: Dict of arrays.
    """
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    content = buffer.getvalue()
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with atomic_path(folder() / f"{name}.bin") as temporary:
            temporary.write_bytes(hashlib.sha256(content).digest() + content)
    except OSError as error:
        _warn(f"{folder()} could not be written to: {error}. Set KERAS_GANS_CACHE.")


def _warn(message):
    warnings.warn(
        f"The cache of real features: {message} They are computed again.",
        RuntimeWarning,
        stacklevel=3,
    )
