import functools
import hashlib
import pathlib

import numpy as np
import pytest

import keras_gans as kg
from keras_gans import zoo
from keras_gans.datasets import fashion_mnist
from keras_gans.datasets import files
from keras_gans.datasets import images as image_tools

SPLITS = {"fashion_mnist": (60_000, 10_000), "emoji": (3_444, 342)}
SPLITS["digits"] = (1_442, 355)
TEST_EMOJI = "2ecf724ce58ea9db"
SHAPES = {"fashion_mnist": (28, 28, 1), "emoji": (64, 64, 3), "digits": (8, 8, 1)}


@functools.cache
def load_emoji(split, style):
    return kg.datasets.load("emoji", split, style=style)


@pytest.fixture
def no_zoo(monkeypatch):
    monkeypatch.setattr(zoo, "path", lambda: None)


@pytest.mark.parametrize("name", SPLITS)
def test_sizes_dtypes_and_ranges(name):
    for split, count in zip(("train", "test"), SPLITS[name], strict=True):
        images, labels = kg.datasets.load(name, split)
        assert images.shape == (count, *SHAPES[name])
        assert images.dtype == np.uint8
        assert (images.min(), images.max()) == (0, 255)
        assert labels.shape == (count,)
        assert labels.dtype == np.int32
        assert labels.min() == 0
        assert labels.max() == len(kg.datasets.class_names(name)) - 1
        assert images.flags.writeable


