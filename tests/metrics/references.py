"""Other people's implementations, to agree with."""

import importlib
import importlib.util
import sys
import types

import pytest


def torch_fidelity(module):
    """Imports one module of torch-fidelity; skips the test where it is not installed.

    The package's own `__init__` is left out: it imports all of torchvision, which
    none of the modules needed here does.
    """
    pytest.importorskip("torch")
    if "torch_fidelity" not in sys.modules:
        spec = importlib.util.find_spec("torch_fidelity")
        if spec is None:
            pytest.skip("torch-fidelity is not installed")
        package = types.ModuleType("torch_fidelity")
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules["torch_fidelity"] = package
    return importlib.import_module(f"torch_fidelity.{module}")
