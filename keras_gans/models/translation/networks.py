"""The networks of CycleGAN and pix2pix, as in the authors' PyTorch code.

Zhu, Park, Isola and Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent
Adversarial Networks", arXiv:1703.10593, appendix 7.2: a residual generator (Johnson et
al. 2016, arXiv:1603.08155) with instance normalization and reflection padding.

Isola, Zhu, Zhou and Efros, "Image-to-Image Translation with Conditional Adversarial
Networks", arXiv:1611.07004, appendix 6.1: a U-Net, whose decoder sees each map of the
encoder, and the patch discriminator of both papers, which judges each patch of an image
by itself. Dropout is the only noise.

Weights start as N(0, 0.02^2). Convolutions have no bias where batch normalization is
used, as there (the last has one). Deviation: U-Nets for images below 64 pixels have
dropout too, in one block.

A residual generator may add what it makes to the image it gets, as the one of Kupyn et
al. 2018 (DeblurGAN, arXiv:1711.07064, section 3.2) does.

B: batch, H, W: sides, C: channels, w: width, h: side of the map of logits.
"""

import keras
import numpy as np
from keras import layers as keras_layers

from keras_gans.layers import Conv2DTranspose
from keras_gans.layers import ReflectionPadding2D
from keras_gans.models.dcgan.dcgan import normal
from keras_gans.models.translation.parts import Parts
from keras_gans.models.translation.parts import check_sides
from keras_gans.models.translation.parts import image_of
from keras_gans.models.translation.parts import shifted

MAX_DEPTH = 8


def resnet_generator(
    shape_in,
    channels_out,
    width=64,
    blocks=None,
    dropout=False,
    normalization="instance",
    noise=True,
    halvings=2,
    global_skip=False,
):
    """Images -> halvings -> residual blocks -> doublings -> images.

    Args:
        shape_in: `(H, W, C)`; sides are multiples of `2**halvings`, at least twice
            that.
        channels_out: Int, channels of the images that come out.
        width: Int, w.
        blocks: Int, residual blocks; None for the paper's 6 up to 128 pixels, else 9.
        dropout: Bool, whether each block has dropout, as in pix2pix.
        normalization: "instance"; "batch"; or "test_batch", which normalizes by the
            batch in inference too, as pix2pix is tested.
        noise: Bool, whether dropout acts in inference too.
        halvings: Int >= 0, convolutions of stride 2 before the blocks, and as many
            transposed ones after them.
        global_skip: Bool, whether the image that comes in is added, and the sum is cut
            off at -1 and 1. It needs as many channels as come out.

    Returns:
        A `keras.Model` from `(B, H, W, C)` to `(B, H, W, channels_out)`, both in
        [-1, 1], float32.

    Raises:
        ValueError: If the sides or the channels do not fit.
    """
    halvings = check_sides(shape_in, halvings)
    if blocks is None:
        blocks = 6 if max(side or 256 for side in shape_in[:2]) <= 128 else 9
    parts = Parts(normalization, noise)

    def convolve(x, filters, size, name, **options):
        x = parts.convolution(x, filters, size, name, **options)
        return keras_layers.ReLU()(parts.normalize(x, name))

    inputs = keras.Input(shape_in)
    x = convolve(ReflectionPadding2D(3)(inputs), width, 7, "from_image")
    for i in range(halvings):
        x = convolve(x, width << (i + 1), 3, f"down_{i}", strides=2, padding=1)
    filters = width << halvings  # x: (B, H, W, filters), sides halved
    for i in range(blocks):
        y = convolve(ReflectionPadding2D(1)(x), filters, 3, f"block_{i}_0")
        if dropout:
            y = parts.dropout(y)
        name = f"block_{i}_1"
        y = parts.convolution(ReflectionPadding2D(1)(y), filters, 3, name)
        x = keras_layers.Add()([x, parts.normalize(y, name)])
    for i in range(halvings):
        name = f"up_{i}"
        # PyTorch's padding=1 and output_padding=1: 2 s + 1 pixels without the first.
        x = Conv2DTranspose(
            filters >> (i + 1),
            3,
            strides=2,
            padding="valid",
            use_bias=parts.use_bias,
            kernel_initializer=normal(),
            name=name,
        )(x)
        x = keras_layers.Cropping2D(((1, 0), (1, 0)))(x)
        x = keras_layers.ReLU()(parts.normalize(x, name))
    x = ReflectionPadding2D(3)(x)
    x = parts.convolution(x, channels_out, 7, "to_image", use_bias=True)
    image = image_of(x)
    if global_skip:
        image = shifted(inputs, image)
    return keras.Model(inputs, image, name="generator")


def _depth_of(shape, depth):
    """Halvings of a U-Net for images of that shape.

    Raises:
        ValueError: If the sides cannot be halved so often.
    """
    height, width = shape[:2]
    if depth is None:
        # The number of times that 2 divides a side is that of its zeros in binary.
        halvings = [(side & -side).bit_length() - 1 for side in (height, width) if side]
        depth = min(MAX_DEPTH, *halvings) if halvings else MAX_DEPTH
    fits = all(side is None or side % (1 << depth) == 0 for side in (height, width))
    if depth < 2 or not fits:
        raise ValueError(
            "Expected: `depth` of at least 2, and images whose sides are multiples of "
            f"2**depth. Received: depth={depth} and {height} x {width}. Resize them, "
            "for instance to a power of two."
        )
    return depth


