"""Networks for any size; their numbers are the same on all backends.

`python -m tests.models.super_resolution.test_networks` writes the golden file anew.
"""

import keras
import numpy as np
import pytest

from keras_gans.models.super_resolution import rrdb_network
from keras_gans.models.super_resolution import srgan_discriminator
from keras_gans.models.super_resolution import srresnet

GOLDEN = "tests/golden/super_resolution_networks.npz"
NETWORKS = {
    "srresnet": lambda: srresnet(width=6, blocks=2),
    "srresnet_x2": lambda: srresnet(channels=1, width=4, blocks=1, scale=2),
    "rrdb_x8": lambda: rrdb_network(width=4, growth=2, blocks=1, scale=8),
    "discriminator": lambda: srgan_discriminator((16, 20, 3), width=4),
}


def compute(name):
    network = NETWORKS[name]()
    rng = np.random.default_rng(0)
    for weight in network.weights:
        rest = int(np.prod(weight.shape[:-1]))
        value = rng.normal(0.0, 1.0 / np.sqrt(rest), weight.shape)
        if weight.name in ("gamma", "moving_variance"):
            value = 1.0 + np.abs(value)
        weight.assign(value.astype("float32"))
    sides = (16, 20) if name == "discriminator" else (3, 4)
    x = rng.uniform(-1, 1, (1, *sides, network.input_shape[-1])).astype("float32")
    return network.predict_on_batch(x)


@pytest.mark.parametrize("name", NETWORKS)
def test_same_on_all_backends(name):
    with np.load(GOLDEN) as file:
        np.testing.assert_allclose(compute(name), file[name], rtol=1e-4, atol=1e-4)


def test_sizes():
    network = srresnet(width=4, blocks=1, scale=4)
    assert network.output_shape == (None, None, None, 3)
    for sides in ((7, 9), (4, 5)):
        y = network.predict_on_batch(np.zeros((1, *sides, 3), "float32"))
        assert y.shape == (1, 4 * sides[0], 4 * sides[1], 3) and y.dtype == "float32"
    network = rrdb_network(width=4, growth=2, blocks=1, scale=1)
    assert network.compute_output_shape((None, 8, 12, 3)) == (None, 8, 12, 3)
    assert network.get_layer("first").kernel.shape == (3, 3, 48, 4)


def test_papers_sizes():
    """Numbers of weights: the authors' generators have 16.70 and 4.47 million."""
    assert rrdb_network(blocks=6).count_params() == 4_467_779
    network = srresnet(blocks=1)
    # A slope for each channel, not for each place of it.
    assert network.get_layer("block_0_prelu").alpha.shape == (1, 1, 64)
    block = 2 * (9 * 64 * 64 + 4 * 64) + 64
    assert network.count_params() == 1_552_771 - 15 * block


def test_new_blocks_change_little():
    """Weights start at a tenth of He's: what is added is small."""
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 16)).astype("float32")
    network = rrdb_network(width=16, growth=8, blocks=1)
    block = network.get_layer("block_0_dense_1")
    y = keras.ops.convert_to_numpy(block(x))
    assert 0.0 < np.abs(y - x).max() < 0.1
    kernel = keras.ops.convert_to_numpy(block.convolutions[-1].kernel)
    assert kernel.std() == pytest.approx(0.1 * np.sqrt(2 / (9 * 48)), rel=0.05)


def test_half_precision_and_saving(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = rrdb_network(width=4, growth=2, blocks=1, scale=2)
    finally:
        keras.config.set_dtype_policy("float32")
    x = np.linspace(-1, 1, 4 * 4 * 3, dtype="float32").reshape(1, 4, 4, 3)
    y = network.predict_on_batch(x)
    assert y.dtype == "float32" and np.isfinite(y).all()
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again.predict_on_batch(x), y)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="powers of two.*Received: 3 and 1"):
        srresnet(scale=3)
    with pytest.raises(ValueError, match="Received: 2.5 and 1"):
        rrdb_network(scale=2.5)
    with pytest.raises(ValueError, match="Received: 4 and 3"):
        rrdb_network(unshuffle=3)
    with pytest.raises(ValueError, match="`growth` as an int.*Received: 0"):
        rrdb_network(growth=0)
    for shape in ((None, None, 3), (15, 32, 3)):
        with pytest.raises(ValueError, match="at least 16 pixels. Received"):
            srgan_discriminator(shape)


if __name__ == "__main__":
    np.savez_compressed(GOLDEN, **{name: compute(name) for name in NETWORKS})
