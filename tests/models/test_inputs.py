"""`fit` takes what Keras' `fit` takes, and gives the step the same batches of it."""

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.streams import SeededOrder
from keras_gans.streams import Stream
from tests.gan_test_case import Batches
from tests.gan_test_case import max_difference
from tests.gan_test_case import to_numpy

IMAGES = np.random.default_rng(0).integers(0, 256, (48, 16, 16, 1), "uint8")


def make_gan(discriminator_steps=1):
    keras.utils.set_random_seed(0)
    gan = kg.models.GAN((16, 16, 1), hidden_units=20, latent_dim=8, seed=1)
    gan.compile(discriminator_steps=discriminator_steps)
    return gan


def as_tf_data(images):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(images).batch(8)


def as_labelled_tf_data(images):
    import tensorflow as tf

    labels = np.zeros(len(images), "int64")
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(8)


def as_data_loader(images):
    import torch

    data = torch.utils.data.TensorDataset(torch.from_numpy(images))
    return torch.utils.data.DataLoader(data, batch_size=8)


def as_generator(images):
    return (images[i : i + 8] for i in range(0, len(images), 8))


SOURCES = {
    "tf.data": as_tf_data,
    "tf.data with labels": as_labelled_tf_data,
    "PyDataset": lambda images: Batches(images, 8),
    "DataLoader": as_data_loader,
    "generator": as_generator,
}


@pytest.mark.parametrize("batch_size", [8, 7])
def test_epochs_of_some_steps_go_on_with_the_array(batch_size):
    """All examples come before one comes again, whatever an epoch has of them."""
    from keras_gans.batches import ArrayBatches

    numbers = np.arange(48)
    batches = ArrayBatches((numbers,), batch_size, True, seed=4, steps=3)
    seen = []
    for epoch in range(5):
        batches.set_epoch(epoch)
        seen += [batches[i][0] for i in range(len(batches))]
    assert len(seen) == 15
    seen = np.concatenate(seen)[:96]
    np.testing.assert_array_equal(np.sort(seen[:48]), numbers)
    np.testing.assert_array_equal(np.sort(seen[48:]), numbers)
    assert (seen[:48] != seen[48:]).any()


@pytest.mark.parametrize("steps", [3, 7])
def test_epochs_of_some_steps_are_resumed(steps):
    options = {"batch_size": 8, "steps_per_epoch": steps, "verbose": 0}
    whole, parts = make_gan(), make_gan()
    history = whole.fit(IMAGES, epochs=3, **options)
    assert int(whole.images_seen) == 3 * 8 * steps
    assert len(history.epoch) == 3
    for first in range(3):
        parts.fit(IMAGES, initial_epoch=first, epochs=first + 1, **options)
    assert max_difference(to_numpy(whole.weights), to_numpy(parts.weights)) == 0


@pytest.mark.parametrize("steps", [None, 2])
@pytest.mark.parametrize("discriminator_steps", [1, 2])
def test_another_fit_goes_on_with_the_order(steps, discriminator_steps):
    """So that `fit` in a loop does not see the same examples again and again."""
    options = {"batch_size": 8, "steps_per_epoch": steps, "verbose": 0}
    whole, parts = (make_gan(discriminator_steps) for _ in "ab")
    whole.fit(IMAGES, epochs=3, **options)
    for _ in range(3):
        parts.fit(IMAGES, epochs=1, **options)
    assert max_difference(to_numpy(whole.weights), to_numpy(parts.weights)) == 0


def test_another_fit_is_resumed(tmp_path):
    """It has an order of its own, which its backup knows."""

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def trained_before():
        gan = make_gan()
        gan.fit(IMAGES, batch_size=8, verbose=0)
        return gan

    whole, stopped, resumed = (trained_before() for _ in "abc")
    options = {"batch_size": 8, "epochs": 2, "verbose": 0}
    whole.fit(IMAGES, **options)
    backup = kg.callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(IMAGES, callbacks=[backup, Stop()], **options)
    backup = kg.callbacks.BackupAndRestore(tmp_path)
    resumed.fit(IMAGES, callbacks=[backup], **options)
    assert max_difference(to_numpy(whole.weights), to_numpy(resumed.weights)) == 0


