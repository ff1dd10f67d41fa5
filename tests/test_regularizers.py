import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend

RNG = np.random.default_rng(0)


def numpy(x):
    with backend.no_gradients():
        return np.array(ops.convert_to_numpy(x), "float64")


def by_hand(w):
    """Over all pairs of different columns."""
    columns = w.T.astype("float64")
    return sum(
        (columns[i] @ columns[j]) ** 2
        for i in range(len(columns))
        for j in range(len(columns))
        if i != j
    )


@pytest.mark.parametrize(
    ("shape", "axis"), [((6, 4), -1), ((3, 2, 4), -1), ((2, 2, 3, 4), -1)]
)
def test_is_the_sum_over_pairs_of_filters(shape, axis):
    kernel = RNG.normal(size=shape).astype("float32")
    value = kg.regularizers.OrthogonalRegularizer(0.5, axis)(kernel)
    expected = 0.5 * by_hand(kernel.reshape(-1, shape[-1]))
    np.testing.assert_allclose(numpy(value), expected, rtol=1e-5)


def test_axis_of_transposed_convolutions():
    kernel = RNG.normal(size=(2, 2, 3, 4)).astype("float32")
    value = kg.regularizers.OrthogonalRegularizer(1.0, axis=-2)(kernel)
    filters = np.moveaxis(kernel, 2, -1).reshape(-1, 3)
    np.testing.assert_allclose(numpy(value), by_hand(filters), rtol=1e-5)


def test_orthogonal_columns_of_any_norm_cost_nothing():
    q, _ = np.linalg.qr(RNG.normal(size=(6, 4)))
    kernel = (q * [0.1, 1.0, 5.0, 0.0]).astype("float32")
    value = kg.regularizers.OrthogonalRegularizer(1.0)(kernel)
    np.testing.assert_allclose(numpy(value), 0.0, atol=1e-8)


def test_gradient_in_the_losses_of_a_layer():
    """4 beta W (W^T W * (1 - I)), through `layer.losses`."""
    layer = kg.layers.Conv2D(
        4, 2, kernel_regularizer=kg.regularizers.OrthogonalRegularizer(0.1)
    )
    layer.build((None, 4, 4, 3))
    w = RNG.normal(size=(12, 4))
    layer.kernel.assign(w.reshape(2, 2, 3, 4))
    (_, _), (gradient,) = backend.value_and_grad(
        lambda: (sum(layer.losses), None), [layer.kernel]
    )
    expected = 0.4 * w @ (w.T @ w * (1 - np.eye(4)))
    np.testing.assert_allclose(numpy(gradient).reshape(12, 4), expected, rtol=1e-4)


def test_behind_spectral_normalization_it_sees_the_kernel_itself():
    regularizer = kg.regularizers.OrthogonalRegularizer(0.1)
    dense = keras.layers.Dense(4, kernel_regularizer=regularizer)
    layer = kg.layers.SpectralNormalization(dense)
    layer.build((None, 6))
    (loss,) = layer.losses
    expected = 0.1 * by_hand(numpy(dense.kernel))
    np.testing.assert_allclose(numpy(loss), expected, rtol=1e-4)


def test_comes_back_from_a_config_and_half_precision():
    regularizer = kg.regularizers.OrthogonalRegularizer(0.25, axis=-2)
    again = keras.regularizers.get(keras.regularizers.serialize(regularizer))
    assert type(again) is kg.regularizers.OrthogonalRegularizer
    assert again.get_config() == {"beta": 0.25, "axis": -2}
    value = again(ops.ones((2, 2), "bfloat16"))
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    np.testing.assert_allclose(numpy(value), 0.25 * 8)


def test_refuses_what_it_cannot_regularize():
    with pytest.raises(ValueError, match="beta"):
        kg.regularizers.OrthogonalRegularizer(-1.0)
    with pytest.raises(ValueError, match="two or more axes"):
        kg.regularizers.OrthogonalRegularizer()(np.ones(3, "float32"))
