"""Unrolled GANs: Metz et al. 2017, arXiv:1611.02163."""

import math

import keras
from keras import ops

from keras_gans import backend
from keras_gans.utils.checks import whole_number


@keras.saving.register_keras_serializable("keras_gans")
class Unrolled:
    r"""The generator learns against the discriminator k updates ahead.

        psi_0 = psi,   psi_{i+1} = psi_i - rate * d L_D(psi_i) / d psi_i
        G minimises its loss against D with the weights psi_k

    (Metz et al. 2017, "Unrolled Generative Adversarial Networks", arXiv:1611.02163,
    equations 7 to 10). The generator's gradient flows through the k updates too, as in
    the paper; the discriminator's weights stay what they are. All of it is on the batch
    of the generator's update, and L_D is the loss without penalties.

    A generator's update costs about 3 k updates of the discriminator more.

    Deviation: the updates are the plain gradient steps of the paper's equations; the
    authors' code unrolls Adam.

    Args:
        steps: Int >= 1, k. The paper takes 5 and 10.
        rate: Float > 0, eta of the paper.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    gan.compile(unrolled=kg.objectives.Unrolled(steps=5, rate=1e-2))
    ```
    """

    def __init__(self, steps=5, rate=1e-2):
        if not 0.0 < rate < float("inf"):
            raise ValueError(
                "Expected: `rate` of Unrolled as a finite number > 0. "
                f"Received: {rate!r}."
            )
        self.steps = whole_number(steps, "steps", meaning="updates to look ahead")
        self.rate = float(rate)

    def __call__(self, loss, variables, objective):
        """Evaluates `objective()` with the variables k updates of `loss()` ahead.

        Args:
            loss: Callable without arguments, to a scalar.
            variables: List of `keras.Variable`, those that the updates change.
            objective: Callable without arguments.

        Returns:
            What `objective` returns.
        """
        shapes = [tuple(variable.shape) for variable in variables]
        values = [ops.convert_to_tensor(variable) for variable in variables]
        # One vector, since that is what there is an input gradient of.
        ahead = ops.concatenate([ops.reshape(value, (-1,)) for value in values])

        def loss_at(vector):
            value = backend.with_values(variables, _split(vector, shapes), loss)
            return ops.reshape(value, (1,))

        for _ in range(self.steps):
            _, gradient = backend.input_gradients(loss_at, ahead, of_weights=True)
            ahead = ahead - self.rate * gradient
        return backend.with_values(variables, _split(ahead, shapes), objective)

    def get_config(self):
        """Returns the arguments."""
        return {"steps": self.steps, "rate": self.rate}

    @classmethod
    def from_config(cls, config):
        """Makes the option again."""
        return cls(**config)


def _split(vector, shapes):
    parts, start = [], 0
    for shape in shapes:
        size = math.prod(shape)
        parts.append(ops.reshape(vector[start : start + size], shape))
        start += size
    return parts