@pytest.mark.parametrize("steps", [0, -1, 1.5])
def test_bad_steps_of_an_epoch(steps):
    with pytest.raises(ValueError, match="`steps_per_epoch` as an int of at least 1"):
        make_gan().fit(IMAGES, steps_per_epoch=steps, verbose=0)


@pytest.mark.parametrize("steps", [1, 2])
def test_sources_agree_with_arrays(steps):
    reference = make_gan(steps)
    reference.fit(IMAGES, batch_size=8, shuffle=False, verbose=0)
    expected = to_numpy(reference.weights)
    assert int(reference.images_seen) == 48
    for name, source in SOURCES.items():
        gan = make_gan(steps)
        # Keras warns when a generator ends before it is told to.
        count = 6 // steps if name == "generator" else None
        gan.fit(source(IMAGES), steps_per_epoch=count, verbose=0, shuffle=False)
        assert max_difference(to_numpy(gan.weights), expected) <= 1e-6, name


@pytest.mark.parametrize("name", list(SOURCES))
def test_fewer_batches_than_a_step_takes(name):
    gan = make_gan(3)
    with pytest.raises(ValueError, match="discriminator_steps=3 batches.*Received: 2"):
        gan.fit(SOURCES[name](IMAGES[:16]), verbose=0)


class Loader:
    """Something to iterate over, of which the length is known."""

    def __init__(self):
        self.given = []

    def __len__(self):
        return 12

    def __iter__(self):
        self.given.append(0)
        for i in range(12):
            self.given[-1] += 1
            yield IMAGES[4 * i : 4 * i + 4]


def test_batches_of_a_stream_are_joined_in_their_order():
    """Also in epochs that Keras would shuffle."""
    loader, gan = Loader(), make_gan(2)
    gan.fit(loader, epochs=4, verbose=0)
    assert loader.given[-4:] == [12] * 4
    assert int(gan.images_seen) == 4 * 48
    stream = Stream(lambda: iter(range(3)), 3)
    assert [stream[0], stream[1], stream[0]] == [0, 1, 0]
    with pytest.raises(RuntimeError, match="in their order, now 1. Received: 2"):
        stream[2]


@pytest.mark.parametrize(
    "data, message",
    [
        ("photos", "from_directory"),
        (lambda: iter([IMAGES[:8]]), "a callable"),
        (iter([{"image": IMAGES[:8]}]), "dicts with 'image'"),
    ],
)
def test_data_of_a_wrong_kind(data, message):
    with pytest.raises(ValueError, match=message):
        make_gan().fit(data, verbose=0)


@pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="tf.data is TensorFlow's"
)
def test_no_epoch_waits_for_the_tuning_of_tf_data(monkeypatch):
    """With it, the end of an epoch waited for up to the time the epoch had taken."""
    import tensorflow as tf

    tuned, iterate = [], tf.data.Dataset.__iter__

    def noted(dataset):
        tuned.append(dataset.options().autotune.enabled)
        return iterate(dataset)

    monkeypatch.setattr(tf.data.Dataset, "__iter__", noted)
    for source, unseen in ((IMAGES, IMAGES), (Batches(IMAGES, 8), Batches(IMAGES, 8))):
        gan = make_gan()
        gan.fit(source, epochs=2, validation_data=unseen, verbose=0)
        gan.evaluate(unseen, verbose=0)
    assert tuned
    assert not any(tuned)


def test_floats_train_as_uint8_does():
    first, second = make_gan(), make_gan()
    first.fit(IMAGES, batch_size=8, verbose=0)
    floats = (IMAGES / 127.5 - 1.0).astype("float64")
    second.fit(floats, batch_size=8, verbose=0)
    assert max_difference(to_numpy(first.weights), to_numpy(second.weights)) <= 1e-5


def test_order_depends_on_seed_and_epoch_alone():
    whole, halves = make_gan(), make_gan()
    whole.fit(IMAGES, batch_size=8, epochs=2, verbose=0)
    halves.fit(IMAGES, batch_size=8, epochs=1, verbose=0)
    halves.fit(IMAGES, batch_size=8, epochs=2, initial_epoch=1, verbose=0)
    assert max_difference(to_numpy(whole.weights), to_numpy(halves.weights)) == 0


