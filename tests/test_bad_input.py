"""What users get wrong, and that it is said before any time is spent."""

import json
import re
import warnings

import keras
import numpy as np
import pytest
from keras import layers

import keras_gans as kg

IMAGES = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 1), "uint8")
FLOATS = IMAGES.astype("float32") / 127.5 - 1.0
WITH_NAN = FLOATS.copy()
WITH_NAN[5, 0, 0, 0] = np.nan

BAD_IMAGES = {
    "0..1 floats": ((FLOATS + 1.0) / 2.0, "wrong range.*images \\* 2 - 1"),
    "0..255 floats": (IMAGES.astype("float32"), "wrong range.*astype\\('uint8'\\)"),
    "int64": (IMAGES.astype("int64"), "wrong dtype.*Received: int64"),
    "bool": (IMAGES > 9, "wrong dtype.*Received: bool"),
    "strings": (np.full((4, 16, 16, 1), "a"), "wrong dtype"),
    "wrong size": (IMAGES[:, :12], "wrong shape.*Received: \\(16, 12, 16, 1\\)"),
    "wrong channels": (np.repeat(IMAGES, 3, axis=-1), "wrong shape.*16, 16, 3"),
    "no channel axis": (IMAGES[..., 0], "wrong shape.*Received: \\(16, 16, 16\\)"),
    "channels first": (np.zeros((4, 1, 16, 16), "uint8"), "wrong shape"),
    "empty": (IMAGES[:0], "empty"),
    "NaN": (WITH_NAN, "NaN.*1 of 16.*index 5"),
    "infinity": (np.where(np.isnan(WITH_NAN), np.inf, FLOATS), "NaN or infinite"),
    "None": (None, "Expected: training data"),
}


def own_class():
    """A built network of a class that writes its own `call`."""

    class Own(keras.Model):
        def call(self, x):
            return x

    own = Own()
    own(np.zeros((1, 100), "float32"))
    return own


class Stream(keras.utils.PyDataset):
    def __init__(self, images):
        super().__init__()
        self.images = images

    def __len__(self):
        return len(self.images) // 4

    def __getitem__(self, index):
        return self.images[4 * index : 4 * index + 4]


@pytest.fixture(scope="module")
def gan():
    model = kg.models.GAN(image_shape=(16, 16, 1), hidden_units=8, latent_dim=4)
    model.compile()
    return model


@pytest.fixture(scope="module")
def conditional():
    def network(inputs, units, shape):
        condition = layers.Input((3,))
        x = layers.Concatenate()([layers.Flatten()(inputs), condition])
        x = layers.Reshape(shape)(layers.Dense(units)(x))
        return keras.Model([inputs, condition], x)

    model = kg.models.GAN(
        image_shape=(16, 16, 1),
        latent_dim=4,
        num_classes=3,
        generator=network(layers.Input((4,)), 256, (16, 16, 1)),
        discriminator=network(layers.Input((16, 16, 1)), 1, (1,)),
    )
    model.compile()
    return model


@pytest.mark.parametrize("what", BAD_IMAGES)
@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_bad_arrays(gan, what, method):
    images, message = BAD_IMAGES[what]
    with pytest.raises(ValueError, match=f"(?s){message}"):
        getattr(gan, method)(images)


@pytest.mark.parametrize("what", ["0..1 floats", "int64", "wrong size", "NaN"])
def test_bad_first_batch(gan, what):
    images, message = BAD_IMAGES[what]
    images = np.roll(images, -3, axis=0)
    message = message.replace("1 of 16.*index 5", "1 of 4.*index 2").replace(
        "16, 12", "4, 12"
    )
    for data in (Stream(images), (images[i : i + 4] for i in (0, 4))):
        with pytest.raises(ValueError, match=f"(?s)first batch.*{message}"):
            gan.fit(data)


def test_empty_streams(gan):
    for data in (Stream(IMAGES[:0]), iter(())):
        with pytest.raises(ValueError, match="empty"):
            gan.fit(data)


BAD_LABELS = {
    "missing": (None, "missing.*fit\\(images, labels\\)"),
    "out of range": (np.full(16, 3), "out of range.*Received: values in 3..3"),
    "negative": (np.full(16, -1), "out of range"),
    "one-hot": (np.eye(3)[np.zeros(16, int)], "one-hot.*argmax"),
    "floats": (np.zeros(16, "float32"), "wrong dtype.*Received: float32"),
    "too few": (np.zeros(15, "int32"), "wrong shape.*Received: \\(15,\\)"),
}


