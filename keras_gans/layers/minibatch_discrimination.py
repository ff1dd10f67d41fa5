"""Minibatch discrimination: Salimans et al. 2016, arXiv:1606.03498, section 3.2."""

import keras
from keras import layers
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class MinibatchDiscrimination(layers.Layer):
    r"""Appends to each sample's features how close the rest of the batch is to it.

        M_i = f(x_i) T,   o(x_i)_b = sum_{j != i} exp(-|M_ib - M_jb|_1)

    with T a tensor of shape (D, kernels, kernel_dim) (Salimans et al. 2016, "Improved
    Techniques for Training GANs", arXiv:1606.03498, section 3.2). It is for the
    discriminator, which then sees a generator that makes the same sample again and
    again.

    Samples of a batch so influence one another's logits: a gradient penalty, which
    takes the gradient of their sum, sees more than each sample's own. Memory and time
    grow with the square of the batch.

    Deviation: the paper's sum has j = i in it, which adds 1 to each output.

    Args:
        num_kernels: Int, outputs appended; 50 in the authors' code for CIFAR-10.
        kernel_dim: Int, size of the space in which distances are taken.
        kernel_initializer: Of T. N(0, 0.05^2) as in the authors' code.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: If the inputs are not `(B, D)`.

    Example:

    >>> MinibatchDiscrimination(3)(np.zeros((8, 16), "float32")).shape
    (8, 19)
    """

    def __init__(self, num_kernels=50, kernel_dim=5, kernel_initializer=None, **kwargs):
        super().__init__(**kwargs)
        if kernel_initializer is None:
            kernel_initializer = keras.initializers.RandomNormal(stddev=0.05)
        self.num_kernels = num_kernels
        self.kernel_dim = kernel_dim
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        """Makes T."""
        if len(input_shape) != 2:
            raise ValueError(
                "Expected: inputs of MinibatchDiscrimination of shape (B, D). "
                f"Received: {tuple(input_shape)}. Put a Flatten layer before it."
            )
        self.kernel = self.add_weight(
            shape=(input_shape[1], self.num_kernels * self.kernel_dim),
            initializer=self.kernel_initializer,
            name="kernel",
        )

    def call(self, x):
        """Maps `(B, D)` to `(B, D + num_kernels)`."""
        m = ops.matmul(x, self.kernel)
        # Sums over the batch need more digits than half precision has.
        m = ops.cast(m, "float32")
        m = ops.reshape(m, (-1, self.num_kernels, self.kernel_dim))
        m = ops.transpose(m, (2, 1, 0))  # (C, K, B)
        # One of C at a time, the batch last: fast, and without (B, B, K, C) in memory.
        distances = sum(
            ops.abs(ops.expand_dims(m[c], 2) - ops.expand_dims(m[c], 1))
            for c in range(self.kernel_dim)
        )
        closeness = ops.exp(-distances)  # (K, B, B)
        others = ops.sum(closeness, axis=-1) - 1.0  # without itself, exp(0)
        others = ops.transpose(others)
        return ops.concatenate([x, ops.cast(others, x.dtype)], axis=-1)

    def compute_output_shape(self, input_shape):
        """Returns `(B, D + num_kernels)`."""
        return (input_shape[0], input_shape[1] + self.num_kernels)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {
            "num_kernels": self.num_kernels,
            "kernel_dim": self.kernel_dim,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
