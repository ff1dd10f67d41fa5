"""Augmentation of what the discriminator sees, differentiable for the generator."""

import difflib

import keras

from keras_gans.augment.ada import ADA
from keras_gans.augment.augment import Augment
from keras_gans.augment.diffaugment import DiffAugment

_NAMES = {"ada": ADA, "diffaugment": DiffAugment}

__all__ = ["ADA", "Augment", "DiffAugment", "get"]


def get(identifier):
    """Makes an augmentation out of whatever names one.

    Args:
        identifier: An `Augment`; a name, such as "diffaugment"; the dict of
            `keras.saving.serialize_keras_object(augment)`; or None.

    Returns:
        The `Augment`, or None for None.

    Raises:
        ValueError: If there is no such augmentation.

    Example:

    >>> get("diffaugment").policy
    'color,translation,cutout'
    """
    augment = identifier
    if isinstance(identifier, dict):
        augment = keras.saving.deserialize_keras_object(identifier)
    elif isinstance(identifier, str) and identifier in _NAMES:
        augment = _NAMES[identifier]()
    if augment is None or isinstance(augment, Augment):
        return augment
    near = difflib.get_close_matches(str(identifier).lower(), _NAMES, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ValueError(
        "Expected: a keras_gans.augment.Augment, its serialized dict, None, or one of "
        f"{', '.join(map(repr, _NAMES))}. Received: {identifier!r}.{hint}"
    )
