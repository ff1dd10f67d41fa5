"""Consistency regularization: Zhang et al. 2020, arXiv:1910.12027."""

import keras
from keras import ops

from keras_gans import augment as augments
from keras_gans.augment.ada import ADA
from keras_gans.augment.diffaugment import DiffAugment
from keras_gans.penalties.penalty import Penalty


class _Consistency(Penalty):
    """What both share: the augmentation, and the distance of two logits."""

    per_logit = False

    def __init__(self, weight, augment, every):
        super().__init__(weight, every)
        if augment is None:
            augment = DiffAugment("translation")
        self.augment = augments.get(augment)
        if isinstance(self.augment, ADA) and not self.augment.fixed:
            raise ValueError(
                "Expected: an augmentation of one strength. Received: ADA, whose "
                "strength follows the training of what it augments. Use "
                "`ADA(p=0.5, fixed=True)`."
            )

    def _distances(self, discriminator, samples, seed):
        """|D(x) - D(T(x))|^2, a value a logit."""
        changed = self.augment(samples, seed)
        before = ops.cast(discriminator(samples), "float32")
        after = ops.cast(discriminator(changed), "float32")
        squares = ops.square(before - after)
        return ops.mean(ops.reshape(squares, (ops.shape(squares)[0], -1)), axis=1)

    def get_config(self):
        """Returns the arguments."""
        return {
            "weight": self.weight,
            "augment": keras.saving.serialize_keras_object(self.augment),
            "every": self.every,
        }


@keras.saving.register_keras_serializable("keras_gans")
class Consistency(_Consistency):
    r"""The discriminator judges a real image and its augmentation alike (CR).

        |D(x) - D(T(x))|^2

    (Zhang et al. 2020, "Consistency Regularization for Generative Adversarial
    Networks", arXiv:1910.12027, equation 3). T is not shown to the discriminator as
    data, unlike DiffAugment's: nothing of it leaks into what is generated. For images.

    Args:
        weight: Float >= 0, lambda.
        augment: A `keras_gans.augment.Augment`, or its name. None: translation by up to
            1/8 of the size. The paper also flips, which is wrong for text and flags.
        every: Int, updates of the discriminator per evaluation.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    gan.compile(penalties=[kg.penalties.Consistency(10.0)])
    ```
    """

    name = "consistency"

    def __init__(self, weight=10.0, augment=None, every=1):
        super().__init__(weight, augment, every)

    def call(self, discriminator, real, fake, seed):
        """|D(x) - D(T(x))|^2."""
        return self._distances(discriminator, real, seed)


@keras.saving.register_keras_serializable("keras_gans")
class BalancedConsistency(_Consistency):
    r"""The same for real and for generated images (bCR).

        |D(x) - D(T(x))|^2 + |D(G(z)) - D(T(G(z)))|^2

    (Zhao et al. 2020, "Improved Consistency Regularization for GANs", arXiv:2002.04724,
    section 2.1, with lambda_real = lambda_fake, as in all of its experiments.) It keeps
    the generator from copying the augmentation, which `Consistency` may let it do. The
    generator's loss does not change. For images.

    Args:
        weight: Float >= 0, lambda.
        augment: As in `Consistency`.
        every: Int, updates of the discriminator per evaluation.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    gan.compile(penalties=["balanced_consistency"])
    ```
    """

    name = "balanced_consistency"

    def __init__(self, weight=10.0, augment=None, every=1):
        super().__init__(weight, augment, every)

    def call(self, discriminator, real, fake, seed):
        """|D(x) - D(T(x))|^2 + |D(G(z)) - D(T(G(z)))|^2."""
        real = self._distances(discriminator, real, seed)
        return real + self._distances(discriminator, fake, seed)