def unet_generator(
    shape_in,
    channels_out,
    width=64,
    depth=None,
    dropout=True,
    normalization="batch",
    noise=True,
    seed=None,
):
    """Images -> convolutions of stride 2 -> transposed ones -> images.

    Each transposed convolution sees the map of its size on the way down, too. Dropout
    follows those of 8w channels that make 2 x 2 to 16 x 16 maps larger.

    Args:
        shape_in: `(H, W, C)`; sides are multiples of `2**depth`.
        channels_out: Int, channels of the images that come out.
        width: Int, w; doubled at each halving, up to 8w.
        depth: Int, halvings, at least 2; None for as many as both sides allow, at most
            8.
        dropout: Bool.
        normalization: As in `resnet_generator`.
        noise: Bool, whether dropout acts in inference too, as in the paper.
        seed: Optional int, start of the random numbers of dropout.

    Returns:
        A `keras.Model` from `(B, H, W, C)` to `(B, H, W, channels_out)`, both in
        [-1, 1], float32.

    Raises:
        ValueError: If the sides do not fit.
    """
    depth = _depth_of(shape_in, depth)
    parts = Parts(normalization, noise, seed)
    with_dropout = range(max(1, min(4, depth - 2)), depth - 1) if dropout else ()
    filters = [width << min(i, 3) for i in range(depth)]
    x = inputs = keras.Input(shape_in)
    skipped = []
    for i in range(depth):
        name = f"down_{i}"
        if i > 0:
            x = keras_layers.LeakyReLU(0.2)(x)
        x = parts.convolution(x, filters[i], 4, name, strides=2, padding=1)
        if 0 < i < depth - 1:
            x = parts.normalize(x, name)
        skipped.append(x)  # (B, H / 2^(i+1), W / 2^(i+1), filters)
    for i in reversed(range(depth)):
        name = f"up_{i}"
        x = Conv2DTranspose(
            filters[i - 1] if i > 0 else channels_out,
            4,
            strides=2,
            padding="same",
            use_bias=parts.use_bias or i == 0,
            kernel_initializer=normal(),
            name=name,
        )(keras_layers.ReLU()(x))
        if i > 0:
            x = parts.normalize(x, name)
            if i in with_dropout:
                x = parts.dropout(x)
            x = keras_layers.Concatenate()([skipped[i - 1], x])
    return keras.Model(inputs, image_of(x), name="generator")


def patch_discriminator(
    shape, condition_channels=0, width=64, layers=3, normalization="instance"
):
    """Images (and conditions) -> convolutions -> a logit for each patch.

    A logit sees 16, 34, 70, 142 or 286 pixels across for 1 to 5 `layers`, apart from
    what normalization tells it of the rest.

    Args:
        shape: `(H, W, C)`; sides are at least `3 * 2**layers`.
        condition_channels: Int; K > 0 for a second input of K channels and equal size,
            that which an image is a translation of.
        width: Int, w; doubled with each layer, up to 8w.
        layers: Int, convolutions of stride 2; 0 for pix2pix' PixelGAN, whose logits
            each see one pixel.
        normalization: As in `resnet_generator`.

    Returns:
        A `keras.Model` from `(B, H, W, C)`, or `[(B, H, W, C), (B, H, W, K)]`, to
        logits `(B, h, w, 1)`, float32.

    Raises:
        ValueError: If the sides do not fit.
    """
    if not isinstance(layers, int | np.integer) or layers < 0:
        raise ValueError(
            "Expected: `layers`, halvings, as an int of at least 0. Received: "
            f"{layers!r}."
        )
    smallest = 3 << layers if layers else 1
    if any(side is not None and side < smallest for side in shape[:2]):
        raise ValueError(
            f"Expected: images with sides of at least {smallest}, for layers={layers}. "
            f"Received: {shape[0]} x {shape[1]}. Take fewer layers or larger images."
        )
    parts = Parts(normalization)
    activate = keras_layers.LeakyReLU
    x = inputs = keras.Input(shape)
    if condition_channels:
        inputs = [x, keras.Input((*shape[:2], condition_channels))]
        x = keras_layers.Concatenate()([inputs[1], x])  # in the authors' order
    size, padding = (4, 1) if layers else (1, 0)
    x = parts.convolution(
        x, width, size, "conv_0", 2 if layers else 1, padding, use_bias=True
    )
    x = activate(0.2)(x)
    for i in range(1, max(layers, 1) + 1):
        name, strides = f"conv_{i}", 2 if i < layers else 1
        x = parts.convolution(x, width << min(i, 3), size, name, strides, padding)
        x = activate(0.2)(parts.normalize(x, name))
    use_bias = None if layers == 0 else True
    logits = parts.convolution(
        x, 1, size, "logits", 1, padding, use_bias=use_bias, dtype="float32"
    )
    return keras.Model(inputs, logits, name="discriminator")
