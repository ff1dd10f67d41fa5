"""Spectral normalization: Miyato et al. 2018, arXiv:1802.05957."""

import keras
from keras import layers
from keras import ops
from keras.src.backend import AutocastScope

from keras_gans import backend
from keras_gans.utils.checks import whole_number

_TRANSPOSED = (
    layers.Conv1DTranspose,
    layers.Conv2DTranspose,
    layers.Conv3DTranspose,
)


@keras.saving.register_keras_serializable("keras_gans")
class SpectralNormalization(layers.Wrapper):
    r"""Runs a layer with its kernel divided by the kernel's largest singular value.

        v = W^T u / |W^T u|,   u' = W v / |W v|,   sigma = u'^T W v,   W_bar = W / sigma

    (Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks",
    arXiv:1802.05957, equation 8 and algorithm 1), W being the kernel as a matrix of
    (outputs, the rest); of an embedding, (rows of the table, dimensions). u and v are
    constants for the gradient, which flows through sigma, as in the paper's equations
    10 to 12: with G = dL / dW_bar,

        dL / dW = (G - <G, W_bar> u' v^T) / sigma

    The kernel is never assigned. Each call with `training=True` stores u' as the next
    u; other calls leave u alone and so give the same result each time, as in the
    authors' code. sigma and u are float32 under any dtype policy. A kernel of zeros,
    which has no W_bar, is used as it is.

    Args:
        layer: Dense, a convolution, a transposed convolution, Embedding, or another
            layer with a `kernel` whose last axis is its output.
        power_iterations: Int >= 1, updates of v and u in a call.
        epsilon: Float > 0, the least norm that v and u are divided by.
        **kwargs: Of `keras.layers.Layer`. The dtype is the layer's, unless given.

    Raises:
        ValueError: If an argument is out of range, or the layer has no kernel.

    Example:

    ```python
    layer = kg.layers.SpectralNormalization(kg.layers.Conv2D(8, 3, padding="same"))
    layer(np.zeros((1, 16, 16, 3), "float32"), training=True).shape  # (1, 16, 16, 8)
    ```
    """

    def __init__(self, layer, power_iterations=1, epsilon=1e-12, **kwargs):
        if isinstance(layer, layers.Layer):
            kwargs.setdefault("dtype", layer.dtype_policy)
        super().__init__(layer, autocast=False, **kwargs)  # the layer casts its inputs
        if not 0.0 < epsilon < 1.0:
            raise ValueError(
                f"Expected: `epsilon` between 0 and 1. Received: {epsilon!r}."
            )
        self.power_iterations = whole_number(power_iterations, "power_iterations")
        self.epsilon = epsilon

    def build(self, input_shape=None):
        """Builds the layer, and makes u from N(0, 1)."""
        super().build(input_shape)
        kernel = self._kernel()
        if not isinstance(kernel, keras.Variable) or len(kernel.shape) < 2:
            raise ValueError(
                "Expected: a layer with a variable `kernel` or `embeddings` of two or "
                f"more axes, such as Dense, Conv2D or Embedding. Received: {self.layer}"
                ". Wrap the layers that have weights, one by one."
            )
        # All replicas compute the same u, so none waits for another.
        self.u = keras.Variable(
            keras.initializers.RandomNormal(stddev=1.0),
            shape=(kernel.shape[self._output_axis()],),
            dtype="float32",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
            synchronization="on_read",
            name="u",
        )

    def _kernel(self):
        name = "embeddings" if isinstance(self.layer, layers.Embedding) else "kernel"
        return getattr(self.layer, name, None)

    def _output_axis(self):
        if isinstance(self.layer, layers.Embedding):
            return 0
        return -2 if isinstance(self.layer, _TRANSPOSED) else -1

    def normalized_kernel(self):
        """Computes W_bar.

        Returns:
            W_bar, in the shape and dtype of the kernel; sigma, a float32 scalar; and
            u', which a call with `training=True` stores.
        """
        with AutocastScope(None):
            kernel, u = self._kernel().value, self.u.value
        matrix = ops.cast(kernel, "float32")
        axes = list(range(len(kernel.shape)))
        axes.append(axes.pop(self._output_axis()))
        matrix = ops.transpose(matrix, axes)
        matrix = ops.reshape(matrix, (-1, u.shape[0]))  # (rest, outputs), W^T
        constant = ops.stop_gradient(matrix)
        for _ in range(self.power_iterations):
            v = ops.matmul(constant, u)
            v = v / ops.maximum(_norm(v), self.epsilon)
            product = ops.matmul(v, matrix)
            new_u = ops.stop_gradient(product)
            norm = _norm(new_u)
            # A kernel of zeros gives no direction to go on from.
            u = ops.where(norm > self.epsilon, new_u / norm, u)
        sigma = ops.where(norm > self.epsilon, ops.sum(product * u), 1.0)
        return ops.cast(ops.cast(kernel, "float32") / sigma, kernel.dtype), sigma, u

    def call(self, inputs, training=None):
        """Runs the layer with W_bar."""
        normalized, _, u = self.normalized_kernel()
        if training:
            self.u.assign(u)
        kernel, variables = self._kernel(), self.layer.variables
        with AutocastScope(None):  # the layer enters its own
            # All of them, as `with_values` need not see the values of an outer one.
            values = [normalized if v is kernel else v.value for v in variables]
            return backend.with_values(variables, values, lambda: self.layer(inputs))

    def compute_output_shape(self, input_shape):
        """Returns the layer's."""
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {
            "power_iterations": self.power_iterations,
            "epsilon": self.epsilon,
        }


def _norm(x):
    """Of a vector; fewer operations than `ops.norm`, which does for any matrix."""
    return ops.sqrt(ops.sum(ops.square(x)))
