import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.interpolation import lerp
from keras_gans.interpolation import slerp
from keras_gans.metrics.perceptual_distance import PerceptualDistance
from keras_gans.metrics.perceptual_distance import PerceptualDiversity
from keras_gans.metrics.perceptual_path_length import PerceptualPathLength
from tests.metrics.references import torch_fidelity

CLOTHES, _ = kg.datasets.load("fashion_mnist", split="test")


def distance():
    return PerceptualDistance("lenet_fashion_mnist")


def test_distance_is_what_it_says():
    first, second = CLOTHES[:20], CLOTHES[20:40]
    found = distance()(first, second)
    extractor = kg.metrics.features.get("lenet_fashion_mnist")
    expected = 0.0
    for x, y in zip(extractor.maps(first), extractor.maps(second), strict=True):
        x, y = (m.astype("float64") for m in (x, y))
        x, y = (m / (np.sqrt((m**2).sum(-1, keepdims=True)) + 1e-10) for m in (x, y))
        expected += ((x - y) ** 2).sum(axis=-1).mean(axis=(1, 2))
    assert found.dtype == np.float64 and found.shape == (20,)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    np.testing.assert_array_equal(distance()(first, first), 0.0)


def test_of_a_network_with_one_map():
    inputs = keras.Input((28, 28, 1))
    network = keras.Model(inputs, keras.layers.Conv2D(3, 3, activation="relu")(inputs))

    class OneMap(kg.metrics.features.FeatureExtractor):
        def maps_network(self):
            return self.network

    found = PerceptualDistance(OneMap(network))(CLOTHES[:5], CLOTHES[5:10])
    assert found.shape == (5,) and (found > 0).all()


def test_near_is_near():
    noise = np.random.default_rng(0).integers(0, 9, CLOTHES[:32].shape)
    noisy = np.clip(CLOTHES[:32].astype(int) + noise, 0, 255).astype("uint8")
    measure = distance()
    assert measure.name == "perceptual_distance_lenet_fashion_mnist"
    assert (measure(CLOTHES[:32], noisy) < measure(CLOTHES[:32], CLOTHES[32:64])).all()


def test_bad_distances():
    with pytest.raises(ValueError, match="as many images.*\\(2, 28.*\\(3, 28"):
        distance()(CLOTHES[:2], CLOTHES[:3])
    with pytest.raises(ValueError, match="no feature maps"):
        PerceptualDistance(lambda x: x[:, 0, 0])(CLOTHES[:2], CLOTHES[:2])


def test_diversity():
    metric = PerceptualDiversity(
        CLOTHES[:400], "lenet_fashion_mnist", 200, pairs=100, seed=1
    )
    metric.update_state(fake_images=CLOTHES[400:500])
    metric.update_state(fake_images=CLOTHES[500:600])
    name = "perceptual_diversity_lenet_fashion_mnist_200"
    found = metric.result()
    assert set(found) == {name, f"{name}_real"}
    assert found[name] == pytest.approx(found[f"{name}_real"], rel=0.2)
    metric.reset_state()
    metric.update_state(fake_images=np.repeat(CLOTHES[:1], 200, axis=0))
    assert metric.result()[name] == 0.0  # collapsed
    metric.reset_state()
    with pytest.raises(ValueError, match="at least 2 samples"):
        metric.result()


def test_diversity_config():
    metric = PerceptualDiversity(None, "lenet_fashion_mnist", 100, pairs=9, seed=3)
    config = metric.get_config()
    assert PerceptualDiversity.from_config(config).get_config() == config
    assert config["features"] == "lenet_fashion_mnist" and config["pairs"] == 9


# ------------------------------------------------------------------- path length


def linear_gan(distribution="uniform", num_classes=None):
    """G(z) = A z, small enough to stay in [-1, 1]."""
    latents = keras.Input((4,))
    dense = keras.layers.Dense(16, use_bias=False)
    inputs, x = latents, dense(latents)
    if num_classes:
        condition = keras.Input((num_classes,))
        shift = keras.layers.Dense(16, use_bias=False, kernel_initializer="zeros")
        inputs, x = [latents, condition], x + shift(condition)
    generator = keras.Model(inputs, keras.layers.Reshape((4, 4, 1))(x))
    images = keras.Input((4, 4, 1))
    flat = keras.layers.Flatten()(images)
    inputs = [images, condition] if num_classes else images
    discriminator = keras.Model(inputs, keras.layers.Dense(1)(flat))
    gan = kg.models.GAN(
        image_shape=(4, 4, 1), latent_dim=4, latent_distribution=distribution,
        generator=generator, discriminator=discriminator, num_classes=num_classes,
    )  # fmt: skip
    matrix = np.random.default_rng(0).normal(0.0, 0.05, (4, 16)).astype("float32")
    for layer in gan.ema_generator.layers:
        if isinstance(layer, keras.layers.Dense) and layer.kernel.shape == (4, 16):
            layer.set_weights([matrix])
    return gan, matrix.astype("float64")


def squared(first, second):
    difference = np.asarray(first, "float64") - second
    return np.square(difference).sum(axis=(1, 2, 3))


def trimmed_mean(values):
    low = np.percentile(values, 1, method="lower")
    high = np.percentile(values, 99, method="higher")
    return values[(values >= low) & (values <= high)].mean()


