"""The metrics as Keras metrics: streaming, names, config, cache, images."""

import warnings

import keras
import numpy as np
import pytest

from keras_gans import metrics
from keras_gans.metrics import cache
from keras_gans.metrics.features import FeatureExtractor
from keras_gans.metrics.shared import SharedExtraction
from tests.metrics.stand_in import Counted
from tests.metrics.stand_in import make_extractor
from tests.metrics.stand_in import make_images

REAL, FAKE = make_images(60, seed=0), make_images(50, seed=1, low=60)
GENERATIVE = [
    metrics.FrechetDistance,
    metrics.InceptionScore,
    metrics.KernelDistance,
    metrics.PRDC,
]
KWARGS = {metrics.KernelDistance: {"subsets": 5}, metrics.InceptionScore: {"splits": 2}}


@pytest.fixture(autouse=True)
def cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_GANS_CACHE", str(tmp_path))
    return tmp_path / "metrics"


def make(cls, features=None, **kwargs):
    kwargs = {"features": features or make_extractor()} | KWARGS.get(cls, {}) | kwargs
    return cls(**kwargs)


@pytest.mark.parametrize("cls", GENERATIVE)
def test_batches_give_what_one_call_gives(cls):
    whole, parts = make(cls), make(cls)
    whole.update_state(REAL, FAKE)
    for start in range(0, 50, 17):
        parts.update_state(REAL[start : start + 17], FAKE[start : start + 17])
    parts.update_state(REAL[51:])
    assert parts.values() == pytest.approx(whole.values(), rel=1e-4, abs=1e-4)
    assert all(isinstance(value, float) for value in parts.values().values())
    parts.reset_state()
    parts.update_state(REAL, REAL)
    if cls is metrics.FrechetDistance:
        assert parts.result() == pytest.approx(0.0, abs=1e-4)
    assert parts.values() != pytest.approx(whole.values())


@pytest.mark.parametrize("cls", GENERATIVE)
def test_real_images_for_good(cls, cache_folder):
    if cls is metrics.InceptionScore:
        return
    plain, fixed = make(cls), make(cls, real_images=REAL, num_samples=60)
    plain.update_state(REAL, FAKE)
    for _ in range(2):  # `reset_state` keeps the real ones
        fixed.update_state(fake_images=FAKE)
        assert fixed.values() == pytest.approx(plain.values(), rel=1e-4, abs=1e-4)
        fixed.reset_state()
    with pytest.raises(ValueError, match="made with `real_images`"):
        fixed.update_state(REAL, FAKE)
    with pytest.raises(ValueError, match="cannot carry the `real_images`"):
        fixed.get_config()


def test_names_say_features_and_number():
    made = {cls: make(cls) for cls in GENERATIVE}
    for metric in made.values():
        metric.update_features(np.zeros((3, 6)), np.zeros((2000, 6)))
    assert made[metrics.FrechetDistance].name == "fd_stand_in_2k"
    assert made[metrics.InceptionScore].name == "classifier_score_stand_in_2k"
    assert made[metrics.KernelDistance].name == "kid_stand_in_2k"
    assert metrics.FrechetDistance().name == "fd_lenet_fashion_mnist_10k"
    assert metrics.FrechetDistance(name="mine").name == "mine"
    fake = make(metrics.PRDC, num_samples=60)
    fake.update_state(REAL, FAKE)
    assert list(fake.result()) == [
        f"{key}_stand_in_50" for key in ("precision", "recall", "density", "coverage")
    ]


def test_fid_is_that_of_the_inception_features_alone():
    fid = metrics.FrechetDistance(features="inception_v3_fid", num_samples=50_000)
    assert fid.name == "fid_50k"
    score = metrics.InceptionScore(features="inception_v3_fid", num_samples=1234)
    assert score.name == "inception_score_1234"
    claimed = make_extractor(name="inception_v3_fid")
    assert make(metrics.FrechetDistance, claimed).name == "fd_inception_v3_fid_10k"


