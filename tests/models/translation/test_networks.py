import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend
from keras_gans.models.translation.networks import patch_discriminator
from keras_gans.models.translation.networks import resnet_generator
from keras_gans.models.translation.networks import unet_generator
from keras_gans.models.translation.residual_unet import residual_unet_generator


def numpy(x):
    with backend.no_gradients():
        return np.array(ops.convert_to_numpy(x))


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize(
    ("make", "count"),
    [
        # Of the authors' code: resnet_9blocks; the 70 x 70 discriminator of CycleGAN
        # and of pix2pix; the one of single pixels.
        (lambda: resnet_generator((256, 256, 3), 3), 11_378_179),
        (lambda: patch_discriminator((256, 256, 3)), 2_764_737),
        (lambda: patch_discriminator((64, 64, 3), 3, normalization="batch"), 2_768_705),
        (lambda: patch_discriminator((8, 8, 3), layers=1), 136_385),
        (lambda: patch_discriminator((8, 8, 3), layers=0), 8_705),
        (lambda: patch_discriminator((8, 8, 1), 5, 64, 0, "batch"), 9_024),
    ],
)
def test_parameters_are_those_of_the_authors(make, count):
    assert parameters(make()) == count


def parameters(network):
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


@pytest.mark.parametrize(
    ("side", "normalization", "count"),
    [
        (256, "batch", 54_413_955),
        (256, "instance", 54_409_603),
        (128, "batch", 41_828_995),
    ],
)
def test_parameters_of_u_nets_are_those_of_the_authors(side, normalization, count):
    """At width 64; they are a polynomial of degree 2 in the width."""
    widths = [1, 2, 3]
    counts = [
        parameters(unet_generator((side, side, 3), 3, w, normalization=normalization))
        for w in widths
    ]
    assert round(np.polyval(np.polyfit(widths, counts, 2), 64)) == count


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda shape: resnet_generator(shape, 2, width=2, blocks=1), (8, 12, 3)),
        (lambda shape: resnet_generator(shape, 2, 2, 1, True, "batch"), (12, 8, 1)),
        (lambda shape: unet_generator(shape, 2, width=2), (32, 32, 3)),
        (lambda shape: unet_generator(shape, 2, width=2), (24, 40, 1)),
        (lambda shape: unet_generator(shape, 2, 2, 2, False, "instance"), (12, 8, 1)),
    ],
)
def test_generators(make, shape, tmp_path):
    network = make(shape)
    x = np.tanh(normal(2, *shape))
    images = network.predict_on_batch(x)
    assert images.shape == (2, *shape[:2], 2) and np.abs(images).max() < 1
    gradients = gradients_of(network, x)
    assert all(np.isfinite(g).all() for g in gradients)
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    for one in (network, again):  # numbers of dropout are not saved with a network
        for layer in one.layers:
            if isinstance(layer, kg.layers.PermanentDropout):
                layer.seed_generator.state.assign([3, 0])
    found, expected = (one.predict_on_batch(x) for one in (again, network))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def gradients_of(network, x):
    """Compiled, as JAX takes long for so many operations one by one."""

    def fn(inputs):
        return backend.value_and_grad(
            lambda: (
                ops.mean(ops.square(network(inputs["x"], training=True) - 0.5)),
                None,
            ),
            network.trainable_variables,
        )[1]

    return [numpy(g) for g in backend.compiled(fn, network.variables)({"x": x})]


def test_blocks_follow_the_size():
    for side, blocks in ((128, 6), (132, 9)):
        names = [x.name for x in resnet_generator((8, side, 1), 1, width=1).layers]
        assert f"block_{blocks - 1}_1" in names and f"block_{blocks}_0" not in names


@pytest.mark.parametrize("halvings", [0, 1, 3])
def test_halvings_of_a_resnet(halvings):
    network = resnet_generator((16, 24, 1), 1, width=2, blocks=1, halvings=halvings)
    middle = network.get_layer("block_0_0").output.shape
    assert middle == (None, 16 >> halvings, 24 >> halvings, 2 << halvings)
    x = normal(1, 16, 24, 1)
    assert network.predict_on_batch(x).shape == x.shape


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize(
    "make, of_bias", [(resnet_generator, np.tanh), (residual_unet_generator, float)]
)
def test_global_skip_adds_to_the_image(make, of_bias, policy):
    keras.config.set_dtype_policy(policy)
    try:
        network = make((8, 8, 3), 3, width=2, blocks=1, global_skip=True)
    finally:
        keras.config.set_dtype_policy("float32")
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (2, 8, 8, 3)).astype("float32")
    last = network.get_layer("to_image")
    for bias in (0.0, 0.5, -2.0):
        last.set_weights([0 * last.kernel, 0 * last.bias + bias])
        image = network.predict_on_batch(x)
        expected = np.clip(x + of_bias(bias), -1.0, 1.0)
        np.testing.assert_allclose(image, expected, atol=1e-6 if not bias else 4e-3)


