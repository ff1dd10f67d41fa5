import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg


def numpy(x):
    return np.array(ops.convert_to_numpy(x))


def images(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def shuffled(x, r):
    """The definition, number by number."""
    batch, height, width, channels = x.shape
    y = np.zeros((batch, r * height, r * width, channels // r**2), "float32")
    for i in range(r):
        for j in range(r):
            for c in range(y.shape[-1]):
                y[:, i::r, j::r, c] = x[..., c * r * r + i * r + j]
    return y


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_is_the_definition_and_undone(factor):
    x = images((2, 3, 5, 2 * factor**2))
    y = numpy(kg.layers.PixelShuffle(factor)(x))
    np.testing.assert_array_equal(y, shuffled(x, factor))
    np.testing.assert_array_equal(numpy(kg.layers.PixelUnshuffle(factor)(y)), x)


def test_same_as_torch():
    torch = pytest.importorskip("torch")
    x = images((2, 3, 5, 8))
    channels_first = torch.tensor(x.transpose(0, 3, 1, 2))
    y = torch.nn.PixelShuffle(2)(channels_first).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(numpy(kg.layers.PixelShuffle(2)(x)), y)
    x = images((2, 6, 4, 3))
    channels_first = torch.tensor(x.transpose(0, 3, 1, 2))
    y = torch.nn.PixelUnshuffle(2)(channels_first).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(numpy(kg.layers.PixelUnshuffle(2)(x)), y)


def test_is_not_the_order_of_keras():
    """Of one channel it is; of more it would be another network."""
    layer = kg.layers.PixelShuffle(2)
    one, two = images((1, 3, 4, 4)), images((1, 3, 4, 8))
    np.testing.assert_array_equal(numpy(layer(one)), ops.depth_to_space(one, 2))
    layer = kg.layers.PixelShuffle(2)
    assert np.abs(numpy(layer(two)) - numpy(ops.depth_to_space(two, 2))).max() > 1.0


def test_unknown_sides_half_precision_and_saving(tmp_path):
    inputs = keras.Input((None, None, 3))
    x = kg.layers.PixelUnshuffle(2, dtype="mixed_bfloat16")(inputs)
    model = keras.Model(inputs, [x, kg.layers.PixelShuffle(2)(x)])
    assert [y.shape for y in model.outputs] == [
        (None, None, None, 12),
        (None, None, None, 3),
    ]
    assert keras.backend.standardize_dtype(model.outputs[0].dtype) == "bfloat16"
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for sides in ((4, 6), (8, 2)):
        y = images((2, *sides, 3)).round(1)
        half, back = again.predict(y, verbose=0)
        assert half.shape == (2, sides[0] // 2, sides[1] // 2, 12)
        np.testing.assert_allclose(back, y, rtol=1e-2)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="at least 1. Received: 0"):
        kg.layers.PixelShuffle(0)
    with pytest.raises(ValueError, match="multiple of 4. Received: .*6"):
        kg.layers.PixelShuffle(2)(images((1, 4, 4, 6)))
    with pytest.raises(ValueError, match=r"multiples of 2. Received: \(1, 4, 5, 3\)"):
        kg.layers.PixelUnshuffle(2)(images((1, 4, 5, 3)))
