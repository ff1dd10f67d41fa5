"""Images that are read bit by bit: memory over epochs, and reading beside steps.

    KERAS_BACKEND=jax python -m benchmarks.data
    KERAS_BACKEND=jax python -m benchmarks.data --folder 1000000

First a GAN is trained for three epochs on a million images of 8 x 8 pixels, which a
function makes, or, with `--folder N`, which N files are (links to a hundred of them).
Then a DCGAN is trained on images of 64 x 64 that wait for `--latency` milliseconds, as
on a disk far away: read without training, trained on in memory, and both together.
Prints Markdown.
"""

import argparse
import os
import pathlib
import tempfile
import time

from benchmarks.memory import resident

DISTINCT = 100


def synthetic(count):
    """`LazyImages` of a function."""
    import numpy as np

    import keras_gans as kg

    def read(index):
        return np.full((8, 8, 1), index % 256, "uint8")

    return kg.datasets.LazyImages(read, (count, 8, 8, 1))


def of_folder(count, folder):
    """`LazyImages` of a folder of so many files, 10,000 in a sub-folder."""
    import numpy as np
    from PIL import Image

    import keras_gans as kg

    folder = pathlib.Path(folder)
    for i in range(DISTINCT):
        Image.fromarray(np.full((8, 8), i, "uint8")).save(folder / f".{i}.png")
    for i in range(count):
        below = folder / f"{i // 10_000:04d}"
        if i % 10_000 == 0:
            below.mkdir()
        os.link(folder / f".{i % DISTINCT}.png", below / f"{i:07d}.png")
    start = time.perf_counter()
    images, _ = kg.datasets.from_directory(
        folder, 8, channels=1, labels=None, lazy=True
    )
    print(f"{count:,} files were listed in {time.perf_counter() - start:.1f} s.\n")
    return images


def memory_over_epochs(images, epochs=3, batch_size=1000):
    """Trains a small GAN; returns and prints MB of the process after each epoch."""
    import keras

    import keras_gans as kg

    class Watch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.start, self.most = time.perf_counter(), 0.0

        def on_train_batch_end(self, batch, logs=None):
            if batch % 20 == 0:
                self.most = max(self.most, resident())

        def on_epoch_end(self, epoch, logs=None):
            seconds = time.perf_counter() - self.start
            rows.append(self.most)
            print(f"| {epoch + 1} | {self.most:.0f} | {seconds:.0f} |", flush=True)

    rows = []
    gan = kg.models.GAN(images.shape[1:], hidden_units=16, latent_dim=8, seed=0)
    gan.compile()
    print(f"{len(images):,} images, before training {resident():.0f} MB\n")
    print("| epoch | MB at most | s |\n|---:|---:|---:|")
    options = {"batch_size": batch_size, "epochs": epochs, "verbose": 0}
    gan.fit(images, callbacks=[Watch()], **options)
    return rows


def reading_beside_steps(latency, batches, batch_size=32, workers=4):
    """Seconds of an epoch: reading alone, steps alone, and both."""
    import numpy as np

    import keras_gans as kg

    count = batches * batch_size
    rng = np.random.default_rng(0)
    array = rng.integers(0, 256, (count, 64, 64, 3), "uint8")

    def read(index):
        time.sleep(latency / 1e3)
        return array[index]

    images = kg.datasets.LazyImages(read, array.shape, workers=workers)
    gan = kg.models.DCGAN((64, 64, 3), width=8, seed=0)
    gan.compile()
    options = {"batch_size": batch_size, "verbose": 0}
    for data in (array, images):
        gan.fit(data[: 2 * batch_size], **options)  # compiles

    def read_alone():
        for start in range(0, count, batch_size):
            images[start : start + batch_size]

    seconds = {}
    for name, run in (
        ("reading alone", read_alone),
        ("steps alone", lambda: gan.fit(array, **options)),
        ("both", lambda: gan.fit(images, **options)),
    ):
        start = time.perf_counter()
        run()
        seconds[name] = time.perf_counter() - start
    print(f"\n{batches} batches of {batch_size}, {latency} ms of waiting an image\n")
    print("| | s |\n|---|---:|")
    for name, value in seconds.items():
        print(f"| {name} | {value:.2f} |")
    longest = max(seconds["reading alone"], seconds["steps alone"])
    print(f"\nBoth together take {seconds['both'] / longest:.2f} of the longer one.")
    return seconds


def main(argv=None):
    """Measures both; returns MB by epoch and seconds by name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--folder", type=int, help="number of files to make instead")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--latency", type=float, default=10.0, help="ms an image")
    parser.add_argument("--batches", type=int, default=60)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        if args.folder:
            images = of_folder(args.folder, folder)
        else:
            images = synthetic(args.images)
        memory = memory_over_epochs(images, args.epochs)
    return memory, reading_beside_steps(args.latency, args.batches)


if __name__ == "__main__":
    main()
