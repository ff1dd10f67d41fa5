import json
import pathlib
import sys

import keras
import numpy as np
import pytest

from keras_gans import Vectors
from keras_gans import models
from keras_gans import preset_files
from keras_gans import zoo
from keras_gans.presets import load_preset
from keras_gans.presets import presets
from keras_gans.presets import save_preset


class Base(keras.Model):
    """Stands for GAN: what presets need of a model is what every Keras model has."""

    takes_any_preset = True

    def __init__(self, units=3, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.dense = keras.layers.Dense(units, activation=self.activation)
        self.dense.build((None, 2))
        self.built = True

    def call(self, inputs):
        return self.dense(inputs)

    def get_config(self):
        activation = keras.activations.serialize(self.activation)
        return {"units": self.units, "activation": activation, "name": self.name}


@keras.saving.register_keras_serializable("keras_gans_tests")
class Variant(Base):
    pass


@keras.saving.register_keras_serializable("keras_gans_tests")
class OtherVariant(Base):
    pass


class Unregistered(Base):
    pass


INPUTS = np.array([[1.0, -2.0]], "float32")


def outputs(model):
    return keras.ops.convert_to_numpy(model(INPUTS))


def edit_config(folder, **entries):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


@pytest.fixture
def saved(tmp_path):
    """A model and the preset folder it was saved to."""
    model = Variant(units=4)
    return model, save_preset(model, tmp_path / "tiny")


@pytest.fixture
def zoo_of_two(tmp_path, monkeypatch):
    metadata = {
        "description": "A tiny one",
        "data": "two numbers",
        "licence": "CC0-1.0",
        "metrics": {"fd_10k": 1.5},
        "seed": 7,
    }
    weights = tmp_path / "zoo" / "weights"
    save_preset(Variant(), weights / "tiny_numbers_2", "# My card", metadata)
    save_preset(OtherVariant(), weights / "other_numbers_2")
    (weights / "half_made").mkdir()
    monkeypatch.setattr(zoo, "path", lambda: tmp_path / "zoo")
    return weights


# ------------------------------------------------------------------ round trip


def test_round_trip(saved):
    model, folder = saved
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "model.weights.h5",
        "README.md",
    }
    for preset in (folder, str(folder)):
        loaded = load_preset(Variant, preset)
        assert type(loaded) is Variant
        assert loaded.units == 4
        np.testing.assert_array_equal(outputs(loaded), outputs(model))


def test_base_class_returns_the_variant(saved):
    assert type(load_preset(Base, saved[1])) is Variant


def test_variant_refuses_another_variants_preset(saved):
    with pytest.raises(ValueError, match="OtherVariant.from_preset expects .*Variant"):
        load_preset(OtherVariant, saved[1])


def test_variant_refuses_the_preset_of_a_class_derived_from_it(tmp_path):
    gan = models.WGANGP(image_shape=(16, 16, 1), width=2, latent_dim=2)
    folder = gan.save_to_preset(tmp_path / "derived")
    with pytest.raises(ValueError, match="DCGAN.from_preset expects .*WGANGP"):
        models.DCGAN.from_preset(folder)
    assert type(models.GAN.from_preset(folder)) is models.WGANGP


def test_saved_without_optimizer_and_metrics_and_loaded_uncompiled(tmp_path):
    model = Variant()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(INPUTS, np.ones((1, 3), "float32"), verbose=0)
    folder = save_preset(model, tmp_path / "fitted")
    loaded = load_preset(Variant, folder)
    assert not loaded.compiled
    np.testing.assert_array_equal(outputs(loaded), outputs(model))
    fresh = save_preset(Variant(), tmp_path / "fresh")
    size = (folder / "model.weights.h5").stat().st_size
    assert size == (fresh / "model.weights.h5").stat().st_size


def test_saved_in_a_callback_holds_the_weights_of_that_moment(tmp_path):
    model = Variant()
    model.compile("sgd", "mse")
    seen = []

    def save(batch, logs):
        seen.append(save_preset(model, tmp_path / str(batch)))

    x, y = np.repeat(INPUTS, 4, 0), np.ones((4, 3), "float32")
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=save)
    model.fit(x, y, batch_size=2, verbose=0, callbacks=[callback])
    first, last = (outputs(load_preset(Variant, folder)) for folder in seen)
    assert np.abs(first - last).max() > 1e-4
    np.testing.assert_array_equal(last, outputs(model))


