import collections
import pathlib
import pickle
import sys
import types

import numpy as np
import pytest

from keras_gans.utils.network_pickle import read_network_pickle

torch = pytest.importorskip("torch")


def module(name):
    """A module like those of the official code, which pickles name."""
    made = types.ModuleType(name)
    made.__dict__["__name__"] = name
    return made


@pytest.fixture
def official(monkeypatch):
    """Stand-ins for the modules that official pickles ask for, while they are made."""
    for name in ("torch_utils", "dnnlib", "training"):
        monkeypatch.setitem(sys.modules, name, module(name))
    persistence, util, networks = (
        module(name)
        for name in ("torch_utils.persistence", "dnnlib.util", "training.networks")
    )

    def _reconstruct_persistent_obj(meta):
        raise AssertionError("not to be called")

    class EasyDict(dict):
        pass

    class Generator(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.mapping = torch.nn.Linear(3, 2)
            self.layers = torch.nn.ModuleList([torch.nn.Conv2d(2, 4, 3)])
            self.register_buffer("w_avg", torch.arange(2.0))
            self.register_buffer("none", None)
            self.dtype, self.kwargs = torch.float32, EasyDict(side=8)

    for made, things in (
        (persistence, [_reconstruct_persistent_obj]),
        (util, [EasyDict]),
        (networks, [Generator]),
    ):
        for thing in things:
            thing.__module__, thing.__qualname__ = made.__name__, thing.__name__
            setattr(made, thing.__name__, thing)
        monkeypatch.setitem(sys.modules, made.__name__, made)

    class Persistent:
        """Pickled as classes are that bring their source along."""

        def __init__(self, inner):
            self.inner = inner

        def __reduce__(self):
            meta = {
                "type": "class",
                "module_src": "raise AssertionError('not to be run')",
                "class_name": "Generator",
                "state": EasyDict(self.inner.__dict__),
            }
            return persistence._reconstruct_persistent_obj, (meta,)

    return types.SimpleNamespace(Generator=Generator, Persistent=Persistent)


@pytest.mark.parametrize("persistent", [True, False])
def test_networks_without_their_code(official, persistent, tmp_path):
    torch.manual_seed(0)
    generator = official.Generator()
    saved = official.Persistent(generator) if persistent else generator
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({"G": saved, "G_ema": saved, "kimg": 3, "D": None}))
    found = read_network_pickle(path)
    assert list(found) == ["G", "G_ema"]
    expected = generator.state_dict()
    assert set(found["G"]) == set(expected)
    for key, tensor in expected.items():
        np.testing.assert_array_equal(found["G_ema"][key], tensor.numpy())


def test_code_is_refused_by_name(tmp_path):
    path = tmp_path / "a.pkl"

    class Evil:
        def __reduce__(self):
            return pathlib.Path.touch, (tmp_path / "touched",)

    path.write_bytes(pickle.dumps({"G": Evil()}))
    with pytest.raises(ValueError, match="asks for `.*getattr`|`pathlib"):
        read_network_pickle(path)
    assert not (tmp_path / "touched").exists()
    # A class of an allowed package is a stand-in, which takes a state and no more.
    calls = b"ctraining.networks\nSystem\n(S'touch'\ntR."
    path.write_bytes(calls)
    with pytest.raises(ValueError, match="System.. takes no arguments"):
        read_network_pickle(path)
    path.write_bytes(b"cdnnlib.tflib.network\nNetwork\n.")
    with pytest.raises(ValueError, match="older TensorFlow code.*legacy.py"):
        read_network_pickle(path)


def test_other_and_damaged_files(official, tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(collections.OrderedDict(a=1)))
    with pytest.raises(ValueError, match=r"which holds OrderedDict with \['a'\]"):
        read_network_pickle(path)
    content = pickle.dumps({"G": official.Generator()})
    for share in (0.3, 0.7, 0.98):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(ValueError, match="Get it again|cannot be read|damaged"):
            read_network_pickle(path)
    path.write_bytes(b"no pickle")
    with pytest.raises(ValueError, match="cannot be read"):
        read_network_pickle(path)
    with pytest.raises(FileNotFoundError):
        read_network_pickle(tmp_path / "none.pkl")


def test_modules_that_hold_each_other(official, tmp_path):
    path = tmp_path / "a.pkl"
    generator = official.Generator()
    for _ in range(40):  # 2^40 paths lead to the innermost and its arrays
        outer = torch.nn.Module()
        outer.a = outer.b = generator
        generator = outer
    path.write_bytes(pickle.dumps({"G": generator}))
    with pytest.raises(ValueError, match="damaged: over 100000 arrays"):
        read_network_pickle(path)
    generator = official.Generator()
    generator.itself = torch.nn.Sequential(generator)
    path.write_bytes(pickle.dumps({"G": generator}))
    with pytest.raises(ValueError, match="a module holds itself"):
        read_network_pickle(path)


def test_attributes_of_numpy_are_left_out(official, tmp_path):
    generator = official.Generator()
    generator.size = np.broadcast_to(np.asarray(8), [2])  # as in stylegan3
    generator.rate = np.float64(0.5)
    for protocol in (2, 4):
        path = tmp_path / "a.pkl"
        path.write_bytes(pickle.dumps({"G": generator}, protocol))
        assert set(read_network_pickle(path)["G"]) == set(generator.state_dict())
