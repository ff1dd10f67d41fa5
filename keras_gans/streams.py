"""Batches of the user's own making, as `fit` and `evaluate` are to see them."""

import collections.abc

import keras
import numpy as np

from keras_gans.batches import rows_of_part


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


def check_read_again(data, batches):
    """Raises if each epoch could read the data, but not the batches made of them.

    Args:
        data: What the user gave.
        batches: What `join_batches` or `own_parts` made of it, or the same.
    """
    is_iterator = isinstance(batches, collections.abc.Iterator)
    if is_iterator and not isinstance(data, collections.abc.Iterator):
        raise ValueError(
            "Expected: with `discriminator_steps`, `micro_batches` or several devices, "
            "and more than one epoch, data of a known length. Received: a "
            f"{type(data).__name__} of unknown length. Give it a length "
            "(`tf.data.experimental.assert_cardinality`, `__len__`), or have it repeat "
            "without end and pass `steps_per_epoch`."
        )


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
