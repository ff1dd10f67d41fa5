"""Least squares GAN: Mao et al. 2017, arXiv:1611.04076."""

import keras
from keras import ops

from keras_gans.losses.loss import Loss


@keras.saving.register_keras_serializable("keras_gans")
class LeastSquares(Loss):
    """Squared distance of the discriminator's output to a target.

        D:  1/2 (D(x) - b)^2 + 1/2 (D(G(z)) - a)^2
        G:  1/2 (D(G(z)) - c)^2

    (equation 2 of Mao et al. 2017, "Least Squares Generative Adversarial
    Networks", arXiv:1611.04076). D is the output of a discriminator without sigmoid. If
    neither network can win, D(x) = (a + b) / 2, which for the default targets makes D
    1/4 and G 1/8. a=-1, b=1, c=0 minimises a Pearson chi^2 divergence.

    Args:
        a: Float, target of generated samples.
        b: Float, target of real samples.
        c: Float, what the generator wants the discriminator to say.

    Raises:
        ValueError: If not a < b and a < c: higher means more real.

    Example:

    >>> LeastSquares().discriminator(np.array([1.0, 3.0]), np.array([0.0, 0.0]))
    [0. 2.]
    """

    def __init__(self, a=0.0, b=1.0, c=1.0):
        if not (a < b and a < c):
            raise ValueError(
                "Expected: targets a < b and a < c, as higher means more real. "
                f"Received: a={a!r}, b={b!r}, c={c!r}."
            )
        self.a, self.b, self.c = float(a), float(b), float(c)

    @property
    def undecided(self):
        """(a + b) / 2."""
        return (self.a + self.b) / 2.0

    def call_discriminator(self, real_logits, fake_logits):
        """1/2 (D(x) - b)^2 + 1/2 (D(G(z)) - a)^2."""
        real = ops.square(real_logits - self.b)
        fake = ops.square(fake_logits - self.a)
        return 0.5 * real + 0.5 * fake

    def call_generator(self, fake_logits, real_logits):
        """1/2 (D(G(z)) - c)^2."""
        return 0.5 * ops.square(fake_logits - self.c)

    def get_config(self):
        """Returns the arguments."""
        return {"a": self.a, "b": self.b, "c": self.c}
