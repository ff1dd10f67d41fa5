"""TensorFlow: replicas and workers of `tf.distribute`."""

import contextlib
import functools
import json
import os

import keras
import numpy as np
import tensorflow as tf
from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

from keras_gans.backend import rendezvous

_joined = []  # the strategy of all workers, once there is one


def num_replicas():
    """Number of replicas over which gradients are summed."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_id():
    """Index of the replica that runs this code: an int or an int32 tensor."""
    context = tf.distribute.get_replica_context()
    return 0 if context is None else context.replica_id_in_sync_group


def mean_over_replicas(x):
    """Mean of a tensor over replicas; gradients flow to all of them.

    Not inside `cond`, where replicas cannot wait for one another.
    """
    context = tf.distribute.get_replica_context()
    if context is None or num_replicas() == 1:
        return x
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, x)


def rows_of_replicas(x):
    """Rows `(n * B, ...)` of all replicas, in their order, without gradients."""
    context = tf.distribute.get_replica_context()
    if context is None or num_replicas() == 1:
        return x
    return context.all_gather(tf.stop_gradient(x), axis=0)


def mean_logs(values):
    """Means over replicas of a list of scalars."""
    if num_replicas() == 1:
        return values
    values = tf.stack([tf.cast(value, "float32") for value in values])
    return tf.unstack(mean_over_replicas(values))


def initialize_processes(timeout):
    """Does nothing: a strategy joins its workers when it is made."""


def data_parallel_scope(timeout):
    """A context to make a model in that all devices are to train.

    Args:
        timeout: Float, seconds for which workers wait for one another.
    """
    if tf.distribute.has_strategy():
        return contextlib.nullcontext()
    if "TPU_NAME" in os.environ:
        return _strategy_of_tpu().scope()
    if process_count() > 1:
        return _strategy_of_workers(timeout).scope()
    devices = tf.config.list_logical_devices("GPU")
    devices = devices or tf.config.list_logical_devices("CPU")
    if len(devices) == 1:
        return contextlib.nullcontext()
    return _strategy_of_devices(tuple(device.name for device in devices)).scope()


@functools.cache
def _strategy_of_devices(names):
    """One for all models: TensorFlow counts what two of them exchange as one's."""
    return tf.distribute.MirroredStrategy(names)


@functools.cache
def _strategy_of_tpu():
    """One for all models, of all cores of the TPU that `TPU_NAME` tells."""
    resolver = tf.distribute.cluster_resolver.TPUClusterResolver(
        tpu=os.environ["TPU_NAME"]
    )
    tf.config.experimental_connect_to_cluster(resolver)
    tf.tpu.experimental.initialize_tpu_system(resolver)
    return tf.distribute.TPUStrategy(resolver)


def _strategy_of_workers(timeout):
    """One for all models: workers are joined once, before anything is computed."""
    if _joined:
        return _joined[0]
    cluster = json.loads(os.environ["TF_CONFIG"])["cluster"]
    addresses = [*cluster.get("chief", []), *cluster.get("worker", [])]
    rendezvous.meet(addresses, process_index(), timeout)  # TensorFlow waits an hour
    options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=timeout)
    _joined.append(
        tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    )
    return _joined[0]


def alone():
    """A context in which new variables are of this process alone."""
    return contextlib.nullcontext()


def process_count():
    """Number of processes that train together: the workers of `TF_CONFIG`."""
    cluster = json.loads(os.environ.get("TF_CONFIG") or "{}").get("cluster", {})
    return max(1, len(cluster.get("chief", [])) + len(cluster.get("worker", [])))


def process_index():
    """Index of this one among them: the chief, or worker 0, is the first."""
    config = json.loads(os.environ.get("TF_CONFIG") or "{}")
    task, cluster = config.get("task", {}), config.get("cluster", {})
    before = len(cluster.get("chief", [])) if task.get("type") == "worker" else 0
    return before + int(task.get("index", 0))


def order_of_rows(model, slices):
    """How a step wants the rows of a batch: arguments of `rows_of_part`.

    TensorFlow gives each replica, of whichever worker, a part of the batch.
    """
    return slices, replicas_of(model), None