@pytest.mark.parametrize("make", [resnet_generator, residual_unet_generator])
def test_global_skip_between_images_of_other_channels(make):
    with pytest.raises(ValueError, match="equal channels. Received: 1 and 3"):
        make((8, 8, 1), 3, global_skip=True)


def test_a_residual_unet():
    network = residual_unet_generator((8, 16, 3), 1, width=2, blocks=1, halvings=2)
    shapes = {x.name: tuple(x.output.shape[1:]) for x in network.layers}
    assert shapes["from_image"] == (8, 16, 2)
    assert shapes["down_1_block_0_1"] == (4, 8, 4)
    assert shapes["down_2_block_0_1"] == (2, 4, 8)
    assert shapes["up_1_block_0_1"] == (4, 8, 4) and shapes["last"] == (8, 16, 2)
    assert "up_0_block_0_0" not in shapes and "down_1_block_1_0" not in shapes
    assert not any("normalization" in name for name in shapes)
    x = normal(2, 8, 16, 3)
    assert not network.predict_on_batch(x).any()  # the last convolution starts as zero
    blocks = [x.name for x in residual_unet_generator((8, 8, 1), 1, width=1).layers]
    assert "down_1_block_2_1" in blocks and "down_1_block_3_0" not in blocks
    for halvings, match in ((3, "multiples of 8 and at least 16"), (0, "at least 1")):
        with pytest.raises(ValueError, match=match):
            residual_unet_generator((8, 8, 1), 1, halvings=halvings)


@pytest.mark.parametrize("skipped", ["from_image", "down_1_block_0_1"])
def test_a_residual_unet_sees_its_maps_on_the_way_up(skipped):
    """Without what comes from below, there is still what was on the way down."""
    network = residual_unet_generator((8, 8, 1), 1, width=2, blocks=1, halvings=2)
    for layer in network.layers:
        if hasattr(layer, "kernel"):
            level = 0 if skipped == "from_image" else 1
            below = layer.name in (f"up_{level}_0", "down_2")
            weights = [0 * w + 0.05 * (not below) for w in layer.get_weights()]
            layer.set_weights(weights)
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype("float32")
    images = network.predict_on_batch(x)
    assert np.abs(images[0] - images[1]).max() > 1e-5


def test_weights_start_as_in_the_papers():
    network = unet_generator((32, 32, 3), 3, width=16)
    for layer in network.layers:
        if hasattr(layer, "kernel"):
            assert 0.017 < numpy(layer.kernel).std() < 0.023
            assert not layer.use_bias or not numpy(layer.bias).any()
    biased = [
        layer.name for layer in network.layers if getattr(layer, "use_bias", False)
    ]
    assert biased == ["up_0"]
    gamma = numpy(network.get_layer("up_4_normalization").gamma)
    assert 0.9 < gamma.mean() < 1.1 and 0.01 < gamma.std() < 0.03


def places_of_dropout(network):
    found = []
    for layer in network.layers:
        if "dropout" in layer.name:
            found.append(tuple(layer.output.shape[1:]))
    return found


def test_places_of_dropout():
    def places(side, **options):
        return places_of_dropout(unet_generator((side, side, 1), 1, 1, **options))

    assert places(256) == [(4, 4, 8), (8, 8, 8), (16, 16, 8)]
    assert places(128, noise=False) == [(4, 4, 8), (8, 8, 8)]
    assert places(64) == [(4, 4, 8)]
    assert places(32) == [(4, 4, 4)]
    assert places(512) == [(8, 8, 8), (16, 16, 8), (32, 32, 8)]
    assert places(256, dropout=False) == places(4) == []
    resnet = resnet_generator((8, 8, 1), 1, width=1, blocks=2, dropout=True)
    assert places_of_dropout(resnet) == [(2, 2, 4)] * 2


def test_noise_at_test_time():
    x = np.tanh(normal(1, 16, 16, 1))
    for noise in (True, False):
        network = unet_generator((16, 16, 1), 1, width=4, noise=noise)
        network.set_weights([10 * w for w in network.get_weights()])
        first, second = (network.predict_on_batch(x) for _ in range(2))
        assert (np.abs(first - second).max() > 1e-4) == noise


