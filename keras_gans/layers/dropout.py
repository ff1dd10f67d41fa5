"""Dropout whose zeros differ between data-parallel replicas."""

import keras

from keras_gans.layers.permanent_dropout import PermanentDropout


@keras.saving.register_keras_serializable("keras_gans")
class Dropout(PermanentDropout):
    """Sets random inputs to 0 in training, and scales up the rest.

        y = x m / (1 - rate),   m = 0 with probability `rate`, else 1

    (Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting", JMLR 15, inverted.) Keras' own gives all data-parallel replicas the
    same zeros, and on torch draws from a state that is not saved.

    Args:
        rate: Float in [0, 1), probability of a 0.
        seed: Optional int.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If `rate` is not in that range.

    Example:

    >>> Dropout(0.5)(np.ones((2, 2), "float32"))  # not in training
    [[1. 1.]
     [1. 1.]]
    """

    def call(self, x, training=False):
        """Maps `(B, ...)` to the same shape."""
        return super().call(x) if training else x