@pytest.mark.parametrize("what", BAD_LABELS)
def test_bad_labels(conditional, what):
    labels, message = BAD_LABELS[what]
    with pytest.raises(ValueError, match=f"(?s){message}"):
        conditional.fit(IMAGES, labels)


PAIRS = {
    "tuple": (IMAGES, np.zeros(16, "int32")),
    "list": [IMAGES, np.zeros((16, 1), "int32")],
    "with weights": (IMAGES, np.zeros(16, "int32"), np.ones(16)),
    "two sets": (IMAGES, IMAGES),
    "nothing else": (IMAGES, None, None),
}


@pytest.mark.parametrize("what", PAIRS)
def test_images_and_labels_in_one(gan, conditional, what):
    labels = np.zeros(16, "int32")
    for model in (gan, conditional):
        for call in (
            lambda model=model: model.fit(PAIRS[what]),
            lambda model=model: model.evaluate(PAIRS[what]),
        ):
            with pytest.raises(ValueError, match="pass `fit\\(images, labels\\)`"):
                call()
    if what not in ("tuple", "two sets"):
        with pytest.raises(ValueError, match="`validation_data=\\(images, labels\\)`"):
            conditional.fit(IMAGES, labels, validation_data=PAIRS[what])


def test_lists_of_images(gan):
    gan.evaluate(list(IMAGES), verbose=0)
    mixed = [*IMAGES[:3], IMAGES[0, :12]]
    with pytest.raises(ValueError, match="one shape.*of 4, .*1\\), \\(12, 16, 1\\)\\."):
        gan.fit(mixed)
    with pytest.raises(ValueError, match="of shapes \\(1, 16, 1\\), .*, \\.\\.\\.\\. "):
        gan.fit([image[: 1 + i] for i, image in enumerate(IMAGES)])


def test_good_labels_train_and_sample(conditional):
    history = conditional.fit(IMAGES, np.arange(16) % 3, batch_size=4, verbose=0)
    assert np.isfinite(history.history["d_loss"]).all()
    assert conditional.generate(5, seed=0).shape == (5, 16, 16, 1)
    with pytest.raises(ValueError, match="out of range"):
        conditional.generate(2, labels=3)


def test_compile_not_called():
    model = kg.models.GAN(image_shape=(16, 16, 1), hidden_units=8)
    with pytest.raises(ValueError, match="compile()"):
        model.fit(IMAGES)


def dense(*inputs):
    return keras.Sequential([*inputs, layers.Dense(7)])


BAD_CALLS = {
    "image_shape": (lambda: kg.models.DCGAN((32, 32)), "image_shape.*\\(32, 32\\)"),
    "odd size": (lambda: kg.models.DCGAN((30, 32, 1)), "multiples of 4.*Resize"),
    "latents": (
        lambda: kg.models.GAN(latent_distribution="cauchy"),
        "'normal' or 'uniform'.*'cauchy'",
    ),
    "labels without networks": (
        lambda: kg.models.GAN(num_classes=10),
        "take \\[inputs, condition\\].*GAN without them",
    ),
    "generator": (
        lambda: kg.models.GAN((16, 16, 1), generator=dense(keras.Input((4,)))),
        "generator does not fit.*\\(None, 16, 16, 1\\).*Received: \\(None, 7\\)",
    ),
    "discriminator": (
        lambda: kg.models.GAN((16, 16, 1), discriminator=dense(keras.Input((4,)))),
        "discriminator does not fit.*Received: \\(None, 4\\)",
    ),
    "unbuilt generator": (
        lambda: kg.models.GAN((16, 16, 1), generator=dense()),
        "built generator.*keras.Input",
    ),
    "generator of an own class": (
        lambda: kg.models.GAN((16, 16, 1), generator=own_class()),
        "functional or sequential.*keras.Model\\(x, yours\\(x\\)\\)",
    ),
    "packs of codes": (
        lambda: kg.models.InfoGAN((16, 16, 1), width=2, pac=2),
        "`pac=1`.*codes.*Received: pac=2.*DCGAN",
    ),
    "latents of codes": (
        lambda: kg.models.InfoGAN((16, 16, 1), latent_dim=74),
        "`noise_dim`.*Received: latent_dim=74",
    ),
    "codes": (
        lambda: kg.models.InfoGAN((16, 16, 1), categorical=10),
        "such as \\(10,\\). Received: 10",
    ),
    "no latents": (
        lambda: kg.models.DCGAN((16, 16, 1), latent_dim=0),
        "`latent_dim` as an int of at least 1. Received: 0",
    ),
    "unknown preset": (
        lambda: kg.models.GAN.from_preset("dcgan_fashion_mnist_23"),
        "dcgan_fashion_mnist_32",
    ),
}


