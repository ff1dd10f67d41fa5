"""Schedules of what changes during training, beside those of Keras."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class CosineRamp(keras.optimizers.schedules.LearningRateSchedule):
    r"""From one value to another along half a cosine, then constant.

        v(t) = start + (end - start) (1 - cos(pi min(t / T, 1))) / 2

    as R3GAN (Huang et al. 2024, arXiv:2501.05441) changes its rates, its penalties and
    the half-life of its average; Keras' `CosineDecay` cannot begin at 0.

    Args:
        start: Float, the value at step 0.
        end: Float, the value from step T on.
        decay_steps: Number > 0, T: updates, or images where these are counted.

    Raises:
        ValueError: If T is not positive.

    Example:

    >>> float(CosineRamp(0.0, 1.0, 100)(50))
    0.5
    """

    def __init__(self, start, end, decay_steps):
        if not decay_steps > 0:
            raise ValueError(
                f"Expected: `decay_steps` above 0. Received: {decay_steps!r}."
            )
        self.start = float(start)
        self.end = float(end)
        self.decay_steps = decay_steps

    def __call__(self, step):
        """The value at a step, a float32 scalar."""
        part = ops.cast(step, "float32") / float(self.decay_steps)
        part = ops.minimum(part, 1.0)
        return (
            self.start + (self.end - self.start) * (1.0 - ops.cos(math.pi * part)) / 2
        )

    def get_config(self):
        """Returns the arguments."""
        return {
            "start": self.start,
            "end": self.end,
            "decay_steps": self.decay_steps,
        }
