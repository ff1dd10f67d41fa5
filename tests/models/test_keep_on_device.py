"""`fit(keep_on_device=True)`: batches are rows of arrays that the device has."""

import keras
import numpy as np
import pytest

import keras_gans as kg
from tests.models.test_lazy_images import conditional as labelled
from tests.models.test_lazy_images import cycle

IMAGES = np.random.default_rng(0).integers(0, 256, (50, 16, 16, 1), "uint8")
POINTS = np.random.default_rng(1).normal(size=(50, 2)).astype("float32")
SMALL = {"hidden_units": 20, "latent_dim": 8, "seed": 1}


def points():
    gan = kg.models.GAN(data_spec=kg.Vectors(2), **SMALL)
    gan.compile()
    return gan, (POINTS,)


def conditional():
    return labelled(), (IMAGES, np.arange(50) % 3)


def unpaired():
    return cycle(), (IMAGES[:20], IMAGES[20:33])


# Two domains cost TensorFlow a minute of tracing, and nothing of it differs there.
MAKERS = [points, conditional]
MAKERS += [unpaired] if keras.config.backend() != "tensorflow" else []


@pytest.mark.parametrize("make", MAKERS)
def test_trains_the_same(make):
    """Also on other data after these, and without it after that."""
    trained = []
    for keep in (True, False):
        keras.utils.set_random_seed(0)
        gan, arrays = make()
        options = {"batch_size": 4, "verbose": 0}
        gan.fit(*arrays, epochs=2, keep_on_device=keep, **options)
        others = [array[:11][::-1] for array in arrays]
        gan.fit(*others, keep_on_device=keep, **options)
        gan.fit(*arrays, keep_on_device=False, **options)
        assert keep == (gan.device_arrays is not None)
        trained.append(gan.get_weights())
    for kept, expected in zip(*trained, strict=True):
        np.testing.assert_array_equal(kept, expected)


def test_data_of_another_kind_after_these():
    trained = []
    for keep in (True, False):
        keras.utils.set_random_seed(0)
        gan, (x,) = points()
        for array in (x, x.astype("float16"), x + 1.0):
            gan.fit(array, batch_size=8, verbose=0, keep_on_device=keep)
        trained.append(gan.get_weights())
    for kept, expected in zip(*trained, strict=True):
        np.testing.assert_array_equal(kept, expected)


def test_arrays_are_let_go_of_and_not_saved(tmp_path):
    gan, (x, y) = conditional()
    seen = []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(gan.device_arrays.is_loaded)
            if len(seen) == 2:
                raise RuntimeError("on purpose")

    def fit():
        gan.fit(x, y, batch_size=8, verbose=0, keep_on_device=True, callbacks=[Look()])

    fit()
    assert seen == [True] and not gan.device_arrays.is_loaded
    with pytest.raises(RuntimeError, match="on purpose"):
        fit()
    assert seen == [True] * 2 and not gan.device_arrays.is_loaded
    gan.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.device_arrays is None
    np.testing.assert_array_equal(loaded.generate(2, seed=0), gan.generate(2, seed=0))


def test_bad_input():
    gan, (x, y) = conditional()
    with pytest.raises(ValueError, match="True, False or \"auto\". Received: 'yes'"):
        gan.fit(x, y, keep_on_device="yes")
    lazy = kg.datasets.LazyImages(x.__getitem__, x.shape)
    with pytest.raises(ValueError, match="arrays, and one device.*LazyImages"):
        gan.fit(lazy, y, keep_on_device=True)
    with pytest.raises(ValueError, match="arrays, and one device.*generator"):
        gan.fit(iter([(x, y)]), keep_on_device=True)
