"""Files that are never half-written."""

import contextlib
import os
import pathlib
import tempfile

from keras_gans import distribution


def prepare_directory(path, argument):
    """Makes a folder, and checks that files can be written into it.

    Args:
        path: Folder; missing parents are made too.
        argument: Name of the user's argument, for the error.

    Returns:
        The folder as a `pathlib.Path`.

    Raises:
        ValueError: If `path` is not that of a local folder.
        OSError: If the folder cannot be made or written to.
    """
    if not isinstance(path, str | os.PathLike) or not str(path) or "://" in str(path):
        raise ValueError(
            f"Expected: `{argument}` as the path of a local folder. "
            f"Received: {argument}={path!r}."
        )
    path = pathlib.Path(path)
    probe = path / ".write_test"
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(
            f"Expected: `{argument}` as a folder that can be written to. "
            f"Received: {argument}={str(path)!r} ({error.strerror}). "
            "Choose another folder, or change its permissions."
        ) from error
    return path


@contextlib.contextmanager
def atomic_path(path):
    """A temporary path beside `path`, renamed to `path` once the block is done.

    Readers see the old file or the whole new one, also if the process is killed. If
    the block raises, nothing is left behind. Of processes that train together, only
    the first leaves a file.

    Args:
        path: Where the file shall be.

    Yields:
        The `pathlib.Path` to write to, with the same suffix.

    Example:

    ```python
    with atomic_path("grid.png") as temporary:
        image.save(temporary)
    ```
    """
    path = pathlib.Path(path)
    if not distribution.is_first_process():
        with tempfile.TemporaryDirectory() as folder:
            yield pathlib.Path(folder) / path.name
        return
    temporary = path.with_name(f".{path.stem}.tmp{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def flush_to_disk(path):
    """Waits until a file, or the list of a folder's files, is on the disk."""
    if os.path.isdir(path) and os.name == "nt":  # Windows cannot flush folders
        return
    descriptor = os.open(path, os.O_RDONLY if os.path.isdir(path) else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
