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
