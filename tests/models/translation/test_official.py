"""Weights in the authors' layout: the images and logits of that layout in torch."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend
from keras_gans.models.translation.networks import resnet_generator
from keras_gans.models.translation.networks import unet_generator
from keras_gans.models.translation.official import discriminator_from_official
from keras_gans.models.translation.official import generator_from_official
from keras_gans.models.translation.official import load_official
from keras_gans.models.translation.official_names import options_of
from tests.models.translation.official_case import golden
from tests.models.translation.official_case import random_images
from tests.models.translation.official_case import random_state

GENERATORS = {
    "resnet": {"blocks": 6, "dropout": False, "normalization": "instance", "width": 4},
    "resnet_dropout": {"blocks": 2, "dropout": True, "normalization": "batch"},
    "unet": {"depth": 6, "normalization": "batch", "width": 3},
    "unet_instance": {"depth": 5, "normalization": "instance", "width": 2},
}


def case(name):
    data = golden(name)
    return data, random_state(data["shapes"])


def check(network, inputs, expected):
    with backend.no_gradients():
        outputs = ops.convert_to_numpy(network.predict_on_batch(inputs))
    step = -(-outputs.shape[1] // expected.shape[1])
    np.testing.assert_allclose(outputs[:, ::step, ::step], expected, atol=1e-4)


@pytest.mark.parametrize("name", GENERATORS)
def test_generators(name):
    data, state = case(name)
    found = options_of(state)
    assert found | GENERATORS[name] == found
    shape = tuple(data["input_shape"].tolist())
    network = generator_from_official(state, shape[1:3], noise=False)
    assert network.input_shape == (None, *shape[1:])
    check(network, random_images(shape), data["outputs"])


def test_u_net_as_the_authors_test_it():
    """With the statistics of the batch; of dropout there is no parity to test."""
    data, state = case("unet")
    options = {"normalization": "test_batch", "dropout": False}
    network = generator_from_official(state, **options)
    assert network.input_shape == (None, 64, 64, 1)
    images = random_images(data["input_shape"])
    check(network, images, data["outputs_of_batch"])


@pytest.mark.parametrize("name", ["patch", "patch_condition", "pixel"])
def test_discriminators(name):
    data, state = case(name)
    shape = tuple(data["input_shape"].tolist())
    condition_channels = 2 if name == "patch_condition" else 0
    network = discriminator_from_official(state, shape[1:3], condition_channels)
    images = random_images(shape)
    if condition_channels:
        images = [images[..., condition_channels:], images[..., :condition_channels]]
    check(network, images, data["outputs"])


@pytest.mark.skipif(
    backend.name() != "torch", reason="`test_torch_file.py` tests the reader elsewhere"
)
def test_file_of_torch(tmp_path):
    import torch

    data, state = case("resnet")
    path = tmp_path / "latest_net_G.pth"
    torch.save({key: torch.tensor(value) for key, value in state.items()}, path)
    network = generator_from_official(path, (16, 24))
    check(network, random_images(data["input_shape"]), data["outputs"])


def test_wrapped_in_data_parallel():
    _, state = case("pixel")
    wrapped = {f"module.{key}": value for key, value in state.items()}
    first, second = (discriminator_from_official(s, 8) for s in (state, wrapped))
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def without(state, *parts):
    return {k: v for k, v in state.items() if not any(part in k for part in parts)}


def test_options_that_differ_are_told():
    _, state = case("resnet_dropout")
    shape, options = (16, 16, 1), {"width": 3, "blocks": 2, "normalization": "batch"}
    with pytest.raises(ValueError, match=r"with dropout=True \(here False\): make the"):
        load_official(resnet_generator(shape, 3, **options), state)
    options = {"width": 4, "blocks": 3, "dropout": True, "normalization": "batch"}
    with pytest.raises(ValueError, match=r"resnet with width=3 .* blocks=2 \(here 3"):
        load_official(resnet_generator(shape, 3, **options), state)
    instance = resnet_generator(shape, 3, 3, 2, dropout=True)
    with pytest.raises(ValueError, match=r"with normalization='batch' \(here 'instan"):
        load_official(instance, state)
    u_net = unet_generator((32, 32, 1), 3, 3)
    with pytest.raises(ValueError, match=r"a resnet with kind='resnet' \(here 'unet'"):
        load_official(u_net, state)
    _, state = case("unet")
    with pytest.raises(ValueError, match=r"a unet with depth=6 \(here 5\): make"):
        load_official(u_net, state)


def test_wrong_files():
    _, state = case("resnet")
    with pytest.raises(ValueError, match="missing: model.11.conv_block.5.bias.*--netG"):
        generator_from_official(without(state, "11.conv_block.5.bias"), 16)
    with pytest.raises(ValueError, match="1 arrays unexpected: more.weight"):
        more = {"more.weight": np.zeros((2, 2), "float32")}
        generator_from_official(state | more, 16)
    with pytest.raises(ValueError, match="Received: neither, as of --norm none"):
        generator_from_official(without(state, "bias"), 16)
    with pytest.raises(ValueError, match="Received: both, as of an affine one"):
        affine = {"model.2.weight": np.ones(4, "float32")}
        generator_from_official(state | affine, 16)
    with pytest.raises(ValueError, match="pytorch-CycleGAN-and-pix2pix.*with a.weight"):
        generator_from_official({"a.weight": np.zeros((2, 2), "float32")})
    with pytest.raises(ValueError, match="multiples of 4 and at least 8"):
        generator_from_official(state, 18)
    _, discriminator = case("patch")
    with pytest.raises(ValueError, match="Take `discriminator_from_official`"):
        generator_from_official(discriminator)
    with pytest.raises(ValueError, match="Take `generator_from_official`"):
        discriminator_from_official(state)
    with pytest.raises(ValueError, match="fewer than the channels.*Received: 3 of 3"):
        discriminator_from_official(discriminator, condition_channels=3)


def test_network_is_saved_and_loaded(tmp_path):
    _, state = case("unet_instance")
    network = generator_from_official(state)
    assert network.input_shape == (None, 32, 32, 3)
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    for a, b in zip(network.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    load_official(again, state)


def test_cycle_gan_with_one_generator():
    data, state = case("resnet")
    shape = tuple(data["input_shape"].tolist())
    gan = kg.models.CycleGAN.from_official(
        state, image_size=shape[1:3], blocks=1, width=4, discriminator_layers=2, seed=0
    )
    images = random_images(shape)
    for network in (gan.generator_b, gan.ema_generator_b):
        check(network, images, data["outputs"])
    assert gan.generator_a.input_shape == gan.generator_b.output_shape
    drawn = gan.translate(gan.data_spec.to_user(images), to="b")
    assert drawn.shape == (*shape[:3], 2)


def test_u_nets_of_cycle_gan_have_no_dropout():
    """A file does not tell; the authors' CycleGAN has none."""
    data, state = case("unet_instance")
    network = generator_from_official(state, dropout=False)
    images = random_images((2, *network.input_shape[1:]))
    gan = kg.models.CycleGAN.from_official(
        state, width=4, discriminator_layers=2, seed=0
    )
    check(gan.ema_generator_b, images, network.predict_on_batch(images))


def test_pix2pix_as_the_authors_test_it():
    data, state = case("unet")
    gan = kg.models.Pix2Pix.from_official(state, seed=0)
    assert gan.data_spec.shape == (64, 64, 1)
    normalized = [
        layer
        for layer in gan.ema_generator._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert normalized
    assert all(
        isinstance(layer, kg.layers.BatchStatisticsNormalization)
        for layer in normalized
    )
    expected = generator_from_official(state, normalization="test_batch")
    for a, b in zip(
        gan.ema_generator.get_weights(), expected.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_files_of_other_networks_are_refused():
    _, state = case("patch")
    with pytest.raises(ValueError, match="discriminator_from_official"):
        kg.models.CycleGAN.from_official(state)
