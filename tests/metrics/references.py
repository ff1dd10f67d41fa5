"""Other people's implementations, to agree with."""

import pytest

from benchmarks import peers


def torch_fidelity(module):
    """Imports one module of torch-fidelity; skips the test where it is not there."""
    found = peers.torch_fidelity(module)
    if found is None:
        pytest.skip("torch-fidelity is not installed")
    return found
