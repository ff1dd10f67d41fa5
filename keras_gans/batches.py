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
    """

    def __init__(
        self, arrays, batch_size, shuffle, seed, aligned=True, slices=1, replicas=1,
        part=None, steps=None,
    ):  # fmt: skip
        super().__init__()
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

    def _order(self, epoch, turn, which):
        """Order of an array's examples when they come for the `turn`-th time."""
        # One assignment each: a thread that reads ahead for the epoch before must not
        # leave its order to this one.
        key = (self.seed, epoch)
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

    def _rows(self, epoch, start, end, slices, which):
        """Rows of an array in a batch, the examples from `start` to `end`."""
        count, rows = len(self.arrays[which]), []
        while start < end:
            turn, first = divmod(start, count)
            last = min(first + end - start, count)
            rows.append(self._order(epoch, turn, which)[first:last])
            start += last - first
        rows = rows[0] if len(rows) == 1 else np.concatenate(rows)
        return rows_of_part(rows, slices, self.replicas, self.part)

    def _batch(self, epoch, index, size, slices):
        """Arrays of a batch; what an attribute says may be of another one by now."""
        if self.steps:  # no epoch has an order of its own
            epoch, index = 0, epoch * self.steps + index
        of_batch = (epoch, index * size, (index + 1) * size, slices)
        if self.aligned:
            rows = self._rows(*of_batch, 0)
            return tuple(array[rows] for array in self.arrays)
        return tuple(a[self._rows(*of_batch, i)] for i, a in enumerate(self.arrays))

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        kind = (self.batch_size, self.slices)
        if self.ahead is None:
            return self._batch(self.epoch, index, *kind)
        keys = []
        for i in range(index, index + 1 + ReadAhead.DEPTH):
            later, i = divmod(i, self.length)
            keys.append((self.epoch + later, i, *kind))
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
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        """Fixes the order of the epoch."""
        self.batches.seed = self.model.seed  # a backup may have had another
        self.batches.set_epoch(epoch)


class _Wrapped(keras.utils.PyDataset):
    """A `PyDataset` that reads another one, with as many workers."""

    def __init__(self, data):
        super().__init__(data.workers, data.use_multiprocessing, data.max_queue_size)
        self.data = data

    @property
    def num_batches(self):
        """Batches of an epoch; None if there is no end."""
        return self.data.num_batches

    def __len__(self):
        return self.num_batches

    def on_epoch_begin(self):
        """Tells the user's dataset that an epoch begins."""
        self.data.on_epoch_begin()

    def on_epoch_end(self):
        """Tells the user's dataset that the epoch is over."""
        self.data.on_epoch_end()


class SeededOrder(_Wrapped):
    """Batches of a `PyDataset`, in an order that depends on seed and epoch alone.

    Keras' own shuffling draws from a state that is not saved, and is another one in
    each process: parts of what they would take for one batch would be of several.

    Args:
        data: `PyDataset` of a known length.
        shuffle: Bool.
        seed: Non-negative int.
        steps: Optional int, batches of an epoch, which then goes on where the one
            before stopped; by default it has each once.
        least: Int; a last batch of fewer examples is left out.
    """

    def __init__(self, data, shuffle, seed, steps=None, least=1):
        super().__init__(data)
        self.shuffle, self.seed, self.steps = shuffle, seed, steps
        self.count = data.num_batches
        if least > 1 and self.count > 1:
            self.count -= len(as_arrays(data[self.count - 1])[0]) < least
        self.cached = (None, None)
        self.set_epoch(0)

    def set_epoch(self, epoch):
        """Fixes the order of the batches for `epoch`."""
        self.epoch = epoch

    @property
    def num_batches(self):
        """Batches of an epoch."""
        return self.steps or self.count

    def __getitem__(self, index):
        turn, index = divmod(self.epoch * self.num_batches + index, self.count)
        return self.data[int(self._order(turn)[index])]

    def _order(self, turn):
        """Order of the batches when they come for the `turn`-th time."""
        key = (self.seed, turn)
        cached_key, order = self.cached
        if cached_key != key:
            order = np.arange(self.count)
            if self.shuffle:
                order = np.random.default_rng(key).permutation(self.count)
            self.cached = (key, order)  # at once: several threads may read
        return order


