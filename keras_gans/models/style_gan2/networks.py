"""The networks of StyleGAN2: Karras et al. 2020, arXiv:1912.04958.

B: batch, L: layers that take a style, S: style size, h, w: size of the smallest
features, which doubles from stage to stage.
"""

import math

import keras
from keras import layers

from keras_gans.layers import Blur2D
from keras_gans.layers import EqualizedConv2D
from keras_gans.layers import EqualizedDense
from keras_gans.layers import FIRDownSampling2D
from keras_gans.layers import FIRUpSampling2D
from keras_gans.layers import LearnedConstant
from keras_gans.layers import MinibatchStandardDeviation
from keras_gans.layers import ModulatedConv2D
from keras_gans.layers import NoiseInjection
from keras_gans.layers import ScaledLeakyReLU
from keras_gans.layers.equalized import SQRT_2
from keras_gans.models.dcgan.dcgan import halvings
from keras_gans.models.sn_gan.sn_gan import inputs_of
from keras_gans.models.style import SYNTHESIS
from keras_gans.models.style import mapping_network

ARCHITECTURES = ("orig", "skip", "resnet")


def stages_of(image_shape, channel_base, channel_max):
    """The size of the smallest features, and the channels of each stage from there.

    Args:
        image_shape: `(H, W, C)`.
        channel_base: Int; at a resolution of r, which is 4 in the first stage and
            doubles, there are channel_base / r channels,
        channel_max: Int, but no more than these.

    Returns:
        `(h, w)`, and a list of ints.

    Raises:
        ValueError: If the sides cannot be halved down to 4 to 7 pixels.
    """
    count = halvings(*image_shape[:2])
    size = tuple(side >> count for side in image_shape[:2])
    if min(size) >= 8:
        raise ValueError(
            "Expected: sides that can be halved until the smaller one has 4 to 7 "
            "pixels, such as 32, 64, 256 or 64 x 128. Received: "
            f"{image_shape[0]} x {image_shape[1]}. Resize the images, for instance "
            "with `image_size=64`."
        )
    resolutions = [4 << i for i in range(count + 1)]
    channels = [min(channel_base // r, channel_max) for r in resolutions]
    if min(channels) < 1:
        raise ValueError(
            "Expected: a `channel_base` of at least the resolution of the images, "
            f"{resolutions[-1]}. Received: {channel_base}."
        )
    return size, channels


def style_gan2_synthesis(image_shape, style_dim, channel_base, channel_max):
    """Styles -> modulated convolutions, images of all sizes added up ("skip").

    Args:
        image_shape: `(H, W, C)`; sides as in `stages_of`.
        style_dim: Int, S.
        channel_base: Int, see `stages_of`.
        channel_max: Int, see `stages_of`.

    Returns:
        A `keras.Model` from `(B, L, S)` to `(B, H, W, C)`, float32, not bounded.
    """
    size, channels = stages_of(image_shape, channel_base, channel_max)
    num_styles = 2 * len(channels)  # 1, then 2 a stage; and the last image's
    ws = keras.Input((num_styles, style_dim))
    style = [ws[:, i] for i in range(num_styles)]
    used = 0

    def convolution(x, filters, name, up=False):
        nonlocal used
        # The activation's gain goes into what precedes it, which saves a pass.
        layer = ModulatedConv2D(filters, 3, up=up, gain=SQRT_2, name=name)
        x = layer([x, style[used]])
        used += 1
        x = NoiseInjection(use_bias=True, gain=SQRT_2, name=f"{name}_noise")(x)
        return layers.LeakyReLU(0.2, name=f"{name}_activation")(x)

    x = LearnedConstant((*size, channels[0]), name="constant")(style[0])
    x = convolution(x, channels[0], "stage_0_conv_1")
    image = _to_image(x, style[used], image_shape[-1], "stage_0_image")
    for i, filters in enumerate(channels[1:], 1):
        x = convolution(x, filters, f"stage_{i}_conv_0", up=True)
        x = convolution(x, filters, f"stage_{i}_conv_1")
        image = FIRUpSampling2D(dtype="float32", name=f"stage_{i}_image_up")(image)
        own = _to_image(x, style[used], image_shape[-1], f"stage_{i}_image")
        image = layers.Add(dtype="float32", name=f"stage_{i}_image_sum")([image, own])
    image = layers.Activation("linear", dtype="float32", name="images")(image)
    return keras.Model(ws, image, name=SYNTHESIS)


def _to_image(x, style, channels, name):
    """The image that features of a stage make, by 1 x 1 without demodulation."""
    layer = ModulatedConv2D(channels, 1, demodulate=False, use_bias=True, name=name)
    return layer([x, style])


def convolve(x, filters, size, name, down=False, gain=SQRT_2):
    """An equalized convolution with bias and leaky ReLU, halving if asked.

    Args:
        x: Features `(B, H, W, C)`.
        filters: Int.
        size: Int, side of the kernel.
        name: Prefix of the layers' names.
        down: Whether sides are halved, after a low-pass filter.
        gain: Float > 0, of the activation; it goes into the convolution, as leaky ReLU
            lets factors through.

    Returns:
        Features.
    """
    if down:
        x = Blur2D(margin=1, name=f"{name}_blur")(x)
        x = EqualizedConv2D(filters, size, 2, gain, padding="valid", name=name)(x)
    else:
        x = EqualizedConv2D(filters, size, 1, gain, padding="same", name=name)(x)
    return layers.LeakyReLU(0.2, name=f"{name}_activation")(x)


def style_gan2_discriminator(
    image_shape,
    condition_size=None,
    channel_base=32768,
    channel_max=512,
    architecture="resnet",
    group_size=4,
    mapping_depth=8,
):
    """Images (and condition) -> stages of two convolutions -> logit.

    Args:
        image_shape: `(H, W, C)`; sides as in `stages_of`.
        condition_size: Optional int, K: the logit is then the product of features and
            the mapped condition.
        channel_base: Int, see `stages_of`.
        channel_max: Int, see `stages_of`.
        architecture: "orig", "skip" (smaller images join at each stage) or "resnet".
        group_size: Int, of `MinibatchStandardDeviation`.
        mapping_depth: Int, of the condition's mapping network.

    Returns:
        A `keras.Model` from `(B, H, W, C)`, or `[(B, H, W, C), (B, K)]`, to `(B, 1)`,
        float32.
    """
    _, channels = stages_of(image_shape, channel_base, channel_max)
    inputs, condition = inputs_of(image_shape, condition_size)
    image = inputs[0]
    x = convolve(image, channels[-1], 1, "from_image")
    for i in reversed(range(1, len(channels))):
        name, before = f"stage_{i}", x
        gain = 1.0 if architecture == "resnet" else SQRT_2
        x = convolve(x, channels[i], 3, f"{name}_conv_0")
        x = convolve(x, channels[i - 1], 3, f"{name}_conv_1", down=True, gain=gain)
        if architecture == "resnet":
            # Both branches have half of the variance: x / sqrt(2) + y / sqrt(2).
            skip = FIRDownSampling2D(name=f"{name}_skip_down")(before)
            skip = EqualizedConv2D(
                channels[i - 1],
                1,
                gain=math.sqrt(0.5),
                use_bias=False,
                name=f"{name}_skip",
            )(skip)
            # Nothing happens here: saved weights go by the order of layers, which has
            # always had one more in this branch.
            skip = layers.Identity(name=f"{name}_skip_scale")(skip)
            x = layers.Add(name=f"{name}_sum")([skip, x])
        elif architecture == "skip":
            image = FIRDownSampling2D(name=f"{name}_image_down")(image)
            own = convolve(image, channels[i - 1], 1, f"{name}_from_image")
            x = layers.Add(name=f"{name}_sum")([x, own])
    x = MinibatchStandardDeviation(group_size, name="minibatch")(x)
    x = convolve(x, channels[0], 3, "last_conv")
    x = EqualizedDense(channels[0], name="last_dense")(layers.Flatten()(x))
    x = ScaledLeakyReLU(name="last_dense_activation")(x)
    if condition is None:
        logits = EqualizedDense(1, dtype="float32", name="logit")(x)
    else:
        features = EqualizedDense(channels[0], dtype="float32", name="features")(x)
        mapping = mapping_network(
            0, condition_size, channels[0], mapping_depth, name="condition_mapping"
        )
        product = layers.Dot(axes=1, dtype="float32")([features, mapping(condition)])
        logits = layers.Rescaling(channels[0] ** -0.5, dtype="float32")(product)
    return keras.Model(
        inputs if len(inputs) > 1 else inputs[0], logits, name="discriminator"
    )
