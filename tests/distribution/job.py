"""A training of two processes, which `test_processes.py` starts.

    torchrun --nproc-per-node=2 -m tests.distribution.job FOLDER [--kill] [--other-data]

On TensorFlow and JAX each process is started by hand. `--kill`: process 1 kills itself
in the third epoch. `--other-data`: process 1 has others. `--stream`: the data come as a
generator. `--lazy`: they are read when a batch needs them, and the file of weights ends
with the number of images read.
"""

import argparse
import os
import pathlib
import signal
import time

import keras
import numpy as np

import keras_gans as kg

EPOCHS, BATCH = 4, 8


class Kill(keras.callbacks.Callback):
    """Ends the process without a word; `killed` in the folder says when."""

    def __init__(self, folder):
        super().__init__()
        self.file = folder / "killed"

    def on_train_batch_end(self, batch, logs=None):
        """In the middle of the third epoch."""
        if self.epoch == 2 and batch == 1:
            self.file.write_text(str(time.time()))
            os.kill(os.getpid(), signal.SIGKILL)

    def on_epoch_begin(self, epoch, logs=None):
        """Takes a note."""
        self.epoch = epoch


def main():
    """Trains, and writes the weights of each process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--lazy", action="store_true")
    parser.add_argument("--other-data", action="store_true")
    args = parser.parse_args()
    kg.distribution.initialize(timeout=60.0)
    scope = kg.distribution.scope()
    rank = kg.distribution.process_index()
    if keras.config.backend() == "torch":
        # Other weights at first in each process: those of the first one are shared.
        keras.utils.set_random_seed(rank)
    else:
        keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).integers(0, 256, (4 * BATCH, 16, 16, 1), "uint8")
    if args.other_data and rank == 1:
        images[5] += 1
    with scope:
        if keras.config.backend() == "torch":
            gan = kg.models.DCGAN((16, 16, 1), latent_dim=8, width=4)
        else:  # tracing a deep one takes most of the time there
            gan = kg.models.GAN((16, 16, 1), latent_dim=8, hidden_units=8)
    gan.compile(ema_half_life=5.0)
    backup = kg.callbacks.BackupAndRestore(
        args.folder / "backup", delete_checkpoint=False
    )
    grid = kg.callbacks.SampleGrid(args.folder / "grids", every_epochs=1)
    callbacks = [backup, grid]
    if args.kill and rank == 1:
        callbacks.append(Kill(args.folder))
    data, options = images, {"batch_size": BATCH, "epochs": EPOCHS}
    if args.stream:
        batches = np.split(images, 4)
        data = (batch for _ in range(EPOCHS) for batch in batches)
        options = {"epochs": EPOCHS, "steps_per_epoch": 4}
    read = []
    if args.lazy:

        def image(index):
            read.append(index)
            return images[index]

        data = kg.datasets.LazyImages(image, images.shape)
    history = gan.fit(data, callbacks=callbacks, verbose=0, **options).history
    gan.save_to_preset(args.folder / "preset")
    values = [keras.ops.convert_to_numpy(v) for v in gan.variables]
    values += [np.array([history["d_loss"][-1], history["g_loss"][-1]])]
    values += [np.array(len(read))] if args.lazy else []
    np.savez(args.folder / f"rank_{rank}.npz", *values)


if __name__ == "__main__":
    main()
