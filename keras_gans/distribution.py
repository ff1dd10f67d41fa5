"""Training on many devices, in one process or in several.

A model made in `scope()` is trained by all devices, on each backend by its own means:
TensorFlow's strategies, `keras.distribution` on JAX, and on torch the processes that
`torchrun` starts. One may use these as in any Keras model, too. In whichever way, an
update is that of one device on the whole batch: random numbers, batch normalization and
means over the batch are those of all replicas together. (Of a replica's part alone are
minibatch standard deviation, minibatch discrimination and top-k.)

Processes that train together run the same script. Each trains on its part of every
batch; files are written by the first alone.
"""

import hashlib
import json
import pathlib

import keras
import numpy as np

from keras_gans import backend
from keras_gans.utils.checks import number

TIMEOUT = 600.0
_settings = {"shard_data": True, "timeout": TIMEOUT}


def scope():
    """A context to make a model in that all devices are to train.

    * TensorFlow: of a `MirroredStrategy` over the GPUs, of a
      `MultiWorkerMirroredStrategy` where `TF_CONFIG` names several workers, or of a
      `TPUStrategy` where `TPU_NAME` names a TPU ("local": of this machine).
    * JAX: `keras.distribution.DataParallel` over all devices, of all hosts where
      `KERAS_DISTRIBUTION_JOB_ADDRESSES` and its like are set (see
      `keras.distribution.initialize`).
    * torch: joins the processes that `torchrun` started, or another launcher that sets
      `MASTER_ADDR`, `MASTER_PORT`, `WORLD_SIZE` and `RANK`.

    With one device, or where a strategy or distribution is in force already, it changes
    nothing. Enter it before anything else is computed. `compile` and `fit` may be
    called outside of it. On JAX the distribution stays in force for what follows.

    Example:

    ```python
    with kg.distribution.scope():
        gan = kg.models.DCGAN((32, 32, 1))
    gan.compile()
    gan.fit(images, batch_size=128)  # of all devices together
    ```
    """
    initialize()
    return backend.data_parallel_scope(_settings["timeout"])


def initialize(timeout=None, shard_data=None):
    """Sets how processes work together; on torch it joins them, as `fit` would.

    On TensorFlow and JAX `scope` joins them. Nothing happens in a process that runs
    alone.

    Args:
        timeout: Float, seconds for which a process waits for the others, to join and
            (TensorFlow, torch) in an update, before it gives up with an error; 600 at
            the start. One that dies is noticed earlier.
        shard_data: Bool. True, as at the start: all processes are given the same data
            sets, and each takes its part of every batch. False: data sets, not arrays,
            are each process' own; their batches together are one.

    Example:

    ```python
    kg.distribution.initialize(timeout=60.0)
    gan.fit(images)
    ```
    """
    if shard_data is not None:
        _settings["shard_data"] = bool(shard_data)
    if timeout is not None:
        _settings["timeout"] = number(timeout, "timeout", least=1.0, meaning="seconds")
    backend.initialize_processes(_settings["timeout"])


def data_are_sharded():
    """Whether data sets are of each process alone; see `initialize`."""
    return not _settings["shard_data"]


def process_count():
    """Number of processes that train together; 1 for one that runs alone."""
    return backend.process_count()


def process_index():
    """Index of this process among them, from 0."""
    return backend.process_index()


def is_first_process():
    """Whether this is the process that writes files and shows progress.

    Example:

    ```python
    if kg.distribution.is_first_process():
        print("done")
    ```
    """
    return backend.process_index() == 0


def check_alike(model, facts):
    """Raises in all processes unless what they are about to do is the same.

    Args:
        model: The model.
        facts: Dict, name of a thing to its JSON value.

    Raises:
        RuntimeError: With what differs, and in which processes.
    """
    if process_count() == 1:
        return
    facts = {name: _short(value) for name, value in facts.items()}
    of_all = backend.of_all_processes(model, facts)
    for name in facts:
        values = [facts.get(name) for facts in of_all]
        if any(value != values[0] for value in values):
            listed = "; ".join(f"process {i}: {v!r}" for i, v in enumerate(values))
            raise RuntimeError(
                "Expected: processes that train together to run the same script on "
                f"the same data. Received: another {name} in some of them. {listed}."
            )


def add_note(error):
    """Tells with an error that ended a training where to look for its cause."""
    if process_count() > 1:
        error.add_note(
            f"This was process {process_index()} of {process_count()} that train "
            "together. Where it lost the connection to the others, one of them ended "
            "first: its own output says why. Once all are started again, a training "
            "with BackupAndRestore goes on from its last backup."
        )


def fingerprint(arrays, num_examples=1000):
    """A hash of arrays: of shapes, dtypes, and up to so many examples of each."""
    digest = hashlib.sha256()
    for array in arrays:
        rows = np.linspace(0, len(array) - 1, min(num_examples, len(array))).astype(int)
        digest.update(f"{array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array[rows]).tobytes())
    return digest.hexdigest()[:16]


def fingerprint_of_code():
    """A hash of the sources of keras_gans, and the versions of what it stands on."""
    digest = hashlib.sha256()
    for path in sorted(pathlib.Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return f"keras_gans {digest.hexdigest()[:16]}, keras {keras.version()}"


def _short(value):
    text = json.dumps(value, sort_keys=True, default=str)
    if len(text) <= 100:
        return text
    return hashlib.sha256(text.encode()).hexdigest()[:16]
