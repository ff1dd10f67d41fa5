"""`load`: every bundled data set by its name."""

import difflib
import functools
from collections.abc import Callable
from typing import NamedTuple

from keras_gans.datasets import digits
from keras_gans.datasets import emoji
from keras_gans.datasets import fashion_mnist
from keras_gans.datasets import images
from keras_gans.datasets import synthetic


class _Set(NamedTuple):
    load: Callable  # (split, [image_size,] **options) -> (data, labels)
    class_names: tuple
    options: tuple = ()
    vectors: bool = False


_SETS = {
    "digits": _Set(digits.load, digits.CLASS_NAMES),
    "emoji": _Set(emoji.load, emoji.CLASS_NAMES, ("style",)),
    "fashion_mnist": _Set(fashion_mnist.load, fashion_mnist.CLASS_NAMES),
}
for _name in synthetic.NAMES:
    _SETS[_name] = _Set(
        functools.partial(synthetic.load, _name),
        synthetic.class_names(_name),
        options=("num_samples", "seed"),
        vectors=True,
    )

_SPLITS = ("train", "test")


def load(name, split="train", image_size=None, **options):
    """Loads a data set that comes with the package, as arrays.

    | `name` | data | labels |
    |---|---|---|
    | `"fashion_mnist"` | 60,000 and 10,000 grey images, 28x28 | 10 classes |
    | `"emoji"` | 3,444 and 342 RGB images, 64x64, in two styles | 10 categories |
    | `"digits"` | 1,442 and 355 grey images, 8x8 | 10 digits |
    | `"gaussian_ring"` | points around 8 modes on the unit circle, sigma .01 | mode |
    | `"gaussian_grid"` | points around 25 modes, {-4, .., 4}^2, sigma .05 | mode |
    | `"swiss_roll"` | points along a spiral, radius .6 to 1.9 | 0 |

    The images lie in the zoo (`pip install keras-gans[zoo]`); without it Fashion-MNIST
    is downloaded. Points are drawn anew, so `num_samples` may be anything.

    Args:
        name: Name of the set.
        split: `"train"` or `"test"`.
        image_size: Pixels: an int for square images, or (height, width). `None`: the
            set's own size. Fashion-MNIST at 32 gets a black border of 2 pixels;
            every other change of size is a resize (Lanczos).
        **options: `style` of emoji: `"noto"` (default) or `"twemoji"`; row i is the
            same emoji in both. `num_samples` (default 100,000) and `seed` (default 0)
            of point sets.

    Returns:
        `(data, labels)`: uint8 array (N, H, W, C), values 0..255, or float32 array
        (N, 2); and int32 array (N,), indices into `class_names(name)`.

    Raises:
        ValueError: If there is no such set, split, size or option, or if a file of the
            set is damaged.
        FileNotFoundError: If the set is in the zoo and the zoo is not installed.
        OSError: If Fashion-MNIST had to be downloaded and could not be.

    Example:

    ```python
    import keras_gans as kg

    points, modes = kg.datasets.load("gaussian_ring", num_samples=512, seed=1)
    print(points.shape, points.dtype, modes.max())  # (512, 2) float32 7
    ```
    """
    data_set = _get(name)
    if split not in _SPLITS:
        raise ValueError(
            f"Unknown split of {name!r}. Expected: one of {list(_SPLITS)}. "
            f"Received: split={split!r}."
        )
    unknown = [option for option in options if option not in data_set.options]
    if unknown:
        raise ValueError(
            f"Unknown option of {name!r}. Expected: "
            f"{list(data_set.options) or 'none'}. Received: {unknown}."
        )
    if data_set.vectors:
        if image_size is not None:
            raise ValueError(
                f"{name!r} is a set of points, not of images. Expected: "
                f"image_size=None. Received: image_size={image_size!r}."
            )
        return data_set.load(split, **options)
    size = None if image_size is None else images.parse_size(image_size)
    return data_set.load(split, size, **options)


def class_names(name):
    """Returns what the labels of a bundled set mean.

    Args:
        name: Name of the set, as for `load`.

    Returns:
        A tuple of strings; label i means item i.

    Raises:
        ValueError: If there is no such set.

    Example:

    ```python
    import keras_gans as kg

    print(kg.datasets.class_names("fashion_mnist")[9])  # Ankle boot
    ```
    """
    return _get(name).class_names


def _get(name):
    if name in _SETS:
        return _SETS[name]
    near = difflib.get_close_matches(str(name).lower().replace("-", "_"), _SETS)
    raise ValueError(
        f"There is no data set of this name. Expected: one of {list(_SETS)}. "
        f"Received: {name!r}."
        + (f" Did you mean {' or '.join(map(repr, near))}?" if near else "")
        + " For other images there are `from_directory` and `from_tfds`."
    )
