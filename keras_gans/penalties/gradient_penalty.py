"""Gradient penalties between real and generated samples: WGAN-GP and WGAN-LP."""

import keras
from keras import ops

from keras_gans.penalties.penalty import Penalty
from keras_gans.penalties.penalty import gradient_norm
from keras_gans.penalties.penalty import per_sample_uniform


@keras.saving.register_keras_serializable("keras_gans")
class GradientPenalty(Penalty):
    r"""Pulls the critic's gradient to norm 1 between real and generated samples.

        (|grad D(x_hat)| - target)^2,   x_hat = x + alpha (G(z) - x),   alpha ~ U[0, 1)

    with one alpha and one norm, over all axes, a sample (Gulrajani et al. 2017,
    "Improved Training of Wasserstein GANs", arXiv:1704.00028, equation 3). Norms are
    sqrt(|g|^2 + 1e-12), which keeps the gradients of the weights finite where g = 0.
    Do not use batch normalization in the critic: it ties the samples of a batch
    together.

    Args:
        weight: Float, lambda.
        target: Float > 0, the norm wanted.
        one_sided: Whether norms below the target are left alone: see
            `LipschitzPenalty`.
        every: Int, updates of the discriminator per evaluation.

    Raises:
        ValueError: If an argument is out of range, or a call gets real and generated
            samples of different shapes: batches must be of one size.

    Example:

    ```python
    penalty = keras_gans.penalties.GradientPenalty()
    x = np.ones((4, 8, 8, 1), "float32")
    penalty(lambda x: keras.ops.sum(x, (1, 2, 3)), x, -x, seed=0)  # (8 - 1)^2, 4 times
    ```
    """

    name = "gradient_penalty"

    def __init__(self, weight=10.0, target=1.0, one_sided=False, every=1):
        super().__init__(weight, every)
        if not target > 0.0:
            raise ValueError(
                "Expected: `target` above 0, the gradient norm wanted; a target of 0 "
                f"on real samples is `R1`. Received: {target!r}."
            )
        self.target = float(target)
        self.one_sided = bool(one_sided)

    def call(self, discriminator, real, fake, seed):
        """(|grad D(x_hat)| - target)^2, or its part above the target."""
        _check_same_shape(real, fake)
        alpha = per_sample_uniform(real, seed)  # (B, 1, ..., 1)
        norms = gradient_norm(discriminator, real + alpha * (fake - real))
        excess = norms - self.target
        return ops.square(ops.relu(excess) if self.one_sided else excess)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {
            "target": self.target,
            "one_sided": self.one_sided,
        }


@keras.saving.register_keras_serializable("keras_gans")
class LipschitzPenalty(GradientPenalty):
    r"""Penalises only norms above the target, as a Lipschitz bound asks (WGAN-LP).

        max(0, |grad D(x_hat)| - target)^2,   x_hat as in `GradientPenalty`

    (Petzka et al. 2018, "On the regularization of Wasserstein GANs", arXiv:1709.08894).
    It is `GradientPenalty(one_sided=True)` with a log key of its own. The paper draws
    x_hat also from other neighbourhoods; here it lies between the samples of a pair.

    Args:
        weight: Float, lambda.
        target: Float > 0, the Lipschitz constant.
        every: Int, updates of the discriminator per evaluation.

    Raises:
        ValueError: If an argument is out of range, or a call gets real and generated
            samples of different shapes.

    Example:

    ```python
    penalty = keras_gans.penalties.LipschitzPenalty()
    x = np.ones((4, 2), "float32")
    penalty(lambda x: 0.5 * keras.ops.sum(x, 1), x, -x, seed=0)  # |grad| < 1: zeros
    ```
    """

    name = "lipschitz_penalty"

    def __init__(self, weight=10.0, target=1.0, every=1):
        super().__init__(weight, target, one_sided=True, every=every)

    def get_config(self):
        """Returns the arguments."""
        config = super().get_config()
        del config["one_sided"]
        return config


def _check_same_shape(real, fake):
    shapes = tuple(real.shape), tuple(fake.shape)
    same = len(shapes[0]) == len(shapes[1]) and all(
        None in pair or pair[0] == pair[1] for pair in zip(*shapes, strict=True)
    )
    if not same:
        raise ValueError(
            "Points between real and generated samples need pairs. Expected: `real` "
            f"and `fake` of the same shape. Received: real {shapes[0]}, fake "
            f"{shapes[1]}. Use batches of one size."
        )
