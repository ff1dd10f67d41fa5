"""The losses: equilibria, NumPy formulas, stability, signs, serialization."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gans import backend
from keras_gans import losses

LN2 = np.log(2.0)
ALL = {
    "hinge": losses.Hinge,
    "least_squares": losses.LeastSquares,
    "minimax": losses.Minimax,
    "non_saturating": losses.NonSaturating,
    "relativistic_average": losses.RelativisticAverage,
    "relativistic_pairing": losses.RelativisticPairing,
    "wasserstein": losses.Wasserstein,
}
each_loss = pytest.mark.parametrize("name", ALL)


def numpy(x):
    return ops.convert_to_numpy(x)


def cross_entropy(logits, target):
    """In probabilities and float64, unlike the implementation."""
    p = 1.0 / (1.0 + np.exp(-logits))
    return -target * np.log(p) - (1.0 - target) * np.log(1.0 - p)


def expected(name, r, f):
    """The two losses by their plain formulas, r and f of shape (B,), float64."""
    r, f = np.asarray(r, "float64"), np.asarray(f, "float64")
    real_alone = cross_entropy(r, 1.0) + cross_entropy(f, 0.0)
    rel_r, rel_f = r - f.mean(), f - r.mean()
    return {
        "minimax": (real_alone, -cross_entropy(f, 0.0)),
        "non_saturating": (real_alone, cross_entropy(f, 1.0)),
        "least_squares": (((r - 1) ** 2 + f**2) / 2, (f - 1) ** 2 / 2),
        "hinge": (np.maximum(0, 1 - r) + np.maximum(0, 1 + f), -f),
        "wasserstein": (f - r, -f),
        "relativistic_pairing": (
            cross_entropy(r - f, 1.0),
            cross_entropy(f - r, 1.0),
        ),
        "relativistic_average": (
            cross_entropy(rel_r, 1.0) + cross_entropy(rel_f, 0.0),
            cross_entropy(rel_r, 0.0) + cross_entropy(rel_f, 1.0),
        ),
    }[name]


def random_logits(shape=(6,), seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(0, 3, shape).astype("float32") for _ in range(2)]


@pytest.mark.parametrize(
    ("name", "logit", "discriminator", "generator"),
    [
        ("minimax", 0.0, 2 * LN2, -LN2),
        ("non_saturating", 0.0, 2 * LN2, LN2),
        ("least_squares", 0.5, 0.25, 0.125),
        ("hinge", 0.0, 2.0, 0.0),
        ("wasserstein", 7.0, 0.0, -7.0),
        ("relativistic_pairing", 7.0, LN2, LN2),
        ("relativistic_average", 7.0, 2 * LN2, 2 * LN2),
    ],
)
def test_equilibrium(name, logit, discriminator, generator):
    loss = ALL[name]()
    logits = np.full(3, logit, "float32")
    np.testing.assert_allclose(
        numpy(loss.discriminator(logits, logits)), discriminator, rtol=1e-6
    )
    np.testing.assert_allclose(
        numpy(loss.generator(logits, logits)), generator, rtol=1e-6
    )


def test_perfect_discriminator():
    real, fake = np.array([1.0, 1.0], "float32"), np.array([0.0, 0.0], "float32")
    assert np.all(numpy(losses.LeastSquares().discriminator(real, fake)) == 0.0)
    assert np.all(numpy(losses.Hinge().discriminator(real, fake - 1.0)) == 0.0)
    # No reward beyond the margin.
    assert np.all(numpy(losses.Hinge().discriminator(real + 5, fake - 5)) == 0.0)


@each_loss
def test_matches_numpy(name):
    real, fake = random_logits()
    loss = ALL[name]()
    discriminator, generator = expected(name, real, fake)
    np.testing.assert_allclose(
        numpy(loss.discriminator(real, fake)), discriminator, rtol=1e-5, atol=1e-5
    )
    np.testing.assert_allclose(
        numpy(loss.generator(fake, real)), generator, rtol=1e-5, atol=1e-5
    )


def test_targets_of_least_squares():
    real, fake = random_logits()
    loss = losses.LeastSquares(a=-1.0, b=1.0, c=0.0)
    np.testing.assert_allclose(
        numpy(loss.discriminator(real, fake)),
        ((real - 1) ** 2 + (fake + 1) ** 2) / 2,
        rtol=1e-5,
    )
    np.testing.assert_allclose(numpy(loss.generator(fake)), fake**2 / 2, rtol=1e-5)


@pytest.mark.parametrize("cls", [losses.Minimax, losses.NonSaturating])
def test_one_sided_label_smoothing(cls):
    real, fake = random_logits()
    smooth = cls(label_smoothing=0.1)
    np.testing.assert_allclose(
        numpy(smooth.discriminator(real, fake)),
        cross_entropy(real.astype("float64"), 0.9)
        + cross_entropy(fake.astype("float64"), 0.0),
        rtol=1e-5,
    )
    np.testing.assert_array_equal(
        numpy(smooth.generator(fake)), numpy(cls().generator(fake))
    )
    # The best logit of a real sample is now finite: log(0.9 / 0.1).
    logits = keras.Variable(np.full(1, np.log(9.0), "float32"))
    (_, gradients) = backend.value_and_grad(
        lambda: (ops.sum(smooth.discriminator(logits, np.zeros(1, "float32"))), None),
        [logits],
    )
    np.testing.assert_allclose(numpy(gradients[0]), 0.0, atol=1e-6)


@pytest.mark.parametrize("value", [-0.1, 0.5, 1.0, float("nan")])
def test_label_smoothing_out_of_range(value):
    with pytest.raises(ValueError, match="Received"):
        losses.NonSaturating(label_smoothing=value)


@pytest.mark.parametrize("targets", [(1, 0, 1), (0, 1, 0), (0, 0, 1)])
def test_least_squares_refuses_low_means_real(targets):
    with pytest.raises(ValueError, match="Received: a="):
        losses.LeastSquares(*targets)


@each_loss
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_extreme_logits_are_finite(name, size):
    loss = ALL[name]()
    real = keras.Variable(np.array([size, size], "float32"))
    fake = keras.Variable(np.array([size, -size], "float32"))

    def total():
        discriminator = loss.discriminator(real, fake)
        generator = loss.generator(fake, real)
        return ops.sum(discriminator) + ops.sum(generator), (discriminator, generator)

    (value, aux), gradients = backend.value_and_grad(total, [real, fake])
    for tensor in (value, *aux, *gradients):
        assert np.all(np.isfinite(numpy(tensor)))


def test_extreme_values_are_right():
    """Linear tails, where log(sigmoid(x)) would be log(0)."""
    loss = losses.NonSaturating()
    logits = np.array([-1e4], "float32")
    np.testing.assert_allclose(numpy(loss.generator(logits)), 1e4)
    np.testing.assert_allclose(numpy(loss.discriminator(logits, -logits)), 2e4)
    np.testing.assert_allclose(numpy(losses.Minimax().generator(-logits)), -1e4)


@each_loss
@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 3, 2, 1)])
def test_one_value_a_sample(name, shape):
    real, fake = random_logits(shape)
    loss = ALL[name]()
    discriminator = loss.discriminator(real, fake)
    generator = loss.generator(fake, real)
    for value in (discriminator, generator):
        assert tuple(value.shape) == (4,)
        assert keras.backend.standardize_dtype(value.dtype) == "float32"
    # The mean of the losses of the patches, not the loss of the mean logit.
    flat = expected(name, real.reshape(-1), fake.reshape(-1))
    np.testing.assert_allclose(
        numpy(discriminator), flat[0].reshape(4, -1).mean(1), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(
        numpy(generator), flat[1].reshape(4, -1).mean(1), rtol=1e-4, atol=1e-5
    )


@each_loss
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_logits(name, dtype):
    """Equal to the loss of the rounded logits in float32: nothing is lost after."""
    loss = ALL[name]()
    real, fake = (ops.cast(logits, dtype) for logits in random_logits())
    rounded_real, rounded_fake = (
        numpy(ops.cast(real, "float32")),
        numpy(ops.cast(fake, "float32")),
    )
    discriminator = loss.discriminator(real, fake)
    generator = loss.generator(fake, real)
    assert keras.backend.standardize_dtype(discriminator.dtype) == "float32"
    assert keras.backend.standardize_dtype(generator.dtype) == "float32"
    want = expected(name, rounded_real, rounded_fake)
    np.testing.assert_allclose(numpy(discriminator), want[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(numpy(generator), want[1], rtol=1e-5, atol=1e-5)


@each_loss
def test_higher_means_more_real(name):
    loss = ALL[name]()
    real = keras.Variable(np.array([0.2, 0.4, 0.1], "float32"))
    fake = keras.Variable(np.array([0.3, 0.1, 0.2], "float32"))
    _, (d_real, d_fake) = backend.value_and_grad(
        lambda: (ops.sum(loss.discriminator(real, fake)), None), [real, fake]
    )
    assert np.all(numpy(d_real) < 0.0)
    assert np.all(numpy(d_fake) > 0.0)
    _, (g_fake,) = backend.value_and_grad(
        lambda: (ops.sum(loss.generator(fake, real)), None), [fake]
    )
    assert np.all(numpy(g_fake) < 0.0)


def test_flags():
    relativistic = {name for name, cls in ALL.items() if cls().relativistic}
    assert relativistic == {"relativistic_pairing", "relativistic_average"}
    probabilistic = {name for name, cls in ALL.items() if cls().probabilistic}
    assert probabilistic == {"minimax", "non_saturating"}


@pytest.mark.parametrize(
    "cls", [losses.RelativisticPairing, losses.RelativisticAverage]
)
def test_relativistic_generator_needs_real_logits(cls):
    with pytest.raises(ValueError, match="Received: real_logits=None"):
        cls().generator(np.zeros(3, "float32"))


@each_loss
@pytest.mark.parametrize(
    ("real", "fake"), [((4,), (4, 1)), ((4, 1), (3, 1)), ((4, 1), (1, 1))]
)
def test_shapes_that_would_broadcast_are_refused(name, real, fake):
    with pytest.raises(ValueError, match="Received: real_logits"):
        ALL[name]().discriminator(np.zeros(real, "float32"), np.zeros(fake, "float32"))


def test_scalars_are_refused():
    with pytest.raises(ValueError, match="Received: a scalar"):
        losses.Hinge().generator(0.0)


@pytest.mark.parametrize(
    "loss",
    [
        losses.Minimax(0.2),
        losses.NonSaturating(label_smoothing=0.1),
        losses.LeastSquares(-1.0, 1.0, 0.0),
        *[cls() for cls in ALL.values()],
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_serialization(loss):
    config = keras.saving.serialize_keras_object(loss)
    for again in (keras.saving.deserialize_keras_object(config), losses.get(config)):
        assert type(again) is type(loss)
        assert again.get_config() == loss.get_config()
        real, fake = random_logits()
        np.testing.assert_array_equal(
            numpy(again.discriminator(real, fake)),
            numpy(loss.discriminator(real, fake)),
        )


@each_loss
def test_get(name):
    assert type(losses.get(name)) is ALL[name]
    loss = ALL[name]()
    assert losses.get(loss) is loss


@pytest.mark.parametrize(
    ("identifier", "near"),
    [
        ("nonsaturating", "'non_saturating'"),
        ("Hinge", "'hinge'"),
        ("lsgan_least_square", "'least_squares'"),
        ("wassertein", "'wasserstein'"),
    ],
)
def test_get_names_what_is_near(identifier, near):
    with pytest.raises(ValueError, match=f"Did you mean.*{near}"):
        losses.get(identifier)


@pytest.mark.parametrize("identifier", [None, 3, ["hinge"], losses.Hinge, "zzz"])
def test_get_refuses_the_rest(identifier):
    with pytest.raises(ValueError, match="Expected.*Received"):
        losses.get(identifier)
