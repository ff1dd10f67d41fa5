"""The same weights and inputs give the same numbers on every backend."""

import numpy as np
import pytest

from tests.golden_case import CASES
from tests.golden_case import FOLDER
from tests.golden_case import compute


@pytest.mark.parametrize("case", CASES)
def test_golden(case):
    values = compute(case)
    with np.load(FOLDER / f"{case}.npz") as golden:
        assert set(values) == set(golden.files)
        for key in golden.files:
            expected = golden[key]
            # Penalties of random critics run into the hundreds: relative there.
            bound = 1e-4 * max(1.0, float(np.abs(expected).max(initial=0.0)))
            difference = np.abs(values[key] - expected).max(initial=0.0)
            assert difference <= bound, (key, difference)
