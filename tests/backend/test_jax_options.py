"""JAX: steps are compiled without YNNPACK's convolutions, where XLA knows how."""

import keras
import numpy as np
import pytest

import keras_gans as kg

if keras.config.backend() != "jax":
    pytest.skip("The options are JAX's alone.", allow_module_level=True)

import jax

from keras_gans.backend import jax as backend

FLAG = "xla_cpu_experimental_ynn_fusion_type"


@pytest.fixture
def options():
    """The function, which remembers nothing before and after."""
    backend._compiler_options.cache_clear()
    yield backend._compiler_options
    backend._compiler_options.cache_clear()


@pytest.fixture
def compiled_with(monkeypatch):
    """Options of all that is compiled from here on."""
    seen, jit = [], jax.jit

    def noted(*args, compiler_options=None, **kwargs):
        seen.append(compiler_options)
        return jit(*args, compiler_options=compiler_options, **kwargs)

    monkeypatch.setattr(jax, "jit", noted)
    trainer = backend.inspect.getmodule(keras.Model.make_train_function)
    monkeypatch.setattr(trainer, "jit", noted)
    return seen


def train():
    gan = kg.models.GAN((4, 4, 1), latent_dim=2, hidden_units=4, seed=0)
    gan.compile()
    gan.fit(np.zeros((4, 4, 4, 1), "uint8"), batch_size=4, epochs=1, verbose=0)
    return gan


def test_options_are_known_to_xla_and_used(options, compiled_with):
    """What XLA does not know raises, so a step that ran was compiled with them."""
    if options() is None:
        pytest.skip("This release's XLA does not have the option.")
    assert FLAG in options()
    del compiled_with[:]
    gan = train()
    assert options() in compiled_with
    gan.generate(2)
    assert compiled_with[-1] == options()


def test_keras_compiles_as_before_afterwards(options, compiled_with):
    train()
    del compiled_with[:]
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.zeros((4, 2)), np.zeros((4, 1)), verbose=0)
    assert compiled_with
    assert not any(compiled_with)


def test_flags_of_the_user_count(options, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", f"--{FLAG}=")
    assert options() is None


def test_on_other_devices_there_are_none(options, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert options() is None


def test_an_xla_without_the_option(options, monkeypatch):
    monkeypatch.setattr(backend, "_LIBRARY", "xla_cpu_unheard_of")
    assert options() is None
    assert int(train().images_seen) == 4
