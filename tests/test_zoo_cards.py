"""The measured values of the zoo's cards are those of the models."""

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.preset_files import read_config
from zoo import measure
from zoo import pairs
from zoo.publish import make_card


def metadata(name):
    return read_config(kg.presets()[name].path)["metadata"]


MEASURED = [
    name
    for name in kg.presets()
    if "measurements" in metadata(name) and name not in pairs.TASKS
]
PAIRS = [name for name in kg.presets() if name in pairs.TASKS]


def test_presets_are_measured():
    assert {
        "gan_fashion_mnist_28", "dcgan_fashion_mnist_32", "wgan_gp_fashion_mnist_32",
    } <= set(MEASURED)  # fmt: skip


def check_card(name, gan, metrics):
    """The card is made of the metadata, and has the means of what was measured."""
    preset, about = kg.presets()[name], metadata(name)
    values = about["measurements"]["values"]
    for metric in metrics:
        assert preset.metrics[metric] == pytest.approx(np.mean(values[metric]), 1e-3)
        assert f"| `{metric}` |" in preset.card
    assert make_card(gan, name, about) == preset.card


@pytest.mark.once
@pytest.mark.parametrize("name", MEASURED)
def test_card_says_what_was_measured(name):
    measurements = metadata(name)["measurements"]
    assert len(measurements["seeds"]) == 3
    protocol, gan = measure.protocol_of(name), kg.models.GAN.from_preset(name)
    prefixes = ["fd", "kid", "precision", "recall", "density", "coverage"]
    if gan.num_classes is not None and protocol.within_classes:
        prefixes.append("intra_class_fd")
    number = {10_000: "10k"}.get(protocol.samples, protocol.samples)
    suffix = f"{protocol.features}_{number}"
    check_card(name, gan, [f"{prefix}_{suffix}" for prefix in prefixes])
    if protocol.reference == "test":
        # A generator is farther from the test images than the training images are.
        fd = f"fd_{suffix}"
        assert min(measurements["values"][fd]) > measurements["training_images"][fd]


BACKENDS = ("tensorflow", "torch", "jax")
# LeNet trains for a minute.
HAS_CAS = ("acgan_fashion_mnist_32",) if keras.config.backend() == "tensorflow" else ()


def reproduce(monkeypatch, cache, name, which):
    """Values of "samples", as many as on the card, or of "check_samples"."""
    monkeypatch.setenv("KERAS_GANS_CACHE", str(cache))
    gan = kg.models.GAN.from_preset(name)
    size, conditional = gan.data_spec.shape[0], gan.num_classes is not None
    protocol = measure.protocol_of(name)
    has_cas = name in HAS_CAS
    count = getattr(protocol, which)
    measured = measure.Measure(protocol, size, count, conditional, has_cas)
    return measured.generated(gan, measure.SEEDS[0])


FIRST = ("gan_fashion_mnist_28", "dcgan_fashion_mnist_32", "wgan_gp_fashion_mnist_32")
# The first three everywhere, of the others each on one backend: those of emoji on
# TensorFlow, where EfficientNet takes a tenth of the time.
EMOJI = [name for name in MEASURED if "_emoji_" in name]
OTHERS = [name for name in MEASURED if name not in (*FIRST, *EMOJI)]
CHECKED = [*FIRST, *OTHERS[BACKENDS.index(keras.config.backend()) :: len(BACKENDS)]]
if keras.config.backend() == "tensorflow":
    CHECKED += EMOJI


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A folder for the features of real images, which presets share."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.slow
@pytest.mark.once  # images and features are compared between backends elsewhere
@pytest.mark.filterwarnings("ignore:fd_.* samples of .* features")  # few, of emoji
@pytest.mark.parametrize("name", CHECKED)
def test_values_of_few_samples_come_again(monkeypatch, cache, name):
    found = reproduce(monkeypatch, cache, name, "check_samples")
    # On any backend: pixels may differ by 1 in 255.
    expected = metadata(name)["measurements"]["check"]
    if name not in HAS_CAS:
        expected = {k: v for k, v in expected.items() if not k.startswith("cas_")}
    assert found == pytest.approx(expected, rel=0.02, abs=0.005)


@pytest.mark.slow
@pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="10,000 samples: once is enough"
)
@pytest.mark.parametrize("name", FIRST)
def test_values_come_again_within_their_spread(monkeypatch, cache, name):
    found = reproduce(monkeypatch, cache, name, "samples")
    card = kg.presets()[name].metrics
    for metric, values in metadata(name)["measurements"]["values"].items():
        spread = max(abs(value - np.mean(values)) for value in values)
        tolerance = 1.01 * spread + 1e-3 * abs(card[metric])  # cards have 4 digits
        assert abs(found[metric] - card[metric]) <= tolerance, metric


@pytest.mark.once
@pytest.mark.parametrize("name", PAIRS)
def test_card_of_pairs_says_what_was_measured(name):
    measurements = metadata(name)["measurements"]
    check_card(name, kg.models.GAN.from_preset(name), measurements["values"])
    for baseline in measurements["baselines"]:
        assert f"\n| {baseline} |" in kg.presets()[name].card


@pytest.mark.slow
@pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="EfficientNet is slow elsewhere"
)
@pytest.mark.parametrize("name", PAIRS)
def test_values_of_few_pairs_come_again(name):
    found = pairs.scores(kg.models.GAN.from_preset(name), name, pairs.CHECK_COUNT)
    expected = metadata(name)["measurements"]["check"]
    # Dropout goes on from other states than in the measurement.
    assert found == pytest.approx(expected, rel=0.05, abs=0.003)
