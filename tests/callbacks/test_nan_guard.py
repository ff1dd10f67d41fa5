import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans import backend
from keras_gans.callbacks.doctor.rollback import Rollback
from keras_gans.callbacks.nan_guard import NaNGuard
from keras_gans.callbacks.nan_guard import first_non_finite
from tests.callbacks.stand_in import assert_same
from tests.callbacks.stand_in import fit
from tests.callbacks.stand_in import make
from tests.callbacks.stand_in import state
from tests.callbacks.stand_in import warns


class States(keras.callbacks.Callback):
    """What a later callback sees at the end of each epoch."""

    def __init__(self):
        super().__init__()
        self.states = []

    def on_epoch_end(self, epoch, logs=None):
        self.states.append(state(self.model))


class Poison(keras.callbacks.Callback):
    """Puts NaN into a weight after a batch, by default the last, of an epoch."""

    def __init__(self, epoch, batch=2):
        super().__init__()
        self.at = (epoch, batch)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            variable = self.model.trainable_variables[-1]
            variable.assign(np.full(variable.shape, np.nan))


def test_first_non_finite():
    bad = float("inf")
    logs = {"a": 1.0, "metric": bad, "val_b": bad, "c": float("nan")}
    assert first_non_finite(logs, ["a", "b", "c"]) == ("val_b", bad)
    assert first_non_finite(logs, ["a"]) is None
    assert first_non_finite({"a": 1.0, "b": "text"}, ["a", "b"]) is None
    assert first_non_finite(None, ["a"]) is None


def test_an_infinite_metric_is_no_reason_to_stop(tmp_path):
    """The reverse KL is, while no sample is good; backups are written all the same."""
    points = np.random.default_rng(0).normal(size=(32, 2)).astype("float32") + 50.0
    model = kg.models.GAN(data_spec=kg.Vectors(2), latent_dim=2, hidden_units=4, seed=0)
    model.compile(metrics=[kg.metrics.ModeCoverage("gaussian_ring", num_samples=16)])
    model.generator.set_weights([0 * w - 9 for w in model.generator.get_weights()])
    backup = kg.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    history = model.fit(
        points, batch_size=16, epochs=2, validation_data=points, callbacks=[backup],
        verbose=0,
    ).history  # fmt: skip
    assert np.isinf(history["val_reverse_kl_16"]).all()
    assert int(model.images_seen) == 64 and list(tmp_path.glob("epoch_*"))


@pytest.mark.parametrize("batch", [0, 1])
def test_a_bad_loss_stops_training_and_good_state_returns(batch):
    model, seen = make(), States()
    message = f"`loss` was nan in epoch 3, batch {batch + 2}.*after epoch 2.*clipnorm"
    with warns(message):
        history = fit(model, 9, [NaNGuard(), Poison(2, batch), seen])
    assert len(history.epoch) == 3
    # Callbacks after it saw the state of the end of epoch 2, and `fit` left it so.
    assert_same(seen.states[2], seen.states[1])
    assert_same(state(model), seen.states[1])
    assert int(model.images_seen) == 2 * 20
    assert not np.array_equal(seen.states[0][0], seen.states[1][0])


def test_bad_weights_are_found_without_a_bad_loss():
    model, seen = make(), States()
    with warns("weight '.*' had NaN .* in epoch 1"):
        history = fit(model, 9, [NaNGuard(), Poison(0), seen])
    assert len(history.epoch) == 1 and np.isfinite(history.history["loss"]).all()
    assert_same(state(model), state(make()))


def test_training_goes_on_after_it():
    model, reference = make(), make()
    with warns("Training stopped"):
        fit(model, 9, [NaNGuard(), Poison(1, 0)])
    history = fit(model, 2, [NaNGuard()])
    fit(reference, 1, [])
    fit(reference, 2, [])
    assert len(history.epoch) == 2
    assert_same(state(model), state(reference))


