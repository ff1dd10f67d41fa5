import signal
import subprocess
import sys

import pytest

from keras_gans.utils.files import atomic_path
from keras_gans.utils.files import prepare_directory


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with atomic_path(path) as temporary:
        assert temporary.parent == tmp_path and temporary.suffix == ".txt"
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_of_a_failure(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="stop"), atomic_path(path) as temporary:
        temporary.write_text("ne")
        raise RuntimeError("stop")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_kill_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    # The file alone, without the package, to be quick.
    code = f"""
import importlib.util, os, signal
spec = importlib.util.spec_from_file_location("files", {atomic_path_file()!r})
files = importlib.util.module_from_spec(spec)
spec.loader.exec_module(files)
with files.atomic_path({str(path)!r}) as temporary:
    temporary.write_text("ne")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    process = subprocess.run([sys.executable, "-c", code])
    assert process.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def atomic_path_file():
    return sys.modules[atomic_path.__module__].__file__


def test_prepare_directory_makes_parents(tmp_path):
    path = prepare_directory(tmp_path / "a" / "b", "directory")
    assert path.is_dir() and not list(path.iterdir())


@pytest.mark.parametrize("value", ["", None, 3, "gs://bucket/run"])
def test_not_a_local_path(value):
    with pytest.raises(ValueError, match="`directory` as the path of a local folder"):
        prepare_directory(value, "directory")


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "runs").touch()
    with pytest.raises(OSError, match="Received: directory=.*runs/dcgan"):
        prepare_directory(tmp_path / "runs" / "dcgan", "directory")
