"""The options' equations, against NumPy and by hand."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend
from keras_gans.models.pac import pack
from keras_gans.models.pac import unpack

RNG = np.random.default_rng(0)


def numpy(x):
    with backend.no_gradients():
        return np.array(ops.convert_to_numpy(x), "float64")


@pytest.mark.parametrize("shape", [(3,), (2, 4, 3)])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_packs_join_neighbours_along_the_last_axis(shape, size):
    x = RNG.normal(size=(6, *shape)).astype("float32")
    packs = numpy(pack(ops.convert_to_tensor(x), size))
    for i in range(6 // size):
        want = np.concatenate(x[i * size : (i + 1) * size], axis=-1)
        np.testing.assert_array_equal(packs[i], want)
    np.testing.assert_array_equal(numpy(unpack(ops.convert_to_tensor(packs), size)), x)


def test_the_last_pack_is_filled_up():
    packs = numpy(pack(ops.reshape(ops.arange(5.0), (5, 1)), 2))
    np.testing.assert_array_equal(packs, [[0, 1], [2, 3], [4, 0]])


def test_a_penalty_sees_the_gradient_of_the_pack():
    """R1 of the linear critic <w, pack> is |w|^2, over all examples of the pack."""
    critic = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    gan = kg.models.GAN(
        data_spec=kg.Vectors(2), latent_dim=2, hidden_units=4, discriminator=critic,
        pac=2,
    )  # fmt: skip
    gan.compile(penalties=["r1"])
    x = ops.convert_to_tensor(RNG.normal(size=(6, 2)).astype("float32"))
    value, _ = gan.discriminator_objective(x)[1]["r1"]
    want = (numpy(critic.layers[-1].kernel) ** 2).sum()
    assert float(numpy(value)) == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize("condition", [{}, {"num_classes": 3}])
def test_gradients_come_with_the_logits_or_apart(condition, monkeypatch):
    """R1 and R2 in every update share the discriminator's call with the loss."""
    keras.utils.set_random_seed(1)
    gan = kg.models.R3GAN(
        image_shape=(16, 16, 1), latent_dim=4, width=4, group_size=2, blocks=1, seed=0,
        **condition,
    )  # fmt: skip
    x = ops.convert_to_tensor(RNG.normal(size=(4, 16, 16, 1)).astype("float32"))
    labels = None
    if condition:
        labels = gan.condition.to_network(np.array([0, 1, 2, 1]))
    latents = RNG.normal(size=(4, 4)).astype("float32")
    monkeypatch.setattr(gan, "draw_latents", lambda n: ops.convert_to_tensor(latents))
    calls = []
    call = gan.discriminator.call

    def counted(*args, **kwargs):
        calls.append(args)
        return call(*args, **kwargs)

    monkeypatch.setattr(gan.discriminator, "call", counted)

    def objective():
        gan.compile(penalties=[kg.penalties.R1(0.7), kg.penalties.R2(0.3)])
        calls.clear()
        (loss, logs), gradients = backend.value_and_grad(
            lambda: gan.discriminator_objective(x, labels),
            gan.discriminator.trainable_variables,
        )
        logged = [loss, logs["r1"][0], logs["r2"][0], logs["d_real"], logs["d_fake"]]
        return len(calls), [numpy(value) for value in [*logged, *gradients]]

    count, together = objective()
    monkeypatch.setattr(gan, "_differentiated", lambda: set())
    count_apart, apart = objective()
    assert (count, count_apart) == (2, 4)
    assert apart[1] > 1e-6 and apart[2] > 1e-6
    for first, second in zip(together, apart, strict=True):
        np.testing.assert_allclose(first, second, rtol=2e-4, atol=1e-6)


def test_top_k_is_the_mean_of_the_best():
    losses = ops.convert_to_tensor([1.0, 2.0, 4.0, 8.0])
    logits = ops.convert_to_tensor([[0.0], [3.0], [1.0], [2.0]])
    top_k = kg.objectives.TopK(minimum=0.5, decay=0.75, every=10)
    # k = 4 for 10 updates, then 3, then 0.5625 * 4 = 2.25, then 2.
    for updates, want in (
        (0, 15 / 4), (9, 15 / 4), (10, 14 / 3), (20, 10 / 2), (900, 10 / 2),
    ):  # fmt: skip
        assert float(top_k(losses, logits, updates)) == pytest.approx(want)
    ties = ops.zeros((4, 1))  # exactly k count, where all are equal
    ones = ops.ones((4,))
    assert float(kg.objectives.TopK(0.5, 0.5, 1)(ones, ties, 5)) == pytest.approx(1.0)


