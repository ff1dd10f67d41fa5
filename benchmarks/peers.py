"""Packages of others that ours is compared with, where they are installed."""

import importlib
import importlib.util
import sys
import types


def torch_fidelity(module):
    """Imports one module of torch-fidelity.

    The package's own `__init__` is left out: it imports all of torchvision, which
    none of the modules compared with does.

    Returns:
        The module; None if torch-fidelity or torch is not installed.
    """
    if "torch_fidelity" not in sys.modules:
        spec = importlib.util.find_spec("torch_fidelity")
        if spec is None or importlib.util.find_spec("torch") is None:
            return None
        package = types.ModuleType("torch_fidelity")
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules["torch_fidelity"] = package
    return importlib.import_module(f"torch_fidelity.{module}")
