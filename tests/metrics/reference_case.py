"""What torch-fidelity and clovaai's prdc compute of features made with NumPy.

`python -m tests.metrics.reference_case` writes their values to
tests/golden/metric_references.npz, for where they are not installed.
"""

import contextlib
import importlib.util
import io
import pathlib
import sys
import types

import numpy as np

from tests.metrics.references import torch_fidelity

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "metric_references.npz"
KID = {"subsets": 10, "subset_size": 60, "seed": 2020}
SPLITS = 5


class Empty(types.ModuleType):
    """A module in whose place whatever is asked for is an empty class."""

    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def formulas(module):
    """A module of torch-fidelity's, whose package imports torchvision for no use here.

    (`references.torch_fidelity` leaves the package's `__init__` out, which these
    modules need.)
    """
    torch_fidelity(module="version")  # skips where it is not installed
    if importlib.util.find_spec("torchvision") is not None:
        parts = ()
    else:
        root = Empty("torchvision")
        root.transforms = Empty("torchvision.transforms")
        root.datasets = Empty("torchvision.datasets")
        root.transforms.functional = Empty("torchvision.transforms.functional")
        parts = (root, root.transforms, root.datasets, root.transforms.functional)
    if not hasattr(sys.modules["torch_fidelity"], "__file__"):
        for name in [n for n in sys.modules if n.split(".")[0] == "torch_fidelity"]:
            del sys.modules[name]
    sys.modules.update({part.__name__: part for part in parts})
    try:
        return importlib.import_module(f"torch_fidelity.{module}")
    finally:
        for part in parts:
            del sys.modules[part.__name__]


def make_features():
    """Real and generated features, not alike, correlated, with a large mean."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((12, 12))
    real = rng.standard_normal((200, 12)) @ mixing + 3.0
    fake = rng.standard_normal((180, 12)) @ mixing[::-1] + 3.4
    fake[::3] += 9.0  # no sample of the data
    real[::4] -= 9.0  # a mode that is not generated
    return real.astype("float32"), fake.astype("float32")


def make_logits():
    return np.random.default_rng(1).normal(0.0, 2.0, (101, 7))


def softmax(logits):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def references():
    """The values of the references, which must be installed."""
    import prdc
    import torch

    metric_fid, metric_isc, metric_kid, metric_prc = (
        formulas(f"metric_{name}") for name in ("fid", "isc", "kid", "prc")
    )
    real, fake = make_features()
    statistics = [
        metric_fid.fid_features_to_statistics(torch.from_numpy(f.astype("float64")))
        for f in (fake, real)
    ]
    kid = metric_kid.kid_features_to_metric(
        # Theirs draws for its first argument first, as ours for real samples.
        torch.from_numpy(real.astype("float64")),
        torch.from_numpy(fake.astype("float64")),
        kid_subsets=KID["subsets"],
        kid_subset_size=KID["subset_size"],
        kid_kernel="poly",
        kid_kernel_poly_degree=3,
        kid_kernel_poly_gamma=None,
        kid_kernel_poly_coef0=1,
        rng_seed=KID["seed"],
        verbose=False,
    )
    isc = metric_isc.isc_features_to_metric(
        torch.from_numpy(make_logits()), splits=SPLITS, shuffle=False
    )
    prc = metric_prc.prc_features_to_metric(
        torch.from_numpy(fake.astype("float64")),
        torch.from_numpy(real.astype("float64")),
        prc_neighborhood=5,
        prc_batch_size=100,
        save_cpu_ram=False,
        verbose=False,
    )
    with contextlib.redirect_stdout(io.StringIO()):
        clovaai = prdc.compute_prdc(
            real.astype("float64"), fake.astype("float64"), nearest_k=5
        )
    return {
        "fd": metric_fid.fid_statistics_to_metric(*statistics, verbose=False)[
            metric_fid.KEY_METRIC_FID
        ],
        "kid": kid[metric_kid.KEY_METRIC_KID_MEAN],
        "kid_std": kid[metric_kid.KEY_METRIC_KID_STD],
        "is": isc[metric_isc.KEY_METRIC_ISC_MEAN],
        "is_std": isc[metric_isc.KEY_METRIC_ISC_STD],
        "torch_fidelity_precision": prc[metric_prc.KEY_METRIC_PRECISION],
        "torch_fidelity_recall": prc[metric_prc.KEY_METRIC_RECALL],
        **{key: float(value) for key, value in clovaai.items()},
    }


def golden():
    with np.load(GOLDEN) as arrays:
        return {key: float(value) for key, value in arrays.items()}


if __name__ == "__main__":
    np.savez(GOLDEN, **references())
    print(golden())
