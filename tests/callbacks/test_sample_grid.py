import keras
import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from keras_gans.callbacks import BackupAndRestore
from keras_gans.callbacks import SampleGrid
from keras_gans.callbacks import sample_grid
from keras_gans.utils.image_grid import make_grid
from tests.callbacks.stand_in import StandIn
from tests.callbacks.stand_in import fit
from tests.callbacks.stand_in import make
from tests.callbacks.stand_in import warns
from tests.gan_test_case import QUICKEST

SMALL = {"rows": 2, "columns": 3, "animation": None}


class Interrupt(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.epoch:
            raise KeyboardInterrupt


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


def epochs(*numbers):
    return [f"epoch_{number:04d}.png" for number in numbers]


def test_a_picture_before_training_and_after_each_epoch(tmp_path):
    model = make()
    before = model.generate(6, latents=model.sample_latents(6, 5))
    fit(model, 2, [SampleGrid(tmp_path / "a" / "b", seed=5, **SMALL)])
    folder = tmp_path / "a" / "b"
    assert names(folder) == epochs(0, 1, 2)
    after = model.generate(6, latents=model.sample_latents(6, 5))
    for name, images in [("epoch_0000.png", before), ("epoch_0002.png", after)]:
        with Image.open(folder / name) as picture:
            assert picture.size == (3 * 9 + 1, 2 * 9 + 1)
            expected = make_grid(images, columns=3)[..., 0]
            np.testing.assert_array_equal(np.asarray(picture), expected)
    assert not np.array_equal(before, after)


def test_every_epochs_and_the_last(tmp_path):
    fit(make(), 5, [SampleGrid(tmp_path, 2, **SMALL)])
    assert names(tmp_path) == epochs(0, 2, 4, 5)


def test_numbers_go_on_in_a_second_fit(tmp_path):
    model = make()
    grid = SampleGrid(tmp_path, **SMALL)
    fit(model, 2, [grid])
    first = contents(tmp_path)
    fit(model, 2, [grid])
    assert names(tmp_path) == epochs(0, 1, 2, 3, 4)
    assert contents(tmp_path).items() >= first.items()


@pytest.mark.parametrize(("every", "earlier"), [(1, 0), (2, 3)])
def test_numbers_go_on_after_an_interruption(tmp_path, every, earlier):
    """Also in a second `fit`, and though one picture was drawn after the backup."""

    def train(folder, interrupted):
        model = make()
        if earlier:
            fit(model, earlier, [SampleGrid(folder, every, **SMALL)])
        start = [keras.ops.convert_to_numpy(v) for v in model.variables]

        def go_on(epochs, *others):
            backup = BackupAndRestore(folder / "backup")
            fit(model, epochs, [SampleGrid(folder, every, **SMALL), *others, backup])

        if interrupted:
            with pytest.raises(KeyboardInterrupt):
                go_on(5, Interrupt(4))  # before the backup of epoch 4
            for variable, value in zip(model.variables, start, strict=True):
                variable.assign(value)
        go_on(5)
        return contents(folder)

    expected = train(tmp_path / "a", interrupted=False)
    assert train(tmp_path / "b", interrupted=True) == expected
    numbers = {(1, 0): [0, 1, 2, 3, 4, 5], (2, 3): [0, 2, 3, 5, 7, 8]}
    assert sorted(expected) == epochs(*numbers[every, earlier])


def test_pictures_of_another_training_are_moved_aside(tmp_path):
    grid = SampleGrid(tmp_path, rows=2, columns=3, animation="gif")
    kept = []
    for seed in (0, 1, 2):
        fit(make(seed), 3 - seed, [grid])
        kept.append(contents(tmp_path))
    assert names(tmp_path) == [
        "animation.gif",
        *epochs(0, 1),
        "previous_1",
        "previous_2",
    ]
    assert contents(tmp_path / "previous_1") == kept[0]
    assert contents(tmp_path / "previous_2") == kept[1]
    assert (tmp_path / "previous_2" / "animation.gif").exists()


def test_fine_tuning_twice_from_the_same_weights(tmp_path):
    for seed in (0, 1):
        model = make(seed)
        model.images_seen.assign(1000)
        fit(model, 2, [SampleGrid(tmp_path, **SMALL)])
    assert names(tmp_path) == [*epochs(0, 1, 2), "previous_1"]
    assert names(tmp_path / "previous_1") == epochs(0, 1, 2)


@pytest.mark.parametrize(("every", "count"), [(1, 40), (30, 44), (50, 44), (1000, 40)])
def test_every_images(tmp_path, every, count):
    looks = []

    class Counted(SampleGrid):
        def _images_seen(self):
            looks.append(super()._images_seen())
            return looks[-1]

    fit(make(), 4, [Counted(tmp_path, every_images=every, **SMALL)], n=count)
    # The first counter at or after each multiple, the start and the end.
    counters = [
        epoch * count + min(8 * (batch + 1), count)
        for epoch in range(4)
        for batch in range(-(-count // 8))
    ]
    due = {0, 4 * count}
    for multiple in range(every, 4 * count + 1, every):
        due.add(min(c for c in counters if c >= multiple))
    assert names(tmp_path) == [f"images_{n:010d}.png" for n in sorted(due)]
    # Start, end, one to learn the size of batches, one per epoch; a few per picture.
    assert len(looks) <= 3 + 4 + 2 * len(due)


def test_every_images_goes_on(tmp_path):
    model = make()
    for _ in range(2):
        fit(model, 1, [SampleGrid(tmp_path, every_images=30, **SMALL)], n=40)
    numbers = [int(name[7:-4]) for name in names(tmp_path)]
    assert numbers == [0, 32, 40, 64, 80]


def test_every_seconds(tmp_path, monkeypatch):
    class Clock(keras.callbacks.Callback):
        now = 0.0

        def on_train_batch_end(self, batch, logs=None):
            self.now += 1.0

    clock = Clock()
    monkeypatch.setattr(sample_grid.time, "monotonic", lambda: clock.now)
    fit(make(), 2, [clock, SampleGrid(tmp_path, every_seconds=3, **SMALL)], n=40)
    numbers = [int(name[7:-4]) for name in names(tmp_path)]
    assert numbers == [0, 24, 48, 72, 80]  # every third batch of 8, and the last


@pytest.mark.parametrize("options", [{"every_images": 10**6}, {"every_seconds": 1e6}])
def test_batches_are_not_waited_for(tmp_path, options):
    model = make()
    if keras.config.backend() != "jax":
        pytest.skip("only JAX takes the state from the model between batches")
    count, sync = [0], model.jax_state_sync

    def counted():
        count[0] += not model._jax_state_synced
        sync()

    object.__setattr__(model, "jax_state_sync", counted)
    fit(model, 2, [SampleGrid(tmp_path, **options, **SMALL)], n=400)
    # One per epoch is Keras' own; one more to learn the size of batches; `generate`.
    assert count[0] <= 2 + 1 + 2
    container = keras.callbacks.CallbackList([SampleGrid(tmp_path, **options)])
    assert container._async_train


@pytest.mark.parametrize("channels", [3, 4])
def test_colors(tmp_path, channels):
    fit(make(shape=(8, 6, channels)), 1, [SampleGrid(tmp_path, rows=2, columns=3)])
    with Image.open(tmp_path / "epoch_0001.png") as picture:
        assert np.asarray(picture).shape == (2 * 9 + 1, 3 * 7 + 1, channels)


def test_vectors(tmp_path):
    real = np.random.default_rng(0).standard_normal((50, 2))
    model = make(shape=(2,))
    fit(model, 2, [SampleGrid(tmp_path, real=real)])
    assert names(tmp_path) == ["animation.webp", *epochs(0, 1, 2)]
    assert {call["n"] for call in model.generated} == {2500}
    with Image.open(tmp_path / "epoch_0001.png") as picture:
        assert picture.size == (480, 480)


@pytest.mark.parametrize(
    ("rows", "columns", "labels", "expected"),
    [
        (2, 4, None, [0, 1, 2, 0, 0, 1, 2, 0]),  # a class per column
        (4, 2, None, [0, 0, 1, 1, 2, 2, 0, 0]),  # per row
        (2, 2, None, [0, 1, 2, 0]),  # in turns
        (1, 4, [2, 2, 1, 0], [2, 2, 1, 0]),
    ],
)
def test_labels(tmp_path, rows, columns, labels, expected):
    model = make(num_classes=3)
    grid = SampleGrid(tmp_path, rows=rows, columns=columns, labels=labels)
    fit(model, 1, [grid])
    assert len(model.generated) == 2
    for call in model.generated:
        assert list(call["labels"]) == expected


def test_without_classes_no_labels(tmp_path):
    model = make()
    fit(model, 1, [SampleGrid(tmp_path)])
    assert [call["labels"] for call in model.generated] == [None, None]


@pytest.mark.parametrize("suffix", ["webp", "gif"])
def test_animation_of_the_whole_folder(tmp_path, suffix):
    model = make(optimizer=keras.optimizers.SGD(10.0))
    for _ in range(2):
        fit(model, 2, [SampleGrid(tmp_path, animation=suffix)])
    with Image.open(tmp_path / f"animation.{suffix}") as animation:
        assert animation.n_frames == 5
        frames = []
        for frame in (0, 4):
            animation.seek(frame)
            frames.append(np.asarray(animation.convert("L"), "float32"))
    for number, frame in zip((0, 4), frames, strict=True):
        with Image.open(tmp_path / f"epoch_{number:04d}.png") as picture:
            assert np.abs(np.asarray(picture, "float32") - frame).mean() < 6
    assert np.abs(frames[0] - frames[1]).mean() > 12


def test_a_full_disk_does_not_end_training(tmp_path, monkeypatch):
    def save_image(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sample_grid, "save_image", save_image)
    with warns("could not be written: .*No space left.*goes on"):
        history = fit(make(), 2, [SampleGrid(tmp_path)])
    assert len(history.epoch) == 2


def test_no_picture_of_a_model_that_has_gone_bad(tmp_path):
    class Poison(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                variable = self.model.discriminator.trainable_variables[-1]
                variable.assign(np.full(variable.shape, np.nan))

    gan = kg.models.GAN((8, 8, 1), latent_dim=4, hidden_units=10, seed=0)
    gan.compile()
    images = np.zeros((64, 8, 8, 1), "uint8")
    grid = SampleGrid(tmp_path, every_images=16, **SMALL)
    with warns("Training stopped"):
        gan.fit(images, batch_size=8, verbose=0, callbacks=[Poison(), grid])
    assert names(tmp_path) == [f"images_{n:010d}.png" for n in (0, 16)]


def test_a_gan_resumed_has_the_pictures_of_one_that_was_not(tmp_path):
    def train(folder, *others):
        keras.utils.set_random_seed(0)
        gan = kg.models.GAN((8, 8, 1), latent_dim=4, hidden_units=10, seed=0)
        gan.compile(**QUICKEST)
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (32, 8, 8, 1), "uint8")
        callbacks = [
            SampleGrid(folder, every_images=20, rows=2, columns=2),
            *others,
            BackupAndRestore(folder / "backup"),
        ]
        gan.fit(images, batch_size=8, epochs=3, verbose=0, callbacks=callbacks)

    train(tmp_path / "a")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "b", Interrupt(2))
    train(tmp_path / "b")
    expected = contents(tmp_path / "a")
    assert [int(name[7:-4]) for name in sorted(expected)] == [0, 24, 40, 64, 80, 96]
    assert contents(tmp_path / "b") == expected


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorflow")
    loader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_file_loader"
    )
    board = keras.callbacks.TensorBoard(tmp_path / "logs", write_graph=False)
    grid = SampleGrid(tmp_path / "grids", tensorboard=board, **SMALL)
    fit(make(shape=(8, 8, 3)), 2, [board, grid])
    (path,) = (tmp_path / "logs" / "train").iterdir()
    found = {}
    for event in loader.EventFileLoader(str(path)).Load():
        for value in event.summary.value:
            if value.tag == "samples":
                found[event.step] = value.tensor.string_val
    assert sorted(found) == [0, 1, 2]
    assert found[1][:2] == [b"28", b"19"]  # width, height, then the PNG


def test_tensorboard_must_be_a_callback_too(tmp_path):
    board = keras.callbacks.TensorBoard(tmp_path / "logs")
    with pytest.raises(ValueError, match=r"Pass it in `fit\(callbacks="):
        fit(make(), 1, [SampleGrid(tmp_path, tensorboard=board)])


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "runs").touch()
    model = make()
    with pytest.raises(OSError, match="`directory` as a folder that can be written"):
        fit(model, 1, [SampleGrid(tmp_path / "runs")])
    assert int(model.images_seen) == 0


