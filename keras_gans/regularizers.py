"""Orthogonal regularization: Brock et al. 2019, arXiv:1809.11096."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class OrthogonalRegularizer(keras.regularizers.Regularizer):
    r"""Penalizes what the filters of a kernel have in common, whatever their norms.

        R = beta |W^T W * (1 - I)|_F^2

    (Brock et al. 2019, "Large Scale GAN Training for High Fidelity Natural Image
    Synthesis", arXiv:1809.11096, equation 3), W being the kernel as a matrix with a
    column per output: the sum of the squares of all products of two different columns.

    The gradient is 4 beta W (W^T W * (1 - I)). The authors' PyTorch code adds half of
    it: what is 1e-4 there, is `beta=5e-5` here.

    Args:
        beta: Float >= 0. 1e-4 in the paper.
        axis: Int, the kernel's axis of outputs: -1, and -2 in transposed convolutions.

    Raises:
        ValueError: If beta is out of range, or the kernel has less than two axes.

    Example:

    ```python
    layer = kg.layers.Conv2D(
        64, 3, kernel_regularizer=kg.regularizers.OrthogonalRegularizer(1e-4)
    )
    ```
    """

    def __init__(self, beta=1e-4, axis=-1):
        if not 0.0 <= beta < float("inf"):
            raise ValueError(
                "Expected: `beta` of OrthogonalRegularizer as a finite number >= 0. "
                f"Received: {beta!r}."
            )
        self.beta = float(beta)
        self.axis = axis

    def __call__(self, x):
        """Returns R of a kernel, a float32 scalar."""
        if len(x.shape) < 2:
            raise ValueError(
                "Expected: a kernel of two or more axes. Received: shape "
                f"{tuple(x.shape)}. Biases and gains are not regularized."
            )
        axes = list(range(len(x.shape)))
        axes.append(axes.pop(self.axis))
        w = ops.transpose(ops.cast(x, "float32"), axes)
        w = ops.reshape(w, (-1, w.shape[-1]))  # (rest, outputs)
        products = ops.matmul(ops.transpose(w), w)  # (outputs, outputs)
        products = products * (1.0 - ops.eye(w.shape[-1]))
        return self.beta * ops.sum(ops.square(products))

    def get_config(self):
        """Returns the arguments."""
        return {"beta": self.beta, "axis": self.axis}