def join_batches(data, count):
    """Joins each `count` batches of `data` into one, for `count` slices in the step.

    Batches over at the end of an epoch are left out, and so are the examples of a
    joined batch over what `count` divides.

    Args:
        data: `tf.data.Dataset`, `PyDataset`, torch `DataLoader`, or any iterable of
            batches: an array or a tuple of arrays.
        count: Int, batches to join.

    Returns:
        A `PyDataset` where the length of `data` is known, else a generator.

    Raises:
        ValueError: If there are fewer than `count`; a generator raises it at its end.
    """
    is_dataset = isinstance(data, keras.utils.PyDataset)
    try:
        length = data.num_batches if is_dataset else len(data)
    except TypeError:  # a generator, or a tf.data.Dataset of unknown length
        return _joined(data, count)
    if length is not None and length < count:
        raise _too_few(length, count)
    if is_dataset:
        return _JoinedDataset(data, count)
    return Stream(lambda: _joined(data, count), length // count)


def own_parts(data, slices, replicas, part, multiple=1):
    """Of each batch of `data`, what one of several processes, or a step, is to see.

    All of them read the same data. Examples over what replicas can share are left out,
    and so are later batches of a stream that have less. Where its length is known, the
    first one comes again in place of such a batch.

    Args:
        data: As of `join_batches`.
        slices: Int, which of a batch are seen by one update each.
        replicas: Int.
        part: Int, which of them; None for all.
        multiple: Int, examples of a part are a multiple of.

    Returns:
        A `PyDataset` where the length of `data` is known, else a generator.
    """
    least = multiple * replicas

    def cut(arrays):
        usable = len(arrays[0]) // least * least
        if not usable:
            raise ValueError(
                f"Expected: batches of at least {least} examples, so that each replica "
                f"has some. Received: one of {len(arrays[0])}. Leave it out."
            )
        return tuple(
            rows_of_part(array[:usable], slices, replicas, part) for array in arrays
        )

    def cut_all(keep_length):
        first = None
        for arrays in map(as_arrays, data):
            if first is None:
                first = cut(arrays)
                yield first
            elif len(arrays[0]) >= least:
                yield cut(arrays)
            elif keep_length:
                yield first

    if isinstance(data, keras.utils.PyDataset) and not isinstance(data, Stream):
        return _MappedDataset(data, lambda batch: cut(as_arrays(batch)))
    try:
        length = len(data)
    except TypeError:
        if part is None and iter(data) is not data:
            return data  # a `tf.data.Dataset`, which a generator would read once
        return cut_all(keep_length=False)
    return Stream(lambda: cut_all(keep_length=True), length)


class _MappedDataset(_Wrapped):
    """A `PyDataset` whose batches go through a function."""

    def __init__(self, data, function):
        super().__init__(data)
        self.function = function

    def __getitem__(self, index):
        return self.function(self.data[index])


def as_arrays(batch):
    """Returns a batch as a tuple of NumPy arrays: examples, and labels if any."""
    parts = batch if isinstance(batch, tuple | list) else (batch,)
    return tuple(keras.ops.convert_to_numpy(part) for part in parts if part is not None)


def _joined(data, count):
    group, is_first = [], True
    for batch in data:
        group.append(as_arrays(batch))
        if len(group) == count:
            yield _concatenate(group, count)
            group, is_first = [], False
    if is_first:
        raise _too_few(len(group), count)


def _too_few(length, count):
    return ValueError(
        f"Expected: at least discriminator_steps={count} batches, which a step takes. "
        f"Received: {length}."
    )


def _concatenate(group, count):
    arrays = tuple(np.concatenate(parts) for parts in zip(*group, strict=True))
    usable = len(arrays[0]) // count * count
    return tuple(array[:usable] for array in arrays)


class _JoinedDataset(_Wrapped):
    """Each `count` batches of a `PyDataset`, joined."""

    def __init__(self, data, count):
        super().__init__(data)
        self.count = count

    @property
    def num_batches(self):
        """Batches of an epoch, joined; None if there is no end."""
        length = self.data.num_batches
        return None if length is None else length // self.count

    def __getitem__(self, index):
        first = index * self.count
        batches = [self.data[first + i] for i in range(self.count)]
        return _concatenate([as_arrays(batch) for batch in batches], self.count)


class Stream(keras.utils.PyDataset):
    """Batches that can be read in order alone, of which the length is known.

    Args:
        make: Callable; returns an iterator over the batches of an epoch.
        length: Int.
    """

    def __init__(self, make, length):
        super().__init__()
        self.make, self.length = make, length
        self.stream, self.at = None, 0

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if index == 0:
            self.stream, self.at = self.make(), 0
        if index != self.at:
            raise RuntimeError(
                f"Expected: the batches of a stream in their order, now {self.at}. "
                f"Received: {index}."
            )
        self.at += 1
        return next(self.stream)
