import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend

SHAPE = (2, 4, 6, 8)
NAMES = ["query", "key", "value", "projection"]


def numpy(x):
    with backend.no_gradients():
        return np.array(ops.convert_to_numpy(x), "float64")


def inputs(shape=SHAPE):
    return np.random.default_rng(3).normal(size=shape).astype("float32")


def make(gamma=0.7, **kwargs):
    layer = kg.layers.SelfAttention(**{"key_ratio": 4} | kwargs)
    layer.build((None, *SHAPE[1:]))
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    layer.gamma.assign(gamma)
    return layer


def kernels(layer):
    """What the convolutions multiply with, as (C, D)."""
    matrices = []
    for name in NAMES:
        conv = getattr(layer, name)
        if not isinstance(conv, kg.layers.SpectralNormalization):
            matrices.append(numpy(conv.kernel)[0, 0])
            continue
        w = numpy(conv.layer.kernel)[0, 0]
        v = w @ numpy(conv.u)
        v /= np.linalg.norm(v)
        matrices.append(w / np.linalg.norm(v @ w))
    return matrices


def by_hand(layer, x):
    """Sample by sample, position by position."""
    query, key, value, projection = kernels(layer)
    y = np.array(x, "float64")
    for b, image in enumerate(np.array(x, "float64")):
        places = [(i, j) for i in range(0, SHAPE[1], 2) for j in range(0, SHAPE[2], 2)]
        keys, values = (
            [(image @ w)[i : i + 2, j : j + 2].max(axis=(0, 1)) for i, j in places]
            for w in (key, value)
        )
        for i in range(SHAPE[1]):
            for j in range(SHAPE[2]):
                products = np.array([image[i, j] @ query @ k for k in keys])
                shares = np.exp(products - products.max())
                shares /= shares.sum()
                seen = sum(s * v for s, v in zip(shares, values, strict=True))
                y[b, i, j] += numpy(layer.gamma) * (seen @ projection)
    return y


@pytest.mark.parametrize("normalized", [True, False])
def test_is_the_attention_written_by_hand(normalized):
    layer, x = make(spectral_normalization=normalized), inputs()
    y = numpy(layer(x))
    assert np.abs(y - x).max() > 0.1
    np.testing.assert_allclose(y, by_hand(layer, x), rtol=1e-4, atol=1e-4)


def test_starts_as_the_identity():
    layer = kg.layers.SelfAttention(value_ratio=4)
    x = inputs()
    np.testing.assert_array_equal(numpy(layer(x, training=True)), x)
    assert layer.gamma.shape == ()
    shapes = {name: getattr(layer, name).layer.kernel.shape for name in NAMES}
    assert {name: tuple(shape) for name, shape in shapes.items()} == {
        "query": (1, 1, 8, 1),
        "key": (1, 1, 8, 1),
        "value": (1, 1, 8, 2),
        "projection": (1, 1, 2, 8),
    }
    assert len(layer.trainable_variables) == 5  # no bias
    assert [v.path.split("/", 1)[1] for v in layer.weights] == [
        "gamma",
        *(f"{name}/{weight}" for name in NAMES for weight in ("u", "conv/kernel")),
    ]
    # Queries and keys start with numbers of their own.
    query, key = (numpy(n.layer.kernel) for n in (layer.query, layer.key))
    assert np.abs(query - key).max() > 0


def test_every_weight_gets_a_gradient_also_of_a_gradient_penalty():
    layer, x = make(), ops.convert_to_tensor(inputs())

    def penalty():
        y, slopes = backend.input_gradients(
            lambda x: ops.sum(ops.square(layer(x)), axis=(1, 2, 3)), x
        )
        return ops.sum(ops.square(slopes)), None

    (value, _), gradients = backend.value_and_grad(penalty, layer.trainable_variables)
    assert np.isfinite(float(value))
    for variable, gradient in zip(layer.trainable_variables, gradients, strict=True):
        assert np.isfinite(numpy(gradient)).all(), variable.path
        assert np.abs(numpy(gradient)).max() > 0, variable.path
    # Against finite differences, in gamma.
    step = 1e-2
    values = []
    for gamma in (0.7 + step, 0.7 - step):
        layer.gamma.assign(gamma)
        values.append(numpy(ops.stop_gradient(penalty()[0])))
    slope = (values[0] - values[1]) / (2 * step)
    np.testing.assert_allclose(numpy(gradients[0]), slope, rtol=0.02)


def test_half_precision_is_close_to_full():
    layer, half = make(), make(dtype="mixed_bfloat16")
    x = inputs()
    y = half(x)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    np.testing.assert_allclose(
        numpy(ops.cast(y, "float32")), numpy(layer(x)), rtol=0.1, atol=0.1
    )


def test_saves_and_loads(tmp_path):
    model = keras.Sequential([keras.Input(SHAPE[1:]), make(kernel_initializer="ones")])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.layers[0].get_config() == model.layers[0].get_config()
    np.testing.assert_array_equal(numpy(again(inputs())), numpy(model(inputs())))
    assert model.output_shape == (None, *SHAPE[1:])


@pytest.mark.parametrize(
    "shape", [(2, 5, 4, 8), (2, 4, 5, 8), (None, None, 4, 8), (2, 4, 8), (2, 4, 4, 7)]
)
def test_refuses_odd_sizes_and_few_channels(shape):
    with pytest.raises(ValueError, match="H and W known and even"):
        kg.layers.SelfAttention().build(shape)


def test_refuses_odd_sizes_when_called_later():
    layer = make()
    with pytest.raises(ValueError, match="H and W known and even"):
        layer(inputs((2, 5, 4, 8)))
    with pytest.raises(ValueError, match="value_ratio"):
        kg.layers.SelfAttention(value_ratio=0)