def test_averages_that_repeat_the_networks_are_not_saved(tmp_path):
    def sizes():
        return [
            (tmp_path / name / "model.weights.h5").stat().st_size for name in ("a", "b")
        ]

    gan = models.GAN((8, 8, 1), latent_dim=4, hidden_units=200, seed=0)
    gan.save_to_preset(tmp_path / "a")
    weights = gan.generator.get_weights()
    gan.ema_generator.set_weights([w + 1.0 for w in weights])
    gan.save_to_preset(tmp_path / "b")
    less, more = sizes()
    assert more - less > 0.9 * sum(w.nbytes for w in weights)
    for name, shift in (("a", 0.0), ("b", 1.0)):
        again = models.GAN.from_preset(tmp_path / name)
        for own, average, expected in zip(
            again.generator.get_weights(),
            again.ema_generator.get_weights(),
            weights,
            strict=True,
        ):
            np.testing.assert_array_equal(own, expected)
            np.testing.assert_array_equal(average, expected + np.float32(shift))


def test_overrides(saved):
    model, folder = saved
    loaded = load_preset(Variant, folder, activation="relu", name="mine")
    assert loaded.name == "mine"
    np.testing.assert_array_equal(outputs(loaded), np.maximum(outputs(model), 0))
    with pytest.raises(ValueError, match="units, activation, name.*Received: widht"):
        load_preset(Variant, folder, widht=3)


def test_override_that_changes_the_shapes(saved):
    with pytest.raises(ValueError, match=r"(?s)with {'units': 5}: drop.* <Dense"):
        load_preset(Variant, saved[1], units=5)


def test_gan(tmp_path):
    gan = models.GAN(data_spec=Vectors(2), latent_dim=2, hidden_units=10)
    fresh = gan.save_to_preset(tmp_path / "fresh")
    gan.compile(ema_half_life=1)
    points = np.random.default_rng(0).normal(size=(8, 2)).astype("float32")
    gan.fit(points, batch_size=4, verbose=0)
    fitted = gan.save_to_preset(tmp_path / "fitted", metadata={"data": "noise"})
    loaded = models.GAN.from_preset(fitted)
    assert int(loaded.images_seen) == 8
    for before, after in zip(gan.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    samples = gan.generate(3, seed=1)
    np.testing.assert_array_equal(loaded.generate(3, seed=1), samples)
    untrained = models.GAN.from_preset(fresh).generate(3, seed=1)
    assert np.abs(samples - untrained).max() > 0
    # Compiled or not, the same is saved: the networks.
    again = loaded.save_to_preset(tmp_path / "again")
    sizes = {(path / "model.weights.h5").stat().st_size for path in (again, fitted)}
    assert len(sizes) == 1
    card = (fitted / "README.md").read_text()
    assert "* Data shape: (2,)\n* Parameters: generator " in card
    assert "* Data: noise" in card
    with pytest.raises(ValueError, match="Use GAN.from_preset"):
        models.DCGAN.from_preset(fitted)


# ------------------------------------------------------------------ damage


def test_weights_missing(saved):
    (saved[1] / "model.weights.h5").unlink()
    with pytest.raises(ValueError, match="no such file. Copy or download"):
        load_preset(Variant, saved[1])


def test_weights_truncated(saved):
    weights = saved[1] / "model.weights.h5"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ValueError, match="truncated"):
        load_preset(Variant, saved[1])


def test_weights_corrupted(saved):
    weights = saved[1] / "model.weights.h5"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ValueError, match="SHA-256 .* corrupted"):
        load_preset(Variant, saved[1])


