"""Relativistic losses: Jolicoeur-Martineau 2018, arXiv:1807.00734.

Generated samples are not judged alone but against real ones. So the generator's loss
needs the logits of real samples too.
"""

import keras
from keras import ops

from keras_gans import backend
from keras_gans.losses.loss import Loss


@keras.saving.register_keras_serializable("keras_gans")
class RelativisticPairing(Loss):
    """Each generated sample is compared with one real sample (RpGAN, RSGAN).

        D:  softplus(-(D(x) - D(G(z))))
        G:  softplus(-(D(G(z)) - D(x)))

    (Jolicoeur-Martineau 2018, "The relativistic discriminator: a key element missing
    from standard GAN", arXiv:1807.00734; with `R1` and `R2` the loss of Huang et al.
    2024, "The GAN is dead; long live the GAN!", arXiv:2501.05441). If neither network
    can win, D and G are ln 2.

    Example:

    >>> RelativisticPairing().generator(np.array([3.0]), np.array([3.0]))  # ln 2
    [0.6931472]
    """

    relativistic = True
    undecided = None

    def call_discriminator(self, real_logits, fake_logits):
        """softplus(-(D(x) - D(G(z))))."""
        return ops.softplus(fake_logits - real_logits)

    def call_generator(self, fake_logits, real_logits):
        """softplus(-(D(G(z)) - D(x)))."""
        return ops.softplus(real_logits - fake_logits)


@keras.saving.register_keras_serializable("keras_gans")
class RelativisticAverage(Loss):
    """Each sample is compared with the mean of the other kind (RaGAN, RaSGAN).

        D:  softplus(-(D(x) - m_z)) + softplus(D(G(z)) - m_x)
        G:  softplus(D(x) - m_z) + softplus(-(D(G(z)) - m_x))

    with m_x, m_z the means of D(x), D(G(z)) over the batch, of all replicas
    (Jolicoeur-Martineau 2018, arXiv:1807.00734; the sum of the paper, not halved). They
    go over the patches of a patch discriminator too. If neither network can win, D and
    G are 2 ln 2.

    Example:

    >>> RelativisticAverage().generator(np.array([3.0]), np.array([3.0]))  # 2 ln 2
    [1.3862944]
    """

    relativistic = True
    undecided = None

    def call_discriminator(self, real_logits, fake_logits):
        """softplus(-(D(x) - m_z)) + softplus(D(G(z)) - m_x)."""
        real = real_logits - _mean(fake_logits)
        fake = fake_logits - _mean(real_logits)
        return ops.softplus(-real) + ops.softplus(fake)

    def call_generator(self, fake_logits, real_logits):
        """softplus(D(x) - m_z) + softplus(-(D(G(z)) - m_x))."""
        real = real_logits - _mean(fake_logits)
        fake = fake_logits - _mean(real_logits)
        return ops.softplus(real) + ops.softplus(-fake)


def _mean(logits):
    return backend.mean_over_replicas(ops.mean(logits))
