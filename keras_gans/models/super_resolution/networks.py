r"""Networks that enlarge images, and the discriminator that looks at them.

SRResNet, SRGAN's generator (Ledig et al. 2017, "Photo-Realistic Single Image
Super-Resolution Using a Generative Adversarial Network", arXiv:1609.04802, figure 4):

    image -> conv 9x9, PReLU -> residual blocks, conv, batch norm, + -> (conv, pixels of
    channels, PReLU) for each doubling -> conv 9x9;
    block: conv, batch norm, PReLU, conv, batch norm, +

RRDBNet, the generator of ESRGAN (Wang et al. 2018, arXiv:1809.00219, section 3.1) and
Real-ESRGAN (Wang et al. 2021, arXiv:2107.10833, figure 4), without normalization:

    image -> conv -> blocks, conv, + -> (repeated pixels, conv, LeakyReLU) for each
    doubling -> conv, LeakyReLU -> conv;
    block: x + 0.2 d(d(d(x)));  dense block d: x + 0.2 y_5, y_k a 3x3 convolution of x
    and y_1 to y_(k-1), with LeakyReLU but for the last.

All see and make images in [-1, 1], of any sides.

Deviations: SRResNet's authors give it small images in [0, 1]; its output is linear, as
in their figure. Convolutions before a batch normalization have no bias, for which that
makes up. RRDBNet's authors work in [0, 1]: images are converted on their way in and out
(x / 2 + 1 / 2, and 2 y - 1), so that official weights stay as they are; folded into the
first convolution it would differ at the border, where zeros are black there. Outside of
blocks weights start from U(-1, 1) / sqrt(fan_in), PyTorch's default, biases from zero.

B: batch, H, W: sides of the small image, C: channels, s: scale.
"""

from keras import Input
from keras import Model
from keras import initializers
from keras import layers

from keras_gans.layers import BatchNormalization
from keras_gans.layers import Conv2D
from keras_gans.layers import PixelShuffle
from keras_gans.layers import PixelUnshuffle
from keras_gans.layers import ResidualDenseBlock

SLOPE = 0.2  # of LeakyReLU


def _doublings(scale, unshuffle=1):
    """How often features are doubled for a scale.

    Raises:
        ValueError: If one is no power of two.
    """
    if any(not isinstance(n, int) or n < 1 or n & (n - 1) for n in (scale, unshuffle)):
        raise ValueError(
            "Expected: `scale` and `unshuffle` as powers of two, such as 4 and 1. "
            f"Received: {scale!r} and {unshuffle!r}."
        )
    return (scale * unshuffle).bit_length() - 1


def _batch_norm(name):
    return BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)


def srresnet(channels=3, width=64, blocks=16, scale=4):
    """SRGAN's generator (Ledig et al. 2017, arXiv:1609.04802, figure 4).

    Args:
        channels: Int, C.
        width: Int, channels of the features.
        blocks: Int, residual blocks.
        scale: Int, s, a power of two.

    Returns:
        A `keras.Model` from `(B, H, W, C)` to `(B, s H, s W, C)`, both in [-1, 1]
        (the latter about: it is linear), float32.

    Raises:
        ValueError: If the scale is no power of two.

    Example:

    >>> srresnet(width=8, blocks=2)(np.zeros((1, 12, 16, 3), "float32")).shape
    (1, 48, 64, 3)
    """

    def convolution(x, filters, size, name, use_bias=True):
        layer = Conv2D(filters, size, padding="same", use_bias=use_bias, name=name)
        return layer(x)

    def normalized(x, name):
        x = convolution(x, width, 3, f"{name}_conv", use_bias=False)
        return _batch_norm(f"{name}_norm")(x)

    def prelu(x, name):
        start = initializers.Constant(0.25)
        return layers.PReLU(start, shared_axes=[1, 2], name=name)(x)

    doublings = _doublings(scale)
    images = Input((None, None, channels), name="images")
    first = prelu(convolution(images, width, 9, "first_conv"), "first_prelu")
    x = first
    for i in range(blocks):
        y = prelu(normalized(x, f"block_{i}_0"), f"block_{i}_prelu")
        x = layers.Add()([x, normalized(y, f"block_{i}_1")])
    x = layers.Add()([first, normalized(x, "last")])
    for i in range(doublings):
        x = PixelShuffle(2)(convolution(x, 4 * width, 3, f"up_{i}_conv"))
        x = prelu(x, f"up_{i}_prelu")
    x = convolution(x, channels, 9, "to_image")
    x = layers.Activation("linear", dtype="float32")(x)
    return Model(images, x, name="generator")


