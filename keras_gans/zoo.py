"""Where the pretrained weights and bundled data sets lie on this machine."""

import importlib.util
import pathlib

_PACKAGE = "keras_gans_zoo"


def path():
    """Finds the zoo: the folder that holds `weights/` and `datasets/`.

    The first of these that exists: `zoo/` of the checkout that this package runs from,
    the installed data package `keras-gans-zoo` (whose code is not run).

    Returns:
        The folder as a `pathlib.Path`, or `None` if there is no zoo.

    Example:

    ```python
    import keras_gans as kg

    folder = kg.zoo.path()
    print(folder or "no zoo: pip install keras-gans-zoo")
    ```
    """
    for folder in (_checkout(), _installed()):
        if folder and any((folder / part).is_dir() for part in ("weights", "datasets")):
            return folder
    return None


def _checkout():
    """The folder beside this package, if it is ours: site-packages may have a `zoo`."""
    folder = pathlib.Path(__file__).resolve().parent.parent / "zoo"
    return folder if (folder / _PACKAGE).is_dir() else None


def _installed():
    spec = importlib.util.find_spec(_PACKAGE)
    return pathlib.Path(spec.origin).parent if spec and spec.origin else None
