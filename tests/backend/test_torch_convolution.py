"""Convolutions whose gradient is differentiated, against differences of values."""

import pytest

from keras_gans import backend

if backend.name() != "torch":
    pytest.skip("they are of the backend torch", allow_module_level=True)

import torch

from keras_gans.backend import torch_convolution

pytestmark = pytest.mark.once
CASES = {
    "plain": ((6, 4, 3, 3), (1, 1), (1, 1), {}),
    "groups": ((6, 2, 3, 3), (1, 1), (1, 1), {"groups": 2}),
    "strides": ((6, 4, 4, 4), (2, 2), (1, 1), {}),
    "transposed": ((4, 6, 4, 4), (2, 2), (1, 1), {"transposed": True}),
    "each channel": ((4, 1, 3, 3), (2, 2), (1, 1), {"groups": 4}),
    "enlarged": (
        (4, 1, 4, 4), (2, 2), (2, 2), {"more": (1, 1), "groups": 4, "transposed": True},
    ),
}  # fmt: skip


def tensors(*shapes):
    generator = torch.Generator().manual_seed(0)
    kwargs = {"dtype": torch.float64, "generator": generator, "requires_grad": True}
    return [torch.randn(shape, **kwargs) for shape in shapes]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_first_and_second_gradients(name, bias):
    shape, strides, padding, options = CASES[name]
    options = {"more": (0, 0)} | options
    filters = 4 if options.get("groups") == 4 else 6
    x, kernel, *rest = tensors((2, 4, 5, 6), shape, *([(filters,)] if bias else []))

    def fn(x, kernel, bias=None):
        return torch_convolution.convolution(
            x, kernel, bias, strides, padding, **options
        )

    expected = fn(x, kernel, *rest)
    with torch_convolution.differentiated():
        outputs = fn(x, kernel, *rest)
        assert type(outputs.grad_fn).__name__ == "_ConvolutionBackward"
        assert torch.autograd.gradcheck(fn, (x, kernel, *rest))
        assert torch.autograd.gradgradcheck(fn, (x, kernel, *rest))
    torch.testing.assert_close(outputs, expected, rtol=0, atol=0)


def test_only_what_is_asked_for():
    x, kernel = tensors((2, 4, 5, 5), (6, 4, 3, 3))
    with torch_convolution.differentiated():
        y = torch_convolution.convolution(x, kernel, None, (1, 1), (1, 1))
    with torch_convolution.of_inputs_alone():
        gradients = torch.autograd.grad(
            y.sum(), (x, kernel), retain_graph=True, allow_unused=True
        )
    assert gradients[0] is not None and gradients[1] is None
    _, gradient = torch.autograd.grad(y.sum(), (x, kernel))
    assert gradient.abs().sum() > 0.0
    # Outside of what is differentiated twice it is torch's own.
    y = torch_convolution.convolution(x, kernel, None, (1, 1), (1, 1))
    assert type(y.grad_fn).__name__ == "ConvolutionBackward0"
