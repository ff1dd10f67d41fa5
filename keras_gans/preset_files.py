"""The format of a preset folder: its files, how they are checked, how they are written.

`keras_gans/presets.py` is what users call; this is what it reads and writes.
"""

import json
import pathlib
import tempfile

import keras
import numpy as np

from keras_gans.utils.download import sha256
from keras_gans.version import __version__

FORMAT_VERSION = 1
FILES = CONFIG, WEIGHTS, CARD, SAMPLES = (
    "config.json",
    "model.weights.h5",
    "README.md",
    "samples.png",
)


def read_config(folder):
    """Reads and checks the `config.json` of a preset folder.

    Args:
        folder: `pathlib.Path` of the preset.

    Returns:
        Dict with `"keras_gans"` (the version that wrote it), `"model"` (the serialized
        model), `"weights"` (size in bytes and SHA-256) and `"metadata"`.

    Raises:
        ValueError: If it is no JSON, not ours, incomplete, or of a newer format.
    """
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"Expected JSON in {path}. Received: {error}") from error
    version = config.get("format_version") if isinstance(config, dict) else None
    if not isinstance(version, int):
        raise ValueError(
            "Expected a keras_gans preset, which `save_to_preset` writes. Received: "
            f'{path}, which has no "format_version": it belongs to something else.'
        )
    if version > FORMAT_VERSION:
        raise ValueError(
            f"This keras_gans ({__version__}) reads presets up to format version "
            f"{FORMAT_VERSION}. Received: {folder}, format version {version}, written "
            f"by keras_gans {config.get('keras_gans')}. Upgrade it: "
            "pip install --upgrade keras-gans."
        )
    missing = {"keras_gans", "model", "weights", "metadata"} - set(config)
    if missing:
        raise ValueError(
            f"Expected the entries {sorted(missing)} in {path}. Received: "
            f"{sorted(config)}. Copy or download the preset again."
        )
    return config


def check_weights(path, expected):
    """Compares the weights with `config.json` before anything reads them.

    Args:
        path: `pathlib.Path` of the weights.
        expected: Dict, `"size"` in bytes and `"sha256"`.

    Raises:
        ValueError: If there is no such file, or if its size or hash differs.
    """
    again = "Copy or download the preset again."
    if not path.is_file():
        raise ValueError(
            f"Expected the weights of the preset in {path}. Received: no such file. "
            + again
        )
    size = path.stat().st_size
    if size != expected["size"]:
        what = "truncated" if size < expected["size"] else "another file"
        raise ValueError(
            f"Expected {expected['size']} bytes in {path}. Received: {size} bytes: it "
            f"is {what}. {again}"
        )
    received = sha256(path)
    if received != expected["sha256"]:
        raise ValueError(
            f"Expected SHA-256 {expected['sha256']} for {path}. Received: {received}: "
            f"it is corrupted or another file. {again}"
        )


def check_target(folder, overwrite):
    """Refuses a folder where something lies that must not be replaced.

    Args:
        folder: `pathlib.Path` to write a preset to.
        overwrite: Whether a preset may be replaced.

    Raises:
        FileExistsError: If a preset is there and `overwrite` is false, or if anything
            else but an empty folder is there.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        read_config(folder)
    except (ValueError, OSError) as error:
        raise FileExistsError(
            "Expected a new folder, an empty one or a preset to overwrite. Received: "
            f"{folder}, which holds something else. Choose another folder."
        ) from error
    if not overwrite:
        raise FileExistsError(
            f"Expected a new folder. Received: {folder}, which is a preset already. "
            "Pass overwrite=True to replace it."
        )


def write(folder, model, model_config, metadata, card, samples=None):
    """Writes a preset: all files in a temporary folder beside it, then one rename.

    Args:
        folder: `pathlib.Path` that passed `check_target`. Of a preset that is there,
            the files in `FILES` are replaced and others stay.
        model: The Keras model.
        model_config: Its serialized configuration.
        metadata: Dict of what JSON can hold, and numbers and arrays of NumPy's.
        card: Text of the card.
        samples: Bytes of a PNG, or `None`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{folder.name}."
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=prefix) as temporary:
        new, old = pathlib.Path(temporary, "new"), pathlib.Path(temporary, "old")
        new.mkdir()
        weights = new / WEIGHTS
        repeated = repeated_averages(model)
        skip = not_saved(model) + repeated
        keras.saving.save_weights(model, weights, objects_to_skip=skip)
        config = {
            "format_version": FORMAT_VERSION,
            "keras_gans": __version__,
            "keras": keras.__version__,
            "model": model_config,
            "weights": {
                "size": weights.stat().st_size,
                "sha256": sha256(weights),
                "averages": not repeated,
            },
            "metadata": metadata,
        }
        text = json.dumps(config, indent=2, default=_of_numpy)
        (new / CONFIG).write_text(text + "\n", encoding="utf-8")
        (new / CARD).write_text(card, encoding="utf-8")
        if samples is not None:
            (new / SAMPLES).write_bytes(samples)
        _swap(new, folder, old)


def _of_numpy(value):
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(
        "Expected: `metadata` of what JSON can hold: dicts, lists, strings, numbers. "
        f"Received: {value!r}."
    )


def not_saved(model):
    """The parts of a model that belong to a training run: optimizers and metrics.

    Args:
        model: A Keras model, compiled or not.

    Returns:
        List for the argument `objects_to_skip` of Keras' weight files.
    """
    found = list(model.metrics)
    for name in dir(model):  # Keras saves whatever an attribute or property returns.
        try:
            part = getattr(model, name)
        except Exception:  # A property that means nothing for this model.
            continue
        if isinstance(part, keras.optimizers.Optimizer | keras.Metric):
            found.append(part)
    return found


def repeated_averages(model):
    """The averaged networks, if all of them are what is averaged, as without averaging.

    Args:
        model: A Keras model.

    Returns:
        List of networks whose weights need no place in a file.
    """
    pairs = model.averaged() if hasattr(model, "averaged") else []
    repeat = all(
        np.array_equal(own, average)
        for pair in pairs
        for own, average in zip(*(net.get_weights() for net in pair), strict=True)
    )
    return [average for _, average in pairs] if repeat else []


def repeat_averages(model):
    """Gives the averaged networks the state of what is averaged."""
    for network, average in model.averaged():
        for own, variable in zip(network.variables, average.variables, strict=True):
            # A copy: JAX would share the buffer, and refuses to donate it twice.
            variable.assign(np.array(keras.ops.convert_to_numpy(own)))


def _swap(new, folder, old):
    """Moves `new` to `folder`; what was there waits in `old` until that has worked."""
    if not folder.exists():
        new.rename(folder)
        return
    folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    for other in old.iterdir():
        if other.name not in FILES:
            other.rename(folder / other.name)
