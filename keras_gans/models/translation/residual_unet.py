"""A U-Net of residual blocks without normalization, for domains of the same layout.

U-Net: Ronneberger et al. 2015, arXiv:1505.04597: each map of the way up sees the one of
its size on the way down. Residual blocks without normalization, scaled down: Lim et al.
2017 (EDSR), arXiv:1707.02921, section 3.1 and 3.3. Maps are made larger by repeating
pixels before a convolution, against checkerboards: Odena et al. 2016, "Deconvolution
and Checkerboard Artifacts".

What instance normalization does to a flat area depends on the rest of the image, and
transposed convolutions weave checkerboards into it. This network does neither: with
`global_skip` it starts as what gives each image back, and adds what it learned to.

B: batch, H, W: sides, C: channels, w: width.
"""

import keras
from keras import layers as keras_layers

from keras_gans.layers import Conv2D
from keras_gans.models.translation.parts import check_sides
from keras_gans.models.translation.parts import image_of
from keras_gans.models.translation.parts import shifted
from keras_gans.utils.checks import whole_number

RESIDUAL_SCALE = 0.2  # of ESRGAN, Wang et al. 2018, arXiv:1809.00219, section 3.1
BLOCKS = 3


def residual_unet_generator(
    shape_in, channels_out, width=64, blocks=None, *, halvings=2, global_skip=False
):
    """Images -> halvings, each with residual blocks -> doublings -> images.

    Args:
        shape_in: `(H, W, C)`; sides are multiples of `2**halvings`, at least twice
            that.
        channels_out: Int, channels of the images that come out.
        width: Int, w, channels at full size; doubled with each halving.
        blocks: Int, residual blocks after each halving, and after each doubling but
            the last; None for 3.
        halvings: Int >= 1.
        global_skip: Bool, whether the image that comes in is added, and the sum is cut
            off at -1 and 1. It needs as many channels as come out.

    Returns:
        A `keras.Model` from `(B, H, W, C)` to `(B, H, W, channels_out)`, both in
        [-1, 1], float32.

    Raises:
        ValueError: If the sides or the channels do not fit.
    """
    blocks = BLOCKS if blocks is None else whole_number(blocks, "blocks", least=0)
    halvings = check_sides(shape_in, halvings, least=1)

    def convolve(x, filters, name, size=3, strides=1):
        return Conv2D(
            filters,
            size,
            strides=strides,
            padding="same",
            kernel_initializer="he_normal",
            name=name,
        )(x)

    def activate(x):
        return keras_layers.LeakyReLU(0.2)(x)

    def residuals(x, filters, name):
        for i in range(blocks):
            y = activate(convolve(x, filters, f"{name}_block_{i}_0"))
            y = convolve(y, filters, f"{name}_block_{i}_1")
            y = keras_layers.Rescaling(RESIDUAL_SCALE)(y)
            x = keras_layers.Add()([x, y])
        return x

    inputs = keras.Input(shape_in)
    x = activate(convolve(inputs, width, "from_image"))
    skipped = [x]
    for i in range(1, halvings + 1):
        x = activate(convolve(x, width << i, f"down_{i}", 4, 2))
        x = residuals(x, width << i, f"down_{i}")
        skipped.append(x)  # (B, H / 2^i, W / 2^i, w 2^i)
    for i in reversed(range(halvings)):
        filters, name = width << i, f"up_{i}"
        x = keras_layers.UpSampling2D(2)(x)
        x = activate(convolve(x, filters, f"{name}_0"))
        x = keras_layers.Concatenate()([x, skipped[i]])
        x = activate(convolve(x, filters, f"{name}_1"))
        if i > 0:
            x = residuals(x, filters, name)
    x = activate(convolve(x, width, "last"))
    x = Conv2D(
        channels_out,
        3,
        padding="same",
        kernel_initializer="zeros",
        dtype="float32",
        name="to_image",
    )(x)
    image = shifted(inputs, x) if global_skip else image_of(x)
    return keras.Model(inputs, image, name="generator")