def test_weights_of_another_model(saved, tmp_path):
    other = save_preset(Variant(units=5), tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "model.weights.h5").rename(saved[1] / "model.weights.h5")
    edit_config(saved[1], weights=config["weights"], keras_gans="0.0.1")
    with pytest.raises(ValueError, match="fit its model. They were saved by .* 0.0.1"):
        load_preset(Variant, saved[1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Expected JSON"),
        ("[]", "belongs to something else"),
        ('{"model_type": "bert"}', "belongs to something else"),
        ('{"format_version": 1, "model": {}}', "Expected the entries .*'weights'"),
    ],
)
def test_config_that_is_no_preset(saved, text, message):
    (saved[1] / "config.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        load_preset(Variant, saved[1])


def test_newer_format_is_refused(saved):
    newer = preset_files.FORMAT_VERSION + 1
    edit_config(saved[1], format_version=newer, keras_gans="9.0")
    with pytest.raises(ValueError, match=f"version {newer}, .* 9.0. Upgrade it"):
        load_preset(Variant, saved[1])


# ------------------------------------------------------------------ no code


def test_lambda_is_refused_when_loading(saved, monkeypatch):
    called = []
    monkeypatch.setattr(Variant, "from_config", called.append)
    config = json.loads((saved[1] / "config.json").read_text())
    code = {"class_name": "__lambda__", "config": {"value": "..."}}
    config["model"]["config"]["activation"] = [{"inner": code}]
    edit_config(saved[1], model=config["model"])
    with pytest.raises(ValueError, match="carry no code"):
        load_preset(Variant, saved[1])
    assert not called


def test_lambda_is_refused_when_saving(tmp_path, monkeypatch):
    model = Variant()
    monkeypatch.setattr(model, "get_config", lambda: {"activation": lambda x: x})
    with (
        pytest.warns(UserWarning, match="lambda"),
        pytest.raises(ValueError, match="carry no code"),
    ):
        save_preset(model, tmp_path / "lambda")
    assert not list(tmp_path.iterdir())


def test_classes_of_other_modules_are_not_imported(saved):
    config = json.loads((saved[1] / "config.json").read_text())
    config["model"] |= {"module": "antigravity", "registered_name": "antigravity>Fly"}
    edit_config(saved[1], model=config["model"])
    with pytest.raises(ValueError, match="antigravity>Fly. Import the module"):
        load_preset(Base, saved[1])
    assert "antigravity" not in sys.modules


def test_unregistered_class_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Unregistered. Decorate it"):
        save_preset(Unregistered(), tmp_path / "unregistered")


def test_unbuilt_model_is_refused(tmp_path):
    model = Variant()
    model.built = False
    with pytest.raises(ValueError, match="not built"):
        save_preset(model, tmp_path / "unbuilt")


# ------------------------------------------------------------------ writing


def test_a_failed_save_leaves_nothing(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        pathlib.Path(args[1]).write_bytes(b"half")
        raise OSError("disk full")

    folder = save_preset(Variant(), tmp_path / "tiny", card="first")
    monkeypatch.setattr(keras.saving, "save_weights", fail)
    with pytest.raises(OSError, match="disk full"):
        save_preset(Variant(), folder, card="second", overwrite=True)
    with pytest.raises(OSError, match="disk full"):
        save_preset(Variant(), tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
    assert (folder / "README.md").read_text() == "first"
    load_preset(Variant, folder)


def test_a_failed_swap_restores_what_was_there(tmp_path, monkeypatch):
    folder = save_preset(Variant(), tmp_path / "tiny", card="first")
    rename = pathlib.Path.rename

    def fail(self, target):
        if self.name == "new":
            raise OSError("no")
        return rename(self, target)

    monkeypatch.setattr(pathlib.Path, "rename", fail)
    with pytest.raises(OSError, match="no"):
        save_preset(Variant(), folder, card="second", overwrite=True)
    assert (folder / "README.md").read_text() == "first"
    load_preset(Variant, folder)


def test_overwrite(saved):
    _, folder = saved
    (folder / "samples.png").write_bytes(b"of the old weights")
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        save_preset(Variant(), folder)
    model = Variant(units=6)
    save_preset(model, folder, overwrite=True)
    np.testing.assert_array_equal(outputs(load_preset(Variant, folder)), outputs(model))
    assert not (folder / "samples.png").exists()
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["thesis.txt", "config.json"])
def test_other_folders_and_files_are_not_overwritten(tmp_path, name):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / name).write_text("{}")
    for target in (folder, folder / name):
        with pytest.raises(FileExistsError, match="something else"):
            save_preset(Variant(), target, overwrite=True)
    assert (folder / name).read_text() == "{}"


def test_an_empty_folder_is_filled(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    save_preset(Variant(), folder)
    load_preset(Variant, folder)


def test_samples_are_taken_along(tmp_path):
    (tmp_path / "grid.png").write_bytes(b"png")
    folder = save_preset(Variant(), tmp_path / "a", samples=tmp_path / "grid.png")
    assert (folder / "samples.png").read_bytes() == b"png"


def test_default_card(tmp_path):
    metrics = {"fd_10k": np.float32(1.5), "kid": 2}
    metadata = {"description": "Two numbers.", "metrics": metrics}
    folder = save_preset(Variant(units=4), tmp_path / "tiny", metadata=metadata)
    card = (folder / "README.md").read_text()
    assert card.startswith("# tiny\n\nTwo numbers.\n")
    assert "* Class: `Variant` (keras_gans " in card
    assert "* Parameters: 12\n" in card
    assert "* Licence: unspecified\n" in card
    assert "* Metrics: fd_10k 1.5, kid 2\n" in card
    assert 'GAN.from_preset("tiny")' in card


# ------------------------------------------------------------------ zoo and Hub


def test_presets_lists_the_zoo(zoo_of_two):
    found = presets()
    assert list(found) == ["other_numbers_2", "tiny_numbers_2"]
    tiny = found["tiny_numbers_2"]
    assert (tiny.model, tiny.data, tiny.licence) == (
        "Variant",
        "two numbers",
        "CC0-1.0",
    )
    assert tiny.metrics == {"fd_10k": 1.5}
    assert tiny.card == "# My card"
    assert repr(tiny) == (
        "<Variant preset 'tiny_numbers_2'; A tiny one; data: two numbers; "
        "licence: CC0-1.0; metrics: fd_10k 1.5>"
    )
    assert found["other_numbers_2"].licence == "unspecified"


def test_zoo_name(zoo_of_two, monkeypatch, tmp_path):
    assert type(load_preset(Base, "tiny_numbers_2")) is Variant
    save_preset(OtherVariant(), tmp_path / "tiny_numbers_2")
    monkeypatch.chdir(tmp_path)
    assert type(load_preset(Base, "tiny_numbers_2")) is Variant
    assert type(load_preset(Base, "./tiny_numbers_2")) is OtherVariant


def test_unknown_name(zoo_of_two):
    with pytest.raises(ValueError, match="mean 'tiny_numbers_2'.* has: other_numb.*, "):
        load_preset(Base, "tiny_number_2")
    with pytest.raises(ValueError, match="Received: 'dog'. The zoo has: other_num"):
        load_preset(Base, "dog")


def test_no_zoo(monkeypatch):
    monkeypatch.setattr(zoo, "path", lambda: None)
    assert presets() == {}
    with pytest.raises(ValueError, match=r"No zoo is installed: pip .*\[zoo\]"):
        load_preset(Base, "dcgan")


def test_folder_without_config(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"has a config.json.* \['notes.txt'\]"):
        load_preset(Base, tmp_path)


def test_hub(saved, monkeypatch):
    huggingface_hub = pytest.importorskip("huggingface_hub")
    calls = []

    def snapshot_download(repo_id, allow_patterns):
        calls.append((repo_id, allow_patterns))
        return str(saved[1])

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    loaded = load_preset(Base, "hf://someone/tiny")
    np.testing.assert_array_equal(outputs(loaded), outputs(saved[0]))
    files = ["config.json", "model.weights.h5", "README.md", "samples.png"]
    assert calls == [("someone/tiny", files)]
    (saved[1] / "config.json").unlink()
    with pytest.raises(ValueError, match="config.json at the top of hf://someone/tiny"):
        load_preset(Base, "hf://someone/tiny")


@pytest.mark.parametrize("address", ["hf://tiny", "hf://a/b/c", "hf:///b", "hf://a/"])
def test_hub_address(address):
    with pytest.raises(ValueError, match="Expected hf://user/repo"):
        load_preset(Base, address)


def test_hub_without_its_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"keras-gans\[hub\]"):
        load_preset(Base, "hf://someone/tiny")


# ------------------------------------------------------------------ zoo.path


def test_path_finds_the_checkout_first(tmp_path, monkeypatch):
    package = tmp_path / "keras_gans"
    installed = tmp_path / "site" / "keras_gans_zoo"
    for folder in (package, installed / "weights", tmp_path / "zoo" / "weights"):
        folder.mkdir(parents=True)
    (installed / "__init__.py").write_text("raise AssertionError('must not run')")
    monkeypatch.setattr(zoo, "__file__", str(package / "zoo.py"))
    monkeypatch.syspath_prepend(tmp_path / "site")
    # site-packages may hold a folder `zoo` that is not ours.
    assert zoo.path() == installed
    (tmp_path / "zoo" / "keras_gans_zoo").mkdir()
    assert zoo.path() == tmp_path / "zoo"
    (tmp_path / "zoo" / "weights").rmdir()
    assert zoo.path() == installed
    (installed / "weights").rmdir()
    assert zoo.path() is None