class Numbers(keras.utils.PyDataset):
    """Batches that are numbers."""

    def __len__(self):
        return 7

    def __getitem__(self, index):
        return (np.full((8, 2), index, "float32"),)


def numbers_of(batches, epoch):
    batches.set_epoch(epoch)
    return [int(batches[i][0][0, 0]) for i in range(len(batches))]


@pytest.mark.once
def test_order_of_batches_depends_on_seed_and_epoch_alone():
    """Also in processes that train together, which take parts of the same batch."""
    first, second = (SeededOrder(Numbers(), True, seed=4) for _ in range(2))
    orders = [numbers_of(first, epoch) for epoch in range(3)]
    assert [numbers_of(second, epoch) for epoch in (2, 0, 1)] == [
        orders[2], orders[0], orders[1],
    ]  # fmt: skip
    assert all(sorted(order) == list(range(7)) for order in orders)
    assert orders[0] != orders[1] != orders[2] != list(range(7))
    assert numbers_of(SeededOrder(Numbers(), True, seed=5), 0) != orders[0]
    assert numbers_of(SeededOrder(Numbers(), False, seed=4), 1) == list(range(7))


@pytest.mark.once
def test_epochs_of_some_batches_go_on_with_the_dataset():
    batches = SeededOrder(Numbers(), True, seed=4, steps=3)
    seen = sum((numbers_of(batches, epoch) for epoch in range(7)), [])
    for turn in (0, 7, 14):
        assert sorted(seen[turn : turn + 7]) == list(range(7))


@pytest.mark.parametrize("steps", [None, 4])
def test_epochs_of_a_dataset_are_resumed(steps):
    whole, halves = make_gan(), make_gan()
    options = {"steps_per_epoch": steps, "verbose": 0}
    whole.fit(Batches(IMAGES, 8), epochs=2, **options)
    halves.fit(Batches(IMAGES, 8), epochs=1, **options)
    halves.fit(Batches(IMAGES, 8), epochs=2, initial_epoch=1, **options)
    assert int(whole.images_seen) == 2 * 8 * (steps or 6)
    assert max_difference(to_numpy(whole.weights), to_numpy(halves.weights)) == 0


@pytest.mark.parametrize("discriminator_steps", [1, 2])
def test_another_fit_goes_on_with_the_dataset(discriminator_steps):
    options = {"steps_per_epoch": 2, "verbose": 0}
    whole, parts = (make_gan(discriminator_steps) for _ in "ab")
    whole.fit(Batches(IMAGES, 8), epochs=3, **options)
    for _ in range(3):
        parts.fit(Batches(IMAGES, 8), epochs=1, **options)
    assert max_difference(to_numpy(whole.weights), to_numpy(parts.weights)) == 0


