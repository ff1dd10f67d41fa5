"""DiffAugment: Zhao et al. 2020, arXiv:2006.10738.

B: batch, H: height, W: width, C: channels. Each function changes each image with random
numbers of its own.
"""

import keras
from keras import ops

from keras_gans.augment.augment import Augment
from keras_gans.utils import random


@keras.saving.register_keras_serializable("keras_gans")
class DiffAugment(Augment):
    r"""Differentiable augmentation for training with little data.

        D:  f(D(T(x)), D(T(G(z)))),   G:  g(D(T(G(z))))

    T draws anew for each image, f and g are the losses (Zhao et al. 2020,
    "Differentiable Augmentation for Data-Efficient GAN Training", arXiv:2006.10738).
    The words of the policy, applied in their order:

    * color: brightness, x + U(-0.5, 0.5); then saturation, distance of the channels
      from their mean scaled by U(0, 2), nothing to do for one channel; then contrast,
      distance of all values from their mean scaled by U(0.5, 1.5).
    * translation: by whole pixels, up to 1/8 of the size in each direction, with zeros
      (mid-grey) moving in.
    * cutout: a box of half the size, centred anywhere, set to zero.

    The paper advises "color,translation,cutout" for small sets and "translation" or
    "translation,cutout" for more data.

    Args:
        policy: Str, "color", "translation", "cutout" or several, separated by commas.

    Raises:
        ValueError: If the policy is empty or holds another word.

    Example:

    ```python
    augment = keras_gans.augment.DiffAugment("color,translation")
    seed = keras.random.SeedGenerator(0)
    augmented = augment(np.zeros((8, 32, 32, 3), "float32"), seed)  # (8, 32, 32, 3)
    ```
    """

    def __init__(self, policy="color,translation,cutout"):
        words = [word.strip() for word in str(policy).split(",")]
        unknown = [word for word in words if word not in _POLICIES]
        if unknown or not isinstance(policy, str):
            raise ValueError(
                "Expected: a policy of the words "
                f"{', '.join(map(repr, _POLICIES))}, separated by commas. Received: "
                f"{policy!r}, where {', '.join(map(repr, unknown))} is not known."
            )
        self.policy = ",".join(words)

    def call(self, images, seed):
        """Applies the policy's functions in order."""
        for word in self.policy.split(","):
            for function in _POLICIES[word]:
                images = function(images, seed)
                # An int would give the next function the same numbers.
                seed = seed + 2 if isinstance(seed, int) else seed
        return images

    def get_config(self):
        """Returns the arguments."""
        return {"policy": self.policy}


def _uniform(images, low, high, seed):
    """One number of U(low, high) an image: `(B, 1, 1, 1)`."""
    shape = (ops.shape(images)[0], 1, 1, 1)
    return random.uniform(shape, seed, low, high, images.dtype)


def _integers(images, low, high, seed):
    """One int of [low, high) an image: `(B, 1, 1, 1)`."""
    shape = (ops.shape(images)[0], 1, 1, 1)
    return random.integers(shape, seed, low, high)


def _positions(images, axis):
    """0, 1, ... along H (axis 1) or W (axis 2): `(1, H, 1, 1)` or `(1, 1, W, 1)`."""
    shape = [1, 1, 1, 1]
    shape[axis] = images.shape[axis]
    return ops.reshape(ops.arange(images.shape[axis], dtype="int32"), shape)


def _brightness(images, seed):
    return images + _uniform(images, -0.5, 0.5, seed)


def _saturation(images, seed):
    if images.shape[-1] == 1:
        return images
    mean = ops.mean(images, axis=3, keepdims=True)  # (B, H, W, 1)
    return mean + _uniform(images, 0.0, 2.0, seed) * (images - mean)


def _contrast(images, seed):
    mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)  # (B, 1, 1, 1)
    return mean + _uniform(images, 0.5, 1.5, seed) * (images - mean)


def _translation(images, seed):
    for axis in (1, 2):
        size = images.shape[axis]
        limit = int(size / 8 + 0.5)
        shift = _integers(images, -limit, limit + 1, seed)
        source = _positions(images, axis) + shift  # (B, H, 1, 1), then (B, 1, W, 1)
        inside = ops.logical_and(source >= 0, source < size)
        images = ops.take_along_axis(images, ops.clip(source, 0, size - 1), axis)
        images = images * ops.cast(inside, images.dtype)
        seed = seed + 1 if isinstance(seed, int) else seed
    return images


def _cutout(images, seed):
    in_box = []
    for axis in (1, 2):
        size = images.shape[axis]
        length = int(size / 2 + 0.5)
        # As in the authors' code, the box lies partly outside as often as it may.
        center = _integers(images, 0, size + 1 - length % 2, seed)
        offset = _positions(images, axis) - center + length // 2
        in_box.append(ops.logical_and(offset >= 0, offset < length))
        seed = seed + 1 if isinstance(seed, int) else seed
    outside = ops.logical_not(ops.logical_and(*in_box))  # (B, H, W, 1)
    return images * ops.cast(outside, images.dtype)


_POLICIES = {
    "color": (_brightness, _saturation, _contrast),
    "translation": (_translation,),
    "cutout": (_cutout,),
}
