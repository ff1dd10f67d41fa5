"""The Dirac-GAN: which losses and penalties converge (Mescheder et al. 2018)."""

import pytest

from keras_gans.evidence.dirac_gan import METHODS
from keras_gans.evidence.dirac_gan import distance

# The distance after 500 and 5,000 steps, which the recursions written out by hand in
# NumPy and float64 give too. CONVERGED is anything below 1e-5.
CONVERGED = 0.0
TABLE = {
    "gan": (1.421, 1.420),
    "nsgan": (0.2839, 0.08798),
    "wgan": (1.398, 1.385),
    "wgan_clip": (1.024, 1.012),
    "wgan_gp": (1.221, 1.437),
    "gan_r1_0.3": (CONVERGED, CONVERGED),
    "gan_r1_1": (CONVERGED, CONVERGED),
    "nsgan_r1_0.3": (CONVERGED, CONVERGED),
    "rpgan": (0.2839, 0.08798),
    "rpgan_r1_r2": (CONVERGED, CONVERGED),
}


def check(name, steps, want):
    got = distance(name, steps)
    if want == CONVERGED:
        assert got < 1e-5
    else:
        assert got == pytest.approx(want, rel=2e-3)


def test_every_method_is_checked():
    assert set(TABLE) == set(METHODS)


@pytest.mark.parametrize("name", TABLE)
def test_500_steps(name):
    check(name, 500, TABLE[name][0])


@pytest.mark.slow
@pytest.mark.parametrize("name", [k for k, row in TABLE.items() if row[1] != CONVERGED])
def test_5000_steps(name):
    check(name, 5000, TABLE[name][1])
