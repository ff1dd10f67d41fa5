import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend

SIZES = {"image_shape": (16, 16, 1), "noise_dim": 4, "width": 2, "seed": 0}


def make(**kwargs):
    return kg.models.InfoGAN(
        **SIZES | {"categorical": (3, 2), "continuous": 2} | kwargs
    )


def test_latents_are_noise_and_codes():
    gan = make()
    assert gan.latent_dim == 4 + 3 + 2 + 2
    with backend.no_gradients():
        drawn = np.asarray(ops.convert_to_numpy(gan.draw_latents(500)))
    for latents in (drawn, gan.sample_latents(500, seed=0)):
        assert np.abs(latents).max() <= 1.0
        for begin, size in ((4, 3), (7, 2)):
            codes = latents[:, begin : begin + size]
            assert set(np.unique(codes)) == {0.0, 1.0}
            np.testing.assert_array_equal(codes.sum(axis=1), 1.0)
            assert np.abs(codes.mean(axis=0) - 1 / size).max() < 0.1
        assert np.abs(latents[:, 9:].std(axis=0) - 3**-0.5).max() < 0.06


def test_codes_that_are_asked_for():
    gan = make()
    latents = gan.sample_latents(
        3, seed=0, categorical=[[0, 1], [1, 0], [2, 1]], continuous=[[0.5, -0.5]] * 3
    )
    np.testing.assert_array_equal(latents[:, 4:7], np.eye(3))
    np.testing.assert_array_equal(latents[:, 7:9], np.eye(2)[[1, 0, 1]])
    np.testing.assert_array_equal(latents[:, 9:], [[0.5, -0.5]] * 3)
    one = make(categorical=(3,), continuous=0)
    np.testing.assert_array_equal(
        one.sample_latents(3, categorical=[2, 1, 0])[:, 4:], np.eye(3)[::-1]
    )
    with pytest.raises(ValueError, match="below.*3, 2"):
        gan.sample_latents(2, categorical=[[3, 0], [0, 0]])
    with pytest.raises(ValueError, match="shape \\(2, 2\\).*Received: \\(3, 1\\)"):
        gan.sample_latents(2, categorical=[0, 1, 2])


def test_information_is_the_log_likelihood_of_the_codes():
    gan = make(categorical=(2,), continuous=1)
    latents = np.zeros((1, gan.latent_dim), "float32")
    latents[0, 5], latents[0, 6] = 1.0, 0.5  # the second value; 0.5
    outputs = {
        "categorical": np.log([[0.25, 0.75]]).astype("float32"),
        "continuous": np.array([[0.1]], "float32"),
    }
    found = gan._info(outputs, ops.convert_to_tensor(latents))
    expected = -np.log(0.75) + (0.5 - 0.1) ** 2 / 2
    assert float(ops.convert_to_numpy(found)[0]) == pytest.approx(expected, rel=1e-5)


def test_codes_are_inferred():
    gan = make()
    images = np.zeros((5, 16, 16, 1), "uint8")
    found = gan.infer_codes(images)
    assert found["categorical"].shape == found["continuous"].shape == (5, 2)
    assert (found["categorical"] < [3, 2]).all()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"categorical": (), "continuous": 0}, "at least one code"),
        ({"categorical": (1,)}, "at least 2 values"),
        ({"info_weight": -1.0}, "info_weight.*-1.0"),
        ({"image_shape": (18, 16, 1)}, "multiples of 4.*18 x 16"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        make(**kwargs)