@pytest.mark.parametrize("shape", [(8, 8, 2), (1,), (8, 8)])
def test_data_that_it_cannot_draw(tmp_path, shape):
    model = make()
    model.data_spec = kg.data_specs.DataSpec(shape)
    grid = SampleGrid(tmp_path)
    grid.set_model(model)
    with pytest.raises(ValueError, match=r"Received: one of examples of shape"):
        grid.on_train_begin()


@pytest.mark.parametrize(
    "arguments",
    [
        {"every_epochs": 0},
        {"every_images": -5},
        {"every_images": 5, "every_seconds": 5},
        {"animation": "mp4"},
        {"labels": [0, 1]},
        {"rows": 0},
        {"columns": 0},
        {"columns": 2.5},
    ],
)
def test_wrong_arguments(arguments):
    with pytest.raises(ValueError, match="Received: "):
        SampleGrid("runs", **arguments)


def test_no_epoch_no_picture(tmp_path):
    assert isinstance(model := make(), StandIn)
    fit(model, 3, [SampleGrid(tmp_path)], initial_epoch=3)
    assert names(tmp_path) == []


def test_order_of_more_than_9999_epochs(tmp_path):
    model = make()
    fit(model, 10_001, [SampleGrid(tmp_path, **SMALL)], initial_epoch=9998)
    before = contents(tmp_path)
    fit(model, 2, [SampleGrid(tmp_path, **SMALL)])  # numbers go on from the newest
    assert names(tmp_path) == sorted(epochs(*range(9998, 10_004)))
    assert before.items() <= contents(tmp_path).items()


@pytest.mark.once
def test_pictures_of_a_course_that_was_left_are_drawn_over(tmp_path):
    class GoBack(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                first.update(contents(tmp_path))
                self.model.images_seen.assign(0)

    first, model = {}, make()
    fit(model, 2, [GoBack(), SampleGrid(tmp_path, every_images=8, **SMALL)], n=24)
    second = contents(tmp_path)
    assert len(first) == 4 and set(second) == set(first)
    left = [name for name in sorted(first) if first[name] != second[name]]
    assert left == [f"images_{seen:010d}.png" for seen in (8, 16, 24)]
