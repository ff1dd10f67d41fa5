"""Keras' batch normalization, faster where a backend's way through Keras is slow."""

import keras
from keras import ops

from keras_gans import backend


@keras.saving.register_keras_serializable("keras_gans")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, with torch's own kernel while training.

    Arguments, weights and results are those of Keras' layer, whose code still runs in
    inference, with masks, with `synchronized`, `renorm`, and for axes but the last.
    Data-parallel replicas normalize by the statistics of the whole batch, of all of
    them, on every backend.

    Example:

    ```python
    layer = kg.layers.BatchNormalization()
    layer(np.zeros((8, 4, 4, 3), "float32"), training=True).shape  # (8, 4, 4, 3)
    ```
    """

    def call(self, inputs, training=None, mask=None):
        """Normalizes by the batch when training, else by the moving statistics."""
        keras_own = self.renorm or self.synchronized or mask is not None
        last = self.axis in (-1, len(inputs.shape) - 1)
        if keras_own or not last or not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        normalize = backend.batch_norm
        if backend.num_replicas() > 1:
            normalize = _batch_norm_of_replicas
        outputs, mean, variance = normalize(
            ops.cast(inputs, "float32"),  # sums of half precision overflow
            ops.cast(self.gamma, "float32") if self.scale else None,
            ops.cast(self.beta, "float32") if self.center else None,
            self.epsilon,
        )
        for moving, new in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            value = ops.cast(moving, "float32")
            moving.assign(value * self.momentum + new * (1.0 - self.momentum))
        return ops.cast(outputs, self.compute_dtype)


def _batch_norm_of_replicas(inputs, gamma, beta, epsilon):
    """`backend.batch_norm`, by the batch of all replicas."""
    mean, variance = ops.moments(inputs, axes=list(range(len(inputs.shape) - 1)))
    moments = ops.stack([mean, variance + ops.square(mean)])
    mean, square = ops.unstack(backend.mean_over_replicas(moments), 2)
    variance = ops.maximum(square - ops.square(mean), 0.0)
    outputs = ops.batch_normalization(
        inputs, mean, variance, axis=-1, offset=beta, scale=gamma, epsilon=epsilon
    )
    return outputs, ops.stop_gradient(mean), ops.stop_gradient(variance)


@keras.saving.register_keras_serializable("keras_gans")
class BatchStatisticsNormalization(BatchNormalization):
    """Batch normalization by the batch at hand, in inference as in training.

    As pix2pix is tested (Isola et al. 2017, arXiv:1611.07004, section 3.4), with
    batches of one image: what becomes of an image depends on the others of its batch.
    Weights are those of `keras.layers.BatchNormalization`.

    Example:

    ```python
    layer = kg.layers.BatchStatisticsNormalization()
    layer(np.zeros((1, 4, 4, 3), "float32")).shape  # (1, 4, 4, 3)
    ```
    """

    def build(self, input_shape):
        """Makes the weights."""
        if self.axis not in (-1, len(input_shape) - 1):
            raise ValueError(f"Expected: `axis` as the last. Received: {self.axis}.")
        super().build(input_shape)

    def call(self, inputs, training=None, mask=None):
        """Normalizes by the batch; moving statistics change in training alone."""
        if training:
            return super().call(inputs, training=training, mask=mask)
        outputs, _, _ = backend.batch_norm(
            ops.cast(inputs, "float32"),
            ops.cast(self.gamma, "float32") if self.scale else None,
            ops.cast(self.beta, "float32") if self.center else None,
            self.epsilon,
        )
        return ops.cast(outputs, self.compute_dtype)
