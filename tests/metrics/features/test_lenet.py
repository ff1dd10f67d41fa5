"""The zoo's classifier of Fashion-MNIST.

`python -m tests.metrics.features.test_lenet` writes the golden features.
"""

import json
import pathlib

import numpy as np
import pytest

import keras_gans as kg
from keras_gans.metrics import features
from keras_gans.metrics.features import lenet

GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "lenet_fashion_mnist.npz"
FOLDER = kg.zoo.path() / "classifiers" / "lenet_fashion_mnist"
IMAGES, LABELS = kg.datasets.load("fashion_mnist", split="test")
LARGER, _ = kg.datasets.load("fashion_mnist", split="test", image_size=32)


def test_accuracy_is_that_of_the_card():
    extractor = features.get("lenet_fashion_mnist")
    out = extractor.extract(IMAGES, 500, ("features", "probabilities"))
    accuracy = float((out["probabilities"].argmax(axis=1) == LABELS).mean())
    config = json.loads((FOLDER / "config.json").read_text("utf-8"))
    assert abs(accuracy - config["accuracy"]) <= 2e-4
    assert accuracy >= 0.91
    card = (FOLDER / "README.md").read_text("utf-8")
    assert f"| accuracy on the 10,000 test images | {config['accuracy']:.2%} |" in card
    # No unit is constant, or the covariance of the features would be singular.
    assert out["features"].shape == (10_000, 84)
    assert out["features"].std(axis=0).min() > 1e-3


def test_same_features_on_every_backend():
    found = features.get("lenet_fashion_mnist")(IMAGES[:16])
    with np.load(GOLDEN) as golden:
        assert np.abs(found - golden["features"]).max() <= 1e-4


def test_sizes():
    extractor = features.get("lenet_fashion_mnist")
    # 32 x 32 is 28 x 28 with a border, which is taken off.
    np.testing.assert_array_equal(extractor(LARGER[:9]), extractor(IMAGES[:9]))
    clean = features.get("lenet_fashion_mnist", resize="clean")
    assert clean.name == "lenet_fashion_mnist_clean"
    np.testing.assert_array_equal(clean(IMAGES[:9]), extractor(IMAGES[:9]))
    assert np.abs(clean(LARGER[:9]) - extractor(IMAGES[:9])).max() > 0.1
    with pytest.raises(ValueError, match="\\(28, 28\\) pixels.*name a resize"):
        extractor(np.zeros((2, 64, 64, 1), "uint8"))
    with pytest.raises(ValueError, match="1 channel .*Received: 3.*grey"):
        extractor(np.zeros((2, 28, 28, 3), "uint8"))


def test_maps():
    maps = features.get("lenet_fashion_mnist").maps(IMAGES[:3])
    assert [m.shape for m in maps] == [(3, 28, 28, 32), (3, 14, 14, 64)]
    assert min(m.min() for m in maps) == 0.0  # after the ReLU


def test_misspelled():
    with pytest.raises(ValueError, match="Did you mean 'lenet_fashion_mnist'"):
        features.get("lenet_fashion_mist")


def test_no_zoo(monkeypatch):
    monkeypatch.setattr(lenet.zoo, "path", lambda: None)
    lenet._load.cache_clear()
    with pytest.raises(FileNotFoundError, match="no zoo.*pip install keras-gans"):
        features.get("lenet_fashion_mnist")


if __name__ == "__main__":
    found = features.get("lenet_fashion_mnist")(IMAGES[:16])
    np.savez_compressed(GOLDEN, features=found)