def test_fashion_mnist_is_the_published_one():
    images, labels = kg.datasets.load("fashion_mnist")
    np.testing.assert_array_equal(np.bincount(labels), [6000] * 10)
    assert labels[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    # Mean and standard deviation as everyone who normalizes by them has them.
    assert round(images.mean() / 255, 4) == 0.2860
    assert round((images / np.float32(255)).std(), 4) == 0.3530
    _, labels = kg.datasets.load("fashion_mnist", "test")
    np.testing.assert_array_equal(np.bincount(labels), [1000] * 10)
    assert labels[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
    assert kg.datasets.class_names("fashion_mnist")[9] == "Ankle boot"


def test_fashion_mnist_at_32_is_padded_not_resized():
    images, _ = kg.datasets.load("fashion_mnist", "test")
    padded, _ = kg.datasets.load("fashion_mnist", "test", image_size=32)
    assert padded.shape == (10_000, 32, 32, 1)
    np.testing.assert_array_equal(padded[:, 2:-2, 2:-2], images)
    assert padded.sum() == images.sum()


def test_digits_are_scaled_and_stratified():
    train, train_labels = kg.datasets.load("digits", "train")
    test, test_labels = kg.datasets.load("digits", "test")
    values = np.unique(np.concatenate([train, test]))
    np.testing.assert_array_equal(values, np.round(np.arange(17) * 255 / 16))
    counts = np.array([178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    np.testing.assert_array_equal(np.bincount(test_labels), counts // 5)
    np.testing.assert_array_equal(np.bincount(train_labels), counts - counts // 5)
    # A zero has a hole in its middle, a one has not.
    hole = train[:, 3:5, 3:5].mean(axis=(1, 2, 3))
    assert hole[train_labels == 0].mean() < 60 < hole[train_labels == 1].mean()


def test_emoji_split_is_by_base_and_the_same_for_both_styles():
    train = kg.datasets.emoji_metadata("train")
    test = kg.datasets.emoji_metadata("test")
    assert not {row["base"] for row in train} & {row["base"] for row in test}
    assert len({row["codepoints"] for row in train + test}) == 3_786
    assert {"base", "name", "category", "skin_tone"} <= set(test[0])
    # Pinned: a new split would put what published weights trained on into the test.
    listed = " ".join(row["codepoints"] for row in test)
    assert hashlib.sha256(listed.encode()).hexdigest()[:16] == TEST_EMOJI
    names = kg.datasets.class_names("emoji")
    for style in ("noto", "twemoji"):
        _, labels = load_emoji("test", style)
        assert [names[label] for label in labels] == [row["category"] for row in test]


def test_emoji_rows_are_the_same_emoji_in_both_styles():
    noto, labels = load_emoji("test", "noto")
    twemoji, _ = load_emoji("test", "twemoji")
    assert (noto != twemoji).any(axis=(1, 2, 3)).mean() > 0.9
    # Flags have the same colours in every style: each is nearest to itself.
    flags = labels == kg.datasets.class_names("emoji").index("Flags")
    coarse = [image_tools.resize(x[flags], (8, 8)) for x in (noto, twemoji)]
    colors = [x.astype(float).reshape(flags.sum(), -1) for x in coarse]
    distances = np.linalg.norm(colors[0][:, None] - colors[1][None], axis=-1)
    hits = distances.argmin(axis=1) == np.arange(flags.sum())
    assert hits.mean() > 0.75


def test_emoji_tiles_show_what_their_row_says():
    """The large squares and circles of one colour say it in their names."""
    rgb = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}
    for style in ("noto", "twemoji"):
        images, _ = load_emoji("train", style)
        seen = 0
        for image, row in zip(images, kg.datasets.emoji_metadata(), strict=True):
            color, _, shape = row["name"].removeprefix("large ").partition(" ")
            if color in rgb and shape in ("circle", "square"):
                middle = image[24:40, 24:40].mean(axis=(0, 1))
                assert rgb[color][int(middle.argmax())] == 1, row["name"]
                seen += 1
        assert seen >= 3


@pytest.mark.parametrize("name", ["digits", "emoji"])
def test_load_is_deterministic_and_resizes(name):
    images, labels = kg.datasets.load(name, "test", image_size=(24, 16))
    again, same_labels = kg.datasets.load(name, "test", image_size=[24, 16])
    assert images.shape[1:3] == (24, 16)
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(labels, same_labels)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"name": "fashion-mnits"}, "Did you mean 'fashion_mnist'"),
        ({"name": "imagenet"}, "from_tfds"),
        ({"name": "digits", "split": "validation"}, r"\['train', 'test'\]"),
        ({"name": "digits", "image_size": 0}, "image_size"),
        ({"name": "digits", "image_size": 8.5}, "image_size"),
        ({"name": "digits", "image_size": (8, 8, 1)}, "height, width"),
        ({"name": "emoji", "style": "apple"}, r"\['noto', 'twemoji'\]"),
        ({"name": "digits", "style": "noto"}, "Expected: none"),
        ({"name": "emoji", "num_samples": 4}, r"\['style'\]"),
    ],
)
def test_wrong_arguments_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        kg.datasets.load(**arguments)
    with pytest.raises(ValueError, match="split of emoji"):
        kg.datasets.emoji_metadata("valid")


@pytest.mark.parametrize("name", ["digits", "emoji"])
def test_without_the_zoo_the_error_says_what_to_install(no_zoo, name):
    with pytest.raises(FileNotFoundError, match=r"pip install keras-gans\[zoo\]"):
        kg.datasets.load(name)


def test_without_the_zoo_fashion_mnist_is_downloaded(monkeypatch):
    source = zoo.path() / "datasets" / "fashion_mnist"
    expected, _ = kg.datasets.load("fashion_mnist", "test")
    asked = []

    def cached_download(url, digest, size, folder):
        asked.append(url)
        path = source / url.rpartition("/")[2]
        assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
        assert size == path.stat().st_size and folder == "fashion_mnist"
        return path

    monkeypatch.setattr(fashion_mnist, "cached_download", cached_download)
    monkeypatch.setattr(zoo, "path", lambda: None)
    images, _ = kg.datasets.load("fashion_mnist", "test")
    np.testing.assert_array_equal(images, expected)
    home = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-"
    assert [url.partition("t10k-")[0] + "t10k-" for url in asked] == [home, home]


def test_a_failed_download_names_the_zoo(no_zoo, monkeypatch):
    def cached_download(*_):
        raise OSError("no route to host")

    monkeypatch.setattr(fashion_mnist, "cached_download", cached_download)
    with pytest.raises(OSError, match=r"no route to host.*keras-gans\[zoo\]"):
        kg.datasets.load("fashion_mnist")


def test_a_damaged_file_is_refused(tmp_path, monkeypatch):
    name = "digits/digits.npz"
    content = bytearray(files.read(name))
    content[1000] ^= 1
    path = tmp_path / "datasets" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    monkeypatch.setattr(zoo, "path", lambda: tmp_path)
    with pytest.raises(ValueError, match="damaged.*SHA-256"):
        kg.datasets.load("digits")


def test_every_bundled_file_has_its_checksum_and_licence():
    folder = zoo.path() / "datasets"
    sums = dict(
        reversed(line.split("  "))
        for line in (folder / "SHA256SUMS").read_text().splitlines()
    )
    assert sums == files.SHA256
    data = {
        path.relative_to(folder).as_posix()
        for path in folder.glob("*/*")
        if not path.name.startswith(("LICENSE", "README"))
    }
    assert data == set(sums)
    for name in {pathlib.PurePosixPath(name).parts[0] for name in sums}:
        assert list((folder / name).glob("LICENSE*"))
        readme = (folder / name / "README.md").read_text(encoding="utf-8")
        for file, digest in sums.items():
            assert not file.startswith(name) or digest in readme