def input_of_keras(model, data, in_parts=False):
    """What Keras' `fit` and `evaluate` take in place of data; see `keras_gans.backend`.

    Keras would have each worker read whole batches, and throw away what is of others:
    `ArrayBatches` made in parts of replicas (`in_parts`) give its own.
    """
    if not isinstance(data, keras.utils.PyDataset):
        return data
    strategy = model.distribute_strategy
    is_of_workers = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    if process_count() == 1 or not is_of_workers or not in_parts:
        return _UntunedBatches(data)
    own = replicas_of(model) // process_count()
    first = own * process_index()
    data.part = slice(first, first + own)
    return _PartsOfWorker(data, strategy, own)


class _UntunedBatches(PyDatasetAdapter):
    """Keras' own, without the thread by which `tf.data` tunes itself.

    There is nothing to tune: one generator, and batches read ahead. But as an epoch
    ends, its iterator waits until that thread wakes up, which it does 10 ms, 20 ms,
    40 ms ... later than the last time: epochs of 28 s took 41 s (TensorFlow 2.21).
    """

    def get_tf_dataset(self):
        """The data set of Keras with other options."""
        options = tf.data.Options()
        options.autotune.enabled = False
        return super().get_tf_dataset().with_options(options)


class _PartsOfWorker(_UntunedBatches):
    """Batches that hold the parts of this worker's replicas alone, one after another.

    Args:
        batches: `PyDataset`.
        strategy: A `MultiWorkerMirroredStrategy`.
        replicas: Int, of this worker.
    """

    def __init__(self, batches, strategy, replicas):
        super().__init__(batches)
        self.strategy, self.replicas = strategy, replicas

    def get_tf_dataset(self):
        """A data set that gives each replica its part."""

        def cut(*arrays):
            return tuple(
                tf.reshape(x, (self.replicas, -1, *x.shape[1:])) for x in arrays
            )

        parts = super().get_tf_dataset().map(cut).unbatch()
        return self.strategy.distribute_datasets_from_function(lambda _: parts)


def of_all_processes(model, value):
    """Lists what each process has for a JSON value."""
    strategy = model.distribute_strategy
    if process_count() == 1 or strategy.num_replicas_in_sync == 1:
        return [value]
    text = np.frombuffer(json.dumps(value).encode(), np.uint8).astype("int32")

    def gathered(array):
        return strategy.run(
            lambda: tf.distribute.get_replica_context().all_gather(
                tf.constant(array), axis=0
            )
        )

    def rows(array):  # a row of each worker: those of its replicas are equal
        (local, *_) = strategy.experimental_local_results(gathered(array[None]))
        return local.numpy()[:: len(strategy.extended.worker_devices)]

    sizes = rows(np.int32(text.size))
    texts = rows(np.pad(text, (0, sizes.max() - text.size)))
    return [
        json.loads(bytes(text[:size].astype(np.uint8)))
        for text, size in zip(texts, sizes, strict=True)
    ]


def share_state(variables):
    """Does nothing: variables of a strategy are equal from the start."""


def check_scope(model):
    """Raises if `model` was made before a strategy's scope, or in one of no use."""
    strategy = tf.distribute.get_strategy()
    if isinstance(model._distribute_strategy, tf.distribute.ParameterServerStrategy):
        raise ValueError(
            "Expected: a strategy whose replicas make each update together. Received: "
            "ParameterServerStrategy, whose workers update the weights one by one, "
            "while the others' gradients are of older ones; players that alternate "
            "would no longer alternate. Use MultiWorkerMirroredStrategy."
        )
    if tf.distribute.has_strategy() and strategy is not model._distribute_strategy:
        raise ValueError(
            "Expected: a model made in the scope of the strategy that it is compiled "
            f"and trained in. Received: a {type(strategy).__name__}'s scope that was "
            "opened after the model was made. Make it within."
        )


def scope_of(model):
    """A context whose variables are on all replicas of a model."""
    strategy = model._distribute_strategy
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def is_on_replicas_of(model, variable):
    """Whether a variable was made in the scope that a model was made in."""
    strategy = model._distribute_strategy
    if strategy is None:
        return True
    return strategy.extended.variable_created_in_scope(variable.value)


def replicas_of(model):
    """Number of replicas that a `fit` of `model` has."""
    return model.distribute_strategy.num_replicas_in_sync