@pytest.mark.parametrize("num_classes", [None, 3])
def test_straight_paths_of_a_linear_generator(num_classes):
    gan, matrix = linear_gan(num_classes=num_classes)
    metric = PerceptualPathLength(
        num_samples=150, distance=squared, epsilon=1e-2, seed=5
    )
    assert metric.name == "ppl_z_squared_150"
    metric.update_state(gan)
    # |A (z2 - z1)|^2, wherever on the path
    seeds = np.random.default_rng(5).integers(2**31, size=2)
    first, second = (gan.sample_latents(150, int(s)).astype("float64") for s in seeds)
    expected = np.square((second - first) @ matrix).sum(axis=1)
    assert metric.result() == pytest.approx(trimmed_mean(expected), rel=1e-3)
    metric.reset_state()
    with pytest.raises(ValueError, match="Call `update_state\\(model\\)`"):
        metric.result()


def test_circles_of_a_linear_generator():
    gan, matrix = linear_gan("normal")
    metric = PerceptualPathLength(
        num_samples=64, distance=squared, epsilon=1e-2, sampling="end"
    )
    metric.update_state(gan)
    seeds = np.random.default_rng(0).integers(2**31, size=2)
    first, second = (gan.sample_latents(64, int(s)).astype("float64") for s in seeds)
    step = slerp(first, second, np.full(64, 1e-2)) - first
    expected = np.square(step @ matrix).sum(axis=1) / 1e-4
    assert metric.result() == pytest.approx(trimmed_mean(expected), rel=1e-3)


def test_w_space():
    gan, _ = linear_gan()
    given = {"distance": squared, "space": "w", "epsilon": 1e-2}
    with pytest.raises(ValueError, match="a model with styles.*space='z'"):
        PerceptualPathLength(num_samples=8, **given).update_state(gan)
    size = {"latent_dim": 4, "style_dim": 3, "channel_base": 16, "channel_max": 2}
    gan = kg.models.StyleGAN2((16, 16, 1), **size, mapping_depth=1, seed=0)
    metric = PerceptualPathLength(num_samples=64, **given)
    metric.update_state(gan)
    seeds = np.random.default_rng(0).integers(2**31, size=2)
    first, second = (
        gan.map_latents(gan.sample_latents(64, int(seed))).astype("float64")
        for seed in seeds
    )
    t = np.random.default_rng(0)
    t.integers(2**31, size=2)
    t = t.random(64)
    synthesis = gan.ema_generator.get_layer("synthesis")
    images = [
        np.clip(
            synthesis.predict_on_batch(lerp(first, second, t + step).astype("float32")),
            -1.0,
            1.0,
        )
        for step in (0.0, 1e-2)
    ]
    expected = squared(*images) / 1e-4
    assert metric.name == "ppl_w_squared_64"
    assert metric.result() == pytest.approx(trimmed_mean(expected), rel=1e-3)


def test_features_by_name():
    gan = kg.models.GAN(image_shape=(28, 28, 1), hidden_units=8, latent_dim=4)
    metric = PerceptualPathLength("lenet_fashion_mnist", num_samples=20)
    assert metric.name == "ppl_z_lenet_fashion_mnist_20"
    metric.update_state(gan)
    assert 0.0 < metric.result() < np.inf
    config = metric.get_config()
    assert PerceptualPathLength.from_config(config).get_config() == config


def test_slerp_is_as_in_torch_fidelity():
    noise = torch_fidelity("noise")
    import torch

    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 6, 5))
    t = rng.random(6)
    expected = noise.batch_slerp_any(
        *(torch.from_numpy(x) for x in (first, second, t[:, None]))
    )
    np.testing.assert_allclose(slerp(first, second, t), expected.numpy(), rtol=1e-6)


def test_paths():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 6, 5))
    for path in (lerp, slerp):
        np.testing.assert_allclose(path(first, second, np.zeros(6)), first)
        np.testing.assert_allclose(path(first, second, np.ones(6)), second)
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (first, second)]
    middle = slerp(*unit, np.full(6, 0.3))
    np.testing.assert_allclose(np.linalg.norm(middle, axis=1), 1.0)
    angle = np.arccos((unit[0] * unit[1]).sum(axis=1))
    np.testing.assert_allclose(np.arccos((unit[0] * middle).sum(axis=1)), 0.3 * angle)
    np.testing.assert_allclose(slerp(first, 2 * first, np.full(6, 0.5)), 1.5 * first)


BAD = {
    "space": ({"space": "x"}, "`space` as one of"),
    "sampling": ({"sampling": "start"}, "`sampling` as one of"),
    "epsilon": ({"epsilon": 0.0}, "`epsilon` between 0 and 1"),
    "num_samples": ({"num_samples": 0}, "`num_samples`"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_arguments(what):
    arguments, message = BAD[what]
    with pytest.raises(ValueError, match=message):
        PerceptualPathLength(distance=squared, **arguments)


def test_nan():
    gan, _ = linear_gan()
    metric = PerceptualPathLength(
        num_samples=8, distance=lambda x, y: np.full(len(x), np.nan)
    )
    with pytest.raises(ValueError, match="finite distances.*diverged"):
        metric.update_state(gan)
    metric.distance = squared
    metric.update_state(gan)  # what was refused is not in it
    assert np.isfinite(metric.result())
