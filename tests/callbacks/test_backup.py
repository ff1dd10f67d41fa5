import json
import os
import re
import shutil
import signal
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.callbacks import BackupAndRestore
from keras_gans.callbacks import backup as backup_module
from keras_gans.callbacks.nan_guard import NaNGuard
from tests.callbacks.stand_in import assert_same
from tests.callbacks.stand_in import fit
from tests.callbacks.stand_in import make
from tests.callbacks.stand_in import state

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))


class Interrupt(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def interrupt(folder, epoch, **kwargs):
    """Trains until `epoch` begins; returns the state then."""
    model = make()
    with pytest.raises(KeyboardInterrupt):
        fit(model, 9, [BackupAndRestore(folder, **kwargs), Interrupt(epoch)])
    return state(model)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def uninterrupted(epochs):
    model = make()
    fit(model, epochs, [])
    return state(model)


def test_resumed_training_ends_as_an_uninterrupted_one(tmp_path):
    folder = tmp_path / "backup"
    interrupt(folder, 3)
    assert names(folder) == ["epoch_000003"]
    model = make(seed=1)
    history = fit(model, 5, [BackupAndRestore(folder)])
    assert history.epoch == [3, 4]
    assert_same(state(model), uninterrupted(5))
    assert not folder.exists()


KILLED = """
import os, signal, sys
import keras
from keras_gans.callbacks import BackupAndRestore
from tests.callbacks.stand_in import fit, make

def save_half(self, path, save=keras.Model.save_weights):
    save(self, path)
    if "epoch_000003" in str(path):
        os.truncate(path, os.path.getsize(path) // 2)
        os.kill(os.getpid(), signal.SIGKILL)

keras.Model.save_weights = save_half
fit(make(), 5, [BackupAndRestore(sys.argv[1])])
"""


def test_killed_while_writing(tmp_path):
    process = subprocess.run([sys.executable, "-c", KILLED, tmp_path], cwd=ROOT)
    assert process.returncode == -signal.SIGKILL
    assert names(tmp_path) == [".epoch_000003.tmp", "epoch_000002"]
    model = make(seed=1)
    history = fit(model, 5, [BackupAndRestore(tmp_path, delete_checkpoint=False)])
    assert history.epoch == [2, 3, 4]
    assert_same(state(model), uninterrupted(5))
    assert names(tmp_path) == ["epoch_000005"]  # leftovers are gone too


@pytest.mark.parametrize("double_checkpoint", [False, True])
def test_killed_at_any_moment(tmp_path, monkeypatch, double_checkpoint):
    """Copies the folder around each operation on files: what a kill would leave."""
    folder, copies, expected = tmp_path / "backup", [], {}

    def photographed(operation):
        def run(*args, **kwargs):
            copies.append(tmp_path / f"copy_{len(copies)}")
            copytree(folder, copies[-1])
            return operation(*args, **kwargs)

        return run

    copytree = shutil.copytree
    for owner, name in [
        (keras.Model, "save_weights"),
        (json, "dumps"),
        (os, "fsync"),
        (os, "replace"),
        (os, "unlink"),
        (os, "rmdir"),
    ]:
        monkeypatch.setattr(owner, name, photographed(getattr(owner, name)))

    class Remember(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            expected[epoch + 1] = state(self.model), len(copies)

    options = {"double_checkpoint": double_checkpoint, "delete_checkpoint": False}
    fit(make(), 4, [Remember(), BackupAndRestore(folder, **options)])
    monkeypatch.undo()
    assert len(copies) > 4 * 8
    model, restored = make(seed=1), set()
    for i, copy in enumerate(copies):
        model._initial_epoch = None
        callback = BackupAndRestore(copy, **options)
        callback.set_model(model)
        callback.set_params({"verbose": 0})
        callback.on_train_begin()
        epoch = model._initial_epoch
        assert not [name for name in names(copy) if name.startswith(".")]
        # At most the epoch that was just being backed up is lost.
        done = max((e for e, (_, start) in expected.items() if i >= start), default=0)
        assert epoch in ((done - 1, done) if done > 1 else (None, 1))
        if epoch is not None:
            assert_same(state(model), expected[epoch][0])
        restored.add(epoch)
    assert restored == {None, 1, 2, 3, 4}


def test_says_what_was_restored(tmp_path, capsys):
    interrupt(tmp_path, 2)
    fit(make(), 2, [BackupAndRestore(tmp_path, delete_checkpoint=False)])
    assert capsys.readouterr().out == ""  # verbose=0
    fit(make(), 3, [BackupAndRestore(tmp_path)], verbose=2)
    line = f"Resuming after epoch 2 of 3: {tmp_path / 'epoch_000002'}"
    assert capsys.readouterr().out.splitlines()[0] == line


def test_a_finished_training_goes_on_if_its_backup_is_kept(tmp_path):
    for epochs, trained in ((2, [0, 1]), (4, [2, 3])):
        model = make()
        history = fit(
            model, epochs, [BackupAndRestore(tmp_path, delete_checkpoint=False)]
        )
        assert history.epoch == trained
    assert_same(state(model), uninterrupted(4))


@pytest.mark.parametrize("delete_checkpoint", [True, False])
def test_nothing_left_to_train(tmp_path, capsys, delete_checkpoint):
    interrupt(tmp_path, 3)
    options = {"delete_checkpoint": delete_checkpoint}
    history = fit(make(), 2, [BackupAndRestore(tmp_path, **options)], verbose=2)
    line = capsys.readouterr().out.splitlines()[0]
    assert "Nothing is left to train" in line
    assert "epoch 3 of 2" in line
    assert history.epoch == []
    assert names(tmp_path) == ["epoch_000003"]


def test_other_data_are_warned_of(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (8, 4, 4, 1), "uint8")

    def train(images, epochs):
        keras.utils.set_random_seed(0)
        gan = kg.models.GAN((4, 4, 1), hidden_units=4, latent_dim=2, seed=0)
        gan.compile(run_eagerly=True)
        backup = BackupAndRestore(tmp_path, delete_checkpoint=False)
        gan.fit(images, batch_size=8, epochs=epochs, verbose=0, callbacks=[backup])

    told = []
    for data, epochs in ((images, 1), (images.copy(), 2), (images[:4], 3)):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            train(data, epochs)
        told.append([str(w.message) for w in seen if "on other data" in str(w.message)])
    assert [len(warned) for warned in told] == [0, 0, 1]
    assert f"delete {tmp_path} to start anew" in told[2][0]


def test_backups_by_time(tmp_path, monkeypatch):
    """Of epochs that take 40 seconds each, backed up after a minute or more."""
    kept = []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kept.append(names(tmp_path) if tmp_path.exists() else [])

    times = {"now": 0.0}

    class Tick(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            times["now"] += 40.0

    monkeypatch.setattr(backup_module.time, "time", lambda: times["now"])
    backup = BackupAndRestore(tmp_path, every_seconds=60)
    fit(make(), 4, [Tick(), backup, Look()])
    assert kept == [[], ["epoch_000002"], ["epoch_000002"], ["epoch_000004"]]


def test_a_second_fit_starts_at_its_first_epoch(tmp_path):
    interrupt(tmp_path / "backup", 2)
    model = make()
    fit(model, 3, [BackupAndRestore(tmp_path / "backup")])
    assert fit(model, 2, []).epoch == [0, 1]


DAMAGES = [("model.weights.h5", b"damaged"), ("training.json", b'{"epoch": 3'),
           ("training.json", b"{}"), ("training.json", b"")]  # fmt: skip


@pytest.mark.parametrize(("file", "content"), DAMAGES)
def test_the_last_two_are_kept_and_the_older_used_if_need_be(tmp_path, file, content):
    interrupt(tmp_path, 3, double_checkpoint=True)
    assert names(tmp_path) == ["epoch_000002", "epoch_000003"]
    (tmp_path / "epoch_000003" / file).write_bytes(content)
    model = make(seed=1)
    history = fit(model, 4, [BackupAndRestore(tmp_path, double_checkpoint=True)])
    assert history.epoch == [2, 3]
    assert_same(state(model), uninterrupted(4))


@pytest.mark.parametrize(("file", "content"), DAMAGES)
def test_a_damaged_only_backup_is_an_error(tmp_path, file, content):
    interrupt(tmp_path, 1)
    (tmp_path / "epoch_000001" / file).write_bytes(content)
    with pytest.raises(OSError):
        fit(make(), 4, [BackupAndRestore(tmp_path)])


def test_every_epochs_and_the_last(tmp_path):
    interrupt(tmp_path, 3, every_epochs=2)
    assert names(tmp_path) == ["epoch_000002"]
    options = {"every_epochs": 2, "delete_checkpoint": False}
    fit(make(), 5, [BackupAndRestore(tmp_path, **options)])
    assert names(tmp_path) == ["epoch_000005"]


def test_other_files_in_the_folder_stay(tmp_path):
    others = [".epoch_0003.tmp.png", "epoch_0003.png", "epoch_000003.png"]
    for name in others:
        (tmp_path / name).touch()
    fit(make(), 2, [BackupAndRestore(tmp_path)])
    assert names(tmp_path) == sorted(others)


def test_nan_neither_replaces_nor_deletes_a_backup(tmp_path):
    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                variable = self.model.trainable_variables[0]
                variable.assign(np.full(variable.shape, np.nan))

    fit(make(), 4, [Spoil(), BackupAndRestore(tmp_path)])
    assert names(tmp_path) == ["epoch_000002"]
    model = make(seed=1)
    fit(model, 3, [BackupAndRestore(tmp_path)])
    assert_same(state(model), uninterrupted(3))


@pytest.mark.parametrize("delete_checkpoint", [True, False])
def test_weights_that_are_put_back_are_no_backup_of_their_epoch(
    tmp_path, delete_checkpoint
):
    """The logs of that epoch are finite: its last update spoiled a weight."""

    class Spoil(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                variable = self.model.trainable_variables[0]
                variable.assign(np.full(variable.shape, np.nan))

    options = {"delete_checkpoint": delete_checkpoint}
    with pytest.warns(RuntimeWarning, match="had NaN or infinite values in epoch 3"):
        fit(make(), 4, [Spoil(), NaNGuard(), BackupAndRestore(tmp_path, **options)])
    assert names(tmp_path)[-1] == "epoch_000002"


@pytest.mark.parametrize(
    ("other", "received"),
    [
        ({"units": 7}, "a number 1 of its weights of shape (4, 6), where this one has"),
        ({"optimizer": "sgd"}, "10 optimizer variables, where this one has 2"),
    ],
)
def test_a_backup_of_another_model(tmp_path, other, received):
    interrupt(tmp_path, 1)
    message = re.escape(received) + ".* or delete .*"
    with pytest.raises(ValueError, match=message):
        fit(make(**other), 2, [BackupAndRestore(tmp_path)])
    assert names(tmp_path) == ["epoch_000001"]


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "backup").touch()
    with pytest.raises(OSError, match="`backup_dir` as a folder that can be written"):
        fit(make(), 1, [BackupAndRestore(tmp_path / "backup")])


@pytest.mark.parametrize("save_freq", [100, False])
def test_batches_are_refused(save_freq):
    with pytest.raises(ValueError, match="Received: save_freq="):
        BackupAndRestore("backup", save_freq=save_freq)


def test_every_epochs_is_checked():
    with pytest.raises(ValueError, match="`every_epochs` as an int"):
        BackupAndRestore("backup", every_epochs=0)


def test_the_last_backup_is_that_of_the_last_epoch(tmp_path):
    """Whatever callbacks do to the weights when training ends."""

    class Spoil(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.last = state(self.model)

        def on_train_end(self, logs=None):
            for weight in self.model.weights:
                weight.assign(0 * weight)

    model, spoil = make(), Spoil()
    backup = BackupAndRestore(tmp_path, delete_checkpoint=False, every_epochs=3)
    fit(model, 4, [spoil, backup])
    resumed = make(seed=1)
    fit(resumed, 4, [BackupAndRestore(tmp_path, delete_checkpoint=False)])
    assert_same(state(resumed), spoil.last)


def test_a_resume_that_did_not_begin_is_forgotten(tmp_path):
    class Refuses(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            raise ValueError("refused")

    x = np.random.default_rng(0).normal(size=(8, 2)).astype("float32")
    models = []
    for later in (Interrupt(1), Refuses()):
        gan = kg.models.GAN(data_spec=kg.Vectors(2), latent_dim=2, hidden_units=2)
        gan.compile()
        backup = BackupAndRestore(tmp_path, delete_checkpoint=False)
        with pytest.raises((KeyboardInterrupt, ValueError)):
            gan.fit(x, epochs=9, callbacks=[backup, later], verbose=0)
        models.append(gan)
    assert int(models[1].images_seen) == 8  # it was restored
    assert models[1].fit(x, epochs=2, verbose=0).epoch == [0, 1]
    assert int(models[1].images_seen) == 24
