import numpy as np
import pytest

import keras_gans as kg

RNG = np.random.default_rng(0)
TRUTH = kg.datasets.load("fashion_mnist", split="test")[0][:80]  # more than a batch


def noisy(level):
    noise = RNG.normal(0, level, TRUTH.shape)
    return np.clip(np.rint(TRUTH + noise), 0, 255).astype("uint8")


@pytest.mark.filterwarnings("ignore:fd_.* samples of .* features")
def test_values_are_those_of_the_metrics():
    images = noisy(20)
    found = kg.metrics.paired_scores(images, TRUTH, "lenet_fashion_mnist")
    for name, metric in (
        ("ssim", kg.metrics.SSIM()),
        ("psnr", kg.metrics.PSNR()),
        ("fd", kg.metrics.FrechetDistance(num_samples=80)),
        ("kid", kg.metrics.KernelDistance(num_samples=80)),
    ):
        metric.update_state(TRUTH, images)
        value = metric.result() if name != "kid" else metric.values()[metric.name]
        assert found[name] == pytest.approx(float(value), rel=1e-5), name
    distance = kg.metrics.PerceptualDistance("lenet_fashion_mnist")
    mean = distance(images, TRUTH).mean()
    assert found["perceptual"] == pytest.approx(mean, rel=1e-5)


def test_more_noise_is_worse(recwarn):
    less, more = (
        kg.metrics.paired_scores(noisy(level), TRUTH, "lenet_fashion_mnist")
        for level in (10, 60)
    )
    assert less["ssim"] > more["ssim"] and less["psnr"] > more["psnr"]
    for name in ("perceptual", "fd", "kid"):
        assert less[name] < more[name]
    assert not [w for w in recwarn if "samples of" in str(w.message)]


def test_other_counts():
    with pytest.raises(ValueError):
        kg.metrics.paired_scores(TRUTH[:3], TRUTH[:4], "lenet_fashion_mnist")
