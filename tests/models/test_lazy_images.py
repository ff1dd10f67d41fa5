"""`fit` and `evaluate` of images that are read when a batch needs them."""

import threading

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.batches import ArrayBatches
from tests.gan_test_case import max_difference
from tests.gan_test_case import to_numpy

IMAGES = np.random.default_rng(0).integers(0, 256, (48, 16, 16, 1), "uint8")
LABELS = np.arange(48) % 3


def lazy(images=IMAGES):
    return kg.datasets.LazyImages(images.__getitem__, images.shape)


def conditional():
    gan = kg.models.ConditionalGAN(
        (16, 16, 1), num_classes=3, hidden_units=20, latent_dim=8, seed=1
    )
    gan.compile(discriminator_steps=2)
    return gan


def cycle():
    gan = kg.models.CycleGAN(
        (16, 16, 1),
        width=4,
        discriminator_width=4,
        discriminator_layers=1,
        blocks=1,
        seed=1,
    )
    gan.compile()
    return gan


# Shuffled and labelled; domains of different lengths.
CASES = {
    "conditional": (conditional, (IMAGES, LABELS), (lazy(), LABELS)),
    "cycle": (cycle, (IMAGES[:8], IMAGES[:5]), (lazy(IMAGES[:8]), lazy(IMAGES[:5]))),
}


# Two domains cost TensorFlow a minute of tracing, and nothing of it differs there.
NAMES = [
    name for name in CASES if name != "cycle" or keras.config.backend() != "tensorflow"
]


@pytest.mark.parametrize("name", NAMES)
def test_trains_and_evaluates_as_arrays_do(name):
    make, arrays, images = CASES[name]
    models = []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        models.append(make())
    reference, gan = models
    options = {"batch_size": 4, "epochs": 2, "verbose": 0}
    expected = reference.fit(*arrays, validation_data=arrays, **options).history
    history = gan.fit(*images, validation_data=images, **options).history
    assert max_difference(to_numpy(gan.weights), to_numpy(reference.weights)) <= 1e-6
    assert any(key.startswith("val_") for key in history)
    for key, values in expected.items():
        np.testing.assert_allclose(history[key], values, rtol=1e-4, atol=1e-5)
    found = gan.evaluate(*images, batch_size=4, verbose=0, return_dict=True)
    expected = reference.evaluate(*arrays, batch_size=4, verbose=0, return_dict=True)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-4, atol=1e-5)


def test_metrics_and_doctor_see_lazy_images(tmp_path):
    gan = kg.models.GAN((16, 16, 1), hidden_units=20, latent_dim=8, seed=1)
    metric = kg.metrics.FrechetDistance(
        features=lambda x: keras.ops.mean(x, axis=(1, 2)), num_samples=20
    )
    gan.compile(metrics=[metric])
    doctor = kg.callbacks.TrainingDoctor(out=tmp_path, verbose=0)
    gan.fit(lazy(), batch_size=8, verbose=0, callbacks=[doctor])
    found = gan.evaluate(lazy(), verbose=0, return_dict=True)
    expected = gan.evaluate(IMAGES, verbose=0, return_dict=True)
    assert found.keys() == expected.keys()
    assert any("fd" in key for key in found)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-3, atol=1e-4)


def test_wrong_images_are_refused_before_any_is_read():
    def read(index):
        raise AssertionError("read")

    gan = conditional()
    images = kg.datasets.LazyImages(read, (48, 16, 16, 3))
    with pytest.raises(ValueError, match="wrong shape"):
        gan.fit(images, LABELS)
    images = kg.datasets.LazyImages(read, IMAGES.shape)
    with pytest.raises(ValueError, match="abel"):
        gan.fit(images, LABELS[:7])


def batches(images, **options):
    return ArrayBatches((images, LABELS), 8, shuffle=True, seed=0, **options)


def test_the_next_batches_are_read_while_one_is_used():
    wanted = threading.Event()
    order = batches(IMAGES)._order(0, 0, 0, 0)

    def read(index):
        if index == order[8]:  # the first one of the second batch
            wanted.set()
        return IMAGES[index]

    data = batches(kg.datasets.LazyImages(read, IMAGES.shape))
    data[0]
    assert wanted.wait(30.0)


def test_what_was_read_ahead_for_another_epoch_or_size_is_not_used():
    found, expected = batches(lazy()), batches(IMAGES)
    for epoch, size in [(0, 8), (1, 8), (5, 8), (5, 16), (5, 8)]:
        for data in (found, expected):
            data.set_epoch(epoch)
            data.batch_size = size
        for index in (4, 5, 0, 5):
            for a, b in zip(found[index], expected[index], strict=True):
                np.testing.assert_array_equal(a, b)
    assert len(found.ahead.pending) == found.ahead.DEPTH


def test_what_was_read_ahead_with_another_seed_is_not_used():
    found, expected = batches(lazy()), batches(IMAGES)
    found[0]  # and reads the next one ahead
    for data in (found, expected):
        data.seed = 1  # of a backup
    for a, b in zip(found[1], expected[1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_process_reads_its_part_alone():
    seen = set()

    def read(index):
        seen.add(int(index))
        return IMAGES[index]

    images = kg.datasets.LazyImages(read, IMAGES.shape)
    data = batches(images, replicas=2, part=1)
    for index in range(len(data)):
        _, labels = data[index]
        assert len(labels) == 4
    data.ahead.pool.shutdown(cancel_futures=True)
    # 24 of this epoch, and the beginning of the next one
    assert 24 <= len(seen) <= 24 + 8


def test_an_error_of_the_reader_ends_the_training():
    def read(index):
        raise OSError("disk is gone")

    gan = conditional()
    images = kg.datasets.LazyImages(read, IMAGES.shape)
    with pytest.raises(Exception, match="disk is gone"):
        gan.fit(images, LABELS, batch_size=8, verbose=0)
