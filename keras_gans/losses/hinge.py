"""Hinge loss: Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957."""

import keras
from keras import ops

from keras_gans.losses.loss import Loss


@keras.saving.register_keras_serializable("keras_gans")
class Hinge(Loss):
    """The discriminator wants a margin of 1 on each side and no more.

        D:  max(0, 1 - D(x)) + max(0, 1 + D(G(z)))
        G:  -D(G(z))

    (Lim & Ye 2017, "Geometric GAN", arXiv:1705.02894; Miyato et al. 2018,
    "Spectral Normalization for Generative Adversarial Networks", arXiv:1802.05957). If
    neither network can win, D is 2.

    Example:

    >>> Hinge().discriminator(np.array([0.0, 2.0]), np.array([0.0, -2.0]))
    [2. 0.]
    """

    def call_discriminator(self, real_logits, fake_logits):
        """max(0, 1 - D(x)) + max(0, 1 + D(G(z)))."""
        return ops.relu(1.0 - real_logits) + ops.relu(1.0 + fake_logits)

    def call_generator(self, fake_logits, real_logits):
        """-D(G(z))."""
        return -fake_logits
