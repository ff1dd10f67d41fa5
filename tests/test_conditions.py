import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend
from keras_gans.conditions import Attributes
from keras_gans.conditions import Classes
from keras_gans.conditions import make_condition

IMAGES = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 1), "uint8")


def to_numpy(x):
    with backend.no_gradients():
        return np.asarray(ops.convert_to_numpy(x))


def test_classes_become_one_hot_vectors():
    classes = Classes(3)
    for labels in (np.array([2, 0]), np.array([[2], [0]], "uint8")):
        found = to_numpy(classes.to_network(labels))
        np.testing.assert_array_equal(found, [[0, 0, 1], [1, 0, 0]])
    mixture = np.array([[0.5, 0.5, 0.0]], "float32")
    np.testing.assert_array_equal(to_numpy(classes.to_network(mixture)), mixture)


def test_labels_of_samples():
    classes, attributes = Classes(3), Attributes(2)
    assert classes.for_samples(None, 5).tolist() == [0, 1, 2, 0, 1]
    assert classes.for_samples(2, 2).tolist() == [2, 2]
    mixtures = classes.for_samples([0.25, 0.75, 0.0], 2)
    assert mixtures.shape == (2, 3) and mixtures.dtype == np.float32
    np.testing.assert_array_equal(attributes.for_samples([1, 0], 2), [[1, 0]] * 2)
    np.testing.assert_array_equal(attributes.for_samples(None, 2), np.eye(2))


@pytest.mark.parametrize(
    ("condition", "labels", "message"),
    [
        (Classes(3), None, "missing.*num_classes=3"),
        (Classes(3), np.eye(3, dtype=int)[[0, 1]], "one-hot.*argmax"),
        (Classes(3), np.array([0, 3]), "out of range.*0..3"),
        (Classes(3), np.array([0.0, 1.0]), "wrong dtype.*float64"),
        (Classes(3), np.array([0]), "wrong shape.*\\(1,\\)"),
        (Attributes(2), None, "missing.*num_attributes=2"),
        (Attributes(2), np.array([0, 1]), "wrong shape.*num_classes"),
        (Attributes(2), np.array([[0, np.nan], [1, 1]]), "NaN.*1 rows"),
        (Attributes(2), np.array([["a", "b"]] * 2), "wrong dtype"),
    ],
)
def test_bad_labels(condition, labels, message):
    with pytest.raises(ValueError, match=message):
        condition.as_array(labels, 2)


@pytest.mark.parametrize(
    ("labels", "message"),
    [([0.5, 0.1, 0.1], "sum to 1.*0.7"), (np.ones((2, 2)), "sum to 1"), (3, "range")],
)
def test_bad_labels_of_samples(labels, message):
    with pytest.raises(ValueError, match=message):
        Classes(3).for_samples(labels, 2)


def test_bad_conditions():
    with pytest.raises(ValueError, match="not both"):
        make_condition(3, 2)
    for bad in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match="num_classes.*at least 1"):
            make_condition(bad)


def attributes_gan():
    return kg.models.ConditionalGAN(
        (16, 16, 1), num_attributes=2, hidden_units=12, latent_dim=4, seed=0
    )


def test_attributes_train_and_sample():
    gan = attributes_gan()
    gan.compile()
    attributes = np.random.default_rng(0).integers(0, 2, (16, 2)).astype(bool)
    history = gan.fit(IMAGES, attributes, batch_size=8, verbose=0).history
    assert np.isfinite(history["d_loss"]).all()
    assert gan.generate(3, labels=[1, 1], seed=0).shape == (3, 16, 16, 1)
    latents = np.repeat(gan.sample_latents(1, seed=0), 2, axis=0)
    images = gan.generate(latents=latents, labels=[[0, 0], [1, 1]])
    assert (images[0] != images[1]).any()
    with pytest.raises(ValueError, match="num_classes"):
        gan.fit(IMAGES, attributes[:, 0], batch_size=8)


def test_networks_must_fit_the_condition():
    gan = attributes_gan()
    common = {"image_shape": (16, 16, 1), "latent_dim": 4}
    networks = {"generator": gan.generator, "discriminator": gan.discriminator}
    with pytest.raises(ValueError, match="do not fit the condition.*\\(None, 2\\)"):
        kg.models.GAN(**common, **networks)
    with pytest.raises(ValueError, match="do not fit the condition.*\\(None, 3\\)"):
        kg.models.GAN(**common, **networks, num_classes=3)
    plain = kg.models.GAN(**common, hidden_units=10)
    with pytest.raises(ValueError, match="a generator with None"):
        kg.models.GAN(**common, num_classes=3, generator=plain.generator,
                      discriminator=plain.discriminator)  # fmt: skip


def test_conditional_variants_need_a_condition():
    for cls in (kg.models.ConditionalGAN, kg.models.ACGAN):
        with pytest.raises(ValueError, match="neither"):
            cls((16, 16, 1))
    with pytest.raises(ValueError, match="'mlp', 'dcgan'.*'vit'"):
        kg.models.ConditionalGAN((16, 16, 1), num_classes=2, body="vit")


def test_attributes_of_a_cross_entropy_are_in_0_to_1():
    gan = kg.models.ACGAN((16, 16, 1), num_attributes=2, width=4, latent_dim=4)
    gan.compile()
    images = np.zeros((4, 16, 16, 1), "uint8")
    with pytest.raises(ValueError, match=r"in \[0, 1\].*-1..1. Of -1 and 1"):
        gan.fit(images, np.array([[-1, 1]] * 4), batch_size=2, verbose=0)
    assert gan.generate(2, labels=np.array([0.5, 1.0])).shape == images[:2].shape


def test_shares_of_classes_are_not_negative():
    gan = kg.models.ConditionalGAN(
        (16, 16, 1), num_classes=3, hidden_units=12, latent_dim=4
    )
    with pytest.raises(ValueError, match="values of at least -1"):
        gan.generate(1, labels=np.array([[-1.0, 2.0, 0.0]]))


def test_predict_takes_labels_and_mixtures():
    gan = kg.models.ConditionalGAN(
        (16, 16, 1), num_classes=2, hidden_units=12, latent_dim=4
    )
    latents = gan.sample_latents(2, seed=0)
    by_class = gan.predict([latents, np.array([0, 1])], verbose=0)
    by_vector = gan.predict([latents, np.eye(2, dtype="float32")], verbose=0)
    np.testing.assert_allclose(by_class, by_vector, atol=1e-6)


def test_regularizers_of_a_network_are_in_its_players_objective():
    """With a strong L2 and next to no learning from data, weights shrink."""
    generator = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(
                256,
                use_bias=False,
                kernel_initializer="ones",
                kernel_regularizer=keras.regularizers.L2(0.5),
            ),
            keras.layers.Reshape((16, 16, 1)),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(1, kernel_initializer="zeros"),
        ]
    )
    gan = kg.models.GAN(
        (16, 16, 1), latent_dim=4, generator=generator, discriminator=discriminator,
        seed=0,
    )  # fmt: skip
    sgd = keras.optimizers.SGD
    gan.compile(generator_optimizer=sgd(0.1), discriminator_optimizer=sgd(0.0))
    gan.fit(IMAGES, batch_size=8, verbose=0)  # two updates
    # D's weights are 0, so are G's gradients but for 2 * 0.5 * w.
    np.testing.assert_allclose(generator.get_weights()[0], 0.81, rtol=1e-5)
