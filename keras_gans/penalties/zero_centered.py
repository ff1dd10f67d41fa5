"""Zero-centred gradient penalties: Mescheder et al. 2018, arXiv:1801.04406."""

import keras

from keras_gans.penalties.penalty import Penalty
from keras_gans.penalties.penalty import squared_gradient_norm
from keras_gans.penalties.penalty import squared_norm
from keras_gans.utils.checks import number


class _ZeroCentered(Penalty):
    """What both share: gamma, which the papers halve."""

    def __init__(self, gamma=10.0, every=1):
        if isinstance(gamma, keras.optimizers.schedules.LearningRateSchedule):
            super().__init__(1.0, every)
            self.gamma = gamma
        else:
            self.gamma = number(gamma, "gamma", 0.0, meaning="or a schedule")
            super().__init__(self.gamma / 2.0, every)

    def of_gradients(self, gradients):
        """The squared norms `(B,)` of gradients of the logits, `(B, ...)`."""
        return squared_norm(gradients)

    def weight_at(self, step):
        """Half of gamma at an update of the discriminator."""
        return self.gamma(step) / 2.0 if callable(self.gamma) else self.weight

    def get_config(self):
        """Returns the arguments."""
        return {
            "gamma": keras.saving.serialize_keras_object(self.gamma),
            "every": self.every,
        }

    @classmethod
    def from_config(cls, config):
        """Makes the penalty again."""
        gamma = keras.saving.deserialize_keras_object(config["gamma"])
        return cls(**config | {"gamma": gamma})


@keras.saving.register_keras_serializable("keras_gans")
class R1(_ZeroCentered):
    r"""Squared gradient norm on real samples.

        gamma / 2 * mean |grad D(x)|^2

    (Mescheder et al. 2018, "Which Training Methods for GANs do actually Converge?",
    arXiv:1801.04406, equation 9). A call returns |grad D(x)|^2; `weight` is gamma / 2.
    With it a GAN converges locally, as it does not without: the discriminator is pulled
    to a constant where it meets data. Generated samples are not looked at.

    Args:
        gamma: Float >= 0, or a `keras.optimizers.schedules.LearningRateSchedule` of
            the discriminator's updates. What is right grows with the size of the
            images and falls with the batch: StyleGAN2-ADA (arXiv:2006.06676) starts
            from 0.0002 H W / B.
        every: Int, updates of the discriminator per evaluation; 16 in StyleGAN2.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    penalty = keras_gans.penalties.R1(gamma=0.1)
    x = np.ones((4, 8, 8, 1), "float32")
    penalty(lambda x: keras.ops.sum(x, (1, 2, 3)), x, None, seed=0)  # 64, 4 times
    ```
    """

    name = "r1"
    differentiates = "real"

    def call(self, discriminator, real, fake, seed):
        """|grad D(x)|^2."""
        return squared_gradient_norm(discriminator, real)


@keras.saving.register_keras_serializable("keras_gans")
class R2(_ZeroCentered):
    r"""Squared gradient norm on generated samples.

        gamma / 2 * mean |grad D(G(z))|^2

    (Mescheder et al. 2018, arXiv:1801.04406, equation 10; with `R1` and
    `losses.RelativisticPairing` the objective of Huang et al. 2024, arXiv:2501.05441).
    A call returns |grad D(G(z))|^2; `weight` is gamma / 2. Real samples are not looked
    at.

    Args:
        gamma: Float, as in `R1`.
        every: Int, updates of the discriminator per evaluation.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    penalty = keras_gans.penalties.R2(gamma=0.1)
    x = np.ones((4, 8, 8, 1), "float32")
    penalty(lambda x: keras.ops.sum(x, (1, 2, 3)), None, x, seed=0)  # 64, 4 times
    ```
    """

    name = "r2"
    differentiates = "fake"

    def call(self, discriminator, real, fake, seed):
        """|grad D(G(z))|^2."""
        return squared_gradient_norm(discriminator, fake)
