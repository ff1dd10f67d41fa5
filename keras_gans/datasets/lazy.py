"""Images that stay where they are until a batch needs them."""

import os
from concurrent import futures

import numpy as np


class LazyImages:
    """Images that are read when they are asked for, of which any number fits in memory.

    It is indexed like the array `(N, H, W, C)` that it stands for: an int gives an
    image, a slice or ints give a batch, as NumPy arrays. `np.asarray` reads all.

    `fit` takes it as it takes an array: with an order of its own for each epoch, and
    resumed where it was interrupted. Of several processes each reads its part alone.
    The next batches are read while a step runs.

    Args:
        read: Callable from an int in 0..N - 1 to a uint8 array `(H, W, C)`. It is
            called by several threads at a time, and always gives the same image.
        shape: `(N, H, W, C)`.
        workers: Optional int, the number of threads; that of the cores if None.

    Raises:
        ValueError: If `shape` is not four positive ints, or `workers` not positive; at
            reading, if an image has another shape or dtype.
        IndexError: If an image is asked for that does not exist.

    Example:

    ```python
    import numpy as np
    import keras_gans as kg

    def read(index):
        return np.full((8, 8, 1), index % 256, "uint8")

    images = kg.datasets.LazyImages(read, (1_000_000, 8, 8, 1))
    gan = kg.models.GAN((8, 8, 1), hidden_units=16)
    gan.compile()
    gan.fit(images, batch_size=64, steps_per_epoch=10)
    ```
    """

    dtype = np.dtype("uint8")
    ndim = 4

    def __init__(self, read, shape, workers=None):
        shape = tuple(shape)
        whole = all(isinstance(n, int | np.integer) and n > 0 for n in shape)
        if len(shape) != 4 or not whole:
            raise ValueError(
                "Expected: `shape` as (number of images, height, width, channels). "
                f"Received: {shape}."
            )
        if workers is not None and workers < 1:
            raise ValueError(
                f"Expected: `workers` of at least 1, or None. Received: {workers}."
            )
        self.read = read
        self.shape = tuple(int(n) for n in shape)
        self.workers = workers or os.cpu_count()
        self._pool = futures.ThreadPoolExecutor(self.workers)

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self._batch(range(*index.indices(len(self))))
        index = np.asarray(index)
        if index.dtype == bool:
            if index.shape != (len(self),):
                raise IndexError(
                    f"Expected: a mask of {len(self)} bools. Received: {index.shape}."
                )
            index = np.flatnonzero(index)
        if index.ndim > 1 or (index.size and index.dtype.kind not in "iu"):
            raise IndexError(
                "Expected: an int, a slice, or ints (n,). Received: an index of shape "
                f"{index.shape} and dtype {index.dtype}."
            )
        index = index.astype("int64")
        if index.size and not -len(self) <= index.min() <= index.max() < len(self):
            raise IndexError(
                f"Expected: images 0 to {len(self) - 1}. Received: "
                f"{int(index.min())} to {int(index.max())}."
            )
        index %= len(self)
        return self._batch(index.tolist()) if index.ndim else self._one(int(index))

    def __iter__(self):
        for i in range(len(self)):
            yield self._one(i)

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("Expected: `copy` of True or None. Received: False.")
        return self._batch(range(len(self))).astype(dtype or self.dtype, copy=False)

    def __repr__(self):
        return f"LazyImages(shape={self.shape})"

    def _batch(self, indices):
        batch = np.empty((len(indices), *self.shape[1:]), self.dtype)
        # A block a task: handing an image to a thread can take longer than reading it.
        blocks = np.array_split(np.arange(len(indices)), self.workers)

        def fill(block):
            for i in block:
                batch[i] = self._one(indices[i])

        list(self._pool.map(fill, (block for block in blocks if len(block))))
        return batch

    def _one(self, index):
        image = np.asarray(self.read(index))
        if image.shape != self.shape[1:] or image.dtype != self.dtype:
            raise ValueError(
                f"Expected: image {index} as a uint8 array of shape {self.shape[1:]}. "
                f"Received: {image.dtype} of shape {image.shape}."
            )
        return image
