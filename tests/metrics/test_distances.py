"""Each distance on cases whose value is known, and on what it must refuse."""

import numpy as np
import pytest
import scipy.linalg

from keras_gans import metrics
from keras_gans.metrics.frechet_distance import frechet_distance
from keras_gans.metrics.frechet_distance_infinity import extrapolate
from keras_gans.metrics.inception_score import inception_scores
from keras_gans.metrics.kernel_distance import kernel_distance
from keras_gans.metrics.kernel_distance import kernel_distances
from keras_gans.metrics.prdc import nearest_radii
from keras_gans.metrics.prdc import prdc
from keras_gans.metrics.statistics import FeatureRows
from keras_gans.metrics.statistics import FeatureStatistics
from tests.metrics.stand_in import make_extractor


def of(features, batch_size=None):
    statistics = FeatureStatistics()
    for start in range(0, len(features), batch_size or len(features)):
        statistics.update(features[start : start + (batch_size or len(features))])
    return statistics


def by_sqrtm(real, fake):
    covariances = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1])
    difference = real.mean(axis=0) - fake.mean(axis=0)
    traces = np.trace(covariances[0]) + np.trace(covariances[1])
    return difference @ difference + traces - 2.0 * np.trace(root).real


# ---------------------------------------------------------------- statistics


@pytest.mark.parametrize("samples", [5, 200])
@pytest.mark.parametrize("batch_size", [1, 7, 200])
def test_statistics_of_batches(samples, batch_size):
    x = np.random.default_rng(0).normal(1e6, 1.0, (samples, 8))
    statistics = of(x, batch_size)
    np.testing.assert_allclose(statistics.mean, x.mean(axis=0), rtol=1e-13)
    expected = np.cov(x - 1e6, rowvar=False)
    np.testing.assert_allclose(statistics.covariance, expected, rtol=1e-7, atol=1e-9)
    assert statistics.count == samples
    assert (statistics.rows is None) == (samples > 8)


@pytest.mark.parametrize("samples", [4, 90])
def test_statistics_from_arrays(samples):
    first = of(np.random.default_rng(0).normal(2.0, 1.0, (samples, 8)))
    again = FeatureStatistics.from_arrays(first.arrays())
    np.testing.assert_allclose(again.covariance, first.covariance, rtol=1e-12)
    assert again.count == first.count


@pytest.mark.parametrize("kept", [FeatureStatistics, FeatureRows])
def test_features_that_are_refused(kept):
    made = kept()
    made.update(np.zeros((2, 3)))
    x = np.zeros((4, 3))
    x[2, 1], x[3, 0] = np.nan, np.inf
    with pytest.raises(ValueError, match=r"finite.*2 of 4 samples, first at index 2"):
        made.update(x)
    with pytest.raises(ValueError, match=r"3 features.*Received: 4"):
        made.update(np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"Pool maps"):
        made.update(np.zeros((2, 2, 2, 3)))
    assert made.count == 2


# ---------------------------------------------------------------- Frechet distance


@pytest.mark.parametrize("counts", [(90, 80), (9, 80), (80, 9), (9, 7)])
def test_frechet_distance_is_that_of_sqrtm(counts):
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((12, 12))
    real = rng.standard_normal((counts[0], 12))
    fake = rng.standard_normal((counts[1], 12)) @ mixing + 0.5
    found = frechet_distance(of(real), of(fake))
    if min(counts) > 12:
        assert found == pytest.approx(by_sqrtm(real, fake), rel=1e-10)
    # Of singular matrices too: as a limit of regular ones.
    noise = np.sqrt(1e-10) * np.eye(12)
    covariances = [np.cov(x, rowvar=False) + noise**2 for x in (real, fake)]
    root = np.trace(scipy.linalg.sqrtm(covariances[0] @ covariances[1])).real
    difference = real.mean(axis=0) - fake.mean(axis=0)
    limit = difference @ difference + sum(map(np.trace, covariances)) - 2.0 * root
    assert found == pytest.approx(limit, rel=1e-4)


def test_frechet_distance_of_known_gaussians():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((500, 4))
    x -= x.mean(axis=0)
    x = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T
    # Moved and stretched: |m|^2 + sum (s - 1)^2 of a set of covariance 1.
    y = x * [1.0, 2.0, 0.5, 1.0] + [3.0, 0.0, 0.0, 0.0]
    assert frechet_distance(of(x), of(y)) == pytest.approx(9.0 + 1.0 + 0.25)
    assert frechet_distance(of(y), of(x)) == pytest.approx(9.0 + 1.0 + 0.25)
    assert frechet_distance(of(y), of(y)) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("count", [3, 100])
