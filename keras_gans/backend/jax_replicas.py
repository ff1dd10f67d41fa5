"""JAX: devices of a `keras.distribution`, and processes that train together."""

import contextlib
import functools
import json
import os

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils

HEARTBEAT = 30  # seconds without a sign of life after which a process counts as dead


def num_replicas():
    """Number of replicas over which gradients are summed: sharding is global here."""
    return 1


def replica_id():
    """Index of the replica that runs this code."""
    return 0


def mean_over_replicas(x):
    """Returns `x`, which is of the whole batch."""
    return x


def rows_of_replicas(x):
    """Returns `x`, which is of the whole batch."""
    return x


def mean_logs(values):
    """Returns `values`, which are of the whole batch."""
    return values


def initialize_processes(timeout):
    """Takes the sharding of data over from Keras, which knows `tf.data` alone.

    The user calls `keras.distribution.initialize`, before anything else.
    """
    distribution = keras.distribution.distribution()
    if distribution is not None:
        distribution.auto_shard_dataset = False


def data_parallel_scope(timeout):
    """A context to make a model in that all devices are to train.

    Args:
        timeout: Float, seconds for which processes wait for one another to join.
    """
    told = "KERAS_DISTRIBUTION_JOB_ADDRESSES" in os.environ
    if told and not jax.distributed.is_initialized():
        _join_processes(timeout)
    devices = keras.distribution.list_devices()
    if len(devices) > 1 and keras.distribution.distribution() is None:
        keras.distribution.set_distribution(keras.distribution.DataParallel())
    return contextlib.nullcontext()


def _join_processes(timeout):
    """As `keras.distribution.initialize`, but one that dies is noticed earlier.

    The others would otherwise wait for it for 100 seconds before they end.
    """
    join = jax.distributed.initialize
    jax.distributed.initialize = functools.partial(
        join,
        heartbeat_timeout_seconds=HEARTBEAT,
        initialization_timeout=int(timeout),
    )
    try:
        keras.distribution.initialize()
    finally:
        jax.distributed.initialize = join
    told = int(os.environ.get("KERAS_DISTRIBUTION_NUM_PROCESSES", jax.process_count()))
    if told != jax.process_count():
        raise RuntimeError(
            "Expected: the same KERAS_DISTRIBUTION_NUM_PROCESSES in all processes. "
            f"Received: {told} in process {jax.process_index()}, and "
            f"{jax.process_count()} of them joined."
        )


@contextlib.contextmanager
def alone():
    """A context in which new variables are of this process alone."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def process_count():
    """Number of processes that train together."""
    return jax.process_count()


def process_index():
    """Index of this one among them."""
    return jax.process_index()


def order_of_rows(model, slices):
    """How a step wants the rows of a batch: arguments of `rows_of_part`.

    Arrays are of the whole batch, and so are the slices that a step takes of them.
    """
    return 1, process_count(), process_index()


def input_of_keras(model, data, in_parts=False):
    """What Keras' `fit` and `evaluate` take in place of data.

    The same, but that batches of rows bring along what is on the device.
    """
    if getattr(data, "gives_rows", False):
        return _WithArrays(data, model.device_arrays)
    return data


class _WithArrays(keras.utils.PyDataset):
    """Batches of rows with the arrays that these are of.

    Args:
        batches: `PyDataset` of tuples of rows.
        arrays: `DeviceArrays`.
    """

    def __init__(self, batches, arrays):
        super().__init__()
        self.batches, self.arrays = batches, arrays

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        rows = self.batches[index]
        return tuple(zip(self.arrays.values, rows, strict=True))

    def on_epoch_begin(self):
        """Is passed on."""
        self.batches.on_epoch_begin()

    def on_epoch_end(self):
        """Is passed on."""
        self.batches.on_epoch_end()


def of_all_processes(model, value):
    """Lists what each process has for a JSON value."""
    if process_count() == 1:
        return [value]
    text = np.frombuffer(json.dumps(value).encode(), np.uint8)
    sizes = multihost_utils.process_allgather(np.int32(text.size))
    padded = np.zeros(sizes.max(), np.uint8)
    padded[: text.size] = text
    texts = multihost_utils.process_allgather(padded)
    return [
        json.loads(bytes(text[:size]))
        for text, size in zip(texts, sizes.ravel(), strict=True)
    ]


def share_state(variables):
    """Does nothing: variables are of all processes."""


def check_scope(model):
    """Raises if a distribution was set after the variables of `model` were made."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return
    devices = set(distribution.device_mesh.devices.flatten())
    used = set().union(*map(_devices_of, model.variables))
    if len(devices) != len(used):
        raise ValueError(
            f"Expected: a model made after keras.distribution.set_distribution, on its "
            f"{len(devices)} devices. Received: one on {len(used)}. Make the model "
            "again."
        )


def _devices_of(variable):
    return {str(device) for device in variable.value.sharding.device_set}


def scope_of(model):
    """Does nothing: a distribution is in force for all variables that follow."""
    return contextlib.nullcontext()


def is_on_replicas_of(model, variable):
    """Whether a variable is on the devices of a model's."""
    return _devices_of(variable) == _devices_of(model.variables[0])


def replicas_of(model):
    """Number of replicas that a `fit` of `model` has: devices that share a batch."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return 1
    mesh = distribution.device_mesh
    if distribution.batch_dim_name not in mesh.axis_names:
        return 1
    return mesh.shape[mesh.axis_names.index(distribution.batch_dim_name)]
