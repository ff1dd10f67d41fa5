"""Weights of PyTorch's networks, for the same networks in Keras."""

import numpy as np


def array(state, key, shape):
    """Returns an array of a state dict.

    Args:
        state: Dict, name -> array.
        key: Its name.
        shape: The shape it must have.

    Raises:
        ValueError: If it is missing, or of another shape.
    """
    found = state.get(key)
    if found is None or found.shape != shape:
        received = "none" if found is None else f"one of shape {found.shape}"
        raise ValueError(
            f"Expected: an array {key!r} of shape {shape} in the state dict. Received: "
            f"{received}. Is it of another network?"
        )
    return found


def folded_convolution(state, convolution, normalization, shape, epsilon):
    """Kernel and bias that do what a convolution and batch normalization do.

    Args:
        state: Dict, name -> array.
        convolution: Name of the convolution, without ".weight"; it has no bias.
        normalization: Name of the batch normalization behind it.
        shape: Shape of Keras' kernel: `(h, w, channels, filters)`, or
            `(h, w, channels, 1)` if it is depthwise.
        epsilon: Of the batch normalization.

    Returns:
        List of both arrays, float32, as `set_weights` takes them.

    Raises:
        ValueError: If arrays are missing, or of another shape.
    """
    height, width, channels, filters = shape
    depthwise = filters == 1
    outputs, inputs = (channels, 1) if depthwise else (filters, channels)
    key = f"{convolution}.weight"
    kernel = array(state, key, (outputs, inputs, height, width)).astype("float64")
    gamma, beta, mean, variance = (
        array(state, f"{normalization}.{part}", (outputs,)).astype("float64")
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + epsilon)
    kernel = kernel * scale[:, None, None, None]
    kernel = kernel.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
    return [kernel.astype("float32"), (beta - mean * scale).astype("float32")]
