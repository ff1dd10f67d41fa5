"""The base class of the augmentations."""

import keras
from keras import ops


class Augment:
    """A random, differentiable change of whatever the discriminator sees.

    Real and generated images pass through it alike, in the discriminator's update and
    in the generator's, so the generator's gradient flows through it. A subclass writes
    `call(images, seed)` and, if it has arguments, `get_config`; one that adapts itself
    has `variables`, `update` and `log_names`.

    Attributes:
        variables: State that is saved with the optimizer; `build` makes it.
        log_names: Names of what `update` logs.
    """

    variables = ()
    log_names = ()

    def build(self):
        """Makes the state, or starts it anew; called by `compile`."""

    def check_loss(self, loss):
        """Raises if the augmentation needs to be told more than the loss's logits tell.

        Args:
            loss: The `keras_gans.losses.Loss` of the training; called by `compile`.

        Raises:
            ValueError: If so, with what to do.
        """

    def update(self, real_logits, count):
        """Takes notice of what the discriminator says of real examples in training.

        Args:
            real_logits: `(B, ...)`, or with `pac=m` `(B / m, ...)`; 0 is a
                discriminator that cannot tell, above it says "real".
            count: Int, B.

        Returns:
            Dict of scalars for the logs.
        """
        return {}

    def __call__(self, images, seed):
        """Augments a batch, each image in its own way.

        Args:
            images: `(B, H, W, C)`, float, in [-1, 1].
            seed: A `keras.random.SeedGenerator`, or an int for the same numbers each
                time.

        Returns:
            Tensor of the shape and dtype of `images`; values may leave [-1, 1].

        Raises:
            ValueError: If `images` is not a batch of float images.
        """
        images = ops.convert_to_tensor(images)
        dtype = keras.backend.standardize_dtype(images.dtype)
        if not keras.backend.is_float_dtype(dtype):
            raise ValueError(
                "Expected: images of a float dtype, in [-1, 1]. Received: dtype "
                f"{dtype}. Convert uint8 images x with x / 127.5 - 1."
            )
        shape = tuple(images.shape)
        if len(shape) != 4 or None in shape[1:]:
            raise ValueError(
                "Expected: images of shape (B, H, W, C), all but B known. Received: "
                f"{shape}. Leave augmentation out for other data."
            )
        return self.call(images, seed)

    def call(self, images, seed):
        """The augmentation itself."""
        raise NotImplementedError

    def get_config(self):
        """Returns the arguments."""
        return {}

    @classmethod
    def from_config(cls, config):
        """Makes the augmentation again."""
        return cls(**config)
