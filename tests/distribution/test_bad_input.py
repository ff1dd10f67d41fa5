"""What cannot be shared is refused before any time is spent."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans import backend
from keras_gans.batches import rows_of_part
from keras_gans.callbacks.join_processes import check_callbacks
from keras_gans.streams import join_batches
from keras_gans.streams import own_parts
from tests.distribution.test_updates import free_port
from tests.gan_test_case import Batches

POINTS = np.zeros((30, 2), "float32")
IMAGE = np.zeros((4, 4, 1), "uint8")
BACKEND = keras.config.backend()
ROOT = pathlib.Path(__file__).parents[2]


def make_gan(**options):
    gan = kg.models.GAN(data_spec=kg.Vectors(2), latent_dim=4, hidden_units=8, seed=0)
    gan.compile(**options)
    return gan


class Loader:
    """Something to iterate over, of which the length is known."""

    def __init__(self, batches):
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        return iter(self.batches)


@pytest.fixture
def three_replicas(monkeypatch):
    monkeypatch.setattr(backend, "replicas_of", lambda model: 3)


def test_batches_that_replicas_cannot_share(three_replicas):
    with pytest.raises(ValueError, match="multiple of 3.*batch_size=8 of 30"):
        make_gan().fit(POINTS, batch_size=8, verbose=0)


def test_fewer_examples_than_replicas(three_replicas):
    with pytest.raises(ValueError, match="as many examples.*of 2 examples"):
        make_gan().fit(POINTS[:2], batch_size=3, verbose=0)


def test_what_replicas_cannot_share_is_not_evaluated(three_replicas):
    gan = make_gan()
    (points,) = gan._checked_validation(POINTS[:8], 4)
    assert len(points) == 6
    images = kg.datasets.LazyImages(lambda i: IMAGE, (8, 4, 4, 1))
    lazy = gan._in_order((images,), 4)
    assert [len(lazy[i][0]) for i in range(len(lazy))] == [4, 2]
    assert gan._shareable(4) == 6 and gan._shareable(6) == 6
    with pytest.raises(ValueError, match="at least 3 examples to evaluate.*: 2"):
        gan.evaluate(POINTS[:2], verbose=0)


def test_what_of_streams_replicas_cannot_share_is_not_evaluated(three_replicas):
    gan = make_gan()
    batches = [POINTS[:4], POINTS[4:8], POINTS[8:9]]
    for data, sizes in (
        (Batches(POINTS[:9], 4), [3, 3]),
        (Loader(batches), [3, 3, 3]),
        ((batch for batch in batches), [3, 3]),
    ):
        checked = gan._checked_validation(data, 4)
        assert [len(batch[0]) for batch in checked] == sizes
    with pytest.raises(ValueError, match="at least 3 examples to evaluate.*: 2"):
        gan.evaluate(Batches(POINTS[:2], 2), verbose=0)


STREAMS_TO_EVALUATE = """
import keras, numpy as np
import keras_gans as kg
from tests.distribution.test_updates import free_port
from tests.gan_test_case import Batches
points = np.random.default_rng(0).normal(size=(16, 2)).astype("float32")
with kg.distribution.scope():
    gan = kg.models.GAN(data_spec=kg.Vectors(2), latent_dim=4, hidden_units=8, seed=0)
