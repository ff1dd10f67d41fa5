"""A model with what the callbacks need of a GAN, trained by ordinary regression."""

import contextlib
import warnings

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.conditions import make_condition


class StandIn(keras.Model):
    """Maps latents to examples; `images_seen` counts in training, as in a GAN."""

    def __init__(self, shape=(8, 8, 1), num_classes=None, units=6):
        super().__init__()
        self.data_spec = kg.Images(shape) if len(shape) == 3 else kg.Vectors(shape)
        self.num_classes = num_classes
        self.condition = make_condition(num_classes)
        self.hidden = keras.layers.Dense(units, "tanh")
        self.dense = keras.layers.Dense(int(np.prod(shape)))
        self.images_seen = self.add_weight(
            shape=(), initializer="zeros", dtype="int32", trainable=False
        )
        self.generated = []
        self(np.zeros((1, 4), "float32"))

    def call(self, latents, training=False):
        if training:
            self.images_seen.assign_add(keras.ops.shape(latents)[0])
        return self.dense(self.hidden(latents))

    def log_names(self):
        return ["loss"]

    def sample_latents(self, n, seed):
        return np.random.default_rng(seed).standard_normal((n, 4), "float32")

    def generate(self, n, *, seed=None, labels=None, latents=None):
        self.generated.append({"n": n, "seed": seed, "labels": labels})
        x = keras.ops.convert_to_numpy(self(latents))
        return self.data_spec.to_user(x.reshape(-1, *self.data_spec.shape))


def make(seed=0, optimizer="adam", **kwargs):
    keras.utils.set_random_seed(seed)
    model = StandIn(**kwargs)
    # Eagerly: compiling takes longer than all the steps.
    model.compile(optimizer, loss="mse", run_eagerly=True)
    model.optimizer.build(model.trainable_variables)
    return model


def data(n=20, shape=(8, 8, 1)):
    rng = np.random.default_rng(0)
    size = int(np.prod(shape))
    return (
        rng.standard_normal((n, 4), "float32"),
        rng.uniform(-1, 1, (n, size)).astype("float32"),
    )


def fit(model, epochs, callbacks, n=20, batch_size=8, **kwargs):
    x, y = data(n, model.data_spec.shape)
    options = {"shuffle": False, "verbose": 0} | kwargs
    return model.fit(x, y, batch_size, epochs, callbacks=callbacks, **options)


def state(model):
    variables = [*model.variables, *model.optimizer.variables]
    metrics = {id(v) for v in model.metrics_variables}
    return [
        np.array(keras.ops.convert_to_numpy(v))
        for v in variables
        if id(v) not in metrics
    ]


def assert_same(left, right):
    assert len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)


@contextlib.contextmanager
def warns(match):
    """Expects one kind of RuntimeWarning, and lets pass what Keras makes NumPy say."""
    with pytest.warns(RuntimeWarning, match=match):
        warnings.filterwarnings("ignore", "__array__ implementation")
        yield
