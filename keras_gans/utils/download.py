"""Files of others that are fetched on first use, verified, and kept."""

import hashlib
import os
import pathlib
import secrets
import sys
import urllib.request

import keras

_CHUNK = 1 << 20


def sha256(path):
    """The SHA-256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cached_download(url, digest, size, folder="weights"):
    """Returns the path of a file in the cache; downloads it if it is not there.

    The cache is `$KERAS_GANS_CACHE/<folder>`, by default in `~/.cache/keras_gans`. The
    file is verified each time, whoever put it there, and appears under its name
    only once it is whole.

    Args:
        url: Where it is; its last part is the name of the file.
        digest: The file's SHA-256, in hex.
        size: Its size in bytes.
        folder: Of the cache.

    Returns:
        A `pathlib.Path`.

    Raises:
        OSError: If it cannot be fetched, with how to place it by hand.
        ValueError: If the file there, or what was received, is another.
    """
    cache = os.environ.get("KERAS_GANS_CACHE") or "~/.cache/keras_gans"
    path = pathlib.Path(cache).expanduser() / folder / url.rpartition("/")[2]
    # A name of its own: another process may be at it too.
    own = f".download.{os.getpid()}.{secrets.token_hex(4)}"
    temporary = path.parent / own
    try:
        if path.is_file():
            _verify(path, digest, size, f"Delete it, or replace it with {url}")
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:  # which those may read who may read others
            _fetch(url, file, size)
        _verify(temporary, digest, size, "Try again later, or place it by hand")
        os.replace(temporary, path)
    except OSError as error:
        raise OSError(
            f"Expected: {path.name} ({size / 2**20:.0f} MB) from {url}. Received: "
            f"{error}. On a machine without this network, download it elsewhere and "
            f"place it as {path}; KERAS_GANS_CACHE names another folder than "
            f"{pathlib.Path(cache).expanduser()}."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _fetch(url, file, size):
    print(f"Downloading {url}", file=sys.stderr)
    bar = keras.utils.Progbar(size, unit_name="byte")
    with urllib.request.urlopen(url, timeout=60) as response:
        while chunk := response.read(_CHUNK):
            file.write(chunk)
            bar.add(min(len(chunk), max(0, size - file.tell() + len(chunk))))


def _verify(path, digest, size, advice):
    received = pathlib.Path(path).stat().st_size
    if received != size:
        raise ValueError(
            f"Expected: {size:,} bytes. Received: {path}, of {received:,}. {advice}."
        )
    received = sha256(path)
    if received != digest:
        raise ValueError(
            f"Expected: SHA-256 {digest}. Received: {path}, with {received}: damaged, "
            f"or another file. {advice}."
        )
