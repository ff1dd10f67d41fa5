"""Weights of the official code: the same images as there, in three layouts of names.

The numbers of tests/golden/rrdb_official.npz come from RRDBNet of BasicSR (x4, x2, x1)
and of xinntao/ESRGAN (now: trunk; its first version: old), with weights of
`random_state` and images in [0, 1].
"""

import numpy as np
import pytest

from keras_gans.models.super_resolution import rrdb_from_official
from keras_gans.models.torch_weights import as_state
from tests.models.big_gan.official_case import golden
from tests.models.big_gan.official_case import random_state

FILE = "tests/golden/rrdb_official_x2.pth"
SCALES = {
    "x4": (4, 1),
    "x2": (2, 2),
    "x1": (1, 4),
    "trunk_x4": (4, 1),
    "old_x4": (4, 1),
    "old_x2": (2, 1),
    "old_x1": (1, 1),
}


def case(name):
    data = golden("rrdb_official")
    return tuple(data.get(f"{name}/{key}") for key in ("shapes", "x", "y"))


def apply(network, images):
    """Images in [0, 1], there and back."""
    return network.predict_on_batch(2.0 * images - 1.0) / 2.0 + 0.5


@pytest.mark.parametrize("name", SCALES)
def test_same_images(name):
    shapes, x, y = case(name)
    network = rrdb_from_official(random_state(shapes))
    scale, unshuffle = SCALES[name]
    assert y.shape[1] == scale * x.shape[1]
    names = {layer.name for layer in network.layers}
    assert ("unshuffle" in names) == (unshuffle > 1)
    np.testing.assert_allclose(apply(network, x), y, atol=1e-5)


def test_file_of_torch():
    """Of the average, "params_ema"; the file's "params" are empty arrays."""
    _, x, y = case("file")
    np.testing.assert_allclose(apply(rrdb_from_official(FILE), x), y, atol=1e-5)


def test_nested_and_parallel():
    shapes, _, _ = case("x2")
    state = {f"module.{k}": v for k, v in random_state(shapes).items()}
    networks = [rrdb_from_official(s) for s in (state, {"params": state})]
    first, second = (network.get_weights() for network in networks)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


def without(state, *parts):
    return {k: v for k, v in state.items() if not any(part in k for part in parts)}


@pytest.mark.parametrize("name", ["x2", "old_x2"])
def test_wrong_arrays(name):
    shapes, _, _ = case(name)
    state = random_state(shapes)
    dense = "model.1.sub.0.RDB2.conv3.0" if "old" in name else "body.0.rdb2.conv3"
    with pytest.raises(ValueError, match=f"Received: 1 arrays missing: {dense}.bias"):
        rrdb_from_official(without(state, f"{dense}.bias"))
    with pytest.raises(ValueError, match="unexpected: more.conv1x1.*ESRGAN+"):
        rrdb_from_official(state | {"more.conv1x1": np.zeros(3, "float32")})
    wrong = {f"{dense}.weight": np.zeros((4, 9, 3, 3), "float32")}
    with pytest.raises(ValueError, match=r"another shape: .*\(4, 9, 3, 3\)"):
        rrdb_from_official(state | wrong)


def test_wrong_networks():
    shapes, _, _ = case("x4")
    state = random_state(shapes)
    one = np.zeros(1, "float32")
    with pytest.raises(ValueError, match="RRDBNet.*Received: nothing"):
        rrdb_from_official({})
    with pytest.raises(ValueError, match="Received: body.0.weight.*SRVGGNetCompact"):
        rrdb_from_official({"params": {"body.0.weight": one}})
    with pytest.raises(ValueError, match=r"discriminator \(netD\)"):
        rrdb_from_official({"conv0.weight": one})
    with pytest.raises(ValueError, match="without conv_last.weight"):
        rrdb_from_official(without(state, "conv_last"))
    with pytest.raises(ValueError, match="3 channels in.*Received: 5"):
        narrow = np.zeros((8, 5, 3, 3), "float32")
        rrdb_from_official(state | {"conv_first.weight": narrow})
    with pytest.raises(ValueError, match="missing: conv_up2.weight"):
        rrdb_from_official(without(state, "conv_up2"))
    trunk = without(random_state(case("trunk_x4")[0]), "upconv")
    with pytest.raises(ValueError, match="Received: 12, with 0 doublings"):
        wide = np.zeros((8, 12, 3, 3), "float32")
        rrdb_from_official(trunk | {"conv_first.weight": wide})
    with pytest.raises(ValueError, match=r"'optimizer'.*`state_dict\(\)`"):
        rrdb_from_official(state | {"optimizer": {}})


def test_what_is_no_state_dict():
    state = random_state(case("x4")[0])
    compiled = {f"_orig_mod.{key}": value for key, value in state.items()}
    rrdb_from_official(compiled)
    for wrong, message in (
        ([1, 2], "Received: a list. Save"),
        ({3: state["conv_first.weight"]}, r"a dict with \[3\] that are none"),
    ):
        with pytest.raises(ValueError, match=message):
            as_state(wrong)