def test_constant_features(count):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((100, 4))
    constant = np.full((count, 4), 2.0)
    expected = np.square(x.mean(axis=0) - 2.0).sum() + np.var(x, axis=0, ddof=1).sum()
    assert frechet_distance(of(x), of(constant)) == pytest.approx(expected)
    assert frechet_distance(of(constant), of(x)) == pytest.approx(expected)
    assert frechet_distance(of(constant), of(constant + 1)) == pytest.approx(4.0)
    one = x.copy()
    one[:, 1] = 0.0  # a dead unit
    assert frechet_distance(of(one), of(one)) == pytest.approx(0.0, abs=1e-6)
    assert np.isfinite(kernel_distances(x, np.full((100, 4), 2.0), 3, 10)).all()
    assert inception_scores(np.full((20, 4), 0.25)).tolist() == [1.0] * 10


def test_fewer_samples_than_features_warns_with_the_bias():
    metric = metrics.FrechetDistance(features=make_extractor(dim=64))
    rng = np.random.default_rng(0)
    real, fake = rng.standard_normal((40, 64)), rng.standard_normal((30, 64))
    metric.update_features(real, fake)
    with pytest.warns(UserWarning, match="30 samples of 64 features") as caught:
        value = metric.result()
    message = str(caught[0].message)
    bias = frechet_distance(*(of(real[o]) for o in np.split(
        np.random.default_rng(0).permutation(40), 2)))  # fmt: skip
    assert f"Two halves of the real images, 20 each, are {bias:.4g} apart" in message
    assert 0.5 * value < bias < 2.0 * value  # both sets are of one distribution
    assert metric.result() == value  # and warns once
    metric.reset_state()
    metric.update_features(rng.standard_normal((80, 64)), rng.standard_normal((80, 64)))
    assert metric.result() < value


def test_frechet_distance_infinity():
    rng = np.random.default_rng(0)
    real = rng.standard_normal((100_000, 32))
    fake = rng.standard_normal((2_000, 32)) * 1.05 + 0.1
    truth = 32 * (0.1**2 + 0.05**2)
    plain = frechet_distance(of(real), of(fake))
    found = extrapolate(of(real), fake)
    assert plain - truth > 0.1
    assert abs(found - truth) < 0.3 * abs(plain - truth)
    assert extrapolate(of(real), fake) == found  # seeded
    metric = metrics.FrechetDistanceInfinity(features=make_extractor(dim=32))
    metric.update_features(real[:5000], fake)
    assert metric.result() == extrapolate(of(real[:5000]), fake)
    assert metric.name == "fd_infinity_stand_in_2k"
    with pytest.raises(ValueError, match="more than 329 generated samples"):
        extrapolate(of(real), fake[:300])


# ---------------------------------------------------------------- KID


def test_kernel_distance_is_unbiased():
    rng = np.random.default_rng(0)
    values = [
        kernel_distances(rng.standard_normal((20, 5)), rng.standard_normal((20, 5)), 2)
        for _ in range(300)
    ]
    means = np.mean(values, axis=1)
    assert abs(means.mean()) < 3 * means.std() / np.sqrt(len(means))
    assert means.min() < 0.0 < means.max()


def test_kernel_distance_by_hand():
    rng = np.random.default_rng(0)
    real, fake = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    generator = np.random.RandomState(1)
    x = real[generator.choice(4, 2, replace=False)]
    y = fake[generator.choice(4, 2, replace=False)]

    def k(a, b):
        return (a @ b / 3 + 1) ** 3

    between = np.mean([k(a, b) for a in x for b in y])
    expected = k(x[0], x[1]) + k(y[0], y[1]) - 2 * between
    assert kernel_distances(real, fake, 1, 2, 1)[0] == pytest.approx(expected)


def test_kernel_distance_result():
    metric = metrics.KernelDistance(features=make_extractor(), subsets=20)
    rng = np.random.default_rng(0)
    metric.update_features(rng.normal(size=(50, 6)), rng.normal(1.0, size=(40, 6)))
    values = metric.result()
    assert list(values) == ["kid_stand_in_40", "kid_stand_in_40_standard_error"]
    mean, error = values.values()
    assert mean > 5 * error > 0.0
    with pytest.raises(ValueError, match=r"at least 4 real and 4 generated"):
        kernel_distances(np.zeros((3, 2)), np.zeros((9, 2)))


# ---------------------------------------------------------------- Inception score