gan.compile()
assert kg.backend.replicas_of(gan) == 2
unseen = Batches(points[:9], 5)
logs = gan.fit(points, batch_size=8, validation_data=unseen, verbose=0).history
assert np.isfinite(logs["val_d_loss"]).all()
losses = gan.evaluate((points[:n] for n in (5, 1, 3)), verbose=0)
assert np.isfinite(losses).all()
"""


@pytest.mark.skipif(BACKEND != "jax", reason="JAX has several devices in a process")
def test_streams_of_odd_batches_are_evaluated():
    flags = os.environ.get("XLA_FLAGS", "")
    flags += " --xla_force_host_platform_device_count=2"
    command = [sys.executable, "-c", STREAMS_TO_EVALUATE]
    environment = os.environ | {"XLA_FLAGS": flags.strip()}
    subprocess.run(command, check=True, timeout=300, cwd=ROOT, env=environment)


def test_batches_of_a_stream_that_replicas_cannot_share(three_replicas):
    batches = (POINTS[:8] for _ in range(2))
    with pytest.raises(ValueError, match="multiple of 3 examples.*first one with 8"):
        make_gan().fit(batches, verbose=0)


def test_processes_that_differ(monkeypatch):
    monkeypatch.setattr(backend, "process_count", lambda: 2)
    monkeypatch.setattr(
        backend, "of_all_processes", lambda model, facts: [facts, facts | {"data": "x"}]
    )
    with pytest.raises(RuntimeError, match="another data in some of them.*process 1"):
        kg.distribution.check_alike(None, {"seed": 1, "data": "y"})
    kg.distribution.check_alike(None, {"seed": 1})


def test_the_backup_of_keras_in_several_processes():
    check_callbacks([kg.callbacks.BackupAndRestore("a"), keras.callbacks.History()])
    with pytest.raises(ValueError, match="Expected: keras_gans.callbacks.Backup"):
        check_callbacks([keras.callbacks.BackupAndRestore("a")])


def test_fingerprint_of_data():
    data = np.arange(60).reshape(30, 2)
    changed = data.copy()
    changed[7, 1] += 1
    prints = {kg.distribution.fingerprint((a,)) for a in (data, changed, data[:29])}
    assert len(prints) == 3
    assert kg.distribution.fingerprint((data.copy(),)) in prints


def test_rows_of_parts():
    rows = np.arange(12)  # two slices of 6, of three replicas
    assert rows_of_part(rows, 2, 3, 0).tolist() == [0, 1, 6, 7]
    assert rows_of_part(rows, 2, 3, 2).tolist() == [4, 5, 10, 11]
    assert rows_of_part(rows, 2, 3).tolist() == [0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11]
    assert rows_of_part(rows, 2, 1, 0) is rows


def test_slices_follow_discriminator_steps(monkeypatch):
    monkeypatch.setattr(backend, "replicas_of", lambda model: 2)
    monkeypatch.setattr(backend, "order_of_rows", lambda model, k: (k, 2, None))
    seen = {}

    class Change(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.discriminator_steps = 1 + epoch
            batches = self.model._fit_batches
            seen[epoch] = batches.slices, batches.batch_size

    make_gan().fit(POINTS, batch_size=6, epochs=2, verbose=0, callbacks=[Change()])
    assert seen == {0: (1, 6), 1: (2, 12)}


def test_parts_of_streams():
    def batches():
        yield np.arange(12)
        yield np.arange(12, 21)  # a smaller one at the end

    parts = [list(own_parts(batches(), 1, 2, part)) for part in (0, 1)]
    assert [len(batch) for (batch,) in parts[0]] == [6, 4]
    together = np.concatenate([*(b for (b,) in parts[0]), *(b for (b,) in parts[1])])
    assert sorted(together) == list(range(20))
    with pytest.raises(ValueError, match="at least 16 examples"):
        list(own_parts(batches(), 1, 2, 0, multiple=8))


@pytest.mark.once
def test_a_last_batch_that_is_too_small_is_left_out():
    batches = [np.arange(12), np.arange(12, 24), np.arange(24, 27)]
    (first,), (second,) = own_parts(iter(batches), 1, 2, 1, multiple=2)
    assert [*first, *second] == [*range(6, 12), *range(18, 24)]
    known = own_parts(batches, 1, 2, 1, multiple=2)  # of so many as was told
    assert [known[i][0][0] for i in range(len(known))] == [6, 18, 6]
    joined = own_parts(join_batches(batches[1:], 1), 1, 2, 1, multiple=2)
    assert [joined[i][0][0] for i in range(len(joined))] == [18, 18]


@pytest.mark.parametrize("kind", ["dataset", "loader", "generator"])
def test_last_batches_smaller_than_micro_batches(kind):
    gan = make_gan(micro_batches=4, run_eagerly=BACKEND != "jax")
    data = Batches(POINTS[:18], 8)
    if kind != "dataset":
        data = [data[i] for i in range(3)] * (1 if kind == "loader" else 2)
        data = Loader(data) if kind == "loader" else (batch for batch in data)
    steps = 2 if kind == "generator" else None
    gan.fit(data, epochs=2, steps_per_epoch=steps, verbose=0)
    assert int(gan.images_seen) == (48 if kind == "loader" else 32)
    with pytest.raises(ValueError, match="multiple of 4 .*first one with 2"):
        gan.fit(Batches(POINTS[:2], 8), verbose=0)


@pytest.mark.parametrize("steps", [1, 2])
def test_all_replicas_have_as_much_of_a_stream(monkeypatch, steps):
    """Where a strategy cuts batches, of which it would give a replica none."""
    monkeypatch.setattr(backend, "replicas_of", lambda model: 2)
    monkeypatch.setattr(backend, "order_of_rows", lambda model, k: (k, 2, None))
    points = np.arange(98, dtype="float32").reshape(49, 2)
    gan = make_gan(discriminator_steps=steps)
    for data in (Batches(points[:37], 8), Batches(points, 8)):  # 5 or 1 at the end
        loader = Loader([data[i] for i in range(len(data))])
        generator = (batch for batch in loader)
        for source in (data, loader, generator):
            batches, _ = gan._prepare(source, None, None, False)
            sizes = [len(batch[0]) for batch in batches]
            assert sizes and not any(size % (2 * steps) for size in sizes), sizes
    rows = next(iter(own_parts([points[:8]], 2, 2, None, multiple=2)))[0][:, 0] / 2
    assert rows.tolist() == [0, 1, 4, 5, 2, 3, 6, 7]


STREAMS_OF_TWO_REPLICAS = """
import numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
import keras_gans as kg
from tests.distribution.test_updates import free_port
from tests.gan_test_case import Batches
points = np.random.default_rng(0).normal(size=(49, 2)).astype("float32")
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    gan = kg.models.GAN(data_spec=kg.Vectors(2), latent_dim=4, hidden_units=8, seed=0)
gan.compile(run_eagerly=True)
tf_data = tf.data.Dataset.from_tensor_slices(points).batch(16)
for data, seen in ((Batches(points, 16), 48), (tf_data, 112)):
    losses = gan.fit(data, verbose=0).history
    assert all(np.isfinite(values).all() for values in losses.values()), losses
    assert int(gan.images_seen.value.numpy()) == seen
