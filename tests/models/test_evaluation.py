"""Generative metrics in `compile`, `evaluate` and `validation_data`."""

import keras
import numpy as np
import pytest

import keras_gans as kg
from tests.gan_test_case import Batches
from tests.gan_test_case import max_difference
from tests.gan_test_case import to_numpy
from tests.metrics.stand_in import make_extractor
from tests.metrics.stand_in import make_images

SHAPE = (8, 8, 1)
IMAGES = make_images(40)


@pytest.fixture(autouse=True)
def cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_GANS_CACHE", str(tmp_path))


def make_gan(metrics, **kwargs):
    gan = kg.models.GAN(image_shape=SHAPE, latent_dim=4, hidden_units=8, seed=0)
    gan.compile(metrics=metrics, **kwargs)
    return gan


def make_metrics(extractor=None, **kwargs):
    extractor = extractor or make_extractor()
    return [
        kg.metrics.FrechetDistance(features=extractor, **kwargs),
        kg.metrics.PRDC(features=extractor, k=2, **kwargs),
    ]


NAMES = [
    "fd_stand_in_40",
    *(f"{key}_stand_in_40" for key in ("precision", "recall", "density", "coverage")),
]


def test_evaluate():
    gan = make_gan(make_metrics())
    values = gan.evaluate(IMAGES, batch_size=8, verbose=0, return_dict=True)
    assert set(values) == {*gan.metrics_names, *NAMES}
    listed = gan.evaluate(IMAGES, batch_size=8, verbose=0)
    names = [*gan.metrics_names, *NAMES]
    assert listed == pytest.approx([values[name] for name in names])
    # The values are those of the images and of as many generated ones.
    metric = make_metrics()[0]
    metric.update_state(IMAGES, gan.generate(40, seed=0))
    assert values["fd_stand_in_40"] == pytest.approx(metric.result(), rel=1e-5)
    # The losses are those without metrics.
    gan.compile()
    assert gan.evaluate(IMAGES, batch_size=8, verbose=0) == pytest.approx(
        listed[: len(gan.metrics_names)], rel=0.5
    )


def test_batched_data_and_a_limit():
    gan = make_gan(make_metrics(num_samples=24))
    values = [
        gan.evaluate(data, verbose=0, return_dict=True)
        for data in (IMAGES, Batches(IMAGES, 24))
    ]
    assert "fd_stand_in_24" in values[0]
    for name in values[0]:
        if "stand_in" in name:
            assert values[0][name] == pytest.approx(values[1][name], rel=1e-5), name
    with pytest.raises(ValueError, match="read twice"):
        gan.evaluate((batch for batch in [IMAGES]), verbose=0)


def test_steps_of_the_default_batch_size():
    """Metrics are measured on the examples that the losses are."""
    gan = make_gan(make_metrics())
    gan.default_batch_size = 8
    rng = np.random.default_rng(0)
    network = gan.discriminator  # whose untrained answer is 0 for all
    network.set_weights([rng.normal(0.0, 0.5, w.shape) for w in network.get_weights()])
    whole = gan.evaluate(IMAGES[:16], verbose=0, return_dict=True)
    part = gan.evaluate(IMAGES, steps=2, verbose=0, return_dict=True)
    history = gan.fit(
        IMAGES, validation_data=IMAGES, validation_steps=2, verbose=0
    ).history
    trained = gan.evaluate(IMAGES[:16], verbose=0, return_dict=True)
    validated = {key: history[f"val_{key}"][0] for key in whole}
    for values, expected in ((part, whole), (validated, trained)):
        for key in ("d_real", "fd_stand_in_16"):
            assert values[key] == pytest.approx(expected[key], rel=1e-5), key


def test_validation_data():
    adam = {
        f"{player}_optimizer": keras.optimizers.Adam(0.02)
        for player in ("generator", "discriminator")
    }
    gan = make_gan(make_metrics(), ema_half_life=None, **adam)
    history = gan.fit(
        IMAGES, batch_size=20, epochs=2, validation_data=IMAGES, verbose=0
    ).history
    for name in NAMES:
        assert len(history[f"val_{name}"]) == 2
    assert history["val_fd_stand_in_40"][0] != history["val_fd_stand_in_40"][1]
    assert np.isfinite(history["val_d_loss"]).all()
    last = gan.evaluate(IMAGES, verbose=0, return_dict=True)
    assert history["val_fd_stand_in_40"][1] == pytest.approx(last["fd_stand_in_40"])


