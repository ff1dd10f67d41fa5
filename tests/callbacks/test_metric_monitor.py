import csv

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.callbacks import metric_monitor
from keras_gans.callbacks.frechet_distance import FID
from keras_gans.callbacks.frechet_distance import FrechetDistance
from keras_gans.callbacks.metric_monitor import MetricMonitor
from keras_gans.metrics.features import FeatureExtractor
from keras_gans.utils import progress
from tests.callbacks import stand_in
from tests.callbacks.stand_in import assert_same
from tests.metrics.stand_in import Counted
from tests.metrics.stand_in import make_extractor
from tests.metrics.stand_in import make_images

IMAGES = make_images(24)
FD = "fd_stand_in_24"


@pytest.fixture(autouse=True)
def cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_GANS_CACHE", str(tmp_path / "cache"))


def make_gan(ema_half_life=None):
    keras.utils.set_random_seed(0)
    gan = kg.models.GAN((8, 8, 1), latent_dim=4, hidden_units=8, seed=0)
    # Eagerly: compiling takes longer than all the steps.
    adam = {
        f"{player}_optimizer": keras.optimizers.Adam(0.02)
        for player in ("generator", "discriminator")
    }
    gan.compile(ema_half_life=ema_half_life, run_eagerly=True, **adam)
    return gan


def fit(gan, callbacks, epochs=3, **kwargs):
    options = {"batch_size": 8, "verbose": 0, "epochs": epochs} | kwargs
    return gan.fit(IMAGES, callbacks=callbacks, **options)


def make(metrics=("fd",), features=None, **kwargs):
    return MetricMonitor(IMAGES, metrics, features or make_extractor(), **kwargs)


class Play(MetricMonitor):
    """Measures values that a test has written down."""

    def __init__(self, *values, **kwargs):
        super().__init__(IMAGES, features=make_extractor(), **kwargs)
        self.written, self.measured_at = list(values), []

    def _measure(self, seen):
        self.measured_at.append(seen)
        self.values = {FD: self.written.pop(0) if self.written else 0.0}
        self._best.keep(self.model, self.values, seen, self._epoch)


def test_values_are_those_of_the_averaged_generator():
    gan = make_gan()
    monitor = make(["fd", "kid", "prdc", "is"], seed=3)
    history = fit(gan, [monitor]).history
    names = [FD, "kid_stand_in_24", "kid_stand_in_24_standard_error"]
    names += [
        f"{n}_stand_in_24" for n in ("precision", "recall", "density", "coverage")
    ]
    names += ["classifier_score_stand_in_24", "classifier_score_stand_in_24_std"]
    assert list(monitor.values) == names
    for name in names:
        assert len(history[name]) == 3 and history[name][-1] == monitor.values[name]
    expected = kg.metrics.FrechetDistance(features=make_extractor())
    fake = gan.generate(latents=gan.sample_latents(24, 3))
    expected.update_state(IMAGES, fake)
    assert history[FD][-1] == pytest.approx(expected.result(), rel=1e-5)
    assert len(set(history[FD])) > 1


def test_one_extraction_for_all_metrics():
    network = Counted()
    monitor = make(["fd", "kid", "prdc"], FeatureExtractor(network, name="pixels"))
    fit(make_gan(), [monitor], epochs=2)
    per_pass = 32  # 24 images, filled up
    assert network.seen == per_pass * 3  # the real ones once, generated ones twice


def test_every_epochs_keeps_all_keys_in_all_epochs():
    monitor = Play(5.0, 4.0, every_epochs=2)
    history = fit(make_gan(), [monitor], epochs=5).history
    # The first, then every second; in between the last value stays.
    assert history[FD] == [5.0, 4.0, 4.0, 0.0, 0.0]
    assert monitor.measured_at == [24, 48, 96]


def test_every_images_measures_within_epochs():
    monitor = Play(every_images=16)
    history = fit(make_gan(), [monitor], epochs=4).history
    assert monitor.measured_at == [16, 32, 48, 64, 80, 96]
    assert len(history[FD]) == 4


def test_keras_callbacks_see_the_values(tmp_path):
    class Seen(keras.callbacks.Callback):
        logs = None

        def on_epoch_end(self, epoch, logs=None):
            self.logs = dict(logs)

    seen = Seen()
    stop = keras.callbacks.EarlyStopping(FD, mode="min", patience=2)
    checkpoint = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "{epoch}.weights.h5"), FD, save_best_only=True, mode="min",
        save_weights_only=True,
    )  # fmt: skip
    logger = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    monitor = Play(5.0, 4.0, 6.0, 7.0, 1.0)
    fit(make_gan(), [monitor, stop, checkpoint, logger, seen], epochs=9)
    assert seen.logs[FD] == 7.0
    assert sorted(p.name for p in tmp_path.glob("*.h5")) == [
        "1.weights.h5", "2.weights.h5",
    ]  # fmt: skip
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert [float(row[FD]) for row in rows] == [5.0, 4.0, 6.0, 7.0]


