"""The multilayer perceptrons of the first GAN.

Goodfellow et al. 2014, arXiv:1406.2661, with the sizes of the authors' MNIST setup: a
generator of two layers of rectifiers, a discriminator of two maxout layers (Goodfellow
et al. 2013, arXiv:1302.4389) with dropout.
"""

import functools
import math

import keras
from keras import layers
from keras import ops

from keras_gans.layers import Dropout


@keras.saving.register_keras_serializable("keras_gans")
class Maxout(layers.Layer):
    """The maximum of `pieces` linear functions: h_i = max_j (x W_ij + b_ij).

    Args:
        units: Int, outputs.
        pieces: Int, linear functions per output.
        kernel_initializer: Of the linear functions.

    Example:

    >>> Maxout(240, pieces=5)(keras.ops.ones((8, 784))).shape
    (8, 240)
    """

    def __init__(self, units, pieces=5, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.pieces = pieces
        self.dense = layers.Dense(
            units * pieces,
            kernel_initializer=kernel_initializer,
            dtype=self.dtype_policy,
        )

    def build(self, input_shape):
        """Builds the linear functions."""
        self.dense.build(input_shape)

    def call(self, x):
        """Maps `(B, D)` to `(B, units)`."""
        x = ops.reshape(self.dense(x), (-1, self.units, self.pieces))
        # Not `ops.max`: JAX shares the gradient among all that equal the maximum, and
        # divides by 0 where XLA rounds it otherwise the second time.
        pieces = [x[..., i] for i in range(self.pieces)]
        return functools.reduce(ops.maximum, pieces)

    def compute_output_shape(self, input_shape):
        """Returns `(B, units)`."""
        return (input_shape[0], self.units)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {
            "units": self.units,
            "pieces": self.pieces,
            "kernel_initializer": keras.initializers.serialize(
                self.dense.kernel_initializer
            ),
        }


def _uniform(limit):
    return keras.initializers.RandomUniform(-limit, limit)


def mlp_generator(shape, latent_dim, hidden_units=1200, bounded=True):
    """Latents -> ReLU -> ReLU -> examples.

    Args:
        shape: Shape of one example, for instance `(28, 28, 1)`.
        latent_dim: Int, Z.
        hidden_units: Int, units of both hidden layers.
        bounded: Whether examples lie in [-1, 1], as images do. Then the last unit is
            the paper's sigmoid, stretched: 2 sigmoid(a) - 1 = tanh(a / 2).

    Returns:
        A `keras.Sequential` from `(B, Z)` to `(B, *shape)`, float32.
    """
    outputs = [layers.Dense(math.prod(shape), kernel_initializer=_uniform(0.05))]
    if bounded:
        outputs.append(layers.Rescaling(0.5, dtype="float32"))
        outputs.append(layers.Activation("tanh", dtype="float32"))
    return keras.Sequential(
        [
            layers.Input((latent_dim,)),
            layers.Dense(hidden_units, "relu", kernel_initializer=_uniform(0.05)),
            layers.Dense(hidden_units, "relu", kernel_initializer=_uniform(0.05)),
            *outputs,
            layers.Reshape(shape, dtype="float32"),
        ],
        name="generator",
    )


def mlp_discriminator(shape, maxout_units=240, bounded=True, dropout=(0.2, 0.5)):
    """Examples -> maxout -> maxout -> logit.

    Args:
        shape: Shape of one example.
        maxout_units: Int, units of both hidden layers, of 5 pieces each.
        bounded: Whether examples lie in [-1, 1]; the paper's lie in [0, 1], and the
            perceptron sees them so.
        dropout: Rates on the input and on the hidden layers.

    Returns:
        A `keras.Sequential` from `(B, *shape)` to `(B, 1)`, float32.
    """
    on_input, on_hidden = dropout
    scale = [layers.Rescaling(0.5, offset=0.5)] if bounded else []
    return keras.Sequential(
        [
            layers.Input(shape),
            *scale,
            layers.Flatten(),
            Dropout(on_input),
            Maxout(maxout_units, kernel_initializer=_uniform(0.005)),
            Dropout(on_hidden),
            Maxout(maxout_units, kernel_initializer=_uniform(0.005)),
            Dropout(on_hidden),
            layers.Dense(1, kernel_initializer=_uniform(0.005), dtype="float32"),
        ],
        name="discriminator",
    )
