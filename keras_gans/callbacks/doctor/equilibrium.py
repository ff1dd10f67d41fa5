"""Where each loss stands when neither player can win, found from the loss itself."""

import collections

import numpy as np
from keras import ops

Equilibrium = collections.namedtuple("Equilibrium", "logit d_loss g_loss d_floor")
Equilibrium.__doc__ = """A draw, and the discriminator's victory.

If real and generated cannot be told apart, the best a discriminator can do is to say
the same `logit` of all: the one that makes its loss least. That loss is `d_loss`, and
the generator's is `g_loss`. `d_floor` is what the discriminator's loss tends to when it
is right and sure. None where there is no such number: `g_loss` if all logits are
equally good (Wasserstein, hinge), `d_floor` if the loss has no lower bound
(Wasserstein).
"""

LOGITS = np.linspace(-4.0, 4.0, 161)  # constant ones that are tried
SURE = (10.0, 20.0)  # logits of a discriminator that has no doubts


def find_equilibrium(loss):
    """Finds the equilibrium of a loss.

    Args:
        loss: A `keras_gans.losses.Loss`.

    Returns:
        An `Equilibrium`. For cross-entropy: 0, 2 ln 2, ln 2, 0.

    Example:

    >>> find_equilibrium(keras_gans.losses.Hinge())
    Equilibrium(logit=0.0, d_loss=2.0, g_loss=None, d_floor=0.0)
    """
    d_losses = np.array([_value(loss.discriminator, c, c) for c in LOGITS])
    best = LOGITS[d_losses <= d_losses.min() + 1e-5]
    logit = best[np.abs(best).argmin()]
    g_losses = [_value(loss.generator, c, c) for c in (best[0], best[-1])]
    floors = [_floor(loss, sure) for sure in SURE]
    return Equilibrium(
        round(float(logit), 6),
        round(float(d_losses.min()), 6),
        round(g_losses[0], 6) if abs(g_losses[0] - g_losses[1]) < 1e-3 else None,
        max(0.0, round(floors[1], 3)) if floors[0] - floors[1] < 0.1 else None,
    )


def _floor(loss, sure):
    """The least loss of the discriminator with logits within [-sure, sure]."""
    if loss.relativistic:  # looks at differences within the batch
        return _value(loss.discriminator, sure, -sure)
    logits = np.linspace(-sure, sure, 81, dtype="float32")
    real, fake = (grid.reshape(-1) for grid in np.meshgrid(logits, logits))
    return float(np.min(ops.convert_to_numpy(loss.discriminator(real, fake))))


def _value(equation, first, second):
    first, second = (np.full((1,), logit, "float32") for logit in (first, second))
    return float(ops.convert_to_numpy(equation(first, second))[0])
