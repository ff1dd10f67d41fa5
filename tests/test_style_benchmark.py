"""The style benchmark's peer has our networks, and the benchmark runs.

On torch alone: TensorFlow and JAX would take most of a minute to compile the steps of
five models, for the same lines of Python.
"""

import keras
import numpy as np
import pytest

import keras_gans as kg
from benchmarks import style_step

if keras.config.backend() != "torch":
    pytest.skip("measures on torch, in this process", allow_module_level=True)

import torch

from benchmarks import pytorch_style_loop
from benchmarks import style_worker

SIZES = {"channel_base": 256, "channel_max": 16, "mapping_depth": 2}
MODELS = {
    "stylegan2": lambda: kg.models.StyleGAN2(
        (32, 32, 3), latent_dim=8, style_dim=8, style_mixing=0.0, seed=0, **SIZES
    ),
    # 64 pixels: the last stage has fewer channels.
    "r3gan": lambda: kg.models.R3GAN((64, 64, 3), width=16, latent_dim=8, seed=0),
}


@pytest.fixture(params=MODELS)
def model(request):
    model = MODELS[request.param]()
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        # The strength of the noise stays 0: each side draws its own.
        if len(variable.shape):
            noise = rng.standard_normal(variable.shape, "float32")
            variable.assign(variable.numpy() + 0.1 * noise)
    return model


def channels_first(x):
    return torch.from_numpy(x).movedim(-1, 1)


def test_networks_are_ours(model):
    generator, discriminator = pytorch_style_loop.make_networks(model)
    for ours, theirs in (
        (model.generator, generator),
        (model.discriminator, discriminator),
    ):
        count = sum(p.numel() for p in theirs.parameters())
        assert count == sum(int(np.prod(v.shape)) for v in ours.trainable_variables)
    rng = np.random.default_rng(1)
    latents = rng.standard_normal((4, model.latent_dim), "float32")
    images = rng.standard_normal((4, *model.data_spec.shape), "float32")
    with torch.no_grad():
        expected = model.generator(latents, training=False).numpy()
        received = generator(torch.from_numpy(latents)).movedim(1, -1).numpy()
        np.testing.assert_allclose(received, expected, atol=1e-4)
        expected = model.discriminator(images, training=False).numpy()
        received = discriminator(channels_first(images)).numpy()
        np.testing.assert_allclose(received, expected, atol=1e-4)


def test_other_weights_are_refused(model):
    other = MODELS["r3gan"]().generator
    generator, _ = pytorch_style_loop.make_networks(model)
    del generator._modules[list(generator._modules)[-1]]
    with pytest.raises(ValueError, match="Expected: also the weights|Expected: a weig"):
        pytorch_style_loop.copy_weights(other, generator)


@pytest.mark.parametrize("name", style_step.MODELS)
def test_times_are_reported(name):
    args = style_step.parse(["--quick", "--backends", "torch"])
    options = vars(args) | {"model": name, "image_size": args.sizes[0]}
    measured = style_worker.main(options)
    assert measured["format"] in style_worker.FORMATS
    lines = list(style_step.rows("torch", name, 16, measured["seconds"]))
    assert len(lines) == len(style_step.ROWS[name])
    assert all(line.startswith(f"| torch | {name} | 16 | ") for line in lines)


def test_ratios_are_of_medians_of_differences():
    seconds = {
        phase: {"fit": [fit, fit], "pytorch": [pytorch, pytorch]}
        for phase, fit, pytorch in (
            ("plain", 0.1, 0.2),
            ("r1", 0.4, 0.4),
            ("path_length", 0.2, 0.4),
            ("lazy", 0.15, 0.1),
        )
    }
    lines = list(style_step.rows("jax", "stylegan2", 64, seconds))
    found = [line.rstrip("| ").split(" | ")[4:] for line in lines]
    assert found[0] == ["100.0", "200.0", "0.500 (0.500 to 0.500)", "yes"]
    assert found[1] == ["300.0", "200.0", "1.500 (1.500 to 1.500)", "no"]
    assert found[2] == ["100.0", "200.0", "0.500 (0.500 to 0.500)", "yes"]
    assert found[3] == ["150.0", "100.0", "1.500 (1.500 to 1.500)", "no"]
