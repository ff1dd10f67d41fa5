"""The FID's network, with random weights and statistics, against torch-fidelity's.

`python -m tests.metrics.features.test_inception_v3` writes the golden features, with
torch-fidelity installed.
"""

import functools
import pathlib

import numpy as np
import pytest

from benchmarks.features import random_state_dict
from keras_gans.metrics import features
from keras_gans.metrics.features import inception_v3
from keras_gans.metrics.features.inception_v3 import InceptionV3FID
from tests.metrics.references import torch_fidelity

GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "inception_v3_random.npz"
IMAGES = np.random.default_rng(1).integers(0, 256, (2, 32, 40, 3), "uint8")
RESIZES = ("tf1", "torch", "clean")


@functools.cache
def weights():
    """The file of weights, as torch would have written it; needs torch."""
    torch = pytest.importorskip("torch")
    import tempfile

    path = pathlib.Path(tempfile.mkdtemp()) / "random.pth"
    torch.save({k: torch.from_numpy(v) for k, v in random_state_dict().items()}, path)
    return path


@functools.cache
def ours(resize):
    extractor = InceptionV3FID(resize=resize, weights=weights())
    return extractor.extract(IMAGES, outputs=("features", "logits"))


def assert_close(found, expected):
    scale = np.abs(expected).max()
    assert scale > 0.1 and np.std(expected, axis=0).max() > 1e-3 * scale
    assert np.abs(found - expected).max() <= 1e-4 * scale


@pytest.mark.parametrize("resize", RESIZES)
def test_same_as_golden(resize):
    with np.load(GOLDEN) as golden:
        found = ours(resize)
        assert found["features"].shape == (2, 2048)
        assert_close(found["features"][:, ::8], golden[f"{resize}_features"])
        assert_close(found["logits"][:, ::8], golden[f"{resize}_logits"])


def torch_fidelity_features():
    module = torch_fidelity("feature_extractor_inceptionv3")
    import torch

    reference = module.FeatureExtractorInceptionV3(
        "random", ["2048", "logits_unbiased"], feature_extractor_weights_path=weights()
    )
    x = torch.from_numpy(IMAGES.transpose(0, 3, 1, 2).copy())
    return [array.numpy() for array in reference(x)]


def test_same_as_torch_fidelity():
    expected_features, expected_logits = torch_fidelity_features()
    found = ours("tf1")
    assert_close(found["features"], expected_features)
    assert_close(found["logits"], expected_logits)


def test_maps():
    maps = InceptionV3FID(weights=weights()).maps(IMAGES)
    assert [m.shape[1:] for m in maps] == [
        (147, 147, 64), (71, 71, 192), (35, 35, 288), (17, 17, 768), (8, 8, 2048),
    ]  # fmt: skip
    assert_close(maps[-1].mean(axis=(1, 2)), ours("tf1")["features"])


def test_names():
    extractor = InceptionV3FID(weights=weights())
    # Only the weights of 2015-12-05 make an FID.
    assert extractor.name.startswith("inception_v3_") and "fid" not in extractor.name
    other = InceptionV3FID(weights=weights(), resize="clean")
    assert other.name == f"{extractor.name}_clean"
    assert other.fingerprint != extractor.fingerprint


@pytest.mark.once
def test_wrong_weights():
    state = random_state_dict()
    model = inception_v3.inception_v3()
    del state["Mixed_7c.branch_pool.bn.running_var"]
    with pytest.raises(ValueError, match="7c.branch_pool.bn.running_var.*none"):
        inception_v3.load_state_dict(model, state)
    state = random_state_dict()
    state["fc.weight"] = state["fc.weight"][:1000]  # keras.applications' and torch's
    with pytest.raises(ValueError, match="\\(1008, 2048\\).*\\(1000, 2048\\)"):
        inception_v3.load_state_dict(model, state)


def test_no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_GANS_CACHE", str(tmp_path))
    monkeypatch.setattr(inception_v3, "URL", (tmp_path / "none.pth").as_uri())
    with pytest.raises(OSError, match="(?s)none.pth.*place it as"):
        features.get("inception_v3_fid")


def test_a_damaged_file(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_GANS_CACHE", str(tmp_path))
    (tmp_path / "weights").mkdir()
    name = inception_v3.URL.rpartition("/")[2]
    (tmp_path / "weights" / name).write_bytes(b"half a file")
    with pytest.raises(ValueError, match="95,628,359 bytes.*of 11. Delete it"):
        features.get("inception_v3_fid")


if __name__ == "__main__":
    # The reference is torch-fidelity's network, also where it does not resize.
    import torch

    reference = torch_fidelity("feature_extractor_inceptionv3")

    class Network(reference.FeatureExtractorInceptionV3):
        """torch-fidelity's on pixels of 299 x 299 that are normalized already."""

        def run(self, x):
            for layer in list(self.children())[:-1]:
                x = layer(x)
            x = torch.flatten(x, 1)
            return x.numpy(), (x @ self.fc.weight.T).numpy()

    network = Network("random", ["2048"], feature_extractor_weights_path=weights())
    arrays = {}
    for mode in RESIZES:
        extractor = InceptionV3FID(resize=mode, weights=weights())
        batch = extractor._preprocess(IMAGES).transpose(0, 3, 1, 2).copy()
        found = network.run(torch.from_numpy(batch))
        arrays[f"{mode}_features"], arrays[f"{mode}_logits"] = (
            a[:, ::8] for a in found
        )
    np.savez_compressed(GOLDEN, **arrays)
