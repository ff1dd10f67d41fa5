"""DRAGAN: Kodali et al. 2017, arXiv:1705.07215."""

import copy

import keras
from keras import ops

from keras_gans import backend
from keras_gans.penalties.penalty import Penalty
from keras_gans.penalties.penalty import gradient_norm
from keras_gans.penalties.penalty import per_sample_uniform
from keras_gans.utils import random


@keras.saving.register_keras_serializable("keras_gans")
class DRAGAN(Penalty):
    r"""Pulls the gradient to norm 1 around the real samples.

        (|grad D(x_hat)| - target)^2,   x_hat = x + alpha (1/2 std(X) u)

    with alpha ~ U[0, 1) one a sample, u ~ U[0, 1) one an element, and std(X) the
    standard deviation of all elements of the real batch, one number (Kodali et al.
    2017, "On Convergence and Stability of GANs", arXiv:1705.07215). The perturbation is
    the one of the authors' code, which is not centred; the paper's text writes a
    Gaussian one. Norms are sqrt(|g|^2 + 1e-12), which keeps the gradients of the
    weights finite where g = 0. Generated samples are not looked at. Under data
    parallelism, std(X) is the one of the whole batch.

    Args:
        weight: Float, lambda.
        target: Float > 0, the norm wanted; k in the paper.
        every: Int, updates of the discriminator per evaluation.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    penalty = keras_gans.penalties.DRAGAN()
    x = np.ones((4, 8, 8, 1), "float32")
    penalty(lambda x: keras.ops.sum(x, (1, 2, 3)), x, None, seed=0)  # (8 - 1)^2
    ```
    """

    name = "dragan"

    def __init__(self, weight=10.0, target=1.0, every=1):
        super().__init__(weight, every)
        if not target > 0.0:
            raise ValueError(
                f"Expected: `target` above 0, the gradient norm wanted. Received: "
                f"{target!r}."
            )
        self.target = float(target)
        self._stddev = None

    def of_batch(self, real):
        """The penalty with std(X) of a batch of real samples, of all replicas."""
        penalty = copy.copy(self)
        penalty._stddev = _stddev(ops.cast(real, "float32"))
        return penalty

    def call(self, discriminator, real, fake, seed):
        """(|grad D(x_hat)| - target)^2."""
        alpha = per_sample_uniform(real, seed)  # (B, 1, ..., 1)
        # An int would give the same numbers twice.
        seed = seed + 1 if isinstance(seed, int) else seed
        stddev = _stddev(real) if self._stddev is None else self._stddev
        u = random.uniform(ops.shape(real), seed)
        norms = gradient_norm(discriminator, real + alpha * 0.5 * stddev * u)
        return ops.square(norms - self.target)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {"target": self.target}


def _stddev(x):
    """Standard deviation of all pixels of a batch, of all replicas."""
    mean = backend.mean_over_replicas(ops.mean(x))
    return ops.sqrt(backend.mean_over_replicas(ops.mean(ops.square(x - mean))))