def test_feature_matching_is_the_distance_of_means():
    real = RNG.normal(size=(4, 2, 3)).astype("float32")
    fake = RNG.normal(size=(4, 2, 3)).astype("float32")
    matching = kg.objectives.FeatureMatching(weight=2.0, adversarial_weight=0.5)
    want = ((real.mean(0) - fake.mean(0)) ** 2).mean()
    assert float(matching(real, fake)) == pytest.approx(want, rel=1e-5)
    assert float(matching.combine(4.0, 3.0)) == 8.0


@pytest.mark.parametrize(
    "make",
    [
        lambda size: kg.models.ConditionalGAN(
            size, num_classes=3, body="dcgan", width=4, seed=0
        ),
        lambda size: kg.models.StyleGAN2(
            size, num_classes=3, channel_base=32, channel_max=4, seed=0
        ),
    ],
)
@pytest.mark.parametrize("named", [False, True])
def test_feature_matching_of_layers_that_are_in_another_network_too(make, named):
    """A discriminator of classes is made of the layers of one without."""
    discriminator = make((16, 16, 1)).discriminator
    layer = [x.name for x in discriminator.layers if x.trainable_weights][-2]
    matching = kg.objectives.FeatureMatching(layer if named else None)
    x = np.random.default_rng(0).normal(size=(4, 16, 16, 1)).astype("float32")
    labels = np.eye(3, dtype="float32")[[0, 1, 2, 0]]
    with backend.no_gradients():
        outputs = matching.network(discriminator)([x, labels])
        expected = discriminator([x, labels])
    np.testing.assert_allclose(numpy(outputs["logits"]), numpy(expected), rtol=1e-5)
    assert outputs["features"].shape[0] == 4


def test_feature_matching_takes_the_layer_it_is_told():
    discriminator = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(3, name="first"),
            keras.layers.ReLU(name="second"),
            keras.layers.Dense(1, name="last"),
        ]
    )
    x = RNG.normal(size=(4, 2)).astype("float32")
    first = discriminator.get_layer("first")
    default = kg.objectives.FeatureMatching().network(discriminator)(x)
    features, logits = numpy(default["features"]), numpy(default["logits"])
    np.testing.assert_allclose(features, np.maximum(numpy(first(x)), 0))
    np.testing.assert_allclose(logits, numpy(discriminator(x)))
    named = kg.objectives.FeatureMatching("first").network(discriminator)(x)
    np.testing.assert_allclose(numpy(named["features"]), numpy(first(x)))
    with pytest.raises(ValueError, match="'first', 'second', 'last'"):
        kg.objectives.FeatureMatching("third").network(discriminator)


@pytest.mark.parametrize("cls", [kg.models.R3GAN, kg.models.StyleGAN2])
def test_features_to_match_are_of_images(cls):
    sizes = {"width": 4, "blocks": 1, "group_size": 4}
    if cls is kg.models.StyleGAN2:
        sizes = {"channel_base": 32, "channel_max": 4, "mapping_depth": 1}
    gan = cls((16, 16, 1), num_classes=3, latent_dim=4, seed=0, **sizes)
    network = kg.objectives.FeatureMatching().network(gan.discriminator)
    images = np.random.default_rng(1).normal(size=(4, 16, 16, 1))
    labels = np.eye(3)[[0, 0, 0, 0]]
    outputs = network([images.astype("float32"), labels.astype("float32")])
    features = numpy(outputs["features"])
    assert np.abs(features - features[:1]).max() > 1e-4
    of_labels = "embedding" if cls is kg.models.R3GAN else "condition_mapping"
    with pytest.raises(ValueError, match="sees the condition alone"):
        kg.objectives.FeatureMatching(of_labels).network(gan.discriminator)


def test_unrolling_goes_ahead_and_back():
    """L = a psi^2 / 2, so psi_k = (1 - rate a)^k psi; and d psi_k / d a is known."""
    psi, a = keras.Variable([3.0]), keras.Variable(0.5)
    unrolled = kg.objectives.Unrolled(steps=3, rate=0.2)

    def objective():
        def loss():
            return ops.sum(a * ops.square(ops.convert_to_tensor(psi))) / 2

        value = unrolled(loss, [psi], lambda: ops.sum(ops.convert_to_tensor(psi)))
        return value, {}

    (value, _), (gradient,) = backend.value_and_grad(objective, [a])
    assert float(numpy(value)) == pytest.approx(3.0 * 0.9**3, rel=1e-5)
    assert float(numpy(gradient)) == pytest.approx(-3.0 * 3 * 0.2 * 0.9**2, rel=1e-5)
    assert float(numpy(psi)[0]) == 3.0