for _variant in ("GAN", "DCGAN", "SAGAN", "StyleGAN2", "R3GAN", "BigGAN", "CycleGAN",
                 "Pix2Pix", "SRGAN", "ContextEncoder"):  # fmt: skip
    _name = {"GAN": "hidden_units", "StyleGAN2": "channel_base"}.get(_variant, "width")
    BAD_CALLS[f"width of {_variant}"] = (
        lambda variant=_variant, name=_name: getattr(kg.models, variant)(
            (32, 32, 3), **{name: "a"}
        ),
        f"`{_name}` as an int of at least 1. Received: 'a'",
    )


@pytest.mark.parametrize("what", BAD_CALLS)
def test_bad_calls(what):
    call, message = BAD_CALLS[what]
    with pytest.raises(ValueError, match=f"(?s){message}"):
        call()


SMALL = {"image_shape": (16, 16, 1), "hidden_units": 8, "latent_dim": 4}
PIX2PIX = {"image_shape": (16, 16, 1), "width": 2, "discriminator_width": 2}


def small_gan(seed):
    return kg.models.GAN(**SMALL, seed=seed)


def small_pix2pix(seed):
    return kg.models.Pix2Pix(**PIX2PIX, discriminator_layers=1, seed=seed)


@pytest.mark.parametrize("make", [small_gan, small_pix2pix])
@pytest.mark.parametrize("seed", [-1, 2**31, 3.0, "3", True, np.float32(3), [3]])
def test_bad_seeds(make, seed):
    with pytest.raises(ValueError, match="`seed` as an int in 0.*Received"):
        make(seed)


@pytest.mark.parametrize("make", [small_gan, small_pix2pix])
@pytest.mark.parametrize("seed", [np.int64(3), np.uint8(3), 2**31 - 1])
def test_good_seeds(make, seed):
    model = make(seed)
    assert type(model.seed) is int and model.seed == seed
    config = model.get_config()
    assert type(config["seed"]) is int and config["seed"] == seed
    first = keras.random.uniform((3,), seed=model.seed_generator)
    same = keras.random.uniform((3,), seed=make(int(seed)).seed_generator)
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(first), keras.ops.convert_to_numpy(same)
    )


def test_the_largest_seed_trains(tmp_path):
    model = small_gan(np.int64(2**31 - 1))
    model.compile()
    history = model.fit(IMAGES, batch_size=8, verbose=0)
    assert np.isfinite(history.history["g_loss"]).all()
    model.save(tmp_path / "gan.keras")
    assert keras.saving.load_model(tmp_path / "gan.keras").seed == 2**31 - 1


def test_one_penalty():
    model = kg.models.GAN(**SMALL)
    r1 = kg.penalties.R1(gamma=3.0)
    for penalties in (r1, "r1", keras.saving.serialize_keras_object(r1)):
        model.compile(penalties=penalties)
        (penalty,) = model.penalties
        assert isinstance(penalty, kg.penalties.R1)


BAD_OPTIONS = {
    "loss": ({"loss": "hinges"}, "hinge"),
    "penalty": ({"penalties": ["r3"]}, "r1"),
    "steps": ({"discriminator_steps": 0}, "at least 1.*Received: 0"),
    "half life": ({"ema_half_life": -1}, "positive.*Received: -1"),
    "ema": (
        {"generator_optimizer": keras.optimizers.Adam(use_ema=True)},
        "ema_half_life",
    ),
    "noise": ({"instance_noise": "0.1"}, "finite number >= 0.*Received: '0.1'"),
    "negative noise": ({"instance_noise": -1}, "finite number >= 0.*Received: -1"),
    "word as half life": ({"ema_half_life": "long"}, "positive.*Received: 'long'"),
    "no step in one": ({"steps_per_execution": 0}, "at least 1. Received: 0"),
    "word to rematerialize": ({"rematerialize": "no"}, "True or False. Received: 'no'"),
    "twice r1": (
        {"penalties": [kg.penalties.R1(), kg.penalties.R1()]},
        "different names",
    ),
}


