"""How `fit` cuts the user's data into what one alternating step consumes."""

import keras
import numpy as np

from keras_gans.datasets.lazy import LazyImages
from keras_gans.utils.read_ahead import ReadAhead


class ArrayBatches(keras.utils.PyDataset):
    """Batches of arrays, in an order that depends on nothing but seed and epoch.

    Keras' own shuffling draws from a state that is not saved. Here the order of epoch
    e is that of `default_rng((seed, e))`, so a resumed `fit` sees what an uninterrupted
    one would have seen.

    Examples that do not fill the last batch are left out, as a GAN's batch statistics
    suffer from a batch of three; shuffling leaves out others in each epoch.

    The number of batches in an epoch stays what it was when `batch_size` is changed
    between epochs. Where the examples do not last for them, they come again, in another
    order.

    Where images are read when a batch needs them, the next batches are read while a
    step runs.

    Args:
        arrays: Tuple of arrays or `LazyImages`: images, and labels if any, of the same
            length N.
        batch_size: Int, examples of one step; at most N.
        shuffle: Bool.
        seed: Non-negative int.
        aligned: Whether rows of the arrays belong together. If not, each array has an
            order of its own, and an epoch lasts as long as the longest of them does.
        slices: Int, which of a batch are seen by one update each.
        replicas: Int, n. Batches come in n parts, one a replica, each with its share of
            every slice.
        part: Optional int or slice; of each batch only these parts are returned.
        steps: Optional int, batches of an epoch, which then goes on with the examples
            where the one before stopped; by default it sees each once.

    Attributes:
        within_epoch: Whether an epoch is running.
        gives_rows: Whether batches are not examples, but which rows of the arrays they
            are, int32; False until it is set.
    """

    def __init__(
        self, arrays, batch_size, shuffle, seed, aligned=True, slices=1, replicas=1,
        part=None, steps=None,
    ):  # fmt: skip
        super().__init__()
        self.gives_rows = False
        self.slices, self.replicas, self.part = slices, replicas, part
        self.arrays = arrays
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.aligned = aligned
        self.steps = steps
        self.length = steps or max(map(len, arrays)) // batch_size
        self.within_epoch = False
        self.cached = [(None, None)] * len(arrays)
        self.ahead = ReadAhead(self._batch) if are_lazy(arrays) else None
        self.set_epoch(0)

    def set_epoch(self, epoch):
        """Fixes the order of the examples for `epoch`."""
        self.epoch = epoch

    def on_epoch_begin(self):
        """Takes a note: the size of batches must not change now."""
        self.within_epoch = True

    def on_epoch_end(self):
        """Takes a note: the size of batches may change now."""
        self.within_epoch = False

    def _order(self, seed, epoch, turn, which):
        """Order of an array's examples when they come for the `turn`-th time."""
        # One assignment each: a thread that reads ahead for the epoch before must not
        # leave its order to this one.
        key = (seed, epoch)
        if turn or which:
            key += (turn, which) if which else (turn,)
        cached_key, order = self.cached[which]
        if cached_key != key:
            count = len(self.arrays[which])
            order = np.arange(count)
            if self.shuffle:
                order = np.random.default_rng(key).permutation(count)
            self.cached[which] = (key, order)
        return order

    def _rows(self, seed, epoch, start, end, slices, which):
        """Rows of an array in a batch, the examples from `start` to `end`."""
        count, rows = len(self.arrays[which]), []
        while start < end:
            turn, first = divmod(start, count)
            last = min(first + end - start, count)
            rows.append(self._order(seed, epoch, turn, which)[first:last])
            start += last - first
        rows = rows[0] if len(rows) == 1 else np.concatenate(rows)
        return rows_of_part(rows, slices, self.replicas, self.part)

    def _batch(self, seed, epoch, index, size, slices):
        """Arrays of a batch; what an attribute says may be of another one by now."""
        if self.steps:  # no epoch has an order of its own
            epoch, index = 0, epoch * self.steps + index
        of_batch = (seed, epoch, index * size, (index + 1) * size, slices)
        if self.aligned:
            rows = [self._rows(*of_batch, 0)] * len(self.arrays)
        else:
            rows = [self._rows(*of_batch, i) for i in range(len(self.arrays))]
        if self.gives_rows:
            return tuple(of_array.astype("int32") for of_array in rows)
        return tuple(a[of_array] for a, of_array in zip(self.arrays, rows, strict=True))

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        kind = (self.batch_size, self.slices)
        if self.ahead is None:
            return self._batch(self.seed, self.epoch, index, *kind)
        keys = []
        for i in range(index, index + 1 + ReadAhead.DEPTH):
            later, i = divmod(i, self.length)
            keys.append((self.seed, self.epoch + later, i, *kind))
        return self.ahead.get(*keys)


def are_lazy(arrays):
    """Whether one of them is read when a batch needs it."""
    return any(isinstance(array, LazyImages) for array in arrays)


class InOrder(keras.utils.PyDataset):
    """Batches of arrays or `LazyImages` as they come.

    Args:
        arrays: Tuple of arrays of the same length N.
        batch_size: Int; the last batch may have fewer.
        count: Optional int; only so many examples.
    """

    def __init__(self, arrays, batch_size, count=None):
        super().__init__()
        self.arrays, self.batch_size = arrays, batch_size
        self.count = len(arrays[0]) if count is None else count
        self.ahead = ReadAhead(self._batch)

    def __len__(self):
        return -(-self.count // self.batch_size)

    def _batch(self, index):
        start = index * self.batch_size
        end = min(start + self.batch_size, self.count)
        return tuple(array[start:end] for array in self.arrays)

    def __getitem__(self, index):
        last = min(index + 1 + ReadAhead.DEPTH, len(self))
        return self.ahead.get(*((i,) for i in range(index, last)))


def rows_of_part(rows, slices, replicas, part=None):
    """Rows of a batch in the order of the replicas that see them.

    Args:
        rows: `(slices * B, ...)`.
        slices: Int.
        replicas: Int, which divides B.
        part: Optional int or slice, of which replicas alone.

    Returns:
        As many rows, or with `part` its rows.
    """
    if replicas == 1:
        return rows
    rest = rows.shape[1:]
    parts = np.swapaxes(rows.reshape(slices, replicas, -1, *rest), 0, 1)
    parts = parts if part is None else parts[part]
    return parts.reshape(-1, *rest)


class SetEpoch(keras.callbacks.Callback):
    """Tells batches in an own order which epoch begins, also after a resume."""

    def __init__(self, batches):
        super().__init__()
        self.batches, self.offset = batches, None

    def on_epoch_begin(self, epoch, logs=None):
        """Fixes the order of the epoch."""
        if self.offset is None:
            self.offset = self._epochs_before(epoch)
            object.__setattr__(self.model, "order_offset", self.offset)
        self.batches.seed = self.model.seed  # a backup may have had another
        self.batches.set_epoch(epoch + self.offset)

    def _epochs_before(self, epoch):
        """Epochs of an earlier `fit`, after which this one goes on with new orders."""
        restored = getattr(self.model, "restored_order_offset", None)
        if restored is not None or epoch > 0:
            object.__setattr__(self.model, "restored_order_offset", None)
            return restored or 0
        seen = int(keras.ops.convert_to_numpy(self.model.images_seen))
        size = getattr(self.batches, "batch_size", None)
        size = len(self.batches) * (size or len(self.model._first_batch[0]))
        return -(-seen // size)
