"""What is added to the discriminator's loss, or done to its weights, to tame it."""

import difflib

import keras

from keras_gans.penalties.consistency import BalancedConsistency
from keras_gans.penalties.consistency import Consistency
from keras_gans.penalties.dragan import DRAGAN
from keras_gans.penalties.gradient_penalty import GradientPenalty
from keras_gans.penalties.gradient_penalty import LipschitzPenalty
from keras_gans.penalties.lecam import LeCam
from keras_gans.penalties.path_length import PathLength
from keras_gans.penalties.penalty import Penalty
from keras_gans.penalties.weight_clipping import WeightClipping
from keras_gans.penalties.zero_centered import R1
from keras_gans.penalties.zero_centered import R2

_NAMES = {
    "balanced_consistency": BalancedConsistency,
    "consistency": Consistency,
    "dragan": DRAGAN,
    "gradient_penalty": GradientPenalty,
    "lecam": LeCam,
    "lipschitz_penalty": LipschitzPenalty,
    "path_length": PathLength,
    "r1": R1,
    "r2": R2,
    "weight_clipping": WeightClipping,
}

__all__ = [
    "BalancedConsistency",
    "Consistency",
    "DRAGAN",
    "GradientPenalty",
    "LeCam",
    "LipschitzPenalty",
    "PathLength",
    "Penalty",
    "R1",
    "R2",
    "WeightClipping",
    "get",
]


def get(identifier):
    """Makes a penalty out of whatever names one.

    Args:
        identifier: A `Penalty`; a name, such as "r1"; or the dict of
            `keras.saving.serialize_keras_object(penalty)`.

    Returns:
        The `Penalty`.

    Raises:
        ValueError: If there is no such penalty.

    Example:

    >>> get("r1").gamma
    10.0
    """
    penalty = identifier
    if isinstance(identifier, dict):
        penalty = keras.saving.deserialize_keras_object(identifier)
    elif isinstance(identifier, str) and identifier in _NAMES:
        penalty = _NAMES[identifier]()
    if isinstance(penalty, Penalty):
        return penalty
    near = difflib.get_close_matches(str(identifier).lower(), _NAMES, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ValueError(
        "Expected: a keras_gans.penalties.Penalty, its serialized dict, or one of "
        f"{', '.join(map(repr, _NAMES))}. Received: {identifier!r}.{hint}"
    )
