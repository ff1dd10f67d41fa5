"""The base class of the losses."""

from keras import ops


class Loss:
    """What the two players minimise, computed from logits.

    Logits are higher for more real. A subclass writes its two equations, one value a
    logit, as `call_discriminator(real_logits, fake_logits)` and
    `call_generator(fake_logits, real_logits)`. This class checks the logits, casts
    them to float32, so that half precision networks lose nothing here, and averages
    what comes back over all axes but the first: a patch discriminator's `(B, h, w, 1)`
    logits give one value a sample too. Weights and the mean over samples belong to the
    objective.

    Attributes:
        relativistic: Whether the generator's loss needs the logits of real samples.
        probabilistic: Whether sigmoid(logit) is the probability of being real.
        undecided: Float, the logit of a discriminator that cannot tell; None where
            logits mean something in comparison with others alone.

    Example:

    ```python
    @keras.saving.register_keras_serializable("my_package")
    class Absolute(keras_gans.losses.Loss):
        def call_discriminator(self, real_logits, fake_logits):
            return ops.abs(real_logits - 1.0) + ops.abs(fake_logits)

        def call_generator(self, fake_logits, real_logits):
            return ops.abs(fake_logits - 1.0)

    Absolute().generator(np.array([1.0, 3.0]))  # [0., 2.]
    ```
    """

    relativistic = False
    probabilistic = False
    undecided = 0.0

    def discriminator(self, real_logits, fake_logits):
        """The discriminator's loss.

        Args:
            real_logits: `(B,)` or `(B, ...)`, logits of real samples.
            fake_logits: Logits of generated samples, of the same shape.

        Returns:
            Float32 `(B,)`.

        Raises:
            ValueError: If the two shapes differ, or have no batch axis.
        """
        real_logits, fake_logits = _logits(real_logits), _logits(fake_logits)
        _check_same_shape(real_logits, fake_logits)
        return _per_sample(self.call_discriminator(real_logits, fake_logits))

    def generator(self, fake_logits, real_logits=None):
        """The generator's loss.

        Args:
            fake_logits: `(B,)` or `(B, ...)`, logits of generated samples.
            real_logits: Logits of real samples, of the same shape; needed by
                relativistic losses and not looked at by the others.

        Returns:
            Float32 `(B,)`.

        Raises:
            ValueError: If a relativistic loss gets no `real_logits`, or their shape
                differs from the shape of `fake_logits`.
        """
        fake_logits = _logits(fake_logits)
        if not self.relativistic:
            real_logits = None
        elif real_logits is None:
            raise ValueError(
                f"{type(self).__name__} compares generated with real samples. "
                "Expected: generator(fake_logits, real_logits). "
                "Received: real_logits=None. Pass the logits of a real batch."
            )
        else:
            real_logits = _logits(real_logits)
            _check_same_shape(real_logits, fake_logits)
        return _per_sample(self.call_generator(fake_logits, real_logits))

    def call_discriminator(self, real_logits, fake_logits):
        """The discriminator's equation; float32 tensors in, one of that shape out."""
        raise NotImplementedError

    def call_generator(self, fake_logits, real_logits):
        """The generator's equation; `real_logits` is None unless `relativistic`."""
        raise NotImplementedError

    def get_config(self):
        """Returns the arguments."""
        return {}

    @classmethod
    def from_config(cls, config):
        """Makes the loss again."""
        return cls(**config)


def _logits(logits):
    logits = ops.cast(ops.convert_to_tensor(logits), "float32")
    if len(logits.shape) == 0:
        raise ValueError(
            "Expected: logits with a batch axis, (B,), (B, 1) or (B, h, w, 1). "
            "Received: a scalar. Leave the mean over samples to the objective."
        )
    return logits


def _check_same_shape(real_logits, fake_logits):
    """Refuses what would broadcast silently, (B,) against (B, 1) for instance."""
    real, fake = tuple(real_logits.shape), tuple(fake_logits.shape)
    same = len(real) == len(fake) and all(
        None in pair or pair[0] == pair[1] for pair in zip(real, fake, strict=True)
    )
    if not same:
        raise ValueError(
            "Expected: real and fake logits of the same shape. Received: "
            f"real_logits {real}, fake_logits {fake}. Use real and fake batches of one "
            "size."
        )


def _per_sample(values):
    axes = tuple(range(1, len(values.shape)))
    return ops.mean(values, axis=axes) if axes else values
