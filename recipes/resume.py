"""Shows that nothing is lost: trains, is interrupted, goes on, ends the same.

    python recipes/resume.py --out runs/resume

One model trains without interruption. A second one is stopped half way, as by a power
cut; a third one, made anew, finds the backup and goes on. Then the weights of the first
and of the third are compared, bit for bit.
"""

import pathlib

import keras
import numpy as np

import keras_gans as kg
from keras_gans.utils.arguments import RecipeParser


class PowerCut(keras.callbacks.Callback):
    """Ends `fit` in the middle of an epoch, as Ctrl-C does."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch, self.now = epoch, 0

    def on_epoch_begin(self, epoch, logs=None):
        """Notes the epoch."""
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Strikes in the middle of the epoch."""
        if self.now == self.epoch and batch == self.params["steps"] // 2:
            raise KeyboardInterrupt


def main(argv=None):
    """Runs the comparison; returns the largest difference of any weight."""
    parser = RecipeParser(__doc__)
    parser.add_argument("--out", default="runs/resume", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--num-images", type=int, default=1280)
    parser.add_argument("--width", type=int, default=16)
    args = parser.parse_args(argv)
    images, _ = kg.datasets.load("fashion_mnist", image_size=32)
    images = images[: args.num_images]

    def train(folder, callbacks=()):
        keras.utils.set_random_seed(0)
        gan = kg.models.DCGAN(image_shape=images.shape[1:], width=args.width, seed=0)
        gan.compile()
        backup = kg.callbacks.BackupAndRestore(folder)
        gan.fit(
            images, batch_size=64, epochs=args.epochs, callbacks=[backup, *callbacks]
        )
        return gan

    print("Without interruption:")
    undisturbed = train(args.out / "undisturbed")
    print("Interrupted:")
    try:
        train(args.out / "interrupted", [PowerCut(args.epochs // 2)])
    except KeyboardInterrupt:
        print("\nPower cut.")
    print("Started again:")
    resumed = train(args.out / "interrupted")
    pairs = zip(undisturbed.get_weights(), resumed.get_weights(), strict=True)
    difference = max(float(np.abs(a - b).max()) for a, b in pairs if a.size)
    print(f"Largest difference of any weight: {difference}")
    return difference


if __name__ == "__main__":
    main()