def rrdb_network(
    channels=3, width=64, growth=32, blocks=23, scale=4, *, unshuffle=None
):
    """ESRGAN's and Real-ESRGAN's generator (arXiv:1809.00219, arXiv:2107.10833).

    The authors have 23 blocks, 6 in the model for drawings. For scales of 2 and 1
    Real-ESRGAN makes channels of 2 x 2 and 4 x 4 pixels first, so that features have a
    quarter of the sides of the result.

    Args:
        channels: Int, C.
        width: Int, channels of the features.
        growth: Int, channels that each convolution of a dense block adds.
        blocks: Int, blocks of three dense blocks.
        scale: Int, s, a power of two.
        unshuffle: Int, a power of two: sides of the pixels that become channels, which
            must divide H and W. Default: 4 / s for scales up to 4, else 1.

    Returns:
        A `keras.Model` from `(B, H, W, C)` to `(B, s H, s W, C)`, both in [-1, 1]
        (the latter about: it is linear), float32.

    Raises:
        ValueError: If `scale` or `unshuffle` is no power of two.

    Example:

    >>> network = rrdb_network(width=8, growth=4, blocks=1, scale=2)
    >>> network(np.zeros((1, 12, 16, 3), "float32")).shape
    (1, 24, 32, 3)
    """
    if unshuffle is None:
        unshuffle = {1: 4, 2: 2}.get(scale, 1)

    def convolution(x, filters, name):
        initializer = initializers.VarianceScaling(1.0 / 3.0, "fan_in", "uniform")
        layer = Conv2D(
            filters, 3, padding="same", kernel_initializer=initializer, name=name
        )
        return layer(x)

    def leaky_relu(x):
        return layers.LeakyReLU(SLOPE)(x)

    doublings = _doublings(scale, unshuffle)
    images = Input((None, None, channels), name="images")
    x = layers.Rescaling(0.5, 0.5, name="from_images")(images)  # to [0, 1]
    if unshuffle > 1:
        x = PixelUnshuffle(unshuffle, name="unshuffle")(x)
    first = x = convolution(x, width, "first")
    for i in range(blocks):
        y = x
        for j in range(1, 4):
            y = ResidualDenseBlock(growth, name=f"block_{i}_dense_{j}")(y)
        x = x + 0.2 * y
    x = first + convolution(x, width, "body")
    for i in range(1, doublings + 1):
        x = layers.UpSampling2D(2, interpolation="nearest")(x)
        x = leaky_relu(convolution(x, width, f"up_{i}"))
    x = leaky_relu(convolution(x, width, "high"))
    x = convolution(x, channels, "last")
    x = layers.Rescaling(2.0, -1.0, dtype="float32", name="to_images")(x)
    return Model(images, x, name="generator")


def srgan_discriminator(shape, width=64):
    """SRGAN's discriminator (Ledig et al. 2017, arXiv:1609.04802, figure 4).

    Eight 3x3 convolutions, every second of stride 2 and, but for the first, with batch
    normalization; channels are doubled after each halving. Then 16 `width` units.

    Args:
        shape: `(H, W, C)` of the large images, sides of at least 16.
        width: Int, channels after the first convolution.

    Returns:
        A `keras.Model` from `(B, H, W, C)` in [-1, 1] to logits `(B, 1)`, float32.

    Raises:
        ValueError: If sides are shorter than 16 or unknown.

    Example:

    >>> srgan_discriminator((96, 96, 3), width=8)(np.zeros((4, 96, 96, 3))).shape
    (4, 1)
    """
    if len(shape) != 3 or any(not side or side < 16 for side in shape[:2]):
        raise ValueError(
            "Expected: `shape` as (height, width, channels) with sides of at least 16 "
            f"pixels. Received: {tuple(shape)}."
        )
    images = x = Input(shape, name="images")
    for i in range(8):
        x = Conv2D(
            width << i // 2,
            3,
            strides=1 + i % 2,
            padding="same",
            use_bias=i == 0,
            name=f"conv_{i}",
        )(x)
        if i > 0:
            x = _batch_norm(f"norm_{i}")(x)
        x = layers.LeakyReLU(SLOPE)(x)
    x = layers.LeakyReLU(SLOPE)(layers.Dense(16 * width)(layers.Flatten()(x)))
    return Model(images, layers.Dense(1, dtype="float32")(x), name="discriminator")
