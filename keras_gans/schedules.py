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


@keras.saving.register_keras_serializable("keras_gans")
class LinearRamp(keras.optimizers.schedules.LearningRateSchedule):
    r"""Grows in proportion to the step, up to a limit: v(t) = min(rate t, end).

    Of the images seen it is the half-life of StyleGAN2's averaged generator, which is
    to forget the first images: 0.05 of those so far (Karras et al. 2020,
    arXiv:2006.06676, their code).

    Args:
        end: Float, the limit.
        rate: Float > 0.

    Raises:
        ValueError: If the rate is not positive.

    Example:

    >>> float(LinearRamp(10.0, 0.05)(100))
    5.0
    """

    def __init__(self, end, rate=0.05):
        if not rate > 0:
            raise ValueError(f"Expected: `rate` above 0. Received: {rate!r}.")
        self.end = float(end)
        self.rate = float(rate)

    def __call__(self, step):
        """The value at a step, a float32 scalar."""
        return ops.minimum(ops.cast(step, "float32") * self.rate, self.end)

    def get_config(self):
        """Returns the arguments."""
        return {"end": self.end, "rate": self.rate}


@keras.saving.register_keras_serializable("keras_gans")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    r"""Constant, then in a straight line to 0.

        v(t) = start min(1, max(0, (end - t) / (end - begin)))

    CycleGAN and pix2pix (their code) keep the rate for 100 epochs, and let it fall to 0
    over 100 more.

    Args:
        start: Float, the value until `begin`.
        begin: Int >= 0, steps: updates of a player.
        end: Int > `begin`, steps.

    Raises:
        ValueError: If `end` does not come after `begin`.

    Example:

    >>> float(LinearDecay(0.5, 100, 200)(150))
    0.25
    """

    def __init__(self, start, begin, end):
        if not 0 <= begin < end:
            raise ValueError(
                "Expected: 0 <= `begin` < `end`, in steps. Received: "
                f"begin={begin!r}, end={end!r}."
            )
        self.start = float(start)
        self.begin = begin
        self.end = end

    def __call__(self, step):
        """The value at a step, a float32 scalar."""
        left = float(self.end) - ops.cast(step, "float32")
        return self.start * ops.clip(left / float(self.end - self.begin), 0.0, 1.0)

    def get_config(self):
        """Returns the arguments."""
        return {"start": self.start, "begin": self.begin, "end": self.end}