def test_unknown_features():
    with pytest.raises(ValueError, match="Did you mean 'lenet_fashion_mnist'"):
        metrics.FrechetDistance(features="lenet_fashion")
    with pytest.raises(ValueError, match="num_samples"):
        metrics.FrechetDistance(num_samples=1)


@pytest.mark.parametrize("cls", GENERATIVE)
def test_config(cls):
    metric = cls(num_samples=500, seed=3, **KWARGS.get(cls, {}))
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(metric)
    )
    assert type(again) is cls
    assert again.get_config() == metric.get_config()
    with pytest.raises(ValueError, match="cannot carry the `features`"):
        make(cls).get_config()


def test_real_and_fake_of_different_dtypes():
    values = []
    for fake in (FAKE, (FAKE / 127.5 - 1.0).astype("float32")):
        metric = make(metrics.FrechetDistance)
        metric.update_state(REAL, fake)
        values.append(metric.result())
    assert values[0] == pytest.approx(values[1], rel=1e-5)


def test_real_and_fake_of_different_sizes():
    metric = make(metrics.FrechetDistance)
    metric.update_state(REAL)
    with pytest.raises(ValueError, match=r"\(8, 8, 1\), then \(9, 8, 1\) \(fake\)"):
        metric.update_state(fake_images=np.zeros((2, 9, 8, 1), "uint8"))
    metric = make(metrics.FrechetDistance, real_images=REAL)
    with pytest.raises(ValueError, match="of one size"):
        metric.update_state(fake_images=np.zeros((2, 9, 8, 1), "uint8"))


def test_nan_features():
    def network(images):
        x = np.asarray(images).reshape(len(images), -1)[:, :3].copy()
        x[1] = np.nan
        return x

    metric = metrics.FrechetDistance(features=FeatureExtractor(network, name="nan"))
    with pytest.raises(ValueError, match="NaN|finite"):
        metric.update_state(REAL)


def test_no_samples():
    for cls in GENERATIVE:
        with pytest.raises(ValueError, match="Call `update_state`"):
            make(cls).result()


# ---------------------------------------------------------------- shared, cached


def test_one_extraction_for_all():
    network = Counted()
    extractor = FeatureExtractor(network, name="pixels")
    made = [make(cls, extractor) for cls in GENERATIVE if cls.output == "features"]
    shared = SharedExtraction(made)
    shared.load_real(REAL)
    shared.update(fake_images=FAKE[:48])
    padded = 64 + 64  # the extractor fills batches up
    assert network.seen <= padded
    alone = make(metrics.FrechetDistance, FeatureExtractor(Counted(), name="pixels"))
    alone.update_state(REAL, FAKE[:48])
    assert made[0].result() == pytest.approx(alone.result(), rel=1e-6)


