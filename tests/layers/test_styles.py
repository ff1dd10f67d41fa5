import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend


def numpy(x):
    with backend.no_gradients():
        return np.array(ops.convert_to_numpy(x), "float64")


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def randomize(layer, seed=1):
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))


def convolve_by_hand(x, kernel):
    """One image `(H, W, I)`, zeros outside."""
    size = len(kernel)
    padded = np.pad(x, [(size // 2,) * 2, (size // 2,) * 2, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (0, 1))
    return np.einsum("hwikl,klio->hwo", windows, kernel)


@pytest.mark.parametrize("demodulate", [True, False])
def test_modulated_convolution_is_one_of_scaled_kernels(demodulate):
    layer = kg.layers.ModulatedConv2D(5, 3, demodulate=demodulate, use_bias=True)
    x, w = normal(3, 6, 4, 2), normal(3, 7, seed=1)
    layer([x, w])
    randomize(layer)
    kernel, bias = numpy(layer.kernel), numpy(layer.bias)
    styles = w @ numpy(layer.affine.kernel) / np.sqrt(7) + numpy(layer.affine.bias)
    expected = []
    for image, style in zip(x, styles, strict=True):
        own = kernel * style[:, None]
        if demodulate:
            own = own / np.sqrt((own**2).sum((0, 1, 2)) + 1e-8)
        else:
            own = own / np.sqrt(9 * 2)
        expected.append(convolve_by_hand(image, own) + bias)
    np.testing.assert_allclose(numpy(layer([x, w])), expected, rtol=1e-4, atol=1e-4)


GAINS = {
    "modulated": lambda gain: kg.layers.ModulatedConv2D(5, 3, use_bias=True, gain=gain),
    "modulated_up": lambda gain: kg.layers.ModulatedConv2D(5, 3, up=True, gain=gain),
    "image": lambda gain: kg.layers.ModulatedConv2D(
        3, 1, demodulate=False, use_bias=True, gain=gain
    ),
    "convolution": lambda gain: kg.layers.EqualizedConv2D(5, 3, gain=gain),
    "strides": lambda gain: kg.layers.EqualizedConv2D(
        5, 3, 2, gain, padding="same", activation="relu"
    ),
    "noise": lambda gain: kg.layers.NoiseInjection(use_bias=True, gain=gain),
}


@pytest.mark.parametrize("name", GAINS)
def test_gain(name):
    """What comes out is larger, but for what noise is added to."""
    x, w = normal(3, 6, 6, 2), normal(3, 7, seed=1)
    inputs = [x, w] if name in ("modulated", "modulated_up", "image") else x
    found = []
    for gain in (1.0, 1.5):
        layer = GAINS[name](gain)
        assert type(layer).from_config(layer.get_config()).gain == gain
        layer(inputs)
        randomize(layer)
        found.append(numpy(layer(inputs)))
    given = x if name == "noise" else 0.0
    expected = 1.5 * (found[0] - given) + given
    np.testing.assert_allclose(found[1], expected, rtol=1e-4, atol=1e-4)
    assert np.abs(found[0] - given).max() > 0.1


def test_up_convolution_is_zeros_between_pixels_convolved_and_filtered():
    layer = kg.layers.EqualizedUpConv2D(3, 3)
    x = normal(2, 4, 5, 2)
    layer(x)
    randomize(layer)
    kernel = numpy(layer.kernel) / np.sqrt(9 * 2)
    taps = np.array([1, 3, 3, 1]) / 4.0
    between = np.zeros((2, 8 + 6, 10 + 6, 2))
    between[:, 3:-3:2, 3:-3:2] = x
    turned = kernel[::-1, ::-1]  # a transposed convolution turns its kernel
    wide = np.stack([convolve_by_hand(image, turned) for image in between])
    # Outputs 2 n and 2 n + 1 lie either side of input n: cut of the filtered result.
    filtered = np.apply_along_axis(np.convolve, 1, wide, taps, "valid")
    filtered = np.apply_along_axis(np.convolve, 2, filtered, taps, "valid")
    expected = filtered[:, 1 : 1 + 8, 1 : 1 + 10]
    np.testing.assert_allclose(numpy(layer(x)), expected, rtol=1e-4, atol=1e-4)
    modulated = kg.layers.ModulatedConv2D(3, 3, up=True, demodulate=False)
    ones = np.ones((2, 4), "float32")
    modulated([x, ones])
    modulated.kernel.assign(layer.kernel)
    modulated.affine.kernel.assign(np.zeros((4, 2)))
    np.testing.assert_allclose(numpy(modulated([x, ones])), expected, atol=1e-4)


def test_adain_sets_mean_and_deviation():
    layer = kg.layers.AdaIN()
    x, w = 3.0 + 2.0 * normal(2, 8, 8, 3), normal(2, 4, seed=1)
    layer([x, w])
    randomize(layer)
    affine = w @ numpy(layer.affine.kernel) / 2.0 + numpy(layer.affine.bias)
    y = numpy(layer([x, w]))
    np.testing.assert_allclose(y.mean((1, 2)), affine[:, 3:], atol=1e-4)
    np.testing.assert_allclose(y.std((1, 2)), np.abs(1 + affine[:, :3]), atol=1e-3)


def test_noise_is_drawn_in_training_and_fixed_otherwise():
    layer = kg.layers.NoiseInjection(use_bias=True)
    x = np.zeros((4, 8, 8, 3), "float32")
    assert numpy(layer(x, training=True)).std() == 0, "strength is 0 at first"
    layer.strength.assign(2.0)
    layer.bias.assign([0.0, 1.0, 5.0])
    fixed = numpy(layer(x))
    np.testing.assert_allclose(fixed, numpy(layer(x)))
    np.testing.assert_allclose(fixed[0], fixed[3])
    np.testing.assert_allclose(fixed[..., 2] - 5.0, fixed[..., 0], atol=1e-5)
    drawn = numpy(layer(x, training=True))
    assert np.abs(drawn - numpy(layer(x, training=True))).max() > 0.1
    assert np.abs(drawn[0] - drawn[1]).max() > 0.1
    assert 1.7 < drawn[..., 0].std() < 2.3
    per_channel = kg.layers.NoiseInjection(per_channel=True)
    per_channel(x)
    assert per_channel.strength.shape == (3,)


def test_equalized_layers_scale_their_weights():
    dense = kg.layers.EqualizedDense(300, bias_value=0.5, lr_multiplier=0.01)
    x = normal(64, 400)
    y = numpy(dense(x))
    assert 95 < numpy(dense.kernel).std() < 105 and 0.95 < y.std() < 1.05
    np.testing.assert_allclose(numpy(dense.bias), 50.0)
    assert abs(y.mean() - 0.5) < 0.05
    conv = kg.layers.EqualizedConv2D(64, 3, padding="same")
    y = numpy(conv(normal(2, 16, 16, 32)))
    assert 0.95 < numpy(conv.kernel).std() < 1.05 and 0.9 < y[:, 1:-1, 1:-1].std() < 1.1
    image = normal(1, 6, 6, 32)
    by_hand = convolve_by_hand(image[0], numpy(conv.kernel) / np.sqrt(9 * 32))
    np.testing.assert_allclose(numpy(conv(image))[0], by_hand, atol=1e-4)


def test_activation_and_normalization():
    x = normal(2, 3, 400)
    y = numpy(kg.layers.ScaledLeakyReLU()(x))
    np.testing.assert_allclose(y, np.sqrt(2) * np.where(x > 0, x, 0.2 * x), atol=1e-6)
    y = numpy(kg.layers.PixelNormalization()(5.0 * x))
    np.testing.assert_allclose((y**2).mean(-1), 1.0, atol=1e-5)


def test_constant_and_blur_with_a_margin():
    layer = kg.layers.LearnedConstant((2, 3, 4))
    y = numpy(layer(np.zeros((5, 7), "float32")))
    assert y.shape == (5, 2, 3, 4) and (y[0] == y[4]).all() and y.std() > 0.5
    ones = kg.layers.LearnedConstant((2, 3, 4), "ones")
    assert (numpy(ones(np.zeros((1, 7), "float32"))) == 1).all()
    blur = kg.layers.Blur2D(margin=1)
    x = normal(1, 6, 6, 2)
    assert tuple(blur(x).shape) == (1, 7, 7, 2) == blur.compute_output_shape(x.shape)
    taps = np.array([1, 3, 3, 1]) / 8.0
    by_hand = np.apply_along_axis(np.convolve, 1, x, taps)
    by_hand = np.apply_along_axis(np.convolve, 2, by_hand, taps)[:, 1:-1, 1:-1]
    np.testing.assert_allclose(numpy(blur(x)), by_hand, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "shapes"),
    [
        (kg.layers.ModulatedConv2D(3, 3, up=True), [(4, 4, 2), (5,)]),
        (kg.layers.ModulatedConv2D(3, 1, demodulate=False), [(4, 4, 2), (5,)]),
        (kg.layers.AdaIN(epsilon=1e-5), [(4, 4, 2), (5,)]),
        (kg.layers.NoiseInjection(True, True, seed=3), [(4, 4, 2)]),
        (kg.layers.LearnedConstant((2, 2, 3), "ones"), [(5,)]),
        (kg.layers.EqualizedDense(3, lr_multiplier=0.1), [(5,)]),
        (kg.layers.EqualizedConv2D(3, 3, 2, padding="valid"), [(5, 5, 2)]),
        (kg.layers.EqualizedUpConv2D(3, 3), [(4, 4, 2)]),
        (kg.layers.ScaledLeakyReLU(0.1, 2.0), [(4, 2)]),
        (kg.layers.PixelNormalization(1e-6), [(4, 2)]),
        (kg.layers.Blur2D((1, 2, 1), margin=1), [(4, 4, 2)]),
    ],
    ids=lambda value: value.__class__.__name__,
)
def test_saved_in_a_model_and_shapes_are_known(layer, shapes, tmp_path):
    inputs = [keras.Input(shape) for shape in shapes]
    outputs = layer(inputs if len(inputs) > 1 else inputs[0])
    model = keras.Model(inputs, outputs)
    randomize(layer)
    x = [normal(2, *shape) for shape in shapes]
    y = numpy(model(x))
    assert outputs.shape[1:] == y.shape[1:]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(numpy(again(x)), y, atol=1e-6)


def test_arguments():
    with pytest.raises(ValueError, match="odd int.*Received: 4"):
        kg.layers.ModulatedConv2D(3, 4)
    with pytest.raises(ValueError, match="above 1 with `up`.*Received: 1"):
        kg.layers.ModulatedConv2D(3, 1, up=True)
    with pytest.raises(ValueError, match="at least 3. Received: 1"):
        kg.layers.EqualizedUpConv2D(3, 1)
    with pytest.raises(ValueError, match="above 0. Received: 3 and 0"):
        kg.layers.EqualizedDense(3, lr_multiplier=0)


def test_float16_holds_what_demodulation_takes_out():
    rng = np.random.default_rng(0)
    x = 4.0 * rng.standard_normal((2, 8, 8, 512)).astype("float32")
    w = rng.standard_normal((2, 16)).astype("float32")
    layers = [
        kg.layers.ModulatedConv2D(8, 3, dtype=dtype)
        for dtype in ("float32", "mixed_float16")
    ]
    outputs = []
    for layer in layers:
        layer([x, w])
        layer.set_weights(layers[0].get_weights())
        layer.kernel.assign(100.0 * keras.ops.convert_to_tensor(layer.kernel))
        outputs.append(keras.ops.convert_to_numpy(layer([x, w])).astype("float32"))
        layer.kernel.assign(0.01 * keras.ops.convert_to_tensor(layer.kernel))
    np.testing.assert_allclose(outputs[1], outputs[0], atol=0.01 * outputs[0].std())