def test_training_does_not_depend_on_the_metrics():
    weights = []
    for metrics in (None, make_metrics()):
        keras.utils.set_random_seed(0)
        gan = make_gan(metrics)
        gan.fit(IMAGES, batch_size=20, epochs=2, validation_data=IMAGES, verbose=0)
        weights.append(gan.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_save_and_load(tmp_path):
    named = kg.metrics.KernelDistance(subsets=7)
    gan = make_gan([named])
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    config = again.get_compile_config()["metrics"]
    assert [c["config"]["subsets"] for c in config] == [7]
    assert config == gan.get_compile_config()["metrics"]
    gan = make_gan([named, *make_metrics()])
    with pytest.warns(
        UserWarning, match="Not saved.* fd_stand_in_10k, prdc_stand_in_10k"
    ):
        config = gan.get_compile_config()
    assert len(config["metrics"]) == 1


def test_metrics_that_are_refused():
    with pytest.raises(ValueError, match="without `real_images`"):
        make_gan(make_metrics(real_images=IMAGES))
    with pytest.raises(ValueError, match="list of keras_gans.metrics"):
        make_gan([keras.metrics.Mean()])
    gan = make_gan(kg.metrics.IntraClassFrechetDistance(features=make_extractor()))
    with pytest.raises(ValueError, match="conditional model"):
        gan.fit(IMAGES, validation_data=IMAGES, verbose=0)
    gan = kg.models.GAN(data_spec=kg.Vectors(2), latent_dim=4, hidden_units=8)
    gan.compile(metrics=make_metrics())
    with pytest.raises(ValueError, match="compares images"):
        gan.evaluate(np.zeros((8, 2), "float32"), verbose=0)


def test_classes():
    latents, condition = keras.Input((4,)), keras.Input((2,))
    x = keras.layers.Concatenate()([latents, condition])
    x = keras.layers.Reshape(SHAPE)(keras.layers.Dense(64, "tanh")(x))
    generator = keras.Model([latents, condition], x)
    images = keras.Input(SHAPE)
    x = keras.layers.Concatenate()([keras.layers.Flatten()(images), condition])
    discriminator = keras.Model([images, condition], keras.layers.Dense(1)(x))
    gan = kg.models.GAN(
        SHAPE, latent_dim=4, generator=generator, discriminator=discriminator,
        num_classes=2, seed=0,
    )  # fmt: skip
    gan.compile(metrics=kg.metrics.IntraClassFrechetDistance(features=make_extractor()))
    y = np.arange(40) % 2
    values = gan.evaluate(IMAGES, y, batch_size=8, verbose=0, return_dict=True)
    expected = kg.metrics.IntraClassFrechetDistance(features=make_extractor())
    fake = gan.generate(40, seed=0, labels=y)
    expected.update_state(IMAGES, fake, real_labels=y, fake_labels=y)
    assert values["intra_class_fd_stand_in_40"] == pytest.approx(
        expected.result(), rel=1e-5
    )


def test_labels_stay_beside_images_where_replicas_share_arrays(monkeypatch):
    """Keras reads the arrays then, and not `InOrder`."""
    gan = kg.models.ConditionalGAN(
        SHAPE, num_classes=2, body="mlp", latent_dim=4, hidden_units=8, seed=0
    )
    gan.compile()
    y = np.arange(40) % 2
    options = {"batch_size": 8, "verbose": 0, "return_dict": True}
    alone = gan.evaluate(IMAGES, y, **options)
    monkeypatch.setattr(kg.backend, "replicas_of", lambda model: 2)
    shared = gan.evaluate(IMAGES, y, **options)
    assert shared == pytest.approx(alone, rel=1e-5)


def test_validation_leaves_training_as_it_is():
    """Random numbers too: the weights are those of a training without it."""
    weights = []
    for data in (None, IMAGES[:12]):
        keras.utils.set_random_seed(0)
        gan = kg.models.GAN(image_shape=SHAPE, latent_dim=4, hidden_units=8, seed=0)
        gan.compile()
        options = {"batch_size": 8, "epochs": 2, "verbose": 0}
        gan.fit(IMAGES, validation_data=data, **options)
        gan.fit(IMAGES, **options)
        weights.append(to_numpy(gan.weights))
    assert max_difference(*weights) == 0