"""


@pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow has strategies")
def test_a_last_batch_that_a_strategy_cannot_share():
    command = [sys.executable, "-c", STREAMS_OF_TWO_REPLICAS]
    subprocess.run(command, check=True, timeout=300, cwd=ROOT)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow has strategies")
def test_a_scope_opened_too_late():
    import tensorflow as tf

    gan = make_gan()
    with (
        tf.distribute.MirroredStrategy(["/cpu:0"]).scope(),
        pytest.raises(ValueError, match="MirroredStrategy.*after the model was made"),
    ):
        gan.fit(POINTS, batch_size=10, verbose=0)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow has strategies")
def test_parameter_servers(monkeypatch):
    import tensorflow as tf

    gan = make_gan()
    strategy = object.__new__(tf.distribute.ParameterServerStrategy)
    monkeypatch.setattr(gan, "_distribute_strategy", strategy)
    with pytest.raises(ValueError, match="Use MultiWorkerMirroredStrategy"):
        backend.check_scope(gan)


def test_a_process_that_no_other_joins():
    """It ends, with an error, and does not train alone."""
    own = {
        "tensorflow": {
            "TF_CONFIG": json.dumps(
                {
                    "cluster": {"worker": [f"127.0.0.1:{free_port()}", "127.0.0.1:1"]},
                    "task": {"type": "worker", "index": 0},
                }
            )
        },
        "jax": {
            "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{free_port()}",
            "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
            "KERAS_DISTRIBUTION_PROCESS_ID": "0",
        },
        "torch": {
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(free_port()),
            "WORLD_SIZE": "2",
            "RANK": "0",
        },
    }[BACKEND]
    code = (
        "import keras_gans as kg\n"
        "kg.distribution.initialize(timeout=2.0)\n"
        "with kg.distribution.scope():\n"
        "    print('alone')\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | own,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode != 0
    assert "alone" not in process.stdout
    told = {"tensorflow": "all 2 processes", "jax": "DEADLINE", "torch": "Timed out"}
    assert told[BACKEND] in process.stderr
