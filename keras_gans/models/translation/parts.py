"""What the networks of image-to-image translation are built of."""

import keras
import numpy as np
from keras import layers

from keras_gans.layers import BatchNormalization
from keras_gans.layers import BatchStatisticsNormalization
from keras_gans.layers import Conv2D
from keras_gans.layers import Dropout
from keras_gans.layers import InstanceNormalization
from keras_gans.layers import PermanentDropout
from keras_gans.models.dcgan.dcgan import normal
from keras_gans.utils.checks import whole_number

NORMALIZATIONS = ("instance", "batch", "test_batch")


class Parts:
    """Makes the layers that all networks here are built of.

    Args:
        normalization: One of `NORMALIZATIONS`.
        noise: Whether dropout acts in inference too.
        seed: Optional int, start of the random numbers of all dropout layers.

    Raises:
        ValueError: If there is no such normalization.
    """

    def __init__(self, normalization, noise=False, seed=None):
        if normalization not in NORMALIZATIONS:
            raise ValueError(
                "Expected: `normalization` as one of "
                f"{', '.join(map(repr, NORMALIZATIONS))}. Received: {normalization!r}."
            )
        self.normalization = normalization
        self.use_bias = normalization == "instance"
        self.noise = noise
        self.seeds = None if seed is None else np.random.default_rng(seed)

    def convolution(
        self, x, filters, size, name, strides=1, padding=0, use_bias=None, dtype=None
    ):
        """A convolution after `padding` rows and columns of zeros on each side."""
        divisible = all(side and side % strides == 0 for side in x.shape[1:3])
        same = divisible and size - strides == 2 * padding
        if padding and not same:
            x = layers.ZeroPadding2D(padding)(x)
        return Conv2D(
            filters,
            size,
            strides=strides,
            padding="same" if same else "valid",
            use_bias=self.use_bias if use_bias is None else use_bias,
            kernel_initializer=normal(),
            dtype=dtype,
            name=name,
        )(x)

    def normalize(self, x, name):
        """The normalization after the convolution of that name."""
        name = f"{name}_normalization"
        if self.normalization == "instance":
            return InstanceNormalization(name=name)(x)
        kind = {"batch": BatchNormalization, "test_batch": BatchStatisticsNormalization}
        return kind[self.normalization](
            momentum=0.9,
            epsilon=1e-5,
            gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02),
            name=name,
        )(x)

    def dropout(self, x):
        """Half of the values."""
        seed = None if self.seeds is None else int(self.seeds.integers(2**31))
        return (PermanentDropout if self.noise else Dropout)(0.5, seed=seed)(x)


def image_of(x):
    """Images in [-1, 1], float32."""
    return layers.Activation("tanh", dtype="float32", name="image")(x)


def shifted(images, x):
    """Images plus `x`, cut off at -1 and 1, float32.

    Raises:
        ValueError: If they have different channels.
    """
    if images.shape[-1] != x.shape[-1]:
        raise ValueError(
            "Expected: `global_skip` between images of equal channels. Received: "
            f"{images.shape[-1]} and {x.shape[-1]}."
        )
    x = layers.Add(dtype="float32")([images, x])
    return layers.Activation("hard_tanh", dtype="float32")(x)


def check_sides(shape, halvings, least=0):
    """Returns `halvings` as an int, if images `(H, W, C)` can be halved so often.

    Raises:
        ValueError: If not, or if they get smaller than what is reflected of them.
    """
    halvings = whole_number(halvings, "halvings", least=least)
    multiple = 1 << halvings
    smallest = max(4, 2 * multiple)  # reflections of 3 pixels, and of one
    if any(side and (side % multiple or side < smallest) for side in shape[:2]):
        raise ValueError(
            f"Expected: images whose sides are multiples of {multiple} and at least "
            f"{smallest}. Received: {shape[0]} x {shape[1]}. Resize or crop them."
        )
    return halvings
