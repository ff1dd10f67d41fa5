import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_gans as kg

tfds = pytest.importorskip("tensorflow_datasets")

# TFDS and TensorFlow have warnings of their own.
pytestmark = pytest.mark.filterwarnings("ignore")

SIZE = (12, 20)


class Squares(tfds.core.GeneratorBasedBuilder):
    """Ten images; image i has colour i everywhere and label i % 3."""

    VERSION = tfds.core.Version("1.0.0")
    FEATURES = {
        "image": tfds.features.Image(shape=(*SIZE, 3)),
        "label": tfds.features.ClassLabel(num_classes=3),
    }

    def _info(self):
        features = tfds.features.FeaturesDict(self.FEATURES)
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for i in range(10):
            example = {}
            for key, feature in self.FEATURES.items():
                if isinstance(feature, tfds.features.Image):
                    size = [side or i + 4 for side in feature.shape]
                    example[key] = np.full(size, i, feature.np_dtype)
                else:
                    example[key] = i % 3
            yield i, example


class Unlabelled(Squares):
    """Grey, of different sizes, no label, not called image."""

    FEATURES = {"photo": tfds.features.Image(shape=(None, None, 1))}


class TwoLabels(Squares):
    """Two labels, neither called label, and two images."""

    FEATURES = {
        "left": tfds.features.Image(shape=(8, 8, 4)),
        "right": tfds.features.Image(shape=(8, 8, 3)),
        "shape": tfds.features.ClassLabel(num_classes=3),
        "color": tfds.features.ClassLabel(num_classes=3),
    }


class Deep(Squares):
    """16-bit images are not taken."""

    FEATURES = {"depth": tfds.features.Image(shape=(8, 8, 1), dtype=np.uint16)}


def load(builder, *arguments, **options):
    return kg.datasets.from_tfds(builder, *arguments, progress=False, **options)


@pytest.mark.parametrize("file_format", ["array_record", "tfrecord"])
def test_a_prepared_set_is_read_whole_in_either_format(tmp_path, file_format):
    builder = Squares(data_dir=tmp_path, file_format=file_format)
    builder.download_and_prepare()
    images, labels = load(builder)
    assert images.shape == (10, *SIZE, 3)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int32)
    values = images[:, 0, 0, 0]
    assert sorted(values) == list(range(10))
    np.testing.assert_array_equal(labels, values % 3)
    assert (images == values[:, None, None, None]).all()
    again, _ = load(builder)
    np.testing.assert_array_equal(images, again)
    first, _ = load(builder, "train[:3]", 8)
    np.testing.assert_array_equal(first[:, 0, 0, 0], values[:3])
    assert first.shape == (3, 8, 8, 3)


READ = """
import importlib.machinery as machinery, sys
find = machinery.PathFinder.find_spec
machinery.PathFinder.find_spec = classmethod(
    lambda cls, name, *a: None if name.split(".")[0] == "tensorflow" else find(name, *a)
)
import tensorflow_datasets as tfds
import keras_gans as kg
images, labels = kg.datasets.from_tfds(tfds.builder_from_directory(sys.argv[1]))
assert sorted(images[:, 0, 0, 0]) == list(range(10)), images[:, 0, 0, 0]
assert (labels == images[:, 0, 0, 0] % 3).all()
assert "tensorflow" not in sys.modules
"""


@pytest.mark.skipif(keras.config.backend() != "jax", reason="once is enough")
def test_what_was_prepared_here_is_read_without_tensorflow(tmp_path):
    builder = Squares(data_dir=tmp_path)
    load(builder)
    assert list(tmp_path.rglob("*.array_record*"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", READ, builder.data_dir],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_without_labels_and_of_different_sizes(tmp_path):
    builder = Unlabelled(data_dir=tmp_path)
    images, labels = load(builder, "train", 8)
    assert images.shape == (10, 8, 8, 1)
    assert labels is None
    with pytest.raises(ValueError, match="different sizes.*image_size"):
        load(builder)
    images, _ = load(builder, "train", (4, 8), channels=3, crop="none")
    assert images.shape == (10, 4, 8, 3)


def test_features_are_chosen_by_name_if_there_are_several(tmp_path):
    builder = TwoLabels(data_dir=tmp_path)
    with pytest.raises(ValueError, match=r"image_key.*\['left', 'right'\]"):
        load(builder)
    images, labels = load(builder, image_key="left")
    assert images.shape == (10, 8, 8, 4)
    assert labels is None
    _, labels = load(builder, image_key="right", label_key="color")
    assert sorted(set(labels)) == [0, 1, 2]
    with pytest.raises(ValueError, match="label_key='colour'"):
        load(builder, image_key="right", label_key="colour")


def test_a_set_without_8_bit_images_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no feature fits.*depth"):
        load(Deep(data_dir=tmp_path))


def test_a_public_set_by_name():
    with tfds.testing.mock_data(num_examples=5):
        images, labels = load("cifar10", "test", 16)
        grey, _ = load("mnist")
    assert images.shape == (5, 16, 16, 3)
    assert images.std() > 0
    assert labels.shape == (5,)
    assert grey.shape == (5, 28, 28, 1)


def test_progress_bar(tmp_path, capsys):
    builder = Squares(data_dir=tmp_path)
    builder.download_and_prepare()
    capsys.readouterr()
    kg.datasets.from_tfds(builder)
    assert "10/10" in capsys.readouterr().out


def test_wrong_options_come_first():
    with pytest.raises(ValueError, match="image_size"):
        load("no such set", "train", 0)
    with pytest.raises(ValueError, match="channels"):
        load("no such set", channels=2)


def test_without_tfds_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ImportError, match=r"pip install keras-gans\[datasets\]"):
        load("cifar10")


def test_lazy_images_are_those_read_at_once(tmp_path):
    builder = Squares(data_dir=tmp_path)
    images, labels = load(builder, "train", 8)
    later, same_labels = load(builder, "train", 8, lazy=True)
    assert isinstance(later, kg.datasets.LazyImages)
    np.testing.assert_array_equal(later[:], images)
    np.testing.assert_array_equal(same_labels, labels)
    part, _ = load(builder, "train[4:6]", lazy=True, channels=1)
    assert part.shape == (2, *SIZE, 1)
    np.testing.assert_array_equal(part[1][0, 0], images[5, 0, 0, :1])
    builder = Unlabelled(data_dir=tmp_path)
    assert load(builder, "train", 8, lazy=True)[1] is None


def test_lazy_images_of_records_without_an_index_are_refused(tmp_path):
    builder = Squares(data_dir=tmp_path, file_format="tfrecord")
    builder.download_and_prepare()
    with pytest.raises(ValueError, match="one by one.*ArrayRecord.*tfrecord"):
        load(builder, lazy=True)
