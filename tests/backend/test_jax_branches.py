"""Convolutions within the branches of JAX's `cond` are what they are elsewhere."""

import keras
import numpy as np
import pytest

if keras.config.backend() != "jax":
    pytest.skip("of JAX alone", allow_module_level=True)

import jax
import jax.numpy as jnp

from keras_gans.backend import jax_branches
from keras_gans.backend import jax_ops


def values_and_gradients(fn, x, kernel):
    """What `fn` gives, its gradients, and those of the squares of one of them."""

    def value(x, kernel):
        return jnp.sum(jnp.sin(fn(x, kernel)))

    def penalty(x, kernel):
        return jnp.sum(jnp.square(jax.grad(value)(x, kernel)))

    first, second = (jax.grad(f, (0, 1))(x, kernel) for f in (value, penalty))
    return [fn(x, kernel), *first, *second]


@pytest.mark.parametrize("side", [7, 8])
@pytest.mark.parametrize("size", [1, 3, 4])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("transposed", [False, True])
def test_convolutions(transposed, padding, stride, size, side):
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(2, side, side + 1, 3)), "float32")
    channels = (4, 3) if transposed else (3, 4)
    kernel = jnp.asarray(rng.normal(size=(size, size, *channels)), "float32")
    conv = jax_ops.conv_transpose if transposed else jax_ops.conv

    def fn(x, kernel):
        return conv(x, kernel, (stride, stride), padding=padding)

    expected = values_and_gradients(fn, x, kernel)
    with jax_branches.branch():
        found = values_and_gradients(fn, x, kernel)
    assert not jax_branches.is_traced()
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_allclose(b, a, atol=1e-4 * float(jnp.abs(a).max()))


def test_a_branch_has_no_other_form_of_convolution():
    """XLA's slow form is one whose axes are not in their usual order."""
    x, kernel = jnp.ones((2, 8, 8, 3)), jnp.ones((3, 3, 3, 4))

    def loss(kernel):
        return jnp.sum(jnp.square(jax_ops.conv(x, kernel, (1, 1))))

    def axes(text):
        return set(part.split("]")[0] for part in text.split("dim_numbers = [")[1:])

    usual = axes(jax.jit(lambda k: jax_ops.conv(x, k, (1, 1))).lower(kernel).as_text())
    with jax_branches.branch():
        in_branch = axes(jax.jit(jax.grad(loss)).lower(kernel).as_text())
    assert len(usual) == 1 and in_branch == usual
    assert axes(jax.jit(jax.grad(loss)).lower(kernel).as_text()) != usual