@pytest.mark.once
@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras, of generators
def test_what_only_one_epoch_could_read():
    """Joined batches of data of unknown length are read once."""
    import torch

    class Unknown(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(IMAGES)

    loader = torch.utils.data.DataLoader(Unknown(), batch_size=8)
    gan = make_gan(2)
    with pytest.raises(ValueError, match="known length. Received: a DataLoader"):
        gan.fit(loader, epochs=2, verbose=0)
    gan.fit(loader, epochs=1, verbose=0)
    assert int(gan.images_seen) == 48


class Noted(Numbers):
    """Takes a note of each batch that is read."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.read = []

    def __getitem__(self, index):
        self.read.append(index)
        return super().__getitem__(index)


@pytest.mark.once
def test_workers_of_a_dataset_are_kept():
    gan = kg.models.GAN(data_spec=kg.Vectors(2), latent_dim=4, hidden_units=8, seed=0)
    gan.compile()
    data = Noted(workers=2)
    gan.fit(data, epochs=2, verbose=0)
    read = data.read[-14:]
    assert sorted(read[:7]) == sorted(read[7:]) == list(range(7))
    wrapped = SeededOrder(data, True, seed=0)
    assert (wrapped.workers, wrapped.max_queue_size) == (2, data.max_queue_size)


def test_shuffle_changes_the_batches_and_keeps_the_images():
    from keras_gans.batches import ArrayBatches

    numbers = np.arange(20)
    epochs = []
    batches = ArrayBatches((numbers,), 5, True, seed=4)
    for epoch in (0, 1, 0):
        batches.set_epoch(epoch)
        epochs.append(np.concatenate([batches[i][0] for i in range(len(batches))]))
    assert sorted(epochs[0]) == list(numbers)
    assert (epochs[0] == epochs[2]).all()
    assert (epochs[0] != epochs[1]).any()


def test_fewer_images_than_a_batch():
    gan = make_gan()
    gan.fit(IMAGES[:5], batch_size=64, verbose=0)
    assert int(gan.images_seen) == 5


def test_validation_data():
    gan = make_gan()
    history = gan.fit(
        IMAGES[:16], batch_size=8, validation_data=IMAGES[16:32], verbose=0
    )
    assert {"val_d_loss", "val_g_loss"} <= set(history.history)


@pytest.mark.once
def test_validation_data_are_named():
    gan, wrong = make_gan(), IMAGES[:16, :8]
    for data in (wrong, (wrong, None), Batches(wrong, 8)):
        with pytest.raises(ValueError, match="`.*validation_data` has the wrong shape"):
            gan.fit(IMAGES, batch_size=8, validation_data=data, verbose=0)


@pytest.mark.once
def test_callbacks_in_a_list_of_keras():
    gan, seen = make_gan(), []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: seen.append(e))
    callbacks = keras.callbacks.CallbackList([note], add_history=True, model=gan)
    history = gan.fit(IMAGES, batch_size=16, epochs=2, verbose=0, callbacks=callbacks)
    assert seen == [0, 1]
    assert len(history.history["d_learning_rate"]) == 2


def test_vectors():
    points = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    gan = kg.models.GAN(data_spec=kg.Vectors(2), latent_dim=4, hidden_units=16)
    gan.compile(penalties=["r1"])
    gan.fit(points, batch_size=16, verbose=0)
    samples = gan.generate(5, seed=0)
    assert samples.shape == (5, 2)
    assert samples.dtype == "float32"
    with pytest.raises(ValueError, match="vectors"):
        gan.fit(points[:, :1])


@pytest.mark.parametrize(
    "shape", [(28, 28, 1), (32, 32, 3), (64, 64, 3), (128, 128, 1), (48, 64, 3)]
)
def test_dcgan_sizes(shape):
    gan = kg.models.DCGAN(image_shape=shape, width=2, latent_dim=4)
    images = gan.generate(2, seed=0)
    assert images.shape == (2, *shape)
    assert gan.discriminator.output_shape == (None, 1)


def test_dcgan_of_the_paper():
    # Figure 1: 4 x 4 x 1024, 512, 256, 128, 64 x 64 x 3.
    gan = kg.models.DCGAN(image_shape=(64, 64, 3), width=128)
    shapes = [
        layer.output.shape[1:]
        for layer in gan.generator.layers
        if isinstance(layer, keras.layers.Conv2DTranspose | keras.layers.Reshape)
    ]
    assert shapes == [
        (4, 4, 1024), (8, 8, 512), (16, 16, 256), (32, 32, 128), (64, 64, 3),
    ]  # fmt: skip


def test_backup_of_keras_itself(tmp_path):
    whole = make_gan()
    whole.fit(IMAGES, batch_size=8, epochs=2, verbose=0)
    for epochs in (1, 2):
        gan = make_gan()
        backup = keras.callbacks.BackupAndRestore(
            tmp_path / "backup", delete_checkpoint=False
        )
        gan.fit(IMAGES, batch_size=8, epochs=epochs, verbose=0, callbacks=[backup])
    state, expected = (
        to_numpy([*g.variables, *g.optimizer.variables]) for g in (gan, whole)
    )
    assert max_difference(state, expected) == 0


def test_weights_file_round_trip(tmp_path):
    gan = make_gan()
    gan.fit(IMAGES, batch_size=8, verbose=0)
    gan.save_weights(tmp_path / "gan.weights.h5")
    again = make_gan()
    again.load_weights(tmp_path / "gan.weights.h5")
    state, expected = (
        to_numpy([*g.variables, *g.optimizer.variables]) for g in (again, gan)
    )
    assert max_difference(state, expected) == 0


def test_a_model_without_a_seed_is_resumed(tmp_path):
    """The seed that was drawn for it is saved."""

    def make():
        gan = kg.models.GAN((16, 16, 1), hidden_units=20, latent_dim=8)
        gan.compile()
        return gan

    def fit(gan, epochs, **kwargs):
        gan.fit(IMAGES, batch_size=8, epochs=epochs, verbose=0, **kwargs)

    def backup(delete):
        return kg.callbacks.BackupAndRestore(tmp_path / "b", delete_checkpoint=delete)

    whole, resumed = make(), make()
    assert whole.seed != resumed.seed
    fit(whole, 2, callbacks=[backup(False)])
    fit(resumed, 3, callbacks=[backup(True)])
    fit(whole, 3, initial_epoch=2)
    assert whole.seed == resumed.seed
    difference = max_difference(to_numpy(whole.weights), to_numpy(resumed.weights))
    assert difference <= 1e-6
    whole.save(tmp_path / "gan.keras")
    assert keras.saving.load_model(tmp_path / "gan.keras").seed == whole.seed


def test_a_preset_with_another_seed(tmp_path):
    make_gan().save_to_preset(tmp_path / "gan")

    def latents(**seed):
        gan = kg.models.GAN.from_preset(tmp_path / "gan", **seed)
        return gan.seed, to_numpy([gan.draw_latents(2)])[0]

    of_preset, of_two, of_three = latents(), latents(seed=2), latents(seed=3)
    assert [of_preset[0], of_two[0], of_three[0]] == [1, 2, 3]
    assert np.abs(of_two[1] - of_three[1]).max() > 0.1
    assert np.abs(of_two[1] - latents(seed=2)[1]).max() == 0


def test_fits_with_batches_of_other_sizes():
    """A step that was made for one size of batch does not stay for others."""
    gan = make_gan()
    for size, count in ((8, 16), (4, 16), (8, 5)):
        before = int(gan.images_seen)
        gan.fit(IMAGES[:count], batch_size=size, verbose=0)
        assert int(gan.images_seen) == before + count
    gan.fit(Batches(IMAGES[:9], 6), verbose=0)  # batches of 6 and 3
    assert int(gan.images_seen) == 46


@pytest.mark.parametrize("what", ["fit", "evaluate", "fit, then validation"])
def test_weights_survive_a_first_step_that_fails(what, monkeypatch):
    gan = make_gan()
    gan.fit(IMAGES[:8], batch_size=8, verbose=0)
    images, weights = gan.generate(2, seed=0), to_numpy(gan.weights)
    gan.compile()  # the step is to be traced anew

    def fails(*args):
        raise RuntimeError("a step that fails")

    step = "alternating_step" if what == "fit" else "evaluation_step"
    with monkeypatch.context() as patch:
        patch.setattr(type(gan), step, fails)
        with pytest.raises(RuntimeError, match="a step that fails"):
            if what == "evaluate":
                gan.evaluate(IMAGES, batch_size=8, verbose=0)
            else:
                unseen = None if what == "fit" else IMAGES[:8]
                gan.fit(IMAGES, batch_size=8, validation_data=unseen, verbose=0)
    if what in ("fit", "evaluate"):
        assert max_difference(to_numpy(gan.weights), weights) == 0
        np.testing.assert_array_equal(gan.generate(2, seed=0), images)
    gan.compile()
    gan.fit(IMAGES, batch_size=8, validation_data=IMAGES[:8], verbose=0)
    assert np.isfinite(np.concatenate([w.ravel() for w in to_numpy(gan.weights)])).all()


def test_accumulated_gradients():
    gan = make_gan()
    optimizers = [
        keras.optimizers.SGD(0.1, gradient_accumulation_steps=2) for _ in "ab"
    ]
    gan.compile(*optimizers)
    before = to_numpy(gan.trainable_weights)
    gan.fit(IMAGES[:8], batch_size=8, verbose=0)
    assert max_difference(to_numpy(gan.trainable_weights), before) == 0
    gan.fit(IMAGES[:8], batch_size=8, verbose=0)
    assert max_difference(to_numpy(gan.trainable_weights), before) > 0
