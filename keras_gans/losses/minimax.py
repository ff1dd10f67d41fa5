"""The losses of the first GAN: cross-entropy of real against generated.

Goodfellow et al. 2014, "Generative Adversarial Nets", arXiv:1406.2661. With
D = sigmoid(logit), log D = -softplus(-logit) and log(1 - D) = -softplus(logit), which
do not overflow.
"""

import keras
from keras import ops

from keras_gans.losses.loss import Loss


class _CrossEntropy(Loss):
    """What both losses share: the discriminator's side."""

    probabilistic = True

    def __init__(self, label_smoothing=0.0):
        if not 0.0 <= label_smoothing < 0.5:
            raise ValueError(
                "Expected: label_smoothing in [0, 0.5), the amount that the target of "
                f"real samples lies below 1. Received: {label_smoothing!r}."
            )
        self.label_smoothing = float(label_smoothing)

    def call_discriminator(self, real_logits, fake_logits):
        """-t log D(x) - (1 - t) log(1 - D(x)) - log(1 - D(G(z)))."""
        target = 1.0 - self.label_smoothing
        real = target * ops.softplus(-real_logits)
        if self.label_smoothing:
            real = real + self.label_smoothing * ops.softplus(real_logits)
        return real + ops.softplus(fake_logits)

    def get_config(self):
        """Returns the arguments."""
        return {"label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable("keras_gans")
class Minimax(_CrossEntropy):
    r"""The zero-sum game: the generator minimises what the discriminator maximises.

        D:  -log D(x) - log(1 - D(G(z)))  =  softplus(-D_x) + softplus(D_z)
        G:   log(1 - D(G(z)))             = -softplus(D_z)

    (equation 1 of Goodfellow et al. 2014, arXiv:1406.2661; D_x, D_z are logits). If
    neither network can win, D is 2 ln 2 and G is -ln 2. The generator's gradient
    vanishes where the discriminator is sure; `NonSaturating` is what one trains with.

    One-sided label smoothing (Salimans et al. 2016, arXiv:1606.03498) lowers the target
    t of real samples from 1; generated samples keep theirs, 0.

    Args:
        label_smoothing: Float in [0, 0.5), t = 1 - label_smoothing.

    Raises:
        ValueError: If `label_smoothing` is out of range.

    Example:

    >>> Minimax().discriminator(np.zeros(1), np.zeros(1))  # 2 ln 2
    [1.3862944]
    """

    def call_generator(self, fake_logits, real_logits):
        """log(1 - D(G(z)))."""
        return -ops.softplus(fake_logits)


@keras.saving.register_keras_serializable("keras_gans")
class NonSaturating(_CrossEntropy):
    r"""The GAN loss in use: the generator maximises log D(G(z)).

        D:  -log D(x) - log(1 - D(G(z)))  =  softplus(-D_x) + softplus(D_z)
        G:  -log D(G(z))                  =  softplus(-D_z)

    (section 3 of Goodfellow et al. 2014, arXiv:1406.2661; D_x, D_z are logits). If
    neither network can win, D is 2 ln 2 and G is ln 2.

    One-sided label smoothing (Salimans et al. 2016, arXiv:1606.03498) lowers the target
    t of real samples from 1; generated samples keep theirs, 0, and the generator's loss
    does not change.

    Args:
        label_smoothing: Float in [0, 0.5), t = 1 - label_smoothing.

    Raises:
        ValueError: If `label_smoothing` is out of range.

    Example:

    >>> NonSaturating(label_smoothing=0.1).generator(np.zeros(1))  # ln 2
    [0.6931472]
    """

    def call_generator(self, fake_logits, real_logits):
        """-log D(G(z))."""
        return ops.softplus(-fake_logits)
