import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

from keras_gans.metrics import features
from keras_gans.metrics.features import FeatureExtractor

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (21, 8, 8, 3), "uint8")
FLOATS = IMAGES.astype("float32") / 127.5 - 1.0


def conv_net(channels=3, size=8, classes=None):
    inputs = keras.Input((size, size, channels))
    x = layers.Conv2D(4, 3, activation="relu", name=None)(inputs)
    x = layers.GlobalAveragePooling2D()(x)
    outputs = x if classes is None else {"features": x, "logits": layers.Dense(3)(x)}
    return keras.Model(inputs, outputs, name="tiny")


def means(images):
    return ops.mean(ops.convert_to_tensor(images), axis=(1, 2))


def test_callable_sees_floats_and_keeps_order():
    extractor = features.get(means)
    assert extractor.name == "means"
    got = extractor.extract(IMAGES, batch_size=4)["features"]
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, FLOATS.mean(axis=(1, 2)), atol=1e-6)


def test_keras_model_and_any_batch_size():
    network = conv_net()
    extractor = features.get(network)
    expected = ops.convert_to_numpy(network(FLOATS))
    for count in (1, 3, 21):
        got = extractor(IMAGES[:count])
        np.testing.assert_allclose(got, expected[:count], atol=1e-5)
    got = extractor.extract(IMAGES, batch_size=8)["features"]
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_batches_have_one_size():
    sizes = []

    def spy(batch):
        sizes.append(len(batch))
        return batch[:, 0, 0]

    extractor = features.get(spy)
    extractor.extract(IMAGES, batch_size=8)
    extractor(IMAGES[:5])
    assert sizes == [8, 8, 8, 8]


def test_floats_are_quantized_first():
    noisy = np.clip(FLOATS + RNG.uniform(-0.49, 0.49, FLOATS.shape) / 127.5, -1, 1)
    exact, noisy_features = (features.get(means)(x) for x in (IMAGES, noisy))
    np.testing.assert_array_equal(exact, noisy_features)
    unquantized = features.get(means, quantize=False)
    assert unquantized.name == "means_unquantized"
    assert np.abs(unquantized(noisy) - exact).max() > 1e-6


def test_classifier_outputs():
    extractor = features.get(conv_net(classes=3))
    out = extractor.extract(IMAGES, outputs=("features", "logits", "probabilities"))
    assert out["features"].shape == (21, 4)
    assert out["probabilities"].dtype == np.float64
    np.testing.assert_allclose(out["probabilities"].sum(axis=1), 1.0, atol=1e-12)
    logits = out["logits"].astype("float64")
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(out["probabilities"], expected, rtol=1e-9)


def test_no_classifier():
    with pytest.raises(ValueError, match="(?s)'tiny' have no classifier.*Received"):
        features.get(conv_net()).extract(IMAGES, outputs=("probabilities",))
    with pytest.raises(ValueError, match="`outputs` among.*'maps'"):
        features.get(conv_net()).extract(IMAGES, outputs=("maps",))
    with pytest.raises(ValueError, match="no feature maps"):
        features.get(conv_net()).maps(IMAGES)


def test_grey_becomes_colour_but_not_back():
    network = conv_net()
    grey = IMAGES[..., :1]
    got = features.get(network)(grey)
    np.testing.assert_array_equal(got, features.get(network)(grey.repeat(3, axis=-1)))
    with pytest.raises(ValueError, match="1 channel for.*Received: 3.*grey"):
        features.get(conv_net(channels=1))(IMAGES)
    with pytest.raises(ValueError, match="3 channels for.*Received: 4.*alpha"):
        features.get(network)(np.zeros((2, 8, 8, 4), "uint8"))


def test_resize_is_named_and_done():
    network = conv_net(size=12)
    extractor = features.get(network, resize="tf1")
    assert extractor.name == "tiny_tf1"
    assert extractor(IMAGES).shape == (21, 4)
    with pytest.raises(ValueError, match="\\(12, 12\\) pixels.*Received: \\(8, 8\\)"):
        features.get(network)(IMAGES)


