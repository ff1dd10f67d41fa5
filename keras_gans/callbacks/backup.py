"""Backups that a kill at any moment cannot damage."""

import json
import os
import pathlib
import shutil
import time
import warnings

import keras

from keras_gans import distribution
from keras_gans.batches import ArrayBatches
from keras_gans.callbacks.nan_guard import first_non_finite
from keras_gans.utils.checks import number
from keras_gans.utils.checks import whole_number
from keras_gans.utils.files import flush_to_disk
from keras_gans.utils.files import prepare_directory

WEIGHTS = "model.weights.h5"
METADATA = "training.json"
NUMBER = "[0-9]" * 6


class BackupAndRestore(keras.callbacks.BackupAndRestore):
    """Backs up training, and goes on with it when the script is started again.

    As `keras.callbacks.BackupAndRestore`, with backups that survive a kill. Keras
    overwrites its weights in place and writes the number of the epoch afterwards: a
    process killed in between leaves half a file, or weights and an epoch that do not
    belong together. Here a backup is a folder, `backup_dir/epoch_000012`, made under
    another name, flushed to the disk and renamed in one go; the older one goes last.

    A backup holds the model, its optimizers, the number of images seen and the states
    of the random numbers at the end of an epoch. Epochs whose losses are not finite
    are not backed up, and a training that ends with one keeps its backup.

    A resumed `fit` over arrays goes on bit for bit as one that was never stopped, as
    far as the backend repeats itself. TensorFlow on the CPU does with one thread
    between operations, `TF_NUM_INTEROP_THREADS=1`; with more, sums of three gradients
    or more begin with the one that is ready: their last bits differ from run to run.

    Args:
        backup_dir: Local folder, for this training alone.
        save_freq: Only "epoch". Keras also takes a number of batches, but restarts
            the epoch on weights from its middle, so that it sees some examples twice.
        double_checkpoint: Bool; keep the last two backups, and use the older if the
            newer cannot be read.
        delete_checkpoint: Bool; delete the backups when `fit` is done. If they are
            kept, the last epoch's is among them, and the script started again with
            more epochs goes on from there.
        every_epochs: Int; back up after every so many epochs, counted from the start
            of training.
        every_seconds: Optional number, in place of `every_epochs`: back up at the end
            of the epoch in which so much time has passed since the last backup.

    Raises:
        ValueError: If an argument is wrong, or if the backup in the folder is of a
            model or an optimizer that differs.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[BackupAndRestore("runs/dcgan/backup")])
    ```
    """

    async_safe = True  # nothing happens at the end of a batch

    def __init__(
        self,
        backup_dir,
        save_freq="epoch",
        double_checkpoint=False,
        delete_checkpoint=True,
        every_epochs=1,
        every_seconds=None,
    ):
        if save_freq != "epoch":
            raise ValueError(
                "Expected: save_freq='epoch', as only the end of an epoch can be "
                f"resumed exactly. Received: save_freq={save_freq!r}. Use "
                "`every_epochs=` for fewer backups."
            )
        super().__init__(
            os.fspath(backup_dir), save_freq, double_checkpoint, delete_checkpoint
        )
        self.every_epochs = whole_number(every_epochs, "every_epochs")
        if every_seconds is not None:
            every_seconds = number(every_seconds, "every_seconds", 0.0)
        self.every_seconds = every_seconds
        self._directory = pathlib.Path(backup_dir)

    def on_train_begin(self, logs=None):
        """Restores the newest backup, if there is one."""
        prepare_directory(self.backup_dir, "backup_dir")
        self._writes = distribution.is_first_process()
        for leftover in self._directory.glob(
            f".epoch_{NUMBER}.*"
        ):  # of a killed process
            if self._writes:
                shutil.rmtree(leftover, ignore_errors=True)
        self._epoch, self._saved_epoch, self._finite = 0, 0, True
        self._has_trained = False
        self._saved_time = time.time()
        self._data = self._fingerprint_of_data()
        backups = self._backups()
        for i, backup in enumerate(backups):
            try:
                epoch = self._restore(backup)
            except OSError:
                if i + 1 == len(backups):
                    raise
                continue
            self._epoch = self._saved_epoch = epoch
            self.model._initial_epoch = epoch
            if self._writes and self.params.get("verbose", 1):
                self._tell(backup, epoch, self.params.get("epochs"))
            return

    def _tell(self, backup, epoch, total):
        if total is not None and epoch >= total:
            print(
                f"Nothing is left to train: {backup} is of epoch {epoch} of {total}. "
                f"Ask for more epochs, or delete {self._directory} to start anew."
            )
        else:
            print(f"Resuming after epoch {epoch} of {total}: {backup}")

    def _fingerprint_of_data(self):
        """A short hash of arrays that `fit` got; None of other data."""
        batches = getattr(self.model, "_fit_batches", None)
        if not isinstance(batches, ArrayBatches):
            return None
        return distribution.fingerprint(batches.arrays, num_examples=4)

    def on_epoch_begin(self, epoch, logs=None):
        """Frees the model of the first epoch, which Keras keeps for a next `fit`."""
        self.model._initial_epoch = None
        self._has_trained = True

    def on_train_batch_end(self, batch, logs=None):
        """Does nothing; Keras' own counts batches here."""

    def on_epoch_end(self, epoch, logs=None):
        """Backs up, if it is time to."""
        self._epoch = epoch + 1
        self._finite = first_non_finite(logs, self.model.log_names()) is None
        if getattr(self.model, "weights_were_put_back", False):  # by `NaNGuard`
            self._finite = False
        # The last one here, not when training ends, when callbacks change weights.
        is_last = self._epoch == self.params.get("epochs") or self.model.stop_training
        is_due = self._epoch % self.every_epochs == 0
        if self.every_seconds is not None:
            is_due = time.time() - self._saved_time >= self.every_seconds
        is_due = is_due or (is_last and not self.delete_checkpoint)
        if self._writes and self._finite and is_due:
            self._save()

    def on_train_end(self, logs=None):
        """Deletes the backups, or sees to it that the last epoch is kept."""
        self.model._initial_epoch = None
        object.__setattr__(self.model, "restored_order_offset", None)
        if not (self._finite and self._writes and self._has_trained):
            return
        if not self.delete_checkpoint:
            if self._epoch > self._saved_epoch:
                self._save()
            return
        for backup in self._backups():
            self._delete(backup)
        if not any(self._directory.iterdir()):
            self._directory.rmdir()

    def _backups(self):
        """Complete backups, the newest first."""
        paths = self._directory.glob(f"epoch_{NUMBER}")
        return sorted((path for path in paths if path.is_dir()), reverse=True)

    def _save(self):
        final = self._directory / f"epoch_{self._epoch:06d}"
        temporary = self._directory / f".{final.name}.tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            self.model.save_weights(temporary / WEIGHTS)
            metadata = {
                "epoch": self._epoch,
                "shapes": self._shapes(),
                "data": self._data,
                "order_offset": getattr(self.model, "order_offset", 0),
            }
            (temporary / METADATA).write_text(json.dumps(metadata))
            for path in (temporary / WEIGHTS, temporary / METADATA, temporary):
                flush_to_disk(path)
            if final.exists():
                self._delete(final)
            os.replace(temporary, final)
            flush_to_disk(self._directory)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        self._saved_epoch, self._saved_time = self._epoch, time.time()
        for backup in self._backups()[2 if self.double_checkpoint else 1 :]:
            self._delete(backup)

    def _delete(self, backup):
        """Deletes a backup, which is at no time half a backup."""
        doomed = backup.with_name(f".{backup.name}.old")
        os.replace(backup, doomed)
        shutil.rmtree(doomed)

    def _restore(self, backup):
        """Loads a backup into the model; returns the number of epochs trained."""
        model = self.model
        if not model.built:
            raise ValueError(
                "Expected: a built model. Received: one whose weights do not exist "
                "yet. Call it on a batch of data before `fit`."
            )
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        metadata = _read_metadata(backup / METADATA)
        self._check_shapes(backup, metadata["shapes"])
        try:
            model.load_weights(backup / WEIGHTS)
        except (KeyError, ValueError) as error:
            raise self._misfit(backup, str(error)) from error
        object.__setattr__(
            model, "restored_order_offset", metadata.get("order_offset", 0)
        )
        known = metadata.get("data")
        if None not in (known, self._data) and known != self._data:
            warnings.warn(
                f"{backup} is of a training on other data, which goes on with these "
                "now. If that is not what you want, use another `backup_dir`, or "
                f"delete {backup.parent} to start anew.",
                RuntimeWarning,
                stacklevel=2,
            )
        return metadata["epoch"]

    def _shapes(self):
        return {
            "weights": [list(v.shape) for v in self.model.weights],
            "optimizer variables": [
                list(v.shape) for v in self.model.optimizer.variables
            ],
        }

    def _check_shapes(self, backup, saved_shapes):
        for kind, expected in self._shapes().items():
            saved = saved_shapes[kind]
            if len(saved) != len(expected):
                raise self._misfit(
                    backup, f"{len(saved)} {kind}, where this one has {len(expected)}"
                )
            for i, (old, new) in enumerate(zip(saved, expected, strict=True)):
                if old != new:
                    raise self._misfit(
                        backup,
                        f"a number {i} of its {kind} of shape {tuple(old)}, where "
                        f"this one has {tuple(new)}",
                    )

    @staticmethod
    def _misfit(backup, received):
        return ValueError(
            "Expected: a backup of this model with these optimizers. Received: a "
            f"backup, {backup}, of another one: {received}. Use another "
            f"`backup_dir`, or delete {backup.parent} to start anew."
        )


def _read_metadata(path):
    """What `_save` wrote; a damaged file is an OSError, as damaged weights are."""
    try:
        metadata = json.loads(path.read_text())
        return {key: metadata[key] for key in ("epoch", "shapes")} | metadata
    except (ValueError, KeyError, TypeError) as error:
        raise OSError(
            f"Expected: {path} as BackupAndRestore wrote it. Received: a damaged file. "
            f"Delete {path.parent} to start anew, or to go on from an older backup."
        ) from error
