import threading
import tracemalloc
import warnings

import numpy as np
import pytest
from PIL import Image

import keras_gans as kg

ARRAY = np.random.default_rng(0).integers(0, 256, (12, 5, 4, 3), "uint8")
MASK = np.arange(12) % 3 == 0


def lazy(read=ARRAY.__getitem__, shape=ARRAY.shape, **options):
    return kg.datasets.LazyImages(read, shape, **options)


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        np.int64(3),
        slice(None),
        slice(7, None, -2),
        slice(5, 5),
        slice(10, 99),
        [3, 3, -12],
        np.array([], "int64"),
        np.array([11, 0], "uint8"),
        MASK,
    ],
)
@pytest.mark.parametrize("workers", [1, 3])
def test_is_indexed_as_an_array_is(index, workers):
    expected = ARRAY[np.array(index) if isinstance(index, list) else index]
    found = lazy(workers=workers)[index]
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


def test_looks_like_an_array():
    images = lazy()
    assert (len(images), images.ndim, images.dtype) == (12, 4, np.uint8)
    assert images.shape == ARRAY.shape
    np.testing.assert_array_equal(np.asarray(images), ARRAY)
    assert np.asarray(images, "float32").dtype == np.float32
    np.testing.assert_array_equal(np.stack(list(images)), ARRAY)
    assert repr(images) == "LazyImages(shape=(12, 5, 4, 3))"


@pytest.mark.parametrize("index", [12, -13, [0, 12], np.ones(3, bool), [[0]], 0.5])
def test_wrong_indices(index):
    with pytest.raises(IndexError, match="Expected.*Received"):
        lazy()[index]


def test_wrong_arguments():
    for shape in [(12, 5, 4), (0, 5, 4, 3), (12, 5.0, 4, 3)]:
        with pytest.raises(ValueError, match="Expected: `shape`"):
            lazy(shape=shape)
    with pytest.raises(ValueError, match="`workers`"):
        lazy(workers=0)


def test_images_of_another_kind():
    images = lazy(shape=(12, 5, 4, 1))
    with pytest.raises(ValueError, match=r"image 2 .*\(5, 4, 1\).*Received.*\(5, 4, 3"):
        images[2]
    images = lazy(lambda i: ARRAY[i] / 255.0)
    with pytest.raises(ValueError, match="uint8.*Received: float64"):
        images[:2]


def test_an_error_of_the_reader_is_passed_on():
    def read(index):
        raise OSError(f"disk is gone at {index}")

    with pytest.raises(OSError, match="disk is gone at 4"):
        lazy(read)[[4, 4]]


def test_images_of_a_batch_are_read_side_by_side():
    together = threading.Barrier(
        2, timeout=30.0
    )  # breaks unless two are read at a time

    def read(index):
        together.wait()
        return ARRAY[index]

    np.testing.assert_array_equal(lazy(read, workers=2)[[1, 9]], ARRAY[[1, 9]])


def save(path, color):
    path.parent.mkdir(exist_ok=True, parents=True)
    Image.fromarray(np.full((9, 9, 3), color, "uint8")).save(path)


def load(folder, **options):
    return kg.datasets.from_directory(folder, 8, progress=False, **options)


def test_a_folder_is_the_same_read_at_once_or_bit_by_bit(tmp_path):
    for i, name in enumerate(["b/1.png", "a/2.png", "a/x/3.png", "a-b/1.png"]):
        save(tmp_path / name, 50 * i)
    for options in [{}, {"channels": 1}, {"labels": None, "crop": "none"}]:
        images, labels = load(tmp_path, **options)
        later, same_labels = load(tmp_path, lazy=True, **options)
        assert isinstance(later, kg.datasets.LazyImages)
        np.testing.assert_array_equal(later[:], images)
        np.testing.assert_array_equal(same_labels, labels)


def test_nothing_is_read_before_it_is_needed(tmp_path):
    for i in range(3):
        save(tmp_path / f"{i}.png", 10 * i)
    images, labels = load(tmp_path, lazy=True)
    assert labels is None
    (tmp_path / "0.png").unlink()
    assert images[1].mean() == 10


def test_an_unreadable_image_is_replaced_by_one_of_its_folder(tmp_path):
    names = ["a/1.png", "a/2.png", "a/3.png", "b/1.png", "b/2.png"]
    for i, name in enumerate(names):
        save(tmp_path / name, 10 * i)
    for name in ["a/2.png", "a/3.png", "b/1.png"]:
        (tmp_path / name).write_bytes(b"no image")
    images, _ = load(tmp_path, lazy=True)
    with pytest.warns(UserWarning, match="cannot be read .not an image.") as warned:
        assert images[2].mean() == 0  # a/1, before it
    assert [str(w.message)[:7] for w in warned] == ["a/3.png", "a/2.png"]
    with pytest.warns(UserWarning, match=r"b/1\.png"):
        assert images[3].mean() == 40  # b/2, after it
    with warnings.catch_warnings():  # each is named once
        warnings.simplefilter("error")
        assert images[:].mean(axis=(1, 2, 3)).tolist() == [0, 0, 0, 40, 40]
    (tmp_path / "b/2.png").write_bytes(b"no image")
    with (
        pytest.warns(UserWarning, match=r"b/2\.png"),
        pytest.raises(ValueError, match=r"No image could be read.*b/1\.png"),
    ):
        images[3]


def test_a_million_images_take_the_memory_of_a_batch():
    def read(index):
        return np.full((8, 8, 1), index % 256, "uint8")

    tracemalloc.start()
    images = kg.datasets.LazyImages(read, (10**6, 8, 8, 1))
    for start in range(0, 5000, 100):
        images[start : start + 100]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20