def test_fingerprint():
    network = conv_net()
    extractor = features.get(network)
    same = features.get(keras.models.clone_model(network))
    same.network.set_weights(network.get_weights())
    assert same.fingerprint == extractor.fingerprint
    assert len(extractor.fingerprint) == 64
    before = extractor.fingerprint
    assert features.get(network, quantize=False).fingerprint != before
    assert features.get(network, resize="clean").fingerprint != before
    network.layers[1].bias.assign([0.0, 0.0, 0.0, 1e-6])
    assert extractor.fingerprint != before

    def other_activation(layer):
        config = layer.get_config()
        if "activation" in config:
            config["activation"] = "tanh"
        return layer.from_config(config)

    other = keras.models.clone_model(network, clone_function=other_activation)
    other.set_weights(network.get_weights())
    assert features.get(other).fingerprint != extractor.fingerprint


def test_fingerprint_of_a_callable():
    first, second = features.get(means), features.get(means)
    assert first.fingerprint == first.fingerprint != second.fingerprint

    def stated(images):
        return means(images)

    stated.fingerprint = "means, version 1"
    assert features.get(stated).fingerprint == features.get(stated).fingerprint


def test_an_extractor_stays_what_it_is():
    extractor = features.get(means)
    assert features.get(extractor) is extractor
    with pytest.raises(ValueError, match="made already"):
        features.get(extractor, resize="clean")


WITH_NAN = FLOATS.copy()
WITH_NAN[5, 0, 0, 0] = np.nan
BAD_IMAGES = {
    "0..1 floats": ((FLOATS + 1.0) / 2.0, "wrong range.*images \\* 2 - 1"),
    "0..255 floats": (IMAGES.astype("float32"), "wrong range.*astype\\('uint8'\\)"),
    "int64": (IMAGES.astype("int64"), "wrong dtype.*Received: int64"),
    "NaN": (WITH_NAN, "NaN.*1 of 21.*index 5"),
    "no channel axis": (IMAGES[..., 0], "images \\(B, H, W, C\\).*\\(21, 8, 8\\)"),
    "empty": (IMAGES[:0], "empty"),
    "other size": (IMAGES[:, :6], "images of \\(8, 8\\) pixels.*Received: \\(6, 8\\)"),
}


@pytest.mark.parametrize("what", BAD_IMAGES)
def test_bad_images(what):
    images, message = BAD_IMAGES[what]
    with pytest.raises(ValueError, match=f"(?s){message}"):
        features.get(conv_net())(images)


BAD_NETWORKS = {
    "maps": (lambda x: x, "\\(16, D\\).*Received.*\\(16, 8, 8, 3\\).*Average"),
    "one for all": (lambda x: x[0, :, :, 0], "one vector an image.*\\(8, 8\\)"),
    "list": (lambda x: [x[:, 0, 0], x[:, 0, 0]], "one array.*2 arrays"),
    "NaN": (lambda x: np.log(x[:, 0, 0] - 9.0), "finite features.*16 of 16 images"),
    "strings": (lambda x: x[:, 0, 0].astype("str"), "real numbers.*dtype <U"),
    "dict": (lambda x: {"embedding": x[:, 0, 0]}, "'features' in the dict.*embedding"),
}


@pytest.mark.parametrize("what", BAD_NETWORKS)
@pytest.mark.filterwarnings("ignore:invalid value encountered in log")
def test_bad_networks(what):
    network, message = BAD_NETWORKS[what]
    with pytest.raises(ValueError, match=f"(?s){message}"):
        features.get(network)(IMAGES[:16])


def test_maps_of_a_keras_model():
    inputs = keras.Input((8, 8, 3))
    network = keras.Model(inputs, layers.Conv2D(4, 3)(inputs))
    with pytest.raises(ValueError, match="GlobalAveragePooling2D"):
        features.get(network)(IMAGES)


@pytest.mark.parametrize("size", [0, -1, 2.0])
def test_bad_batch_size(size):
    with pytest.raises(ValueError, match="batch_size"):
        features.get(means).extract(IMAGES, batch_size=size)


def test_bad_resize():
    with pytest.raises(ValueError, match="'tf1', 'torch'.*Received: 'bicubic'"):
        features.get(conv_net(), resize="bicubic")
    with pytest.raises(ValueError, match="fixed input size"):
        features.get(means, resize="clean")
    with pytest.raises(ValueError, match="fixed input size"):
        FeatureExtractor(keras.Sequential([layers.Dense(2)]), resize="clean")


@pytest.mark.parametrize("name", ["squeezenet", 3, None])
def test_unknown_features(name):
    with pytest.raises(ValueError, match=f"Received: {name!r}"):
        features.get(name)
