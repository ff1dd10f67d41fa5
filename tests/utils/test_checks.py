"""Numbers that users give: NumPy's are as good as Python's, the rest is refused."""

import numpy as np
import pytest

from keras_gans.utils.checks import is_positive
from keras_gans.utils.checks import number
from keras_gans.utils.checks import sizes_of
from keras_gans.utils.checks import whole_number

NO_NUMBERS = ["1", None, True, np.bool_(True), [1], 1j, np.zeros(2)]


@pytest.mark.parametrize("value", [2, np.int64(2), np.uint8(2)])
def test_whole_numbers(value):
    assert type(whole_number(value, "width")) is int
    assert whole_number(value, "width") == 2


@pytest.mark.parametrize("value", [*NO_NUMBERS, 0, -1, 2.0, np.float32(2)])
def test_no_whole_numbers(value):
    with pytest.raises(ValueError, match="`width` as an int of at least 1, channels"):
        whole_number(value, "width", meaning="channels")


def test_the_least_whole_number():
    assert whole_number(0, "size", least=0) == 0
    with pytest.raises(ValueError, match="at least 0. Received: -1"):
        whole_number(-1, "size", least=0)


@pytest.mark.parametrize("value", [2, 2.0, np.int64(2), np.float32(2)])
def test_numbers(value):
    assert type(number(value, "weight")) is float
    assert number(value, "weight", 2, 2) == 2.0
    assert is_positive(value)


@pytest.mark.parametrize("value", [*NO_NUMBERS, float("nan"), float("inf")])
def test_no_numbers(value):
    with pytest.raises(ValueError, match="`weight` as a finite number. Received"):
        number(value, "weight")
    assert not is_positive(value)


@pytest.mark.parametrize("value", [-1.0, 3])
def test_numbers_outside(value):
    message = "finite number >= 0 <= 2, a share. Received"
    with pytest.raises(ValueError, match=message):
        number(value, "weight", 0, 2, meaning="a share")
    assert not is_positive(0.0)


def test_sizes():
    sizes = sizes_of({"width": np.int64(4), "style_dim": None, "body": "resnet"})
    assert sizes == {"width": 4, "style_dim": None, "body": "resnet"}
    assert type(sizes["width"]) is int
    with pytest.raises(ValueError, match="`width` as an int of at least 1. Received"):
        sizes_of({"width": "4"})