def test_unrolled_updates_of_kernels():
    rng = np.random.default_rng(0)
    images = ops.convert_to_tensor(rng.normal(size=(2, 6, 6, 3)).astype("float32"))
    kernel = keras.Variable(0.1 * rng.normal(size=(3, 3, 3, 2)).astype("float32"))

    def loss():
        y = backend.conv(images, ops.convert_to_tensor(kernel), (1, 1))
        return ops.mean(ops.square(y - 1.0))

    unrolled = kg.objectives.Unrolled(3, 0.05)
    (before, _), _ = backend.value_and_grad(lambda: (loss(), {}), [kernel])
    (ahead, _), _ = backend.value_and_grad(
        lambda: (unrolled(loss, [kernel], loss), {}), [kernel]
    )
    assert float(ahead) < 0.9 * float(before)


def test_lecam_by_hand():
    penalty = kg.penalties.LeCam(decay=0.5)
    penalty.build()
    real, fake = np.array([[1.0], [3.0]]), np.array([[-1.0], [0.0]])
    # The averages start at the means, 2 and -0.5.
    got = numpy(penalty.of_logits(real, fake))
    np.testing.assert_allclose(got, [1.5**2 + 3.0**2, 3.5**2 + 2.0**2], rtol=1e-6)
    got = numpy(penalty.of_logits(real + 2.0, fake))
    np.testing.assert_allclose(got, [3.5**2 + 3.0**2, 5.5**2 + 2.0**2], rtol=1e-6)
    np.testing.assert_allclose(numpy(penalty.variables[0]), [3.0, -0.5, 1.0])
    penalty.build()
    np.testing.assert_allclose(numpy(penalty.variables[0]), 0.0)


@keras.saving.register_keras_serializable("keras_gans_tests")
class Brighter(kg.augment.Augment):
    def call(self, images, seed):
        return images + 0.5


@pytest.mark.parametrize("name", ["consistency", "balanced_consistency"])
def test_consistency_of_a_linear_critic(name):
    """D(T(x)) - D(x) = 0.5 sum w."""
    images = RNG.normal(size=(3, 2, 2, 1)).astype("float32")
    penalty = type(kg.penalties.get(name))(augment=Brighter())
    values = penalty(lambda x: ops.sum(x, axis=(1, 2, 3)), images, images, 0)
    want = {"consistency": 4.0, "balanced_consistency": 8.0}[name]
    np.testing.assert_allclose(numpy(values), want, rtol=1e-5)


def test_balance_signals():
    real, fake = np.array([[1.0], [-1.0]]), np.array([[0.0], [-2.0]])
    for signal, want in (("accuracy", 1.0), ("r_t", 0.0)):
        balance = kg.Balance(signal, lower=-1.0, upper=0.5, momentum=0.5)
        balance.build()
        start = -0.25
        balance.update(real, fake)
        average = float(numpy(balance.variables[0]))
        assert average == pytest.approx((start + want) / 2)
    for average, discriminator, generator in (
        (0.6, False, True), (0.0, True, True), (-1.1, True, False),
    ):  # fmt: skip
        balance.variables[0].assign(average)
        assert bool(balance.active("discriminator")) is discriminator
        assert bool(balance.active("generator")) is generator


@pytest.mark.parametrize(
    "make",
    [
        lambda: kg.objectives.TopK(minimum=0.0),
        lambda: kg.objectives.TopK(every=0),
        lambda: kg.objectives.FeatureMatching(weight=-1.0),
        lambda: kg.objectives.Unrolled(steps=0),
        lambda: kg.objectives.Unrolled(rate=0.0),
        lambda: kg.penalties.LeCam(decay=1.0),
        lambda: kg.penalties.Consistency(augment="no such"),
        lambda: kg.Balance("loss"),
        lambda: kg.Balance(lower=0.9, upper=0.5),
        lambda: kg.Balance(momentum=1.0),
        lambda: kg.models.GAN((4, 4, 1), pac=0),
        lambda: kg.callbacks.DiscriminatorSteps(3),
    ],
)
def test_bad_arguments(make):
    with pytest.raises(ValueError, match="Expected.*Received"):
        make()
