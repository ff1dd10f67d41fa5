"""What the players minimise, one value a sample.

Most are losses of the two players, from their logits; `L1`, `L2`,
`Charbonnier`, `TotalVariation` and `Perceptual` are of images, for objectives that have
such terms.
"""

import difflib

import keras

from keras_gans.losses.hinge import Hinge
from keras_gans.losses.least_squares import LeastSquares
from keras_gans.losses.loss import Loss
from keras_gans.losses.minimax import Minimax
from keras_gans.losses.minimax import NonSaturating
from keras_gans.losses.perceptual import Perceptual
from keras_gans.losses.reconstruction import L1
from keras_gans.losses.reconstruction import L2
from keras_gans.losses.reconstruction import Charbonnier
from keras_gans.losses.reconstruction import ReconstructionLoss
from keras_gans.losses.reconstruction import TotalVariation
from keras_gans.losses.relativistic import RelativisticAverage
from keras_gans.losses.relativistic import RelativisticPairing
from keras_gans.losses.wasserstein import Wasserstein

_NAMES = {
    "hinge": Hinge,
    "least_squares": LeastSquares,
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "relativistic_average": RelativisticAverage,
    "relativistic_pairing": RelativisticPairing,
    "wasserstein": Wasserstein,
}
_OF_IMAGES = {"charbonnier": Charbonnier, "l1": L1, "l2": L2}

__all__ = [
    "Charbonnier",
    "Hinge",
    "L1",
    "L2",
    "LeastSquares",
    "Loss",
    "Minimax",
    "NonSaturating",
    "Perceptual",
    "ReconstructionLoss",
    "RelativisticAverage",
    "RelativisticPairing",
    "TotalVariation",
    "Wasserstein",
    "get",
    "get_reconstruction",
]


def get(identifier):
    """Makes a loss out of whatever names one.

    Args:
        identifier: A `Loss`; a name, such as "non_saturating"; or the dict of
            `keras.saving.serialize_keras_object(loss)`.

    Returns:
        The `Loss`.

    Raises:
        ValueError: If there is no such loss.

    Example:

    >>> type(get("hinge")).__name__
    'Hinge'
    """
    loss = identifier
    if isinstance(identifier, dict):
        loss = keras.saving.deserialize_keras_object(identifier)
    elif isinstance(identifier, str) and identifier in _NAMES:
        loss = _NAMES[identifier]()
    if isinstance(loss, Loss):
        return loss
    near = difflib.get_close_matches(str(identifier).lower(), _NAMES, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ValueError(
        "Expected: a keras_gans.losses.Loss, its serialized dict, or one of "
        f"{', '.join(map(repr, _NAMES))}. Received: {identifier!r}.{hint}"
    )


def get_reconstruction(identifier):
    """Makes a loss of images out of whatever names one.

    Args:
        identifier: A loss of images, such as `L1()`; or "l1", "l2" or "charbonnier".

    Returns:
        The loss.

    Raises:
        ValueError: If there is no such loss.

    Example:

    >>> type(get_reconstruction("l2")).__name__
    'L2'
    """
    loss = identifier
    if isinstance(identifier, str) and identifier in _OF_IMAGES:
        loss = _OF_IMAGES[identifier]()
    if isinstance(loss, ReconstructionLoss):
        return loss
    raise ValueError(
        "Expected: a loss of images of keras_gans.losses, or one of "
        f"{', '.join(map(repr, _OF_IMAGES))}. Received: {identifier!r}."
    )
