"""Wasserstein loss: Arjovsky et al. 2017, arXiv:1701.07875."""

import keras

from keras_gans.losses.loss import Loss


@keras.saving.register_keras_serializable("keras_gans")
class Wasserstein(Loss):
    """The difference of the critic's means, for a critic that is 1-Lipschitz.

        D:  D(G(z)) - D(x)
        G:  -D(G(z))

    (equation 2 of Arjovsky et al. 2017, "Wasserstein GAN", arXiv:1701.07875, with the
    sign of a loss). Minus D's mean estimates the Wasserstein distance, up to the
    Lipschitz constant. Nothing here bounds that constant: combine the loss with
    `penalties.WeightClipping`, `GradientPenalty` or `LipschitzPenalty`, or with
    spectral normalization.

    Example:

    >>> Wasserstein().discriminator(np.array([2.0]), np.array([0.5]))
    [-1.5]
    """

    undecided = None

    def call_discriminator(self, real_logits, fake_logits):
        """D(G(z)) - D(x)."""
        return fake_logits - real_logits

    def call_generator(self, fake_logits, real_logits):
        """-D(G(z))."""
        return -fake_logits
