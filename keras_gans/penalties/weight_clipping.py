"""Weight clipping: Arjovsky et al. 2017, arXiv:1701.07875."""

import keras
from keras import ops

from keras_gans.penalties.penalty import Penalty


@keras.saving.register_keras_serializable("keras_gans")
class WeightClipping(Penalty):
    """Clips the critic's weights after each of its updates.

        w <- clip(w, -limit, limit)

    (Arjovsky et al. 2017, "Wasserstein GAN", arXiv:1701.07875, algorithm 1: all
    weights, biases too). This bounds the critic's Lipschitz constant, crudely. It adds
    nothing to the loss and to the logs.

    Args:
        limit: Float > 0, c in the paper.

    Raises:
        ValueError: If `limit` is not above 0.

    Example:

    ```python
    critic = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    keras_gans.penalties.WeightClipping(0.01).after_update(critic.trainable_variables)
    ```
    """

    name = "weight_clipping"
    has_value = False

    def __init__(self, limit=0.01):
        super().__init__(weight=0.0)
        if not limit > 0.0:
            raise ValueError(
                "Expected: `limit` above 0, the largest size of a weight. Received: "
                f"{limit!r}."
            )
        self.limit = float(limit)

    def call(self, discriminator, real, fake, seed):
        """Zeros: the rule has no value."""
        return ops.zeros((ops.shape(real)[0],), "float32")

    def after_update(self, variables):
        """Clips the variables in place."""
        for variable in variables:
            variable.assign(ops.clip(variable, -self.limit, self.limit))

    def get_config(self):
        """Returns the arguments."""
        return {"limit": self.limit}
