import random

import numpy as np
import pytest

import keras_gans as kg

IMAGES, LABELS = (a[:900] for a in kg.datasets.load("digits"))
TEST = kg.datasets.load("digits", split="test")


def make(**kwargs):
    return kg.metrics.ClassificationAccuracyScore(*TEST, **{"epochs": 8, **kwargs})


@pytest.mark.slow
def test_real_labels_against_shuffled_ones():
    metric = make()
    shuffled = np.random.default_rng(0).permutation(LABELS)
    # A "generator" whose samples are real, but some of a class that was not asked for.
    wrong = np.where(np.arange(len(LABELS)) % 2, shuffled, LABELS)
    metric.update_state(IMAGES, IMAGES[:500], LABELS, wrong[:500])
    metric.update_state(fake_images=IMAGES[500:], fake_labels=wrong[500:])
    found = metric.result()
    assert set(found) == {"cas_lenet_900", "cas_lenet_900_real"}
    ceiling = found["cas_lenet_900_real"]
    assert ceiling > 0.9
    assert 0.3 < found["cas_lenet_900"] < ceiling - 0.02
    assert metric.result() == found  # not trained again

    metric.reset_state()
    metric.update_state(fake_images=IMAGES, fake_labels=shuffled)
    found = metric.result()
    assert set(found) == {"cas_lenet_900"}
    assert found["cas_lenet_900"] < 0.35


def test_same_again_and_floats_are_as_good():
    results = []
    for images in (IMAGES[:256], IMAGES[:256] / 127.5 - 1.0):
        metric = make(epochs=1)
        metric.update_state(fake_images=images, fake_labels=LABELS[:256])
        results.append(metric.result()["cas_lenet_256"])
    assert results[0] == results[1]


def test_bad_input():
    metric = make()
    with pytest.raises(ValueError, match="generated samples with labels"):
        metric.result()
    with pytest.raises(ValueError, match="Expected: `fake_labels`"):
        metric.update_state(fake_images=IMAGES)
    with pytest.raises(ValueError, match="out of range.*0..9"):
        metric.update_state(fake_images=IMAGES, fake_labels=LABELS + 1)
    with pytest.raises(ValueError, match="one size.*\\(8, 8, 1\\), then \\(6, 8, 1\\)"):
        metric.update_state(fake_images=IMAGES[:, 1:-1], fake_labels=LABELS)
    with pytest.raises(ValueError, match="wrong dtype"):
        metric.update_state(fake_images=IMAGES.astype("int64"), fake_labels=LABELS)
    with pytest.raises(ValueError, match="cannot carry the test images"):
        metric.get_config()


def test_the_callers_arrays_and_seeds_stay_their_own():
    metric, buffer = make(), IMAGES.copy()
    metric.update_state(fake_images=buffer, fake_labels=LABELS)
    buffer[:] = 0
    np.testing.assert_array_equal(metric.fake.arrays()[0] > -1.0, IMAGES > 0)
    state = random.getstate()
    metric._make(IMAGES.shape[1:], np.random.default_rng(0))
    assert random.getstate() == state
