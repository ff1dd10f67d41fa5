"""Residual networks for images, as SNGAN, SAGAN and BigGAN have them.

Blocks with the activation before the convolution (He et al. 2016, arXiv:1603.05027), as
in Gulrajani et al. 2017, arXiv:1704.00028, and Miyato et al. 2018, arXiv:1802.05957. A
1 x 1 convolution on a shortcut comes before the doubling and after the halving of the
size, which changes nothing but the time.

Where a model has its own convolution or normalization, it passes how to make it:
`convolution(filters, size, name)` gives a layer, `normalized(x, name)` features after
normalization and ReLU.

B: batch, H, W: sides, C: channels, K: size of a condition.
"""

from keras import layers
from keras import ops


def block_up(x, filters, name, convolution, normalized):
    """A residual block that doubles the size.

    Args:
        x: Features `(B, H, W, C)`.
        filters: Int, channels of the output.
        name: Prefix of the layers' names.
        convolution: Callable, see above.
        normalized: Callable, see above.

    Returns:
        Features `(B, 2 H, 2 W, filters)`.
    """
    h = layers.UpSampling2D()(normalized(x, f"{name}_norm_1"))
    h = convolution(filters, 3, f"{name}_conv_1")(h)
    h = normalized(h, f"{name}_norm_2")
    h = convolution(filters, 3, f"{name}_conv_2")(h)
    x = convolution(filters, 1, f"{name}_shortcut")(x)
    return layers.Add()([h, layers.UpSampling2D()(x)])


def block_down(x, filters, name, halve, convolution, first=False):
    """A residual block of a discriminator, without normalization of features.

    Args:
        x: Features `(B, H, W, C)`.
        filters: Int, channels of the output.
        name: Prefix of the layers' names.
        halve: Whether it halves the size.
        convolution: Callable, see above.
        first: Whether it sees the image itself, which no ReLU is to cut.

    Returns:
        Features `(B, H, W, filters)`, or `(B, H / 2, W / 2, filters)`.
    """
    h = x if first else layers.ReLU()(x)
    h = layers.ReLU()(convolution(filters, 3, f"{name}_conv_1")(h))
    h = convolution(filters, 3, f"{name}_conv_2")(h)
    if halve:
        h, x = layers.AveragePooling2D(2)(h), layers.AveragePooling2D(2)(x)
    if halve or x.shape[-1] != filters:
        x = convolution(filters, 1, f"{name}_shortcut")(x)
    return layers.Add()([h, x])


def projection(x, condition, dense):
    r"""Features `(B, H, W, C)` -> logits `(B, 1)`, float32.

        h = sum over pixels of relu(x),   logit = w^T h + b + (V y)^T h

    with y the condition (Miyato and Koyama 2018, arXiv:1802.05637, equation 3).

    Args:
        x: Features.
        condition: `(B, K)`, or None for the first part alone.
        dense: Callable `(units, name, use_bias)` that makes a float32 layer.
    """
    h = ops.sum(ops.cast(layers.ReLU()(x), "float32"), axis=(1, 2))  # (B, C)
    logits = dense(1, "logit", True)(h)
    if condition is None:
        return logits
    embedding = dense(h.shape[-1], "projection", False)(condition)
    product = layers.Dot(axes=1, dtype="float32")([embedding, h])
    return layers.Add(dtype="float32")([logits, product])
