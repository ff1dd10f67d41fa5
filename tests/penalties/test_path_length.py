import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from tests.gan_test_case import to_numpy
from tests.golden_case import numpy_random


def test_of_a_linear_generator():
    """Images A w: the gradient of sum(A w * y) is A^T y, in every layer's style."""
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((3, 5, 4 * 4 * 2)).astype("float32")
    styles = rng.standard_normal((6, 3, 5)).astype("float32")

    def generator(ws):
        images = ops.einsum("bls,lsp->bp", ws, ops.convert_to_tensor(matrix))
        return ops.reshape(images, (-1, 4, 4, 2))

    penalty = kg.penalties.PathLength(decay=0.5)
    penalty.build()
    with numpy_random():
        noise = to_numpy([keras.random.normal((6, 4, 4, 2))])[0].reshape(6, -1) / 4.0
        tensor = ops.convert_to_tensor(styles)
        lengths = penalty.of_generator(generator, tensor, 0)
        values = to_numpy([penalty.of_measured(lengths)])[0]
    gradients = np.einsum("lsp,bp->bls", matrix, noise)
    lengths = np.sqrt((gradients**2).sum(2).mean(1))
    average = 0.5 * lengths.mean()
    np.testing.assert_allclose(values, (lengths - average) ** 2, rtol=1e-4)
    np.testing.assert_allclose(to_numpy(penalty.variables)[0], average, rtol=1e-4)


def test_of_latents_in_training():
    """A generator without styles is regularized with respect to its latents."""
    keras.utils.set_random_seed(0)
    gan = kg.models.GAN((8, 8, 1), latent_dim=4, hidden_units=8, seed=0)
    gan.compile(penalties=[kg.penalties.PathLength(every=2, batch_shrink=3)])
    x = np.random.default_rng(0).integers(0, 256, (32, 8, 8, 1), "uint8")
    history = gan.fit(x, batch_size=8, epochs=2, verbose=0).history
    assert np.isfinite(history["path_length"]).all()
    assert history["path_length"][0] > 0
    (average,) = to_numpy(gan.penalties[0].variables)
    assert average > 0, "moves within the branch that is due"
    config = gan.get_compile_config()["penalties"][0]["config"]
    assert config == {"weight": 2.0, "every": 2, "decay": 0.01, "batch_shrink": 3}


def test_arguments():
    with pytest.raises(ValueError, match="`decay`"):
        kg.penalties.PathLength(decay=0.0)
    with pytest.raises(ValueError, match="`batch_shrink`"):
        kg.penalties.PathLength(batch_shrink=0)
