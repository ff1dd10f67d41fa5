"""The metrics give what the field's reference implementations give."""

import numpy as np
import pytest

from keras_gans.metrics.frechet_distance import frechet_distance
from keras_gans.metrics.inception_score import inception_scores
from keras_gans.metrics.kernel_distance import kernel_distances
from keras_gans.metrics.prdc import prdc
from keras_gans.metrics.statistics import FeatureStatistics
from tests.metrics import reference_case as case


def of(features):
    statistics = FeatureStatistics()
    statistics.update(features)
    return statistics


def ours():
    real, fake = case.make_features()
    kid = kernel_distances(real, fake, *case.KID.values())
    scores = inception_scores(case.softmax(case.make_logits()), case.SPLITS)
    values = prdc(real, fake, k=5)
    return {
        "fd": frechet_distance(of(real), of(fake)),
        "kid": kid.mean(),
        "kid_std": kid.std(),
        "is": scores.mean(),
        "is_std": scores.std(),
        "torch_fidelity_precision": values["precision"],
        "torch_fidelity_recall": values["recall"],
        **values,
    }


def test_agreement_with_the_stored_references():
    found, expected = ours(), case.golden()
    assert set(found) == set(expected)
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-6), key
    # The case is one that can tell: nothing is 0 or 1.
    assert 0.1 < expected["precision"] < 0.95
    assert 0.1 < expected["recall"] < 0.95


def test_the_stored_references_are_theirs():
    pytest.importorskip("prdc")
    assert case.references() == pytest.approx(case.golden(), rel=1e-9)


@pytest.mark.parametrize("samples", [400, 40])  # more and fewer than features
def test_frechet_distance_of_many_features(samples):
    metric_fid = case.formulas("metric_fid")
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((96, 96)) * np.exp(-np.arange(96) / 20)
    real = rng.standard_normal((samples, 96)) @ mixing
    fake = 1.1 * rng.standard_normal((samples + 10, 96)) @ mixing + 0.2
    statistics = [
        {"mu": f.mean(axis=0), "sigma": np.cov(f, rowvar=False)} for f in (real, fake)
    ]
    expected = metric_fid.fid_statistics_to_metric(*statistics, verbose=False)
    expected = expected["frechet_inception_distance"]
    found = frechet_distance(of(real), of(fake))
    # Of a singular product theirs takes roots of eigenvalues that are rounding alone.
    assert found == pytest.approx(expected, rel=1e-9 if samples == 400 else 1e-5)
