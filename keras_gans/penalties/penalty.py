"""The base class of the penalties, and what they share."""

import keras
from keras import ops

from keras_gans import backend
from keras_gans.utils import random
from keras_gans.utils.checks import number
from keras_gans.utils.checks import whole_number


class Penalty:
    """A term added to the discriminator's loss, or a rule applied after its update.

    A subclass writes its equation as `call(discriminator, real, fake, seed)`, one value
    a sample, unweighted. The objective adds `weight * every * mean(penalty)` on every
    `every`-th update of the discriminator ("lazy regularization", Karras et al. 2020,
    arXiv:1912.04958), which keeps its average size.

    Args:
        weight: Float >= 0, what the objective multiplies the mean penalty with.
        every: Int >= 1, updates of the discriminator per evaluation of the penalty.

    Attributes:
        name: Its key in the logs, which show the mean, unweighted.
        has_value: False if there is only the rule, `after_update`.
        uses_logits: Whether `of_logits(real_logits, fake_logits)` is all there is to
            it, so that the objective need not call the discriminator again.
        per_logit: Whether real and fake come packed, where the discriminator judges
            packs (`pac=2`); else they come one by one.
        differentiates: "real" or "fake" if `of_gradients`, of the logits' gradients
            there, is all there is to it; else None.
        variables: State that is saved with the optimizer; `build` makes it.
        player: Whose objective it belongs to, "discriminator" or "generator"; one of
            the generator's writes `of_generator(generator, styles, seed)`, of which
            `of_measured` makes its values.

    Raises:
        ValueError: If `weight` or `every` is out of range.
    """

    name = "penalty"
    has_value = True
    uses_logits = False
    per_logit = True
    differentiates = None
    variables = ()
    player = "discriminator"

    def __init__(self, weight=1.0, every=1):
        self.weight = number(weight, "weight", 0.0, meaning=f"of {type(self).__name__}")
        self.every = whole_number(
            every, "every", meaning="updates of its player per evaluation"
        )

    def __call__(self, discriminator, real, fake, seed):
        """Evaluates the penalty.

        Args:
            discriminator: Callable from a batch to its logits.
            real: `(B, ...)`, float, real samples; None where they are not looked at.
            fake: `(B, ...)`, float, generated samples; None likewise.
            seed: A `keras.random.SeedGenerator`, or an int.

        Returns:
            Float32 `(B,)`, unweighted.

        Raises:
            ValueError: If the samples are not floats, or do not fit together where
                both are needed.
        """
        return self.call(discriminator, _float32(real), _float32(fake), seed)

    def call(self, discriminator, real, fake, seed):
        """The equation; float32 samples in, `(B,)` out."""
        raise NotImplementedError

    def of_measured(self, measured, due=True):
        """The penalty's values of what `of_generator` gave, zeros where it is not due.

        Of replicas, this runs in all of them at once; what is evaluated only where it
        is due, does not.
        """
        return measured

    def of_batch(self, real):
        """The penalty for a batch `(B, ...)` of real samples, often itself.

        What a penalty measures of the batch of all replicas, it measures here, where
        all of them are; where it is due now and then, `call` is not.
        """
        return self

    def weight_at(self, step):
        """The weight at an update of its player; a schedule may change it."""
        return self.weight

    def build(self):
        """Makes the state, or starts it anew; called by `compile`."""

    def after_update(self, variables):
        """Called with the discriminator's variables after each of its updates."""

    def get_config(self):
        """Returns the arguments."""
        return {"weight": self.weight, "every": self.every}

    @classmethod
    def from_config(cls, config):
        """Makes the penalty again."""
        return cls(**config)


def squared_gradient_norm(discriminator, x):
    """Squared norm of the gradient of each sample's logit: |d D(x_i) / d x_i|^2.

    Logits of several patches, `(B, h, w, 1)`, count as their sum.

    Args:
        discriminator: Callable from a batch to its logits. Samples of a batch must not
            influence each other's logits, as in batch normalization they do.
        x: `(B, ...)`, float32.

    Returns:
        Float32 `(B,)`.
    """

    def logits(x):
        return ops.cast(discriminator(x), "float32")

    _, gradients = backend.input_gradients(logits, x)
    return squared_norm(gradients)


def squared_norm(gradients):
    """Squared norm of each sample's gradient, `(B, ...)` to float32 `(B,)`."""
    squares = ops.square(ops.cast(gradients, "float32"))
    return ops.sum(squares, axis=tuple(range(1, len(squares.shape))))


def gradient_norm(discriminator, x):
    """Norm of the gradient of each sample's logit, safe to differentiate at zero.

    It is sqrt(|d D(x_i) / d x_i|^2 + 1e-12): the derivative of a plain square root is
    infinite at 0, and gradients of weights, which pass through it, would be NaN for a
    critic that is constant around x (all units of a ReLU layer off). A norm of 1 comes
    out right to float32, a norm of 0 as 1e-6, and the derivative of |g| with respect to
    g lies in [-1, 1] everywhere.

    Args:
        discriminator: Callable from a batch to its logits.
        x: `(B, ...)`, float32.

    Returns:
        Float32 `(B,)`.
    """
    return ops.sqrt(squared_gradient_norm(discriminator, x) + 1e-12)


def per_sample_uniform(x, seed):
    """Draws one number of U[0, 1) a sample, in a shape that broadcasts over `x`.

    Args:
        x: `(B, ...)`.
        seed: As `keras.random` takes it.

    Returns:
        Float32 `(B, 1, ..., 1)`.
    """
    shape = (ops.shape(x)[0],) + (1,) * (len(x.shape) - 1)
    return random.uniform(shape, seed)


def _float32(x):
    if x is None:
        return None
    x = ops.convert_to_tensor(x)
    dtype = keras.backend.standardize_dtype(x.dtype)
    if not keras.backend.is_float_dtype(dtype):
        raise ValueError(
            "Expected: samples of a float dtype, images in [-1, 1]. Received: dtype "
            f"{dtype}. Convert uint8 images x with x / 127.5 - 1."
        )
    return ops.cast(x, "float32")
