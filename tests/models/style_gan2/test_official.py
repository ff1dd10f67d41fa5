"""Weights of the official code: the same images and logits as there."""

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.models.r3_gan.official import sizes_of
from tests.models.big_gan.official_case import golden
from tests.models.style_gan2.official_case import random_state


def states(name, case):
    data = golden(name)
    data = {k.removeprefix(f"{case}/"): v for k, v in data.items() if f"{case}/" in k}
    networks = ("generator", "discriminator")
    return data, *(random_state(data[f"{network}_shapes"]) for network in networks)


@pytest.mark.parametrize("architecture", ["resnet", "skip", "orig"])
def test_style_gan2(architecture):
    data, generator, discriminator = states("style_gan2_official", architecture)
    gan = kg.models.StyleGAN2.from_official(generator, discriminator, seed=0)
    assert gan.get_config()["architecture"] == architecture
    labels = [0, 1, 2, 0] if architecture == "resnet" else None
    assert gan.num_classes == (3 if labels else None)
    inputs, x = data["latents"], data["x"]
    if labels is not None:
        one_hot = np.eye(3, dtype="float32")[labels]
        inputs, x = [inputs, one_hot], [x, one_hot]
    size = np.abs(data["images"]).max()  # tens, as weights are random
    images = gan.ema_generator.predict_on_batch(inputs)
    np.testing.assert_allclose(images, data["images"], atol=1e-5 * size)
    styles = gan.map_latents(data["latents"], labels, 0.5, 4)
    synthesis = gan.ema_generator.get_layer("synthesis")
    images = synthesis.predict_on_batch(styles)
    np.testing.assert_allclose(images, data["truncated"], atol=1e-5 * size)
    logits = gan.discriminator.predict_on_batch(x)
    np.testing.assert_allclose(logits, data["logits"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("side", [32, 64])
def test_r3_gan(side):
    data, generator, discriminator = states("r3_gan_official", side)
    gan = kg.models.R3GAN.from_official(generator, discriminator, seed=0)
    assert gan.data_spec.shape == (side, side, 3)
    inputs, x = data["latents"], data["images"]
    if gan.num_classes:
        one_hot = np.eye(3, dtype="float32")
        inputs, x = [inputs, one_hot], [x, one_hot]
    images = gan.ema_generator.predict_on_batch(inputs)
    np.testing.assert_allclose(images, data["images"], rtol=1e-4, atol=1e-4)
    logits = gan.discriminator.predict_on_batch(x)[:, 0]
    np.testing.assert_allclose(logits, data["logits"].ravel(), rtol=1e-4, atol=1e-4)


def test_r3_gan_of_other_channels():
    """As far as their `WidthPerStage` may differ from the published ones."""
    channels, state = [16, 12, 4], {}
    for i, count in enumerate(channels):
        layers = f"MainLayers.{i}.Layers"
        kernels = {1: (2 * count, count, 1, 1), 2: (2 * count, 4, 3, 3)}
        for k, shape in kernels.items():
            state[f"{layers}.1.LinearLayer{k}.Layer.weight"] = np.zeros(shape)
    state["MainLayers.0.Layers.0.Basis"] = np.zeros((16, 4, 4))
    state["MainLayers.0.Layers.0.LinearLayer.weight"] = np.zeros((16, 6))
    state["AggregationLayer.Layer.weight"] = np.zeros((3, 4, 1, 1))
    sizes = sizes_of(state)
    assert sizes["channels"] == channels
    gan = kg.models.R3GAN(**sizes)
    for name, kernel in (("expand", 1), ("grouped", 2)):
        for i in range(3):
            theirs = f"MainLayers.{i}.Layers.1.LinearLayer{kernel}.Layer.weight"
            received = gan.generator.get_layer(f"stage_{i}_block_0_{name}").kernel
            assert received.shape == state[theirs].transpose(2, 3, 1, 0).shape


def without(state, *parts):
    return {k: v for k, v in state.items() if not any(part in k for part in parts)}


def test_wrong_networks():
    from_official = kg.models.StyleGAN2.from_official
    _, state, discriminator = states("style_gan2_official", "skip")
    with pytest.raises(ValueError, match="synthesis.b4.const.*Received: b16"):
        from_official(discriminator)
    with pytest.raises(ValueError, match="StyleGAN3, whose networks are not"):
        from_official(state | {"synthesis.input.weight": np.zeros(1)})
    with pytest.raises(ValueError, match="architecture 'skip', with an image at each"):
        from_official(without(state, "b8.torgb"))
    with pytest.raises(ValueError, match="1 arrays missing: synthesis.b8.conv0.bias"):
        from_official(without(state, "b8.conv0.bias"))
    with pytest.raises(ValueError, match="discriminator of StyleGAN2"):
        from_official(state, state)
    wide = state["synthesis.b4.conv1.weight"].repeat(2, 0)
    with pytest.raises(ValueError, match=r"Received: \[12, 6, 4\] at \[4, 8, 16\]"):
        from_official(state | {"synthesis.b4.conv1.weight": wide})
    _, state, _ = states("r3_gan_official", 64)
    with pytest.raises(ValueError, match="generator of R3GAN, with MainLayers.0"):
        kg.models.R3GAN.from_official(discriminator)
    with pytest.raises(ValueError, match="1 arrays missing: MainLayers.1.Layers.1.L"):
        kg.models.R3GAN.from_official(
            without(state, "MainLayers.1.Layers.1.LinearLayer3")
        )


def test_saved_as_a_preset(tmp_path):
    _, generator, discriminator = states("style_gan2_official", "skip")
    gan = kg.models.StyleGAN2.from_official(generator, discriminator)
    gan.save_to_preset(tmp_path / "preset")
    again = kg.models.StyleGAN2.from_preset(tmp_path / "preset")
    assert isinstance(again, keras.Model)
    given = {"seed": 0, "truncation_psi": 0.5}
    assert (again.generate(3, **given) == gan.generate(3, **given)).all()