def test_the_state_before_training_includes_what_callbacks_restore():
    class Restore(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.model.images_seen.assign(1000)

    model = make()
    with warns("before epoch 1"):
        fit(model, 9, [NaNGuard(), Restore(), Poison(0, 0)])
    assert int(model.images_seen) == 1000


def test_bad_weights_before_training():
    model = make()
    model.trainable_variables[0].assign(np.full((4, 6), np.nan))
    with pytest.raises(ValueError, match="Received: NaN or infinite values in"):
        fit(model, 1, [NaNGuard()])


def test_good_training_is_left_alone():
    model, reference = make(), make()
    guard = NaNGuard()
    history = fit(model, 2, [guard])
    assert_same(state(model), (fit(reference, 2, []), state(reference))[1])
    assert len(history.epoch) == 2
    assert guard._good_state is None


def test_batches_are_not_waited_for():
    model = make()
    if keras.config.backend() != "jax":
        pytest.skip("only JAX takes the state from the model between batches")
    count, sync = [0], model.jax_state_sync

    def counted():
        count[0] += not model._jax_state_synced
        sync()

    object.__setattr__(model, "jax_state_sync", counted)
    fit(model, 2, [NaNGuard()], n=200)
    assert count[0] == 2  # once an epoch, which Keras does itself
    container = keras.callbacks.CallbackList([NaNGuard()], model=model)
    assert container._async_train


def test_within_the_scope_of_a_strategy(tmp_path):
    """State is read, put back and saved where variables are distributed ones."""
    if backend.name() != "tensorflow":
        pytest.skip("only TensorFlow has strategies")
    import tensorflow as tf

    points = np.random.default_rng(0).standard_normal((32, 2), "float32")
    doctor, seen = kg.callbacks.TrainingDoctor(out=None, verbose=0), States()
    with tf.distribute.MirroredStrategy(["/cpu:0"]).scope():
        gan = kg.models.GAN(
            data_spec=kg.Vectors(2), latent_dim=4, hidden_units=10, seed=0
        )
        gan.compile(jit_compile=False)
        with warns(r"`._.*` was nan in epoch 2, batch 3.*after epoch 1"):
            gan.fit(
                points, batch_size=8, epochs=5, verbose=0,
                callbacks=[doctor, Poison(1, 1), seen],
            )  # fmt: skip
        assert_same(seen.states[0], seen.states[1])
        assert np.isfinite(doctor.records[0]["g_gradient"])
        rollback, trained = Rollback(gan), state(gan)
        assert rollback.keep(step=4)
        gan.save_weights(tmp_path / "gan.weights.h5")
        gan.images_seen.assign(0)
        rollback.restore()
        assert_same(state(gan), trained)
        gan.images_seen.assign(0)
        gan.load_weights(tmp_path / "gan.weights.h5")
        assert keras.ops.convert_to_numpy(gan.images_seen) == 32


def test_gan_fit_has_one_by_itself():
    gan = kg.models.GAN(data_spec=kg.Vectors(2), latent_dim=4, hidden_units=10, seed=0)
    gan.compile()
    points = np.random.default_rng(0).standard_normal((32, 2), "float32")
    seen = States()
    with warns(r"`._.*` was nan in epoch 2, batch 3.*after epoch 1"):
        gan.fit(
            points, batch_size=8, epochs=5, verbose=0, callbacks=[Poison(1, 1), seen]
        )
    assert len(seen.states) == 2
    # Random states and optimizers too.
    assert_same(seen.states[0], seen.states[1])
    assert_same(seen.states[0], state(gan))
    assert int(gan.images_seen) == 32
    assert np.isfinite(gan.generate(3)).all()


@pytest.mark.skipif(keras.config.backend() != "torch", reason="elsewhere: `compile`")
def test_layers_that_a_callback_freezes():
    class Freeze(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.hidden.trainable = epoch == 0

    model = make()
    first, kernels = model.hidden.kernel, []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: kernels.append(
            np.array(keras.ops.convert_to_numpy(first))
        )
    )
    with warns("weight.*epoch 3"):
        fit(model, 4, [NaNGuard(), Freeze(), keep, Poison(2)])
    np.testing.assert_array_equal(kernels[0], kernels[1])
    np.testing.assert_array_equal(kernels[0], keras.ops.convert_to_numpy(first))