def test_statistics_at_test_time():
    x = 0.5 + normal(4, 16, 16, 1)
    networks = [
        unet_generator((16, 16, 1), 1, 2, dropout=False, normalization=kind)
        for kind in ("batch", "test_batch")
    ]
    for network in networks[::-1]:
        network.set_weights([5 * w for w in networks[0].get_weights()])
    images = [numpy(network(x, training=True)) for network in networks]
    np.testing.assert_allclose(images[0], images[1], atol=1e-5)
    tested = [network.predict_on_batch(x) for network in networks]
    np.testing.assert_allclose(tested[1], images[1], atol=1e-5)
    assert np.abs(tested[0] - images[0]).max() > 1e-3


def test_unknown_sides():
    network = resnet_generator((None, None, 1), 1, width=1, blocks=1)
    assert network.predict_on_batch(normal(1, 8, 12, 1)).shape == (1, 8, 12, 1)
    network = unet_generator((None, None, 1), 1, width=1, depth=2)
    assert network.predict_on_batch(normal(1, 8, 12, 1)).shape == (1, 8, 12, 1)
    network = patch_discriminator((None, None, 1), width=1, layers=1)
    assert network.predict_on_batch(normal(1, 8, 9, 1)).shape == (1, 2, 2, 1)


@pytest.mark.parametrize(("layers", "field"), [(0, 1), (1, 16), (3, 70)])
def test_receptive_field(layers, field):
    """Which pixels change the logit in the middle."""
    side = 24 * max(layers, 1) + 24
    network = patch_discriminator((side, side, 1), 0, 2, layers, "batch")
    # Of one sign, so that nothing cancels; without statistics, which see everything.
    network.set_weights([np.abs(w) + 0.1 for w in network.get_weights()])
    middle = network.output_shape[1] // 2

    def fn(inputs):
        return backend.input_gradients(
            lambda x: network(x, training=False)[:, middle, middle, 0], inputs["x"]
        )[1]

    x = np.ones((1, side, side, 1), "float32")
    gradient = backend.compiled(fn, network.variables)({"x": x})
    rows, columns = np.nonzero(numpy(gradient)[0, :, :, 0])
    assert rows.max() - rows.min() + 1 == columns.max() - columns.min() + 1 == field


def test_sizes_of_logits():
    for shape, layers, logits in (
        ((70, 70, 3), 3, (6, 6)),
        ((24, 25, 3), 3, (1, 1)),
        ((31, 13, 3), 2, (5, 1)),
        ((5, 7, 3), 0, (5, 7)),
    ):
        network = patch_discriminator(shape, 2, width=1, layers=layers)
        condition = np.zeros((2, *shape[:2], 2), "float32")
        y = network.predict_on_batch([np.zeros((2, *shape), "float32"), condition])
        assert y.shape == (2, *logits, 1) == (2, *network.output_shape[1:])


def test_half_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        networks = [
            resnet_generator((8, 8, 1), 1, width=2, blocks=1, dropout=True),
            unet_generator((16, 16, 1), 1, width=2, normalization="test_batch"),
            patch_discriminator((16, 16, 1), width=2, layers=1),
        ]
    finally:
        keras.config.set_dtype_policy("float32")
    for network in networks:
        y = network.predict_on_batch(normal(2, *network.input_shape[1:]))
        assert y.dtype == "float32" and np.isfinite(y).all()
        assert network.layers[2].compute_dtype == "bfloat16"


def test_sizes_that_do_not_fit():
    for shape in ((30, 32, 3), (4, 8, 3)):
        with pytest.raises(ValueError, match="multiples of 4 and at least 8. Received"):
            resnet_generator(shape, 3)
    with pytest.raises(ValueError, match="multiples of 2 and at least 4. Received"):
        resnet_generator((6, 5, 3), 3, halvings=1)
    with pytest.raises(ValueError, match="`halvings` as an int of at least 0"):
        resnet_generator((8, 8, 3), 3, halvings=-1)
    with pytest.raises(ValueError, match=r"Received: depth=1 and 30 x 32"):
        unet_generator((30, 32, 3), 3)
    with pytest.raises(
        ValueError, match=r"multiples of 2\*\*depth.*depth=6 and 96 x 64"
    ):
        unet_generator((96, 64, 3), 3, depth=6)
    with pytest.raises(
        ValueError, match="at least 24, for layers=3. Received: 23 x 32"
    ):
        patch_discriminator((23, 32, 3))
    with pytest.raises(
        ValueError, match="one of 'instance', 'batch'.*Received: 'none'"
    ):
        unet_generator((32, 32, 3), 3, normalization="none")
