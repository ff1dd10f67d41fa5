"""Top-k training: Sinha et al. 2020, arXiv:2002.06224."""

import keras
from keras import ops

from keras_gans.utils.checks import whole_number


@keras.saving.register_keras_serializable("keras_gans")
class TopK:
    r"""The generator learns only from its k most convincing samples.

        G:  1/k sum of its loss over the k samples of the batch with the largest D(G(z))

    with k = floor(B max(minimum, decay^floor(t / every))) after t updates of the
    generator, at least 1 (Sinha et al. 2020, "Top-k Training of GANs: Improving GAN
    Performance by Throwing Away Bad Samples", arXiv:2002.06224, whose mixtures of
    Gaussians start from all samples and end with half of them). What the discriminator
    finds least real says least about where to go. The others are masked, not cut off,
    so shapes do not change. Under data parallelism on TensorFlow, the k best are those
    of the replica's part of the batch.

    Args:
        minimum: Float in (0, 1], the share of the batch that k falls to.
        decay: Float in (0, 1], factor of k.
        every: Int >= 1, updates of the generator from one factor to the next.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    gan.compile(top_k=kg.objectives.TopK(minimum=0.5, decay=0.99, every=2000))
    ```
    """

    def __init__(self, minimum=0.5, decay=0.99, every=2000):
        for name, value in {"minimum": minimum, "decay": decay}.items():
            if not 0.0 < value <= 1.0:
                raise ValueError(
                    f"Expected: `{name}` of top-k training in (0, 1]. "
                    f"Received: {value!r}."
                )
        self.minimum = float(minimum)
        self.decay = float(decay)
        self.every = whole_number(every, "every", meaning="updates of the generator")

    def count(self, batch_size, updates):
        """K for a batch.

        Args:
            batch_size: Int, B.
            updates: Int, t, updates of the generator so far.

        Returns:
            Float32 scalar, a whole number in 1..B.
        """
        power = ops.cast(updates // self.every, "float32")
        share = ops.maximum(self.minimum, ops.power(self.decay, power))
        # 1e-3: so that rounding does not take one of 0.7 * 10.
        count = ops.floor(share * ops.cast(batch_size, "float32") + 1e-3)
        return ops.maximum(count, 1.0)

    def __call__(self, losses, fake_logits, updates):
        """Mean loss of the k best samples.

        Args:
            losses: `(B,)`, the generator's loss of each sample.
            fake_logits: `(B, ...)`, D(G(z)); several of one sample count as their mean.
            updates: Int, t, updates of the generator so far.

        Returns:
            Float32 scalar.
        """
        logits = ops.stop_gradient(ops.cast(fake_logits, "float32"))
        scores = ops.mean(ops.reshape(logits, (ops.shape(losses)[0], -1)), axis=1)
        ranks = ops.argsort(ops.argsort(-scores))  # 0: the best
        count = self.count(ops.shape(losses)[0], updates)
        best = ops.cast(ops.cast(ranks, "float32") < count, losses.dtype)
        return ops.sum(losses * best) / count

    def get_config(self):
        """Returns the arguments."""
        return {"minimum": self.minimum, "decay": self.decay, "every": self.every}

    @classmethod
    def from_config(cls, config):
        """Makes the option again."""
        return cls(**config)
