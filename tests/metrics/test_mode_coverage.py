import numpy as np
import pytest

import keras_gans as kg
from keras_gans.metrics.mode_coverage import ModeCoverage
from keras_gans.metrics.mode_coverage import StackedModeCoverage
from tests.metrics.stand_in import make_extractor


def measure(metric, samples):
    metric.update_state(fake_images=samples)
    return metric.result()


@pytest.mark.parametrize("name, modes", [("gaussian_ring", 8), ("gaussian_grid", 25)])
def test_real_samples_have_all_modes(name, modes):
    points, _ = kg.datasets.load(name, num_samples=25_000, seed=3)
    found = measure(ModeCoverage(name), points)
    assert set(found) == {"modes_25k", "high_quality_25k", "reverse_kl_25k"}
    assert found["modes_25k"] == modes
    # 1 - exp(-9/2) of a Gaussian in the plane lies within 3 sigma.
    assert abs(found["high_quality_25k"] - (1 - np.exp(-4.5))) < 0.003
    assert found["reverse_kl_25k"] < 3 * (modes - 1) / (2 * 25_000)


def test_by_hand():
    centers, sigma = [[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]], 1.0
    points = [[0, 2.9], [1, 1], [0, 0], [10, 0], [5, 5], [0, 3.1], [13.1, 0], [10, 7.1]]
    metric = ModeCoverage(centers, sigma)
    for half in (points[:3], points[3:]):
        metric.update_state(fake_images=np.array(half))
    p = np.array([3, 1, 1]) / 5  # (10, 7.1) is within 3 sigma of (10, 10)
    assert metric.result() == pytest.approx({
        "modes_8": 3.0,
        "high_quality_8": 5 / 8,
        "reverse_kl_8": np.sum(p * np.log(4 * p)),
    })  # fmt: skip
    metric.reset_state()
    found = measure(metric, np.full((6, 2), 10.0))
    assert found["modes_6"] == 1.0 and found["reverse_kl_6"] == pytest.approx(np.log(4))


def test_none_of_them_good():
    found = measure(ModeCoverage("gaussian_ring"), np.zeros((7, 2)))
    assert found == {"modes_7": 0, "high_quality_7": 0, "reverse_kl_7": np.inf}


def test_bad_points():
    metric = ModeCoverage("gaussian_ring")
    with pytest.raises(ValueError, match="none. Call `update_state`"):
        metric.result()
    with pytest.raises(ValueError, match="points \\(B, 2\\).*\\(4, 3\\)"):
        metric.update_state(fake_images=np.zeros((4, 3)))
    with pytest.raises(ValueError, match="finite points"):
        metric.update_state(fake_images=np.full((4, 2), np.nan))
    with pytest.raises(ValueError, match="positive `sigma`.*sigma=None"):
        ModeCoverage(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="swiss_roll"):
        ModeCoverage("swiss_roll")


def test_config():
    for metric in (ModeCoverage("gaussian_grid"), ModeCoverage([[0.0], [1.0]], 0.1)):
        again = ModeCoverage.from_config(metric.get_config())
        assert again.get_config() == metric.get_config()
        np.testing.assert_array_equal(again.centers, metric.centers)
    metric = StackedModeCoverage(num_samples=100, confidence=0.8)
    again = StackedModeCoverage.from_config(metric.get_config())
    assert again.get_config() == metric.get_config()
    assert again.name == "modes_lenet_fashion_mnist_100"


def test_stacks_of_real_clothes():
    images, labels = kg.datasets.load("fashion_mnist", split="test")
    rows = np.random.default_rng(0).integers(len(images), size=(600, 3))
    stacks = np.concatenate([images[rows[:, c]] for c in range(3)], axis=-1)
    found = measure(StackedModeCoverage(), stacks)
    true = labels[rows] @ [100, 10, 1]
    count = len(np.unique(true))
    high, modes = (
        found[f"{k}_lenet_fashion_mnist_600"] for k in ("high_quality", "modes")
    )
    assert 0.5 < high < 0.9  # all three sure
    assert 0.5 * count < modes <= count + 30
    # Sure or not, every sample counts without a threshold.
    found = measure(StackedModeCoverage(confidence=0.0), stacks)
    assert found["high_quality_lenet_fashion_mnist_600"] == 1.0
    classifier = kg.metrics.features.get("lenet_fashion_mnist")
    told = [
        classifier.extract(stacks[..., c : c + 1], outputs=("logits",))["logits"]
        for c in range(3)
    ]
    told = np.stack([t.argmax(axis=1) for t in told], axis=1) @ [100, 10, 1]
    assert (told == true).mean() > 0.7
    assert found["modes_lenet_fashion_mnist_600"] == len(np.unique(told))
    p = np.unique(told, return_counts=True)[1] / 600
    expected = np.sum(p * np.log(1000 * p))
    assert found["reverse_kl_lenet_fashion_mnist_600"] == pytest.approx(expected)


def test_stacks_of_any_classifier():
    metric = StackedModeCoverage(make_extractor(), 30, confidence=0.0, num_channels=2)
    found = measure(metric, np.zeros((30, 8, 8, 2), "uint8"))
    assert found["modes_stand_in_30"] == 1.0
    assert found["reverse_kl_stand_in_30"] == pytest.approx(np.log(9))


def test_stacks_with_a_bright_channel():
    """A channel alone may have no value below 0: the stack has."""
    stacks = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 2), "uint8")
    stacks[..., 1] |= 128
    found = [
        measure(StackedModeCoverage(make_extractor(), 30, num_channels=2), images)
        for images in (stacks, stacks.astype("float32") / 127.5 - 1.0)
    ]
    assert found[0] == found[1]


def test_bad_stacks():
    metric = StackedModeCoverage()
    with pytest.raises(ValueError, match="stacks \\(B, H, W, 3\\).*28, 28, 1"):
        metric.update_state(fake_images=np.zeros((2, 28, 28, 1), "uint8"))
    with pytest.raises(ValueError, match="confidence.*1.0"):
        StackedModeCoverage(confidence=1.0)
    with pytest.raises(ValueError, match="no classifier"):
        metric = StackedModeCoverage(lambda images: np.asarray(images)[:, 0, 0])
        metric.update_state(fake_images=np.zeros((2, 8, 8, 3), "uint8"))
