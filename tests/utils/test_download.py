import hashlib
import pathlib

import pytest

from keras_gans.utils.download import cached_download

CONTENT = bytes(range(256)) * 9000  # more than two chunks
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def url(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_GANS_CACHE", str(tmp_path / "cache"))
    source = tmp_path / "source.pth"
    source.write_bytes(CONTENT)
    return source.as_uri()


def files(tmp_path):
    return sorted(p.name for p in (tmp_path / "cache" / "weights").iterdir())


def test_downloads_once(url, tmp_path, capsys):
    path = cached_download(url, SHA256, len(CONTENT))
    assert path == tmp_path / "cache" / "weights" / "source.pth"
    assert path.read_bytes() == CONTENT
    assert "source.pth" in capsys.readouterr().err
    (tmp_path / "source.pth").unlink()
    assert cached_download(url, SHA256, len(CONTENT)) == path
    assert files(tmp_path) == ["source.pth"]


def test_cannot_be_fetched(url, tmp_path):
    (tmp_path / "source.pth").unlink()
    with pytest.raises(OSError, match="(?s)source.pth .*place it as .*weights") as info:
        cached_download(url, SHA256, len(CONTENT))
    assert url in str(info.value) and "KERAS_GANS_CACHE" in str(info.value)
    assert files(tmp_path) == []


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[:-1] + b"x", CONTENT + b"x"])
def test_another_file_is_refused(url, tmp_path, content):
    (tmp_path / "source.pth").write_bytes(content)
    with pytest.raises(ValueError, match="Expected: .*Received"):
        cached_download(url, SHA256, len(CONTENT))
    assert files(tmp_path) == []
    placed = pathlib.Path(tmp_path / "cache" / "weights" / "source.pth")
    placed.write_bytes(content)
    with pytest.raises(ValueError, match="Delete it, or replace it with file:"):
        cached_download(url, SHA256, len(CONTENT))
    assert files(tmp_path) == ["source.pth"]  # what a user placed is left to them
