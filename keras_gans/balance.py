"""A schedule that holds back the player that is too strong."""

import keras
from keras import ops

from keras_gans import backend

_SIGNALS = {"accuracy": (0.4, 0.9), "r_t": (-0.2, 0.8)}


@keras.saving.register_keras_serializable("keras_gans")
class Balance:
    r"""Holds back the discriminator while it is too strong, or the generator.

        s <- momentum s + (1 - momentum) signal    after each evaluation of the logits
        the discriminator is updated where s <= upper, the generator where s >= lower

    The signal is one of

    * "accuracy": the share of pairs with D(x_i) > D(G(z_i)), for every loss, also those
      whose logits have no zero (Wasserstein, relativistic). 0.5: it cannot tell them.
    * "r_t": the mean sign of D(x), for losses whose logits have a zero (Karras et al.
      2020, arXiv:2006.06676, equation 1, where it says how much D overfits).

    A player that is held back computes what it always does, but its weights and its
    optimizer stay what they were, momenta and count of updates too: an update that is
    masked, not branched, so all replicas do the same. Statistics of its normalization
    layers, and the average of the generator's weights, go on. The share of updates that
    were made is logged as `d_active` and `g_active`.

    Args:
        signal: "accuracy" or "r_t".
        lower: Float; the generator is held back while the signal is below. None: 0.4
            for "accuracy", -0.2 for "r_t".
        upper: Float > lower; the discriminator is held back while the signal is above.
            None: 0.9 for "accuracy", 0.8 for "r_t".
        momentum: Float in [0, 1), of the average of the signal, which starts midway.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    gan.compile(balance=kg.Balance("accuracy", upper=0.85))
    ```
    """

    def __init__(self, signal="accuracy", lower=None, upper=None, momentum=0.9):
        if signal not in _SIGNALS:
            raise ValueError(
                f"Expected: `signal` as one of {list(_SIGNALS)}. Received: {signal!r}."
            )
        default_lower, default_upper = _SIGNALS[signal]
        lower = default_lower if lower is None else lower
        upper = default_upper if upper is None else upper
        if not lower < upper:
            raise ValueError(
                f"Expected: lower < upper. Received: lower={lower!r}, upper={upper!r}."
            )
        if not 0.0 <= momentum < 1.0:
            raise ValueError(f"Expected: `momentum` in [0, 1). Received: {momentum!r}.")
        self.signal = signal
        self.lower, self.upper = float(lower), float(upper)
        self.momentum = float(momentum)
        self.variables = []

    def build(self):
        """Makes the average of the signal, or starts it anew."""
        start = (self.lower + self.upper) / 2
        if not self.variables:
            self.variables = [
                keras.Variable(
                    start, trainable=False, aggregation="mean", name="balance"
                )
            ]
        self.variables[0].assign(start)

    def update(self, real_logits, fake_logits):
        """Moves the average.

        Args:
            real_logits: `(B, ...)`.
            fake_logits: `(B, ...)`.
        """
        real = ops.cast(real_logits, "float32")
        if self.signal == "r_t":
            signal = ops.mean(ops.sign(real))
        else:  # a tie counts half
            difference = real - ops.cast(fake_logits, "float32")
            signal = ops.mean(ops.sign(difference)) * 0.5 + 0.5
        # Of all replicas, so that they decide alike.
        signal = backend.mean_over_replicas(signal)
        average = self.variables[0]
        average.assign(self.momentum * average + (1.0 - self.momentum) * signal)

    def active(self, player):
        """Whether a player is to be updated.

        Args:
            player: "discriminator" or "generator".

        Returns:
            Bool scalar tensor.
        """
        average = ops.convert_to_tensor(self.variables[0])
        if player == "discriminator":
            return average <= self.upper
        return average >= self.lower

    def get_config(self):
        """Returns the arguments."""
        return {
            "signal": self.signal,
            "lower": self.lower,
            "upper": self.upper,
            "momentum": self.momentum,
        }

    @classmethod
    def from_config(cls, config):
        """Makes the schedule again."""
        return cls(**config)
