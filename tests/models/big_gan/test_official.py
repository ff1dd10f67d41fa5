"""Weights of the official code: the same images and logits as there."""

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.models.big_gan_deep.official import load_generator
from keras_gans.models.torch_weights import u_for_sigma
from tests.models.big_gan.official_case import golden
from tests.models.big_gan.official_case import random_state

TINY = "tests/golden/big_gan_official_32.pth"


def states(side):
    data = golden("big_gan_official")
    data = {k.removeprefix(f"{side}/"): v for k, v in data.items() if f"{side}/" in k}
    networks = ("generator", "discriminator")
    return data, *(random_state(data[f"{network}_shapes"]) for network in networks)


def outputs(model, inputs):
    """Compiled, as JAX takes long for so many operations one by one."""
    return model.predict_on_batch(inputs)


def pixels(array, step=1):
    return keras.ops.convert_to_numpy(array)[:, ::step, ::step]


@pytest.mark.parametrize("side", [32, 64])
def test_big_gan(side):
    data, generator, discriminator = states(side)
    gan = kg.models.BigGAN.from_official(generator, discriminator, seed=0)
    assert gan.data_spec.shape == (side, side, 3)
    images = outputs(gan, [data["latents"], data["labels"]])
    np.testing.assert_allclose(pixels(images, side // 32), data["images"], atol=1e-4)
    x = np.random.default_rng(side)
    x.standard_normal(data["latents"].shape)
    x = x.uniform(-1, 1, (3, side, side, 3)).astype("float32")
    one_hot = np.eye(gan.num_classes, dtype="float32")[data["labels"]]
    logits = outputs(gan.discriminator, [x, one_hot])
    np.testing.assert_allclose(logits, data["logits"], rtol=1e-4, atol=1e-4)


def test_file_of_torch(tmp_path):
    data, state, _ = states(32)
    gan = kg.models.BigGAN.from_official(TINY)
    images = gan([data["latents"], data["labels"]])
    np.testing.assert_allclose(pixels(images), data["images"], atol=1e-4)
    # Of networks wrapped in `torch.nn.DataParallel`.
    wrapped = {f"module.{key}": value for key, value in state.items()}
    again = kg.models.BigGAN.from_official(wrapped)
    np.testing.assert_array_equal(
        gan.generator.get_weights()[0], again.generator.get_weights()[0]
    )
    gan.save_to_preset(tmp_path / "preset")
    loaded = kg.models.BigGAN.from_preset(tmp_path / "preset")
    latents = {"latents": data["latents"], "labels": data["labels"]}
    assert (loaded.generate(**latents) == gan.generate(**latents)).all()


@pytest.mark.once
def test_big_gan_deep():
    data = golden("big_gan_deep_official")
    state = random_state(data["shapes"])
    gan = kg.models.BigGANDeep.from_official(state)
    one_hot = np.eye(gan.num_classes, dtype="float32")[data["labels"]]
    for truncation, network in ((1.0, gan.ema_generator), (0.4, gan.generator)):
        load_generator(gan.generator, state, truncation)
        images = pixels(network([data["latents"], one_hot]), 4)
        expected = data[f"images_{truncation}"]
        np.testing.assert_allclose(images, expected, atol=1e-4)
    with pytest.raises(ValueError, match="missing: generator.layers.3.conv_2.bias"):
        load_generator(gan.generator, without(state, "layers.3.conv_2.bias"))


def without(state, *endings):
    return {k: v for k, v in state.items() if not k.endswith(endings)}


def test_wrong_generators():
    from_official = kg.models.BigGAN.from_official
    _, state, discriminator = states(32)
    with pytest.raises(ValueError, match="G_ema.pth.*without 'output_layer.2.weight'"):
        from_official(discriminator)
    with pytest.raises(ValueError, match="one without --G_shared"):
        from_official(without(state, "shared.weight"))
    with pytest.raises(ValueError, match="one without --hier"):
        narrow = state["blocks.0.0.bn1.gain.weight"][:, :8]
        from_official(state | {"blocks.0.0.bn1.gain.weight": narrow})
    with pytest.raises(ValueError, match="without a resolution"):
        from_official({k: v for k, v in state.items() if "blocks.2" not in k})
    with pytest.raises(ValueError, match="2 arrays missing: blocks.1.0.conv2.u0"):
        from_official(without(state, "blocks.1.0.conv2.u0", "blocks.2.0.bn1.gain.u0"))
    with pytest.raises(ValueError, match="unexpected: blocks.0.0.more.*--mybn"):
        from_official(state | {"blocks.0.0.more": np.zeros(3, "float32")})
    with pytest.raises(ValueError, match=r"another shape: .*conv2.bias \(9,\)"):
        from_official(state | {"blocks.1.0.conv2.bias": np.zeros(9, "float32")})
    with pytest.raises(ValueError, match="generator's resolution"):
        from_official(state, states(64)[2])
    with pytest.raises(ValueError, match=r"'itr'.*`state_dict\(\)`"):
        from_official({"itr": 3, "G": state})


def test_wrong_deep_generators():
    from_official = kg.models.BigGANDeep.from_official
    with pytest.raises(ValueError, match="pytorch-pretrained-BigGAN"):
        from_official(states(32)[1])
    with pytest.raises(ValueError, match="in 0..1. Received: 2"):
        from_official({}, truncation=2)


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (5, 5)])
def test_u_for_sigma(shape):
    matrix = np.random.default_rng(0).standard_normal(shape)
    values = np.linalg.svd(matrix, compute_uv=False)
    for sigma in np.linspace(values[-1], values[0], 7):
        u = u_for_sigma(matrix, sigma)
        v = u @ matrix
        v /= np.linalg.norm(v)
        assert np.linalg.norm(u) == pytest.approx(1.0)
        assert np.linalg.norm(matrix @ v) == pytest.approx(sigma, rel=1e-6)
    top = np.linalg.svd(matrix)[0][:, 0]
    assert abs(u_for_sigma(matrix, 2 * values[0]) @ top) == pytest.approx(1.0)
