"""Dropout that never stops: the noise of pix2pix (Isola et al. 2017)."""

import keras
import numpy as np
from keras import layers
from keras import ops

from keras_gans.utils import random


@keras.saving.register_keras_serializable("keras_gans")
class PermanentDropout(layers.Layer):
    """Dropout in inference as in training.

    pix2pix's generator has no latents: dropout, in training and at test time, is all
    the noise there is (Isola et al. 2017, arXiv:1611.07004, section 3.1). Each value is
    kept with probability `1 - rate`, and divided by it, else it becomes 0.

    The numbers come from a seed generator of the layer's own, whose state is one of
    `variables`: models of this package save it.

    Args:
        rate: Float in [0, 1), probability of a 0.
        seed: Optional int.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If `rate` is not in that range.

    Example:

    >>> PermanentDropout(0.5)(np.ones((2, 2), "float32"), training=False)
    [[2. 0.]
     [0. 2.]]
    """

    def __init__(self, rate=0.5, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0.0 <= rate < 1.0:
            raise ValueError(
                f"Expected: `rate` as a number in [0, 1). Received: {rate!r}."
            )
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x):
        """Maps `(B, ...)` to the same shape."""
        draws = random.uniform(ops.shape(x), self.seed_generator)
        kept = ops.cast(draws >= self.rate, x.dtype)
        return x * kept / (1.0 - self.rate)

    def compute_output_shape(self, input_shape):
        """Returns the shape of the inputs."""
        return input_shape

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {"rate": self.rate, "seed": self.seed}


def restart_noise(network, seed):
    """Starts the numbers of all permanent dropout of a network anew.

    Args:
        network: Keras model.
        seed: Int >= 0, of all layers together.
    """
    rng = np.random.default_rng(seed)
    for layer in network._flatten_layers():  # those of networks within it too
        if isinstance(layer, PermanentDropout):
            layer.seed_generator.state.assign([int(rng.integers(2**31)), 0])
