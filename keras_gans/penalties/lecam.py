"""LeCam regularization: Tseng et al. 2021, arXiv:2104.03310."""

import keras
from keras import ops

from keras_gans import backend
from keras_gans.penalties.penalty import Penalty


@keras.saving.register_keras_serializable("keras_gans")
class LeCam(Penalty):
    r"""Pulls each logit towards the average logit of the other kind.

        |D(x) - a_F|^2 + |D(G(z)) - a_R|^2

    with a_R, a_F the moving averages of D(x) and D(G(z)) (Tseng et al. 2021,
    "Regularizing Generative Adversarial Networks under Limited Data", arXiv:2104.03310,
    equations 4 and 5). For training with little data. The averages start at the first
    batch's means, and are saved with the optimizer. They are updated after the penalty
    of the batch is computed.

    Deviation: the authors' code cuts both differences off at 0, so that logits on the
    wrong side of the other average cost nothing; here is the paper's equation.

    Args:
        weight: Float >= 0, lambda; 0.1 to 0.3 in the paper's experiments.
        decay: Float in [0, 1), gamma of the averages.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    gan.compile(penalties=[kg.penalties.LeCam(0.3)])
    ```
    """

    name = "lecam"
    uses_logits = True

    def __init__(self, weight=0.3, decay=0.99):
        super().__init__(weight)
        if not 0.0 <= decay < 1.0:
            raise ValueError(f"Expected: `decay` in [0, 1). Received: {decay!r}.")
        self.decay = float(decay)

    def build(self):
        """Makes the averages, or starts them anew."""
        if not self.variables:
            # a_R, a_F, and whether they have begun.
            self.variables = [
                keras.Variable(
                    [0.0, 0.0, 0.0], trainable=False, aggregation="mean", name="lecam"
                )
            ]
        self.variables[0].assign([0.0, 0.0, 0.0])

    def of_logits(self, real_logits, fake_logits):
        """|D(x) - a_F|^2 + |D(G(z)) - a_R|^2, and moves the averages.

        Args:
            real_logits: `(B, ...)`.
            fake_logits: `(B, ...)`.

        Returns:
            Float32 `(B,)`.
        """
        real = ops.cast(real_logits, "float32")
        fake = ops.cast(fake_logits, "float32")
        means = ops.stack([ops.mean(real), ops.mean(fake), ops.ones(())])
        means = backend.mean_over_replicas(ops.stop_gradient(means))
        if not self.variables:
            self.build()
        before = ops.convert_to_tensor(self.variables[0])
        before = ops.where(before[2] > 0.0, before, means)
        values = ops.square(real - before[1]) + ops.square(fake - before[0])
        with backend.no_gradients():
            self.variables[0].assign(self.decay * before + (1.0 - self.decay) * means)
        return ops.mean(ops.reshape(values, (ops.shape(values)[0], -1)), axis=1)

    def call(self, discriminator, real, fake, seed):
        """The penalty of the logits of samples."""
        return self.of_logits(discriminator(real), discriminator(fake))

    def get_config(self):
        """Returns the arguments."""
        return {"weight": self.weight, "decay": self.decay}