def test_restore_best():
    class Weights(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.model.ema_generator.get_weights())

    seen = []
    gan = make_gan()
    monitor = Play(5.0, 4.0, 6.0, restore_best=True)
    fit(gan, [monitor, Weights()])
    assert monitor.best == {"value": 4.0, "images_seen": 48, "epoch": 2}
    restored, _, best, last = gan.ema_generator.get_weights(), *seen
    for weight, expected in zip(restored, best, strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert not np.array_equal(best[0], last[0])


@pytest.mark.parametrize(
    "name, higher",
    [(FD, False), ("coverage_x_24", True), ("kid_x_24", False)],
)
def test_which_is_better(name, higher):
    assert make()._best.higher_is_better(name) == higher


class Written(kg.metrics.GenerativeMetric):
    """A metric with values that a test has written down."""

    higher_is_better = None

    def __init__(self, written=(), **kwargs):
        super().__init__(features=make_extractor(), num_samples=24, **kwargs)
        self.written = list(written)

    def result(self):
        return self.written.pop(0)


@pytest.mark.parametrize(
    "cls, value, higher",
    [
        (kg.metrics.InceptionScore, "mine", True),
        (kg.metrics.PRDC, "mine_coverage", True),
        (kg.metrics.FrechetDistance, "mine", False),
        (kg.metrics.KernelDistance, "mine", False),
        # A name that would tell something else.
        (kg.metrics.FrechetDistance, "precision", False),
    ],
)
def test_which_is_better_whatever_the_name(cls, value, higher):
    name = value.split("_")[0]
    metric = cls(features=make_extractor(), num_samples=24, name=name)
    monitor = make([metric], num_samples=24, monitor=value)
    values = fit(make_gan(), [monitor]).history[value]
    assert monitor._best.higher_is_better(value) == higher
    assert monitor.best["value"] == (max if higher else min)(values)


def test_which_of_several_values_is_better():
    metric = kg.metrics.ModeCoverage(np.eye(2), 0.2, name="mine")
    metric.update_state(fake_images=np.eye(2))
    assert metric.which_is_better(metric.result()) == {
        "mine": True, "mine_high_quality": True, "mine_reverse_kl": False,
    }  # fmt: skip


def test_restore_best_of_a_metric_with_a_name_of_its_own():
    class Better(Written):
        higher_is_better = True

    written = Better([1.0, 3.0, 2.0], name="q")
    monitor = make([written], num_samples=24, restore_best=True)
    fit(make_gan(), [monitor])
    assert monitor.best == {"value": 3.0, "images_seen": 48, "epoch": 2}


def test_metrics_that_do_not_say_what_is_better(tmp_path):
    def unknown(name="q", **kwargs):
        metric = Written([1.0, 3.0, 2.0], name=name)
        return make([metric], num_samples=24, **kwargs)

    for keep in ({"restore_best": True}, {"keep_best": tmp_path / "best"}):
        gan = make_gan()
        with pytest.raises(ValueError, match="Received: 'q' and mode='auto'. Set"):
            fit(gan, [unknown(**keep)])
        assert gan.images_seen == 0
    monitor = unknown(restore_best=True, mode="max")
    fit(make_gan(), [monitor])
    assert monitor.best["value"] == 3.0
    # A known name tells it.
    monitor = unknown("kid_of_mine", restore_best=True)
    fit(make_gan(), [monitor])
    assert monitor.best["value"] == 1.0
    # Nothing is to be kept: values are shown, none is the best.
    monitor = unknown()
    assert fit(make_gan(), [monitor]).history["q"] == [1.0, 3.0, 2.0]
    assert monitor.best is None


def test_keep_best_and_resume(tmp_path):
    class Kill(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    path = tmp_path / "best"

    def callbacks(*values, kill=()):
        backup = kg.callbacks.BackupAndRestore(tmp_path / "backup")
        monitor = Play(*values, keep_best=path)
        return [backup, monitor, *kill]

    with pytest.raises(KeyboardInterrupt):
        fit(make_gan(), callbacks(5.0, 3.0, kill=[Kill()]))
    kept = kg.models.GAN.from_preset(path)
    # Resumed: 4.0 is not the best.
    resumed = callbacks(4.0)
    gan = make_gan()
    fit(gan, resumed)
    assert resumed[1].measured_at == [72]
    assert resumed[1].best == {"value": 3.0, "images_seen": 48, "epoch": 2}
    again = kg.models.GAN.from_preset(path)
    for a, b in zip(kept.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    # Another `fit`, whose model is not as good: the best of all is put back.
    fit(gan, [Play(8.0, keep_best=path, restore_best=True)], epochs=1)
    pairs = (kept.ema_generator, gan.ema_generator)
    for a, b in zip(*(network.get_weights() for network in pairs), strict=True):
        np.testing.assert_array_equal(a, b)
    # Anew: what was kept is moved aside.
    fit(make_gan(), callbacks(9.0), epochs=1)
    assert (tmp_path / "best_previous_1" / "config.json").exists()
    assert kg.models.GAN.from_preset(path).images_seen == 24


def test_keep_best_needs_a_folder_of_its_own(tmp_path):
    (tmp_path / "images_0000000000.png").touch()
    with pytest.raises(ValueError, match="a folder of its own.*images_0000000000.png"):
        fit(make_gan(), [make(keep_best=tmp_path)])


def test_jitted():
    gan = make_gan()
    gan.compile(ema_half_life=None)
    history = fit(gan, [make(every_images=16)], epochs=2).history
    expected = kg.metrics.FrechetDistance(features=make_extractor())
    expected.update_state(IMAGES, gan.generate(latents=gan.sample_latents(24, 0)))
    assert history[FD][-1] == pytest.approx(expected.result(), rel=1e-5)


def test_progress_bar_when_it_is_long(monkeypatch, capsys):
    monkeypatch.setattr(metric_monitor, "CHUNK", 8)
    fit(make_gan(), [make()], epochs=1, verbose=2)
    assert "Metrics of generated" not in capsys.readouterr().out
    monkeypatch.setattr(progress, "LONG", 0.0)
    fit(make_gan(), [make()], epochs=1, verbose=1)
    output = capsys.readouterr().out
    assert "Metrics of generated images" in output and "24/24" in output
    fit(make_gan(), [make()], epochs=1, verbose=0)
    assert capsys.readouterr().out == ""


def test_path_length_too():
    def distance(first, second):
        return np.square(first - second).sum(axis=(1, 2, 3))

    length = kg.metrics.PerceptualPathLength(num_samples=8, distance=distance, name="p")
    gan = make_gan(ema_half_life=10)
    history = fit(gan, [make(["fd", length])], epochs=2).history
    length.update_state(gan)
    assert history["p"][-1] == pytest.approx(float(length.result()), rel=1e-4)


def test_path_length_of_a_generator_without_an_average():
    """The two generators share no memory: measuring one may free its own."""

    def distance(first, second):
        return np.square(first - second).sum(axis=(1, 2, 3))

    length = kg.metrics.PerceptualPathLength(num_samples=8, distance=distance, name="p")
    gan = make_gan(ema_half_life=None)
    history = fit(gan, [make([length])], epochs=2).history
    assert np.isfinite(history["p"]).all()
    assert_same(gan.generator.get_weights(), gan.ema_generator.get_weights())


def test_classifier_with_its_ceiling():
    """Real images of a metric with labels stay, measurement after measurement."""

    def tiny(image_shape, num_classes):
        inputs = keras.Input(image_shape)
        x = keras.layers.Flatten()(inputs)
        return keras.Model(inputs, keras.layers.Dense(num_classes)(x))

    labels = np.arange(24) % 3
    score = kg.metrics.ClassificationAccuracyScore(
        IMAGES, labels, num_samples=24, epochs=1, batch_size=24, classifier=tiny
    )
    model = stand_in.make(num_classes=3)
    monitor = make(score, num_samples=24, real_labels=labels)
    history = stand_in.fit(model, 3, [monitor]).history
    names = ["cas_tiny_24", "cas_tiny_24_real"]
    assert list(monitor.values) == names
    alone = kg.metrics.ClassificationAccuracyScore(
        IMAGES, labels, num_samples=24, epochs=1, batch_size=24, classifier=tiny
    )
    alone.update_state(fake_images=IMAGES, fake_labels=labels)
    assert history[names[1]] == 3 * [alone.result()["cas_tiny_24"]]
    # The best is the highest.
    assert monitor.best["value"] == max(history[names[0]])


def test_short_forms():
    monitor = FrechetDistance(IMAGES, num_samples=5000)
    assert [m.name for m in monitor.metrics] == ["fd_lenet_fashion_mnist_5k"]
    assert [m.name for m in FID(IMAGES, 50_000).metrics] == ["fid_50k"]


@pytest.mark.parametrize(
    "metric, count, message",
    [
        ("fd_infinity", 24, "more than 69 generated samples for 6 features"),
        ("prdc", 5, "more real samples than k=5. Received: 5"),
        ("kid", 3, r"at least 4 real .* Received: \(3, 6\)"),
        ("is", 19, "at least 2 samples for each of splits=10 parts. Received: 19"),
        ("fd", 1, "at least 2 samples of each. Received: 1 real"),
        ("ms_ssim", 1, "at least 2 samples. Received: 1"),
    ],
)
def test_too_few_samples_are_refused_before_training(metric, count, message):
    gan = make_gan()
    monitor = MetricMonitor(IMAGES[:count], [metric], make_extractor())
    with pytest.raises(ValueError, match=message):
        fit(gan, [monitor])
    assert gan.images_seen == 0


def test_a_class_of_one_is_refused_before_training():
    metric = kg.metrics.IntraClassFrechetDistance(make_extractor(), num_samples=24)
    labels = np.arange(24) == 0
    monitor = make([metric], num_samples=24, real_labels=labels.astype("int32"))
    model = stand_in.make(num_classes=2)
    with pytest.raises(ValueError, match="2 samples of class 1, .*: 1 real"):
        stand_in.fit(model, 1, [monitor])
    assert model.images_seen == 0


def test_what_is_refused():
    with pytest.raises(ValueError, match="Did you mean 'prdc'"):
        make(["prdcc"])
    with pytest.raises(ValueError, match="num_samples=10000"):
        make([kg.metrics.FrechetDistance(num_samples=5)])
    with pytest.raises(ValueError, match="one of `every_epochs`"):
        make(every_epochs=1, every_images=5)
    for name in ("every_epochs", "every_images"):
        with pytest.raises(ValueError, match=f"`{name}` as an int of at least 1"):
            make(**{name: 1.5})
    with pytest.raises(ValueError, match="`mode`"):
        make(mode="best")
    with pytest.raises(ValueError, match="`real_labels` for 24 images"):
        make(real_labels=[1, 2])
    monitor = MetricMonitor(make_images(4, shape=(9, 9, 1)), features=make_extractor())
    with pytest.raises(ValueError, match=r"\(8, 8, 1\). Received: \(9, 9, 1\)"):
        fit(make_gan(), [monitor])
    with pytest.raises(ValueError, match="`monitor` among fd_stand_in_24"):
        fit(make_gan(), [make(monitor="kid")], epochs=1)
    classes = make([kg.metrics.IntraClassFrechetDistance(features=make_extractor())])
    with pytest.raises(ValueError, match="conditional model"):
        fit(make_gan(), [classes])


def test_the_best_of_another_monitor_is_moved_aside(tmp_path):
    gan, path = make_gan(), tmp_path / "best"
    path.mkdir()  # an empty folder is as none
    first = make(keep_best=path)
    fit(gan, [first], epochs=2)
    assert first.best["value"] > 0.0
    other = make(["prdc"], keep_best=path, monitor="precision_stand_in_24")
    fit(gan, [other], epochs=1)
    assert other.best["value"] == other.values["precision_stand_in_24"]
    assert (tmp_path / "best_previous_1").exists() and path.exists()
    again = make(["prdc"], keep_best=path, monitor="precision_stand_in_24")
    fit(gan, [again], epochs=1)
    assert again.best["value"] >= other.best["value"]
    assert not (tmp_path / "best_previous_2").exists()
    with pytest.raises(ValueError, match="path of a folder"):
        (tmp_path / "file").touch()
        fit(gan, [make(keep_best=tmp_path / "file")])


def test_what_is_no_number_is_not_the_best():
    gan = make_gan()
    monitor = Play(float("nan"), 3.0, 2.0, restore_best=True)
    fit(gan, [monitor])
    assert monitor.best["value"] == 2.0


def test_metrics_of_one_name():
    twice = [kg.metrics.PRDC(features=make_extractor(), k=k) for k in (3, 5)]
    with pytest.raises(ValueError, match="more than one prdc.*Give one a `name`"):
        make(twice)
    with pytest.raises(ValueError, match="more than one prdc.*Give one a `name`"):
        make_gan().compile(metrics=twice)


@pytest.mark.parametrize(
    "metrics, message",
    [
        ([], "Expected: `metrics`"),
        ([kg.metrics.PerceptualPathLength(num_samples=2, space="w")], "with styles"),
    ],
)
def test_refused_before_training(metrics, message):
    gan = make_gan()
    with pytest.raises(ValueError, match=message):
        fit(gan, [make(metrics)])
    assert gan.images_seen == 0


def test_labels_of_no_class_are_refused_before_training():
    keras.utils.set_random_seed(0)
    gan = kg.models.ConditionalGAN(
        (8, 8, 1), num_classes=3, latent_dim=4, hidden_units=8, seed=0
    )
    gan.compile(run_eagerly=True)
    monitor = make(real_labels=np.arange(24) % 5)
    with pytest.raises(ValueError, match="out of range"):
        gan.fit(IMAGES, np.arange(24) % 3, batch_size=8, callbacks=[monitor])
    assert gan.images_seen == 0