def test_cache(cache_folder):
    def measure(real, **kwargs):
        network = Counted()
        extractor = FeatureExtractor(network, name="pixels", **kwargs)
        metric = make(metrics.FrechetDistance, extractor, real_images=real)
        metric.prepare()
        metric.update_features(fake=np.random.default_rng(0).normal(size=(50, 5)))
        return metric.result(), network.seen

    first, seen = measure(REAL)
    assert seen and len(list(cache_folder.iterdir())) == 1
    assert measure(REAL) == (first, 0)  # found
    changed = REAL.copy()
    changed[0, 0, 0] += 1  # one pixel of one image
    assert measure(changed)[1] > 0
    assert measure(REAL[:-1])[1] > 0  # another N
    assert measure(REAL.view("int8").view("uint8"))[1] == 0
    assert measure(REAL, quantize=False)[1] > 0  # another extractor
    assert measure(REAL.swapaxes(1, 2))[1] > 0
    names = [path.name for path in cache_folder.iterdir()]
    assert len(names) == 5 and not any(".tmp" in name for name in names)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_damaged_cache(cache_folder, damage):
    key = cache.key("a", 1)
    arrays = {"rows": np.arange(12.0).reshape(4, 3)}
    assert cache.load(key) is None
    cache.store(key, arrays)
    np.testing.assert_array_equal(cache.load(key)["rows"], arrays["rows"])
    (path,) = cache_folder.iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if damage != "flipped":
        content = content[: len(content) // 2] if damage == "truncated" else b""
    path.write_bytes(content)
    with pytest.warns(RuntimeWarning, match="damaged.*computed again"):
        assert cache.load(key) is None
    cache.store(key, arrays)
    assert cache.load(key)


def test_cache_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KERAS_GANS_CACHE", str(tmp_path / "file"))
    metric = make(metrics.FrechetDistance, real_images=REAL)
    metric.update_state(fake_images=FAKE)
    with pytest.warns(RuntimeWarning, match="KERAS_GANS_CACHE"):
        warnings.filterwarnings("ignore", "__array__ implementation")
        assert metric.result() > 0.0


def test_callables_that_cannot_be_told_apart_are_not_cached(cache_folder):
    def network(images):
        return np.asarray(images).reshape(len(images), -1)[:, :5]

    metric = make(metrics.PRDC, FeatureExtractor(network, name="f"), real_images=REAL)
    metric.prepare()
    assert metric.real.count == 60
    assert not cache_folder.exists()


class Scaled(keras.layers.Layer):
    def call(self, x):
        return 2.0 * x


class OtherRange(FeatureExtractor):
    def normalize(self, pixels):
        return pixels


def test_code_that_a_fingerprint_does_not_see_is_not_cached(cache_folder):
    inputs = keras.Input((8, 8, 1))
    own_layer = keras.Model(inputs, Scaled()(keras.layers.Flatten()(inputs)))
    for extractor in (
        FeatureExtractor(own_layer, name="f"),
        OtherRange(make_extractor().network, name="f"),
    ):
        assert not extractor.is_reproducible
        metric = make(metrics.PRDC, extractor, real_images=REAL)
        metric.prepare()
        assert metric.real.count == 60
    assert not cache_folder.exists()
    assert make_extractor().is_reproducible


def test_metrics_of_other_seeds_share_the_images_if_they_take_all():
    network = Counted()
    extractor = FeatureExtractor(network, name="pixels")
    made = [make(metrics.PRDC, extractor, seed=seed) for seed in (0, 1, None)]
    SharedExtraction(made).load_real(REAL)
    assert network.seen <= 64  # batches are filled up
    few = [make(metrics.PRDC, extractor, seed=s, num_samples=20) for s in (0, None)]
    SharedExtraction(few).load_real(REAL)
    assert not np.array_equal(few[0].real.rows, few[1].real.rows)


@pytest.mark.parametrize("cls", [*GENERATIVE, metrics.IntraClassFrechetDistance])
def test_nothing_counts_of_a_batch_that_is_refused(cls):
    metric = make(cls)
    labels = {}
    if metric.uses_labels:
        labels = {"real_labels": np.zeros(60, int), "fake_labels": np.zeros(50, int)}
    with pytest.raises(ValueError, match="Expected: .*(images of|one size)"):
        metric.update_state(REAL, FAKE[:, 1:], **labels)
    assert metric.real.count == metric.fake.count == 0


def test_real_images_are_checked_at_once():
    with pytest.raises(ValueError, match="`real_images` has the wrong range"):
        make(metrics.FrechetDistance, real_images=REAL / 255.0)
    with pytest.raises(ValueError, match=r"real images \(B, H, W, C\)"):
        make(metrics.FrechetDistance, real_images=REAL[..., 0])


def test_forgotten_real_images_leave_no_balls():
    metric, other = make(metrics.PRDC), make(metrics.PRDC)
    SharedExtraction([metric]).load_real(REAL)
    metric.update_state(fake_images=FAKE)
    metric.result()
    metric.forget_real()
    metric.update_state(REAL[:40] // 2)
    other.update_state(REAL[:40] // 2, FAKE)
    assert metric.result() == other.result()


def test_a_choice_of_the_real_images():
    metric = make(metrics.PRDC, real_images=REAL, num_samples=20)
    again = make(metrics.PRDC, real_images=REAL, num_samples=20)
    for made in (metric, again):
        made.prepare()
    assert metric.real.count == 20
    np.testing.assert_array_equal(metric.real.rows, again.real.rows)
    assert not np.allclose(metric.real.rows, make_extractor()(REAL[:20]))


# ---------------------------------------------------------------- classes, images


def test_real_images_of_a_monitor_stay_its_own():
    """They are not mixed with others, nor with those of another monitor."""
    first, second, labels = REAL, REAL // 2, np.arange(60) % 2
    distance = make(metrics.FrechetDistance)
    classes = make(metrics.IntraClassFrechetDistance)
    for real in (first, second):
        SharedExtraction([distance, classes]).load_real(real, labels)
        assert distance.real.count == len(REAL)
        assert sum(c.count for c in classes.real.classes.values()) == len(REAL)
    with pytest.raises(ValueError, match="for good, as by a MetricMonitor"):
        distance.update_state(first, second)
    with pytest.raises(ValueError, match="for good, as by a MetricMonitor"):
        classes.update_state(first, second, labels, labels)
    distance.update_state(fake_images=first)
    assert distance.real.count == len(REAL)


def test_intra_class_frechet_distance():
    images = np.concatenate([REAL, REAL // 4])
    labels = np.repeat([0, 1], 60)
    right = make(metrics.IntraClassFrechetDistance)
    swapped = make(metrics.IntraClassFrechetDistance)
    for start in range(0, 120, 50):
        part = slice(start, start + 50)
        x, y = images[part], labels[part]
        right.update_state(x, x, real_labels=y, fake_labels=y)
        swapped.update_state(x, x, real_labels=y, fake_labels=1 - y)
    assert right.result() == pytest.approx(0.0, abs=1e-4)
    plain = make(metrics.FrechetDistance)
    plain.update_state(images[:60], images[60:])
    assert swapped.result() == pytest.approx(plain.result(), rel=1e-4)
    assert set(swapped.per_class) == {0, 1}
    with pytest.raises(ValueError, match="`real_labels`"):
        right.update_state(images)
    right.update_state(images[:3], real_labels=[7, 7, 7])
    with pytest.raises(ValueError, match=r"same classes.*\[0, 1, 7\] and \[0, 1\]"):
        right.result()


def test_pairwise_diversity():
    shape = (24, 24, 3)
    diverse = make_images(20, shape=shape)
    metric = metrics.PairwiseDiversity(num_samples=20, pairs=30)
    metric.update_state(diverse, np.repeat(diverse[:1], 20, axis=0))
    values = metric.result()
    assert values["pairwise_ms_ssim_20"] == pytest.approx(1.0, abs=1e-5)
    assert values["pairwise_ms_ssim_20_real"] < 0.3
    again = metrics.PairwiseDiversity.from_config(metric.get_config())
    assert again.pairs == 30
    fixed = metrics.PairwiseDiversity(diverse, num_samples=20, pairs=30)
    fixed.update_state(fake_images=(diverse / 127.5 - 1.0).astype("float32"))
    values = list(fixed.result().values())
    assert values[0] == pytest.approx(values[1], abs=1e-5)
    with pytest.raises(ValueError, match="11 x 11 pixels"):
        metrics.pairwise_diversity.ms_ssim(REAL[:2], REAL[:2])


@pytest.mark.parametrize("side, scales", [(21, 1), (22, 2), (44, 3)])
def test_ms_ssim_of_one_scale_is_ssim(side, scales):
    from keras_gans.metrics.pairwise_diversity import ms_ssim

    rng = np.random.default_rng(0)
    x = rng.integers(0, 200, (3, side, side, 2), "uint8")
    y = x + rng.integers(0, 50, x.shape, "uint8")
    found = ms_ssim(x, y)
    assert ((0.0 < found) & (found < 1.0)).all()
    expected = keras.ops.image.ssim(
        x.astype("float32"), y.astype("float32"), 255.0, data_format="channels_last"
    )
    difference = np.abs(found - keras.ops.convert_to_numpy(expected)).max()
    assert (difference < 1e-3) == (scales == 1)


# tf.image.ssim_multiscale of the two images below, filter_size=11, 5 scales.
MS_SSIM = 0.9827731


def test_ms_ssim_is_tensorflows():
    from keras_gans.metrics.pairwise_diversity import ms_ssim

    x, y = ms_ssim_images()
    np.testing.assert_allclose(ms_ssim(x, y), MS_SSIM, atol=5e-6)


def ms_ssim_images():
    rng = np.random.default_rng(0)
    x = np.kron(rng.integers(0, 200, (1, 22, 22, 1)), np.ones((1, 8, 8, 1)))
    return x.astype("uint8"), (x + rng.integers(0, 50, x.shape)).astype("uint8")


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_psnr_and_ssim(dtype):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 200, (4, 16, 16, 3), "uint8")
    y = x + rng.integers(0, 50, x.shape, "uint8")
    errors = np.square(x.astype("float64") - y).mean(axis=(1, 2, 3))
    if dtype == "float32":
        x, y = ((z / 127.5 - 1.0).astype("float32") for z in (x, y))
    psnr, ssim = metrics.PSNR(), metrics.SSIM()
    for part in (slice(0, 3), slice(3, 4)):
        psnr.update_state(x[part], y[part])
        ssim.update_state(x[part], y[part])
    expected = 10 * np.log10(255.0**2 / errors).mean()
    assert float(psnr.result()) == pytest.approx(expected, rel=1e-5)
    assert 0.5 < float(ssim.result()) < 1.0
    ssim.reset_state()
    ssim.update_state(x, x)
    assert float(ssim.result()) == pytest.approx(1.0, abs=1e-5)
    with pytest.raises(ValueError, match="pairs of images"):
        psnr.update_state(x, y[:2])
    with pytest.raises(ValueError, match="both uint8"):
        psnr.update_state(x, y / 255.0 - 0.5 if dtype == "uint8" else y.astype("uint8"))
    with pytest.raises(ValueError, match=r"11 x 11 pixels.*Received: \(8, 16, 3\)"):
        ssim.update_state(x[:, :8], y[:, :8])
    assert metrics.PSNR.from_config(psnr.get_config()).name == "psnr"
    psnr.reset_state()
    psnr.update_state(x, x)
    assert float(psnr.result()) == 100.0


def test_ranges_of_what_is_compared_as_images():
    x = np.random.default_rng(0).uniform(0, 255, (20, 16, 16, 3)).astype("float32")
    for wrong in (x, x / 255.0, x.astype("int32"), np.full_like(x, np.nan)):
        with pytest.raises(ValueError, match="Expected: "):
            metrics.PairwiseDiversity().update_state(fake_images=wrong)
        if wrong.max() > 1.0 or np.isnan(wrong).any():
            for metric in (metrics.PSNR(), metrics.SSIM()):
                with pytest.raises(ValueError, match="Expected: "):
                    metric.update_state(wrong, wrong)


def test_a_few_bright_images_are_warned_of():
    bright = np.full((4, 16, 16, 3), 0.5, "float32")
    features = metrics.features.get(lambda images: images.mean((1, 2)))
    with pytest.warns(UserWarning, match="all are bright.*images \\* 2 - 1"):
        features(bright)
    with pytest.raises(ValueError, match="has the wrong range"):
        features(np.repeat(bright, 5, axis=0))


def test_a_class_of_one_sample_is_named():
    metric = make(metrics.IntraClassFrechetDistance)
    labels = np.arange(50) % 2
    metric.update_state(REAL[:50], FAKE, labels, np.where(np.arange(50) == 7, 1, 0))
    with pytest.raises(ValueError, match="of class 1, .*25 real, 1 generated. Take"):
        metric.result()


def test_labels_of_classes_are_ints():
    metric = metrics.IntraClassFrechetDistance(features=lambda x: x.mean((1, 2)))
    images = np.zeros((4, 8, 8, 3), "uint8")
    with pytest.raises(ValueError, match="labels as ints. Received: float64"):
        metric.update_state(images, real_labels=np.array([0.0, 0.5, 1.0, 1.5]))
