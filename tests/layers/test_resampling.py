import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend
from keras_gans.layers.resampling import upfirdn

LAYERS = [kg.layers.FIRUpSampling2D, kg.layers.FIRDownSampling2D, kg.layers.Blur2D]


def numpy(x):
    with backend.no_gradients():
        return np.array(ops.convert_to_numpy(x), "float64")


def images(shape=(2, 6, 10, 3), seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def by_hand(x, taps, up, down, padding):
    """The definition, number by number."""
    for axis in (1, 2):
        x = np.moveaxis(np.array(x, "float64"), axis, 0)
        length = up * len(x) + sum(padding)

        def sample(i, x=x):
            return x[i // up] if i % up == 0 and 0 <= i < up * len(x) else 0.0 * x[0]

        x = np.stack(
            [
                sum(
                    tap * sample(down * n + k - padding[0])
                    for k, tap in enumerate(taps)
                )
                for n in range((length - len(taps)) // down + 1)
            ]
        )
        x = np.moveaxis(x, 0, axis)
    return x


@pytest.mark.parametrize("taps", [(1.0, 3.0, 3.0, 1.0), (2.0, -1.0, 0.5), (3.0,)])
@pytest.mark.parametrize(("up", "down"), [(1, 1), (2, 1), (1, 2), (3, 2), (2, 2)])
@pytest.mark.parametrize("padding", [(0, 0), (2, 1), (-1, 3), (1, -2)])
def test_is_the_definition(taps, up, down, padding):
    y = numpy(upfirdn(images(), taps, up, down, padding))
    expected = by_hand(images(), taps, up, down, padding)
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_nothing_left_or_unknown_sides():
    with pytest.raises(ValueError, match="at least 4 samples.*Received: 3"):
        upfirdn(images((1, 3, 3, 1)), (1.0, 3.0, 3.0, 1.0))
    with pytest.raises(ValueError, match="known sides"):
        upfirdn(keras.KerasTensor((None, None, 4, 3)), (1.0,))


def test_up_of_stylegan2():
    y = numpy(kg.layers.FIRUpSampling2D()(images((1, 4, 4, 1))))[0, :, :, 0]
    x = images((1, 4, 4, 1))[0, :, :, 0]
    # Of a new pixel in the middle: 9/16 of the nearest, 3/16, 3/16 and 1/16.
    expected = (9 * x[1, 1] + 3 * x[0, 1] + 3 * x[1, 0] + x[0, 0]) / 16
    assert y[2, 2] == pytest.approx(expected, rel=1e-5)
    expected = (9 * x[1, 2] + 3 * x[2, 2] + 3 * x[1, 1] + x[2, 1]) / 16
    assert y[3, 4] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("cls", LAYERS)
@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 2, 1), (1, 1)])
def test_keeps_constants_away_from_the_border(cls, taps):
    layer = cls(taps)
    y = numpy(layer(np.full((1, 12, 16, 2), 3.0, "float32")))
    assert y.shape == layer.compute_output_shape((1, 12, 16, 2))
    np.testing.assert_allclose(y[:, 2:-2, 2:-2], 3.0, rtol=1e-5)


def test_down_is_the_transpose_of_up():
    """<up(x), y> = 4 <x, down(y)>, by which their gradients are each other."""
    x, y = images((1, 4, 6, 2)), images((1, 8, 12, 2), 1)
    up = numpy(kg.layers.FIRUpSampling2D()(x))
    down = numpy(kg.layers.FIRDownSampling2D()(y))
    assert (up * y).sum() == pytest.approx(4 * (x * down).sum(), rel=1e-5)


@pytest.mark.parametrize("cls", LAYERS)
def test_gradients_also_of_a_gradient(cls):
    layer = cls()
    scale = keras.Variable(np.float32(0.7))

    def penalty():
        _, slopes = backend.input_gradients(
            lambda x: ops.sum(ops.square(layer(scale * x)), axis=(1, 2, 3)),
            ops.convert_to_tensor(images()),
        )
        return ops.sum(ops.square(slopes)), slopes

    (_, slopes), (gradient,) = backend.value_and_grad(penalty, [scale])
    # The slopes are scale^2 times something, so their squares are scale^4.
    squares = np.square(numpy(slopes)).sum()
    assert squares > 0
    assert numpy(gradient) == pytest.approx(4 * squares / 0.7, rel=1e-4)