def test_inception_score_bounds():
    sure = np.eye(5)[np.arange(100) % 5]
    np.testing.assert_allclose(inception_scores(sure), 5.0)
    np.testing.assert_allclose(inception_scores(sure[np.zeros(100, int)]), 1.0)
    with pytest.raises(ValueError, match="Apply a softmax"):
        inception_scores(np.random.default_rng(0).normal(size=(20, 3)))
    with pytest.raises(ValueError, match="at least 2 .* splits=10 parts. Received: 9"):
        inception_scores(sure[:9])


# ---------------------------------------------------------------- PRDC


def test_prdc_of_one_distribution():
    rng = np.random.default_rng(0)
    values = prdc(rng.standard_normal((1500, 4)), rng.standard_normal((1500, 4)))
    assert values["density"] == pytest.approx(1.0, abs=0.05)
    assert values["coverage"] == pytest.approx(1 - 2**-5, abs=0.02)


def test_prdc_tells_fidelity_from_diversity():
    rng = np.random.default_rng(0)
    real = rng.standard_normal((400, 2))
    real[200:] += 20.0  # two modes
    one_mode = prdc(real, rng.standard_normal((400, 2)))
    assert one_mode["precision"] > 0.9 and one_mode["recall"] < 0.6
    assert one_mode["coverage"] < 0.6
    half_junk = rng.standard_normal((400, 2))
    half_junk[::2] += 500.0
    assert prdc(real, half_junk)["precision"] == pytest.approx(0.5, abs=0.05)


def prdc_by_definition(real, fake, k):
    """The four values, and the squared radii of real balls; all distances at once."""

    def squares(x, y):
        return np.square(x[:, None] - y[None]).sum(axis=-1)

    radii = [np.sort(squares(x, x), axis=1)[:, k] for x in (real, fake)]
    between = squares(real, fake)
    inside = between < radii[0][:, None]
    values = {
        "precision": inside.any(axis=0).mean(),
        "recall": (between < radii[1]).any(axis=1).mean(),
        "density": inside.sum() / k / len(fake),
        "coverage": inside.any(axis=1).mean(),
    }
    return values, radii[0]


@pytest.mark.parametrize("size", [1, 100, 10**9])
def test_prdc_in_blocks(monkeypatch, size):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(5, 1, (60, 3)), rng.normal(5, 1, (50, 3))
    expected, radii = prdc_by_definition(real, fake, 3)
    monkeypatch.setattr("keras_gans.metrics.prdc.BLOCK_BYTES", size)
    assert prdc(real, fake, k=3) == pytest.approx(expected)
    np.testing.assert_allclose(nearest_radii(real, 3), radii, rtol=1e-9)


def test_prdc_of_equal_samples():
    rng = np.random.default_rng(0)
    real = rng.normal(100.0, 1.0, (50, 3)).astype("float32")
    collapsed = np.repeat(real[:1], 50, axis=0)
    values = prdc(real, collapsed)
    assert values["precision"] == 1.0 and values["recall"] <= 0.02
    with pytest.raises(ValueError, match="features differ"):
        prdc(collapsed, real)


def test_prdc_of_whole_numbers():
    """Many distances are the same as a radius: such samples are outside."""
    rng = np.random.default_rng(0)
    real, fake = rng.integers(0, 4, (60, 3)), rng.integers(0, 4, (50, 3)) + 0.0
    expected, _ = prdc_by_definition(real, fake, 5)
    assert 0.0 < expected["density"] < 0.8  # with the edges it is more than 1
    assert prdc(real, fake) == pytest.approx(expected, rel=1e-12)
    assert prdc(real / 7, fake / 7) == pytest.approx(expected, rel=1e-12)


def test_k_at_least_n():
    x = np.random.default_rng(0).standard_normal((6, 2))
    assert prdc(x, x + 0.1, k=5)
    with pytest.raises(ValueError, match=r"more real samples than k=6. Received: 6"):
        prdc(x, np.concatenate([x, x]), k=6)
    with pytest.raises(ValueError, match=r"more generated samples than k=5"):
        prdc(x, x[:5], k=5)
    with pytest.raises(ValueError, match=r"less than `num_samples`"):
        metrics.PRDC(features=make_extractor(), num_samples=5, k=5)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_standard_error_of_kid_is_that_of_other_samples(shift):
    """Alike distributions may have one 1.4 times too large, as is said there."""
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        real, fake = rng.normal(size=(2, 120, 4))
        found.append(kernel_distance(real, fake + shift, 30, 60))
    values, errors = np.array(found).T
    ratio = np.mean(errors) / np.std(values, ddof=1)
    assert 0.75 < ratio < (1.75 if shift == 0.0 else 1.3)
    expected = kernel_distances(real, fake + shift, 30, 60).mean()
    assert values[-1] == pytest.approx(expected, rel=1e-9)
