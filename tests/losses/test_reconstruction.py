"""Losses of images: their values by hand, and their gradients."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend

IMAGES, _ = kg.datasets.load("fashion_mnist", split="test")


def numpy(x):
    with backend.no_gradients():
        return np.array(ops.convert_to_numpy(x))


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def clothes(start, count=4):
    return (IMAGES[start : start + count] / 127.5 - 1.0).astype("float32")


def small_network():
    """Maps of a random network, the same on all backends."""
    inputs = keras.Input((None, None, 2))
    first = keras.layers.Conv2D(4, 3, activation="relu", name="first")(inputs)
    second = keras.layers.Conv2D(3, 3, activation="relu", name="second")(first)
    network = keras.Model(inputs, [first, second])
    network.set_weights([normal(*w.shape, seed=5) for w in network.get_weights()])
    return network


LOSSES = {
    "l1": kg.losses.L1,
    "l2": kg.losses.L2,
    "charbonnier": lambda: kg.losses.Charbonnier(0.1),
    "total_variation": kg.losses.TotalVariation,
    "perceptual": lambda: kg.losses.Perceptual(small_network()),
}


def test_values_by_hand():
    x, y = normal(3, 4, 5, 2), normal(3, 4, 5, 2, seed=1)
    axes = (1, 2, 3)
    np.testing.assert_allclose(
        numpy(kg.losses.L1()(x, y)), np.abs(x - y).mean(axes), rtol=1e-5
    )
    np.testing.assert_allclose(
        numpy(kg.losses.L2()(x, y)), np.square(x - y).mean(axes), rtol=1e-5
    )
    np.testing.assert_allclose(
        numpy(kg.losses.Charbonnier(0.5)(x, y)),
        np.sqrt((x - y) ** 2 + 0.25).mean(axes),
        rtol=1e-5,
    )
    down, across = np.abs(np.diff(x, axis=1)), np.abs(np.diff(x, axis=2))
    variation = down.mean(axes) + across.mean(axes)
    loss = kg.losses.TotalVariation()
    np.testing.assert_allclose(numpy(loss(x)), variation, rtol=1e-5)
    np.testing.assert_allclose(numpy(loss(x, y)), variation, rtol=1e-5)


def test_equal_images():
    x = normal(3, 8, 8, 2)
    for name, expected in (("l1", 0.0), ("charbonnier", 0.1), ("perceptual", 0.0)):
        values = numpy(LOSSES[name]()(x, x))
        np.testing.assert_allclose(values, np.full(3, expected), atol=1e-6)
    flat = np.full((2, 8, 8, 2), 0.3, "float32")
    np.testing.assert_array_equal(numpy(kg.losses.TotalVariation()(flat)), [0, 0])


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_finite_differences(name):
    loss, direction = LOSSES[name](), normal(2, 8, 8, 2, seed=3)
    x, y = 2.0 * normal(2, 8, 8, 2), 2.0 * normal(2, 8, 8, 2, seed=1)
    values, gradients = backend.input_gradients(
        lambda x: loss(x, ops.convert_to_tensor(y)), ops.convert_to_tensor(x)
    )
    assert tuple(values.shape) == (2,)
    step = 1e-3
    ahead, behind = (numpy(loss(x + s * direction, y)) for s in (step, -step))
    slopes = (numpy(gradients) * direction).sum((1, 2, 3))
    np.testing.assert_allclose(slopes, (ahead - behind) / (2 * step), atol=2e-3)
    # Also where images are equal, and where nothing is active.
    for other in (y, np.zeros_like(y)):
        _, gradients = backend.input_gradients(
            lambda x, y=other: loss(x, ops.convert_to_tensor(y)),
            ops.convert_to_tensor(other),
        )
        assert np.isfinite(numpy(gradients)).all()


@pytest.mark.parametrize("name", ["l1", "charbonnier", "total_variation"])
def test_config_and_half_precision(name):
    loss = LOSSES[name]()
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    x, y = normal(2, 4, 4, 1), normal(2, 4, 4, 1, seed=1)
    np.testing.assert_array_equal(numpy(again(x, y)), numpy(loss(x, y)))
    half = loss(ops.cast(x, "bfloat16"), ops.cast(y, "bfloat16"))
    assert keras.backend.standardize_dtype(half.dtype) == "float32"
    np.testing.assert_allclose(numpy(half), numpy(loss(x, y)), rtol=0.02)


def test_perceptual_is_the_metric():
    x, y = clothes(0), clothes(4)
    loss = kg.losses.Perceptual("lenet_fashion_mnist")
    metric = kg.metrics.PerceptualDistance("lenet_fashion_mnist", quantize=False)
    np.testing.assert_allclose(numpy(loss(x, y)), metric(x, y), rtol=1e-3)
    # Of images with the border that image_size=32 has.
    wide = [np.pad(z, ((0, 0), (2, 2), (2, 2), (0, 0))) for z in (x, y)]
    np.testing.assert_allclose(numpy(loss(*wide)), metric(x, y), rtol=1e-3)
    parts = [
        numpy(kg.losses.Perceptual("lenet_fashion_mnist", layers=[i])(x, y))
        for i in (0, 1)
    ]
    np.testing.assert_allclose(sum(parts), metric(x, y), rtol=1e-3)
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    np.testing.assert_array_equal(numpy(again(x, y)), numpy(loss(x, y)))


def test_perceptual_resizes_and_repeats_channels():
    inputs = keras.Input((8, 8, 3))
    maps = [keras.layers.Conv2D(4, 3)(inputs)]
    maps.append(keras.layers.Conv2D(5, 3)(maps[0]))
    network = keras.Model(inputs, {"features": keras.layers.Flatten()(maps[1])})

    class Extractor(kg.metrics.features.FeatureExtractor):
        def maps_network(self):
            return keras.Model(inputs, maps)

    extractor = Extractor(network, "small", resize="torch", quantize=False)
    x, y = clothes(0)[:, ::2, ::2], clothes(4)[:, ::2, ::2]  # 14 x 14
    found = numpy(kg.losses.Perceptual(extractor)(x, y))
    metric = kg.metrics.PerceptualDistance(extractor, quantize=False)
    np.testing.assert_allclose(found, metric(x, y), rtol=1e-3)


class Restoring(backend.TrainStep, keras.Model):
    """Pulls one learned image towards those it sees, in a compiled step."""

    def __init__(self, loss):
        super().__init__()
        self.loss_of_images = loss
        self.image = self.add_weight(shape=(1, 8, 8, 2), initializer="zeros")
        self.distance = keras.metrics.Mean(name="distance")
        self.built = True

    def alternating_step(self, x, y):
        def loss():
            images = ops.broadcast_to(ops.convert_to_tensor(self.image), ops.shape(x))
            return ops.mean(self.loss_of_images(images, x)), None

        (value, _), gradients = backend.value_and_grad(loss, [self.image])
        backend.apply_gradients(self.optimizer, gradients, [self.image])
        self.distance.update_state(value)
        return {"distance": self.distance.result()}


@pytest.mark.parametrize("name", ["l1", "perceptual"])
def test_trains_in_a_compiled_step(name):
    model = Restoring(LOSSES[name]())
    model.compile(optimizer=keras.optimizers.Adam(0.1))
    x = np.repeat(normal(1, 8, 8, 2), 8, axis=0)
    history = model.fit(x, batch_size=4, epochs=10, verbose=0).history["distance"]
    assert history[-1] < 0.8 * history[0]


def test_wrong_arguments():
    x = normal(2, 4, 4, 1)
    with pytest.raises(ValueError, match=r"same shape.*\(2, 4, 4, 1\) and \(2, 4, 1"):
        kg.losses.L1()(x, x[:, :, :1])
    with pytest.raises(ValueError, match=r"images \(B, H, W, C\). Received: \(2,\)"):
        kg.losses.L1()(x[:, 0, 0, 0], x[:, 0, 0, 0])
    with pytest.raises(ValueError, match="at least 2. Received: "):
        kg.losses.TotalVariation()(x[:, :1])
    with pytest.raises(ValueError, match="number > 0. Received: 0"):
        kg.losses.Charbonnier(0)
    with pytest.raises(ValueError, match="Expected: features with maps"):
        kg.losses.Perceptual(lambda x: x)
    with pytest.raises(ValueError, match=r"ints below 2.*Received: 2"):
        kg.losses.Perceptual("lenet_fashion_mnist", [2])
    with pytest.raises(ValueError, match="names of layers. Received: 'third'"):
        kg.losses.Perceptual(small_network(), ["first", "third"])
    with pytest.raises(ValueError, match=r"maps \(B, h, w, c\). Received: shapes"):
        inputs = keras.Input((4,))
        kg.losses.Perceptual(keras.Model(inputs, keras.layers.Dense(2)(inputs)))
    with pytest.raises(ValueError, match="`features` by name. Received: Functional"):
        kg.losses.Perceptual(small_network(), ["second"]).get_config()
    with pytest.raises(ValueError, match="Expected: a keras_gans.losses.Loss"):
        kg.losses.get(kg.losses.L1())