def slopes_of(taps, up, down, padding, x, weights):
    """The gradient of sum(weights * upfirdn(x)), and that of its square's sum.

    The second with respect to a factor of x, whose square the function is of.
    """
    scale = keras.Variable(np.float32(0.7))
    factors = ops.convert_to_tensor(weights)

    def penalty():
        def value(x):
            y = upfirdn(scale * x, taps, up, down, padding)
            return ops.sum(ops.square(y) * factors, axis=(1, 2, 3))

        _, slopes = backend.input_gradients(value, ops.convert_to_tensor(x))
        return ops.sum(ops.square(slopes)), slopes

    (_, slopes), (gradient,) = backend.value_and_grad(penalty, [scale])
    return numpy(slopes), float(numpy(gradient))


def expected_slopes(taps, up, down, padding, x, weights):
    """The same by the definition: it is linear, so each pixel's share is its image."""
    y = 0.7 * by_hand(x, taps, up, down, padding)
    slopes = np.zeros_like(x, "float64")
    for place in np.ndindex(*x.shape[1:3]):
        one = np.zeros((1, *x.shape[1:3], 1))
        one[0, *place, 0] = 1.0
        share = by_hand(one, taps, up, down, padding)
        slopes[:, *place] = (2 * 0.7 * weights * y * share).sum(axis=(1, 2))
    return slopes, 4 * np.square(slopes).sum() / 0.7


@pytest.mark.parametrize(
    ("taps", "up", "down", "padding"),
    [
        ((1.0, 3.0, 3.0, 1.0), 2, 1, (2, 1)),
        ((1.0, 3.0, 3.0, 1.0), 1, 2, (1, 1)),
        ((1.0, 3.0, 2.0, -1.0), 1, 2, (0, 0)),  # a last row and column is not read
        ((2.0, -1.0, 0.5), 1, 1, (1, 1)),
        ((2.0, -1.0, 0.5), 1, 1, (-1, 3)),
        ((2.0, -1.0, 0.5), 3, 2, (2, 1)),
        ((2.0, -1.0, 0.5), 1, 3, (1, -2)),
    ],
)
def test_gradients_are_of_the_definition(taps, up, down, padding):
    x, given = images((2, 5, 8, 2)), (taps, up, down, padding)
    weights = images(by_hand(x, *given).shape, 1)
    received, expected = (f(*given, x, weights) for f in (slopes_of, expected_slopes))
    np.testing.assert_allclose(received[0], expected[0], rtol=1e-4, atol=1e-4)
    assert received[1] == pytest.approx(expected[1], rel=1e-4)


def test_long_sides():
    """Another way than of short ones."""
    taps, x = (1.0, 3.0, 2.0, -1.0), images((1, 66, 4, 1))
    given = (taps, 2, 1, (2, 1))
    y = by_hand(x, *given)
    np.testing.assert_allclose(numpy(upfirdn(x, *given)), y, rtol=1e-5, atol=1e-5)
    weights = images(y.shape, 1)
    received, expected = (f(*given, x, weights) for f in (slopes_of, expected_slopes))
    np.testing.assert_allclose(received[0], expected[0], rtol=1e-4, atol=1e-4)
    assert received[1] == pytest.approx(expected[1], rel=1e-4)


def test_half_precision_config_and_arguments(tmp_path):
    for cls in LAYERS:
        layer = cls((1, 2, 1), dtype="mixed_bfloat16")
        assert keras.backend.standardize_dtype(layer(images()).dtype) == "bfloat16"
        again = cls.from_config(layer.get_config())
        assert again.taps == (1.0, 2.0, 1.0)
    with pytest.raises(ValueError, match="sum other than 0"):
        kg.layers.Blur2D((1, -1))
    model = keras.Sequential([keras.Input((4, 4, 1)), kg.layers.FIRUpSampling2D()])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = images((1, 4, 4, 1))
    np.testing.assert_array_equal(numpy(loaded(x)), numpy(model(x)))
