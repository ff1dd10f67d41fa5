"""A training that can be killed anywhere: `python -m tests.kill_case FOLDER PAUSE`."""

import pathlib
import sys
import time

import keras
import numpy as np

import keras_gans as kg

EPOCHS = 6


class SlowDown(keras.callbacks.Callback):
    """Says when epochs begin, and leaves time to be killed within them."""

    def __init__(self, folder, seconds):
        super().__init__()
        self.folder, self.seconds = folder, seconds

    def on_epoch_begin(self, epoch, logs=None):
        (self.folder / f"began_{epoch}").touch()

    def on_train_batch_end(self, batch, logs=None):
        time.sleep(self.seconds)


def train(folder, pause=0.0):
    """Trains, or goes on, with a backup per epoch; returns all state as arrays."""
    keras.utils.set_random_seed(1)
    images = np.random.default_rng(0).integers(0, 256, (96, 16, 16, 1), "uint8")
    gan = kg.models.GAN(image_shape=(16, 16, 1), hidden_units=20, latent_dim=8, seed=2)
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(1e-3),
        discriminator_optimizer=keras.optimizers.Adam(1e-3),
        penalties=[kg.penalties.GradientPenalty(1.0)],
        discriminator_steps=2,
        instance_noise=0.05,
    )
    gan.fit(
        images,
        batch_size=8,
        epochs=EPOCHS,
        verbose=0,
        callbacks=[
            SlowDown(folder, pause),
            kg.callbacks.BackupAndRestore(folder / "backup"),
        ],
    )
    variables = [*gan.variables, *gan.optimizer.variables]
    return {str(i): keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)}


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    state = train(folder, pause=float(sys.argv[2]))
    np.savez(folder / "state.tmp.npz", **state)
    (folder / "state.tmp.npz").rename(folder / "state.npz")
