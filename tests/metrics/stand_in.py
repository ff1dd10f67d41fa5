"""A quick feature extractor with a classifier, and images for it."""

import keras
import numpy as np

from keras_gans.metrics import features as feature_extractors


def make_network(shape=(8, 8, 1), dim=6, classes=3):
    """Random but fixed weights: the same features on every backend."""
    inputs = keras.Input(shape)
    x = keras.layers.Flatten()(inputs)
    outputs = {
        "features": keras.layers.Dense(dim, "tanh")(x),
        "logits": keras.layers.Dense(classes)(x),
    }
    network = keras.Model(inputs, outputs)
    rng = np.random.default_rng(0)
    network.set_weights(
        [rng.normal(0.0, 0.2, w.shape).astype("float32") for w in network.weights]
    )
    return network


def make_extractor(name="stand_in", **kwargs):
    return feature_extractors.FeatureExtractor(make_network(**kwargs), name=name)


def make_images(count, seed=0, shape=(8, 8, 1), low=0, high=256):
    rng = np.random.default_rng(seed)
    return rng.integers(low, high, (count, *shape), "uint8")


class Counted:
    """A callable extractor of pixel values that counts the images it has seen."""

    fingerprint = "pixels"

    def __init__(self):
        self.seen = 0

    def __call__(self, images):
        images = np.asarray(images)
        self.seen += len(images)
        return images.reshape(len(images), -1)[:, :5]
