import collections
import io
import pickle
import struct
import zipfile

import numpy as np
import pytest

from keras_gans.utils.torch_file import read_torch_file

torch = pytest.importorskip("torch")


def state_dict():
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(4, 3, 2, 2, generator=generator)
    saved = collections.OrderedDict(
        weight=weight,
        transposed=weight.permute(2, 0, 3, 1),  # another view of the same storage
        part=weight[1:3],
        parameter=torch.nn.Parameter(torch.arange(6.0).reshape(2, 3)),
        scalar=torch.tensor(7),
        empty=torch.zeros(0, 3),
        half=torch.linspace(-2, 2, 5).half(),
        bfloat16=torch.linspace(-2, 2, 5).bfloat16(),
        double=torch.linspace(0, 1, 3, dtype=torch.float64),
        flags=torch.tensor([True, False, True]),
        bytes=torch.arange(5, dtype=torch.uint8),
    )
    return saved


def assert_same(found, saved):
    assert type(found) is dict and list(found) == list(saved)
    for key, tensor in saved.items():
        tensor = tensor.detach()
        expected = tensor.float() if key == "bfloat16" else tensor
        np.testing.assert_array_equal(found[key], expected.numpy())
        assert found[key].dtype == expected.numpy().dtype
        assert found[key].flags.writeable and found[key].flags.c_contiguous


@pytest.mark.parametrize("zipped", [True, False])
def test_same_as_torch(zipped, tmp_path):
    saved = state_dict()
    torch.save(saved, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    assert_same(read_torch_file(tmp_path / "a.pth"), saved)


@pytest.mark.parametrize("zipped", [True, False])
def test_nested_checkpoints(zipped, tmp_path):
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    saved = {"g_ema": model.state_dict(), "step": 3, "betas": (0.5, 0.9), "n": [None]}
    torch.save(saved, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    found = read_torch_file(tmp_path / "a.pth")
    assert_same(found.pop("g_ema"), model.state_dict())
    assert found == {"step": 3, "betas": (0.5, 0.9), "n": [None]}


class Evil:
    def __reduce__(self):
        return (print, ("this must not be printed",))


@pytest.mark.parametrize("zipped", [True, False])
def test_code_is_not_run(zipped, tmp_path, capsys):
    saved = {"a": torch.zeros(2), "b": Evil()}
    torch.save(saved, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match="asks for `.*print`.*not run"):
        read_torch_file(tmp_path / "a.pth")
    assert "must not" not in capsys.readouterr().out


@pytest.mark.parametrize("zipped", [True, False])
def test_modules_are_refused(zipped, tmp_path):
    torch.save(
        torch.nn.Linear(2, 2),
        tmp_path / "a.pth",
        _use_new_zipfile_serialization=zipped,
    )
    with pytest.raises(ValueError, match="`torch.nn.modules.linear.Linear`|'module'"):
        read_torch_file(tmp_path / "a.pth")


def test_attributes_of_what_is_known_are_refused(tmp_path):
    # STACK_GLOBAL resolves dotted names: "OrderedDict.fromkeys", say.
    code = b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.fromkeys\x93."
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("a/data.pkl", code)
    with pytest.raises(ValueError, match="`collections.OrderedDict.fromkeys`"):
        read_torch_file(tmp_path / "a.pth")


def test_what_is_known_cannot_be_changed(tmp_path):
    # GLOBAL, then BUILD with the state (None, {"to_numpy": None}) of slots.
    code = (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n"
        b"N}X\x08\x00\x00\x00to_numpyNs\x86b."
    )
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("a/data.pkl", code)
    with pytest.raises(ValueError, match="to_numpy is read-only"):
        read_torch_file(tmp_path / "a.pth")
    torch.save({"a": torch.ones(2)}, tmp_path / "b.pth")
    np.testing.assert_array_equal(read_torch_file(tmp_path / "b.pth")["a"], 1.0)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_torchscript_is_refused(tmp_path):
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "a.pt"))
    with pytest.raises(ValueError, match="TorchScript"):
        read_torch_file(tmp_path / "a.pt")


def test_other_files(tmp_path):
    path = tmp_path / "a.pth"
    with pytest.raises(FileNotFoundError):
        read_torch_file(path)
    for content in (b"", b"<html>404</html>", b"\x89HDF\r\n\x1a\n" * 9):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="`torch.save` wrote.*a.pth"):
            read_torch_file(path)
    path.write_bytes(pickle.dumps({"weight": 1}))
    with pytest.raises(ValueError, match="a pickle of something else"):
        read_torch_file(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no checkpoint")
    with pytest.raises(ValueError, match="one data.pkl"):
        read_torch_file(path)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.99])
def test_truncated_files(zipped, share, tmp_path):
    path = tmp_path / "a.pth"
    torch.save(state_dict(), path, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="a.pth.*[Gg]et (it|the file) again"):
        read_torch_file(path)


def test_a_tensor_cannot_look_beyond_its_storage(tmp_path):
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(3)}, buffer, _use_new_zipfile_serialization=False)
    content = buffer.getvalue()
    # The shape (3,) and the stride (1,) of the tensor: BININT1 3, TUPLE1.
    assert content.count(b"K\x03\x85") == 1
    path = tmp_path / "a.pth"
    path.write_bytes(content.replace(b"K\x03\x85", b"K\x63\x85"))
    with pytest.raises(ValueError, match="reaches to value 98"):
        read_torch_file(path)
    count = struct.pack("<q", 3)
    path.write_bytes(content.replace(count, struct.pack("<q", 2)))
    with pytest.raises(ValueError, match="Expected: 3 values.*Received: 2"):
        read_torch_file(path)


def write_archive(path, code, compression=zipfile.ZIP_STORED, values=b""):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("a/data.pkl", code)
        archive.writestr("a/data/0", values)


def test_lists_of_lists_are_read_once(tmp_path):
    nested = []
    for _ in range(60):  # 2^60 paths lead to the innermost
        nested = [nested, nested]
    write_archive(tmp_path / "a.pth", pickle.dumps(nested, 2))
    found = read_torch_file(tmp_path / "a.pth")
    assert found[0] is found[1]
    nested = []
    nested.append(nested)
    write_archive(tmp_path / "a.pth", pickle.dumps(nested, 2))
    with pytest.raises(ValueError, match="a list holds itself"):
        read_torch_file(tmp_path / "a.pth")


def test_small_files_do_not_ask_for_much_memory(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"a": torch.zeros(1).expand(1 << 25)}, path)
    with pytest.raises(ValueError, match="of its 1 values. Received: one of .33554432"):
        read_torch_file(path)
    write_archive(path, pickle.dumps([]), zipfile.ZIP_DEFLATED, bytes(1 << 20))
    with pytest.raises(ValueError, match="without compression"):
        read_torch_file(path)
    torch.save({"a": torch.zeros(3)}, path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    count = struct.pack("<q", 3)  # before the values
    assert content.count(count) == 1
    storage = content.replace(b"K\x03N", b"\x8a\x05\0\0\0\0\1N")  # 2^32 of them
    assert storage != content
    path.write_bytes(storage.replace(count, struct.pack("<q", 1 << 32)))
    with pytest.raises(ValueError, match="17179869184 bytes of a tensor. Received: 12"):
        read_torch_file(path)
