import numpy as np
import pytest

import keras_gans as kg

MIXTURES = {"gaussian_ring": (8, 0.01), "gaussian_grid": (25, 0.05)}


@pytest.mark.parametrize("name", MIXTURES)
def test_points_lie_around_their_modes(name):
    count, sigma = MIXTURES[name]
    points, labels = kg.datasets.load(name, num_samples=20_000)
    centers, given_sigma = kg.datasets.modes(name)
    assert points.shape == (20_000, 2)
    assert (points.dtype, labels.dtype) == (np.float32, np.int32)
    assert centers.shape == (count, 2)
    assert given_sigma == sigma
    offsets = points - centers[labels]
    assert np.abs(offsets.std() / sigma - 1) < 0.02
    # Rayleigh: 1 - exp(-9/2) within three sigma.
    inside = np.linalg.norm(offsets, axis=1) < 3 * sigma
    assert np.abs(inside.mean() - 0.98889) < 0.004
    shares = np.bincount(labels, minlength=count) * count / 20_000
    assert np.abs(shares - 1).max() < 0.15
    names = kg.datasets.class_names(name)
    assert len(set(names)) == count


def test_the_ring_has_eight_modes_on_the_unit_circle():
    centers, _ = kg.datasets.modes("gaussian_ring")
    np.testing.assert_allclose(np.linalg.norm(centers, axis=1), 1, atol=1e-6)
    gaps = np.linalg.norm(centers - np.roll(centers, 1, axis=0), axis=1)
    np.testing.assert_allclose(gaps, 2 * np.sin(np.pi / 8), atol=1e-6)
    np.testing.assert_allclose(centers[2], [0, 1], atol=1e-6)
    assert kg.datasets.class_names("gaussian_ring")[4] == "(-1.00, 0.00)"


def test_the_grid_has_all_25_modes():
    centers, _ = kg.datasets.modes("gaussian_grid")
    wanted = {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert {tuple(center) for center in centers} == wanted
    assert kg.datasets.class_names("gaussian_grid")[1] == "(-4.00, -2.00)"


def test_the_swiss_roll_is_a_spiral():
    points, labels = kg.datasets.load("swiss_roll", num_samples=5_000)
    assert not labels.any()
    assert kg.datasets.class_names("swiss_roll") == ("swiss_roll",)
    radius = np.linalg.norm(points, axis=1) * 7.5
    angle = np.arctan2(points[:, 1], points[:, 0])
    # The radius equals the angle, up to whole turns and noise of .25.
    turns = (radius - angle) / (2 * np.pi)
    off = (turns - np.round(turns)) * 2 * np.pi
    assert np.abs(off).max() < 1.5
    assert off.std() < 0.35
    assert radius.min() > 1.5 * np.pi - 1.5
    assert radius.max() < 4.5 * np.pi + 1.5


@pytest.mark.parametrize("name", [*MIXTURES, "swiss_roll"])
def test_seeds_and_splits(name):
    def draw(**options):
        return kg.datasets.load(name, num_samples=50, **options)

    first = draw(seed=3)
    for array, again in zip(first, draw(seed=3), strict=True):
        np.testing.assert_array_equal(array, again)
    assert not np.array_equal(first[0], draw(seed=4)[0])
    assert not np.array_equal(first[0], draw(seed=3, split="test")[0])
    assert kg.datasets.load(name)[0].shape == (100_000, 2)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"num_samples": 0}, "1 or more"),
        ({"num_samples": 2.5}, "num_samples"),
        ({"seed": -1}, "0 or more"),
        ({"seed": None}, "seed"),
        ({"image_size": 32}, "points"),
        ({"style": "noto"}, r"\['num_samples', 'seed'\]"),
        ({"split": "all"}, "split"),
    ],
)
def test_wrong_options_are_explained(options, message):
    with pytest.raises(ValueError, match=message):
        kg.datasets.load("gaussian_ring", **options)


def test_only_mixtures_have_modes():
    with pytest.raises(ValueError, match="gaussian_grid"):
        kg.datasets.modes("swiss_roll")