@pytest.mark.parametrize("what", BAD_OPTIONS)
def test_bad_options(gan, what):
    options, message = BAD_OPTIONS[what]
    model = kg.models.GAN(image_shape=(16, 16, 1), hidden_units=8, latent_dim=4)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        model.compile(**options)


def test_one_optimizer_for_both(gan):
    model = kg.models.GAN(image_shape=(16, 16, 1), hidden_units=8, latent_dim=4)
    adam = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="same object twice"):
        model.compile(generator_optimizer=adam, discriminator_optimizer=adam)


def test_numbers_of_numpy():
    model = kg.models.GAN((16, 16, 1), hidden_units=np.int64(8), latent_dim=np.int64(4))
    model.compile(
        discriminator_steps=np.int64(2),
        micro_batches=np.int64(2),
        instance_noise=np.float32(0.5),
        penalties=[kg.penalties.R1(np.float32(1.0), every=np.int64(2))],
    )
    model.fit(IMAGES, batch_size=4, verbose=0)
    assert (model.discriminator_steps, model.micro_batches) == (2, 2)
    json.dumps([model.get_config(), model.get_compile_config()])


@pytest.mark.parametrize("size", [0, -3, 2.5, "8"])
def test_bad_batch_size(gan, size):
    with pytest.raises(ValueError, match="`batch_size` as an int of at least 1"):
        gan.fit(IMAGES, batch_size=size)
    with pytest.raises(ValueError, match="`batch_size` as an int of at least 1"):
        gan.evaluate(IMAGES, batch_size=size)


@pytest.mark.parametrize("epochs", [0, -1, 1.5, None])
def test_bad_number_of_epochs(gan, epochs):
    with pytest.raises(ValueError, match="`epochs` as an int of at least 1"):
        gan.fit(IMAGES, epochs=epochs)


def test_batch_size_with_a_stream(gan):
    with pytest.raises(ValueError, match="only with arrays"):
        gan.fit(Stream(IMAGES), batch_size=4)


@pytest.mark.parametrize("count", [0, -1, 2.0, None])
def test_bad_number_of_samples(gan, count):
    with pytest.raises(ValueError, match="num_samples.*Received"):
        gan.generate(count)


@pytest.mark.parametrize("size", [0, -1, 2.0, None])
def test_bad_batch_size_of_samples(gan, size):
    with pytest.raises(ValueError, match="`batch_size` as an int.*Received"):
        gan.generate(4, batch_size=size)
    with pytest.raises(ValueError, match="`batch_size` as an int.*Received"):
        # Of translations None is 16, or 1: see `translate`.
        small_pix2pix(0).translate(
            IMAGES[:2], batch_size="16" if size is None else size
        )


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True])
def test_bad_seed_of_samples(gan, seed):
    with pytest.raises(ValueError, match="`seed` as an int of at least 0. Received"):
        gan.generate(4, seed=seed)


def test_bad_latents(gan):
    with pytest.raises(ValueError, match="at least one. Received: \\(0, 4\\)"):
        gan.generate(latents=np.zeros((0, 4)))
    with pytest.raises(ValueError, match="shape \\(N, 4\\).*Received: \\(2, 5\\)"):
        gan.generate(latents=np.zeros((2, 5)))
    with pytest.raises(ValueError, match="unconditional"):
        gan.generate(2, labels=[0, 1])


def test_nan_stops_training_with_good_weights():
    keras.utils.set_random_seed(0)
    model = kg.models.GAN(image_shape=(16, 16, 1), hidden_units=8, latent_dim=4, seed=0)
    model.compile(
        generator_optimizer=keras.optimizers.SGD(1e30),
        discriminator_optimizer=keras.optimizers.SGD(1e30),
    )
    # Rates so large that no epoch ends well.
    before = model.get_weights()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = model.fit(IMAGES, batch_size=4, epochs=5, verbose=0)
    said = [str(w.message) for w in caught if w.category is RuntimeWarning]
    said = [text for text in said if text.startswith("Training stopped")]
    # Which log is first is up to rounding.
    message = (
        r"`(d_loss|g_loss|d_real|d_fake)` was (nan|-?inf) in epoch 1, batch \d\. The "
        r"model and its optimizers are as they were before epoch 1\. Try smaller"
    )
    assert len(said) == 1 and re.search(message, said[0]), said
    assert len(history.epoch) == 1
    for weight, good in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, good)
    assert model.generate(2).shape == (2, 16, 16, 1)
