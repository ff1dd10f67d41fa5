"""How far images are from what they should be, and how rough: one value a sample.

These are no losses of two players, so `compile(loss=...)` does not take them: a variant
adds them to the objective of its generator.

B: batch, H, W: sides, C: channels; means are over H, W and C.
"""

import keras
from keras import ops


class ReconstructionLoss:
    """What the losses here share: checks, float32, and a value a sample.

    A subclass writes `call(images, targets)`. Half precision is cast to float32 first.
    """

    def __call__(self, images, targets):
        """Compares each image with its target.

        Args:
            images: `(B, ...)`, float.
            targets: Of the same shape.

        Returns:
            Float32 `(B,)`.

        Raises:
            ValueError: If the shapes differ, or have no axis but the batch's.
        """
        images, targets = as_float(images), as_float(targets)
        if not _same_shape(images, targets):
            raise ValueError(
                "Expected: images and targets of the same shape, (B, H, W, C). "
                f"Received: {tuple(images.shape)} and {tuple(targets.shape)}."
            )
        return self.call(images, targets)

    def call(self, images, targets):
        """The equation; float32 tensors in, `(B,)` out."""
        raise NotImplementedError

    def get_config(self):
        """Returns the arguments."""
        return {}

    @classmethod
    def from_config(cls, config):
        """Makes the loss again."""
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gans")
class L1(ReconstructionLoss):
    """Mean absolute difference.

        mean |x - y|

    The cycle and identity losses of CycleGAN (Zhu et al. 2017, arXiv:1703.10593,
    equation 2), and the reconstruction of pix2pix (Isola et al. 2017,
    arXiv:1611.07004, equation 3), which blurs less than squares do.

    Example:

    >>> L1()(np.ones((2, 4, 4, 3)), np.zeros((2, 4, 4, 3)))
    [1. 1.]
    """

    def call(self, images, targets):
        """Mean |x - y|."""
        return per_sample(ops.abs(images - targets))


@keras.saving.register_keras_serializable("keras_gans")
class L2(ReconstructionLoss):
    """Mean squared difference, whose least value is the best PSNR.

        mean (x - y)^2

    The reconstruction of SRResNet (Ledig et al. 2017, arXiv:1609.04802, equation 4) and
    of context encoders (Pathak et al. 2016, arXiv:1604.07379, equation 1).

    Example:

    >>> L2()(3.0 * np.ones((2, 4, 4, 3)), np.zeros((2, 4, 4, 3)))
    [9. 9.]
    """

    def call(self, images, targets):
        """Mean (x - y)^2."""
        return per_sample(ops.square(images - targets))


@keras.saving.register_keras_serializable("keras_gans")
class Charbonnier(ReconstructionLoss):
    """L1 with a rounded tip, so that its gradient is continuous.

        mean sqrt((x - y)^2 + epsilon^2)

    (Charbonnier et al. 1994; Lai et al. 2017, arXiv:1704.03915, equation 5, with
    epsilon 1e-3). Equal images give epsilon, not 0.

    Args:
        epsilon: Float > 0, in the units of the images.

    Raises:
        ValueError: If `epsilon` is not positive.

    Example:

    >>> Charbonnier(4.0)(3.0 * np.ones((2, 4, 4, 3)), np.zeros((2, 4, 4, 3)))
    [5. 5.]
    """

    def __init__(self, epsilon=1e-3):
        if not epsilon > 0.0:
            raise ValueError(
                f"Expected: `epsilon` as a number > 0. Received: {epsilon!r}."
            )
        self.epsilon = float(epsilon)

    def call(self, images, targets):
        """Mean sqrt((x - y)^2 + epsilon^2)."""
        return per_sample(ops.sqrt(ops.square(images - targets) + self.epsilon**2))

    def get_config(self):
        """Returns the arguments."""
        return {"epsilon": self.epsilon}


@keras.saving.register_keras_serializable("keras_gans")
class TotalVariation(ReconstructionLoss):
    """Mean absolute difference of neighbours: how rough images are.

        mean |x_{i+1,j} - x_{ij}| + mean |x_{i,j+1} - x_{ij}|

    (Rudin, Osher and Fatemi 1992, in its anisotropic form; for networks, Johnson et al.
    2016, arXiv:1603.08155, section 3.2). It needs no targets, and does not look at any.

    Example:

    >>> TotalVariation()(np.arange(8.0).reshape(1, 2, 4, 1))
    [5.]
    """

    def __call__(self, images, targets=None):
        """Measures each image.

        Args:
            images: `(B, H, W, C)`, float, H and W at least 2.
            targets: Not looked at.

        Returns:
            Float32 `(B,)`.

        Raises:
            ValueError: If `images` has another shape.
        """
        images = as_float(images)
        shape = tuple(images.shape)
        if len(shape) != 4 or 1 in shape[1:3]:
            raise ValueError(
                f"Expected: images (B, H, W, C), H and W at least 2. Received: {shape}."
            )
        down = ops.abs(images[:, 1:] - images[:, :-1])
        across = ops.abs(images[:, :, 1:] - images[:, :, :-1])
        return per_sample(down) + per_sample(across)


def as_float(images):
    """A float32 tensor.

    Raises:
        ValueError: If there is no axis but the batch's.
    """
    images = ops.cast(ops.convert_to_tensor(images), "float32")
    if len(images.shape) < 2:
        raise ValueError(
            f"Expected: images (B, H, W, C). Received: {tuple(images.shape)}."
        )
    return images


def per_sample(values):
    """The mean over all axes but the first, `(B,)`."""
    return ops.mean(values, axis=tuple(range(1, len(values.shape))))


def _same_shape(first, second):
    """Refuses what would broadcast silently; an unknown size may be any."""
    first, second = tuple(first.shape), tuple(second.shape)
    return len(first) == len(second) and all(
        None in pair or pair[0] == pair[1] for pair in zip(first, second, strict=True)
    )
