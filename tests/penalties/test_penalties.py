"""The penalties: linear and quadratic critics, finite differences, serialization."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gans import augment
from keras_gans import backend
from keras_gans import penalties

ALL = {
    "dragan": penalties.DRAGAN,
    "gradient_penalty": penalties.GradientPenalty,
    "lipschitz_penalty": penalties.LipschitzPenalty,
    "r1": penalties.R1,
    "r2": penalties.R2,
    "weight_clipping": penalties.WeightClipping,
}
WITH_VALUE = [name for name in ALL if name != "weight_clipping"]
TO_ONE = ["dragan", "gradient_penalty", "lipschitz_penalty"]


def numpy(x):
    return ops.convert_to_numpy(x)


def batches(shape=(4, 3), seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(0, 1, shape).astype("float32") for _ in range(2)]


def linear(w):
    """x -> (B, 1) logits <w, x>, over all axes of x."""
    w = np.asarray(w, "float32")

    def critic(x):
        flat = ops.reshape(x, (ops.shape(x)[0], -1))
        return ops.matmul(flat, ops.convert_to_tensor(w.reshape(-1, 1)))

    return critic


@pytest.mark.parametrize("shape", [(3,), (4, 4, 2)])
@pytest.mark.parametrize("norm", [0.25, 1.0, 3.0])
def test_linear_critic(shape, norm):
    real, fake = batches((5, *shape))
    w = np.random.default_rng(1).normal(size=shape)
    critic = linear(norm * w / np.linalg.norm(w))
    want = {
        "r1": norm**2,
        "r2": norm**2,
        "gradient_penalty": (norm - 1) ** 2,
        "dragan": (norm - 1) ** 2,
        "lipschitz_penalty": max(0.0, norm - 1) ** 2,
    }
    for name in WITH_VALUE:
        value = ALL[name]()(critic, real, fake, 0)
        assert tuple(value.shape) == (5,)
        assert keras.backend.standardize_dtype(value.dtype) == "float32"
        np.testing.assert_allclose(
            numpy(value), want[name], rtol=1e-5, atol=1e-6, err_msg=name
        )


def test_target():
    real, fake = batches()
    critic = linear([3.0, 0.0, 4.0])
    for name, want in [("gradient_penalty", 9.0), ("lipschitz_penalty", 9.0)]:
        value = ALL[name](target=2.0)(critic, real, fake, 0)
        np.testing.assert_allclose(numpy(value), want, rtol=1e-5)
    value = penalties.DRAGAN(target=7.0)(critic, real, None, 0)
    np.testing.assert_allclose(numpy(value), 4.0, rtol=1e-5)
    one_sided = penalties.GradientPenalty(target=7.0, one_sided=True)
    assert np.all(numpy(one_sided(critic, real, fake, 0)) == 0.0)


def test_quadratic_critic_tells_where_the_gradient_is_taken():
    """D(x) = x A x / 2 has the gradient A x: R1 is |A x|^2, R2 is |A G(z)|^2."""
    real, fake = batches((6, 3))
    a = np.random.default_rng(2).normal(size=(3, 3)).astype("float32")
    a = a + a.T

    def critic(x):
        return 0.5 * ops.sum(x * ops.matmul(x, ops.convert_to_tensor(a)), axis=1)

    np.testing.assert_allclose(
        numpy(penalties.R1()(critic, real, None, 0)),
        np.sum((real @ a) ** 2, 1),
        rtol=1e-4,
    )
    np.testing.assert_allclose(
        numpy(penalties.R2()(critic, None, fake, 0)),
        np.sum((fake @ a) ** 2, 1),
        rtol=1e-4,
    )


def points(penalty, real, fake, seed):
    """Where the penalty takes its gradients: samples of one element above the target.

    D(x) = x^2 / 2 has the gradient x, and the penalty is (x - target)^2.
    """
    norms = numpy(
        penalty(
            lambda x: 0.5 * ops.sum(ops.square(x), axis=1),
            ops.convert_to_tensor(real),
            ops.convert_to_tensor(fake),
            seed,
        )
    )
    return np.sqrt(norms) + penalty.target


def test_gradient_penalty_mixes_each_pair_uniformly():
    n = 4000
    real, fake = np.full((n, 1), 2.0, "float32"), np.full((n, 1), 6.0, "float32")
    x = points(penalties.GradientPenalty(), real, fake, keras.random.SeedGenerator(0))
    alpha = (x - 2.0) / 4.0
    assert alpha.min() >= -1e-5 and alpha.max() <= 1.0 + 1e-5
    counts, _ = np.histogram(alpha, bins=10, range=(-1e-4, 1.0001))
    assert np.all(np.abs(counts - n / 10) < 5 * np.sqrt(n / 10))


def test_gradient_penalty_has_one_alpha_a_sample():
    """All elements at the same place between real and fake."""
    real, fake = batches((64, 5))
    direction = fake - real
    # The part of the gradient at x_hat across the line through the pair is that of x.
    across = real - direction * (
        np.sum(real * direction, 1, keepdims=True)
        / np.sum(direction**2, 1, keepdims=True)
    )
    weights = ops.convert_to_tensor(across)

    def critic(x):
        return 0.5 * ops.square(ops.sum(x * weights, axis=1))

    # grad = <x_hat, across> across = |across|^2 across, whatever alpha is.
    value = numpy(penalties.GradientPenalty()(critic, real, fake, 0))
    want = (np.linalg.norm(across, axis=1) ** 3 - 1) ** 2
    np.testing.assert_allclose(value, want, rtol=1e-3, atol=1e-4)


def test_dragan_perturbs_the_reals():
    """x + alpha u std / 2: product of two uniforms times half of the std."""
    n = 4000
    real = 10.0 + np.tile([[-2.0], [2.0]], (n // 2, 1)).astype("float32")  # std 2
    x = points(penalties.DRAGAN(), real, real, keras.random.SeedGenerator(0))
    noise = x - real[:, 0]
    assert noise.min() >= -1e-4 and noise.max() <= 1.0 + 1e-4
    np.testing.assert_allclose(noise.mean(), 0.25, atol=0.02)
    np.testing.assert_allclose(noise.std(), np.sqrt(1 / 9 - 1 / 16), atol=0.02)
    # An int as a seed must not make alpha and u the same numbers.
    noise = points(penalties.DRAGAN(), real, real, 7) - real[:, 0]
    np.testing.assert_allclose(noise.mean(), 0.25, atol=0.02)


@pytest.mark.parametrize("name", TO_ONE)
def test_seeds(name):
    real, fake = batches((16, 3))

    def value(seed):
        penalty = ALL[name](target=0.1)
        return numpy(penalty(lambda x: ops.sum(ops.square(x), 1), real, fake, seed))

    seed = keras.random.SeedGenerator(3)
    first, second = value(seed), value(seed)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, value(keras.random.SeedGenerator(3)))
    np.testing.assert_array_equal(value(3), value(3))


class TinyCritic:
    """softplus(tanh(x W1 + b1) W2) w3, smooth; weights as Keras variables."""

    def __init__(self, scale=1.0, seed=5):
        rng = np.random.default_rng(seed)
        shapes = [(3, 6), (6,), (6, 4), (4, 1)]
        self.variables = [
            keras.Variable(rng.normal(0, scale, shape).astype("float32"))
            for shape in shapes
        ]

    def __call__(self, x):
        w1, b1, w2, w3 = self.variables
        h = ops.tanh(ops.matmul(x, w1) + b1)
        return ops.matmul(ops.softplus(ops.matmul(h, w2)), w3)


def reference(name, weights, real, fake, alpha, u):
    """Mean penalty of `TinyCritic` in NumPy and float64, the gradient by hand."""
    w1, b1, w2, w3 = weights
    std = np.std(real)
    x = {
        "r1": real,
        "r2": fake,
        "gradient_penalty": real + alpha * (fake - real),
        "lipschitz_penalty": real + alpha * (fake - real),
        "dragan": real + alpha * 0.5 * std * u,
    }[name]
    h = np.tanh(x @ w1 + b1)
    slope = 1.0 / (1.0 + np.exp(-(h @ w2)))  # softplus'
    gradient = ((slope * w3[:, 0]) @ w2.T * (1 - h**2)) @ w1.T
    squares = np.sum(gradient**2, 1)
    if name in ("r1", "r2"):
        return squares.mean()
    excess = np.sqrt(squares) - 1.0
    if name == "lipschitz_penalty":
        excess = np.maximum(excess, 0.0)
    return np.mean(excess**2)


@pytest.mark.parametrize("name", WITH_VALUE)
def test_weight_gradients_against_finite_differences(name, monkeypatch):
    """The second derivative: d/dw of a function of dD/dx."""
    real, fake = batches((4, 3))
    rng = np.random.default_rng(9)
    alpha, u = rng.uniform(size=(4, 1)), rng.uniform(size=(4, 3))

    def uniform(shape, *args, **kwargs):
        drawn = alpha if tuple(shape) == (4, 1) else u
        return ops.convert_to_tensor(drawn.astype("float32"))

    monkeypatch.setattr(keras.random, "uniform", uniform)
    critic, penalty = TinyCritic(), ALL[name]()
    (value, _), gradients = backend.value_and_grad(
        lambda: (ops.mean(penalty(critic, real, fake, 0)), None), critic.variables
    )
    weights = [numpy(v).astype("float64") for v in critic.variables]
    data = real.astype("float64"), fake.astype("float64"), alpha, u
    np.testing.assert_allclose(numpy(value), reference(name, weights, *data), rtol=1e-4)
    for i, (weight, gradient) in enumerate(zip(weights, gradients, strict=True)):
        want = np.zeros_like(weight)
        for index in np.ndindex(weight.shape):
            both = []
            for step in (1e-5, -1e-5):
                moved = [w.copy() for w in weights]
                moved[i][index] += step
                both.append(reference(name, moved, *data))
            want[index] = (both[0] - both[1]) / 2e-5
        assert np.abs(want).max() > 1e-3
        np.testing.assert_allclose(
            numpy(gradient), want, rtol=1e-3, atol=1e-3 * np.abs(want).max()
        )


@pytest.mark.parametrize("name", WITH_VALUE)
def test_finite_where_the_gradient_is_zero(name):
    """A critic whose ReLUs are all off: sqrt alone would give NaN."""
    real, fake = batches((4, 3))
    w = keras.Variable(np.ones((3, 2), "float32"))
    b = keras.Variable(np.full(2, -100.0, "float32"))
    v = keras.Variable(np.ones((2, 1), "float32"))
    penalty = ALL[name]()

    def objective():
        def critic(x):
            return ops.matmul(ops.relu(ops.matmul(x, w) + b), v)

        return ops.mean(penalty(critic, real, fake, 0)), None

    (value, _), gradients = backend.value_and_grad(objective, [w, b, v])
    want = 1.0 if name in ("gradient_penalty", "dragan") else 0.0
    np.testing.assert_allclose(numpy(value), want, atol=1e-5)
    for gradient in gradients:
        np.testing.assert_array_equal(numpy(gradient), 0.0)


def test_safe_norm_of_a_linear_critic_of_zeros():
    """grad D = w = 0, where d|w|/dw does not exist: 0 is what comes out."""
    real, fake = batches((4, 3))
    w = keras.Variable(np.zeros((3, 1), "float32"))
    (_, _), (gradient,) = backend.value_and_grad(
        lambda: (
            ops.mean(
                penalties.GradientPenalty()(lambda x: ops.matmul(x, w), real, fake, 0)
            ),
            None,
        ),
        [w],
    )
    np.testing.assert_array_equal(numpy(gradient), 0.0)


@pytest.mark.parametrize("name", WITH_VALUE)
def test_half_precision(name):
    """bfloat16 samples and logits: a float32 penalty, near the float32 one."""
    real, fake = batches((4, 3))
    critic = linear([3.0, 0.0, 4.0])
    value = ALL[name]()(
        lambda x: ops.cast(critic(x), "bfloat16"),
        ops.cast(real, "bfloat16"),
        ops.cast(fake, "bfloat16"),
        0,
    )
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    want = 25.0 if name in ("r1", "r2") else 16.0
    np.testing.assert_allclose(numpy(value), want, rtol=1e-2)


@pytest.mark.parametrize("name", ["gradient_penalty", "lipschitz_penalty"])
@pytest.mark.parametrize("fake_shape", [(3, 3), (1, 3), (4, 2), (4, 3, 1)])
def test_pairs_must_fit(name, fake_shape):
    real, fake = np.zeros((4, 3), "float32"), np.zeros(fake_shape, "float32")
    with pytest.raises(ValueError, match=r"Received: real \(4, 3\), fake \("):
        ALL[name]()(linear([1.0, 1.0, 1.0]), real, fake, 0)


@pytest.mark.parametrize("name", ["dragan", "r1", "r2"])
def test_batches_of_two_sizes_where_no_pairs_are_needed(name):
    real, fake = np.zeros((4, 3), "float32"), np.zeros((2, 3), "float32")
    value = ALL[name]()(linear([1.0, 0.0, 0.0]), real, fake, 0)
    assert tuple(value.shape) == ((2,) if name == "r2" else (4,))


def test_refuses_uint8():
    images = np.zeros((2, 4, 4, 1), "uint8")
    with pytest.raises(ValueError, match="Received: dtype uint8"):
        penalties.R1()(linear(np.ones(16)), images, images, 0)


def test_weight_clipping():
    rng = np.random.default_rng(0)
    before = [rng.normal(0, 0.02, shape).astype("float32") for shape in [(5, 4), (4,)]]
    variables = [keras.Variable(value) for value in before]
    penalty = penalties.WeightClipping(limit=0.01)
    assert not penalty.has_value
    penalty.after_update(variables)
    for variable, value in zip(variables, before, strict=True):
        limit = np.float32(0.01)
        assert np.any(np.abs(value) > limit) and np.any(np.abs(value) < limit)
        np.testing.assert_array_equal(numpy(variable), np.clip(value, -limit, limit))
    real, fake = batches()
    value = numpy(penalty(linear([1.0, 1.0, 1.0]), real, fake, 0))
    np.testing.assert_array_equal(value, np.zeros(4))


def test_after_update_of_the_others_does_nothing():
    variable = keras.Variable(np.ones(3, "float32"))
    for name in WITH_VALUE:
        ALL[name]().after_update([variable])
    np.testing.assert_array_equal(numpy(variable), 1.0)


def test_weights_and_names():
    assert penalties.R1(gamma=3.0).weight == 1.5
    assert penalties.R2(gamma=3.0, every=16).every == 16
    assert penalties.GradientPenalty().weight == 10.0
    assert penalties.LipschitzPenalty(weight=5.0).weight == 5.0
    for name, cls in ALL.items():
        assert cls().name == name
        assert cls().every == 1
        assert cls().has_value == (name in WITH_VALUE)


@pytest.mark.parametrize(
    ("make", "received"),
    [
        (lambda: penalties.R1(every=0), "Received: 0"),
        (lambda: penalties.R1(every=2.0), "Received: 2.0"),
        (lambda: penalties.R1(gamma=-1.0), "Received: -1.0"),
        (lambda: penalties.GradientPenalty(weight=float("nan")), "Received: nan"),
        (lambda: penalties.GradientPenalty(target=0.0), "Received: 0.0"),
        (lambda: penalties.DRAGAN(target=-1.0), "Received: -1.0"),
        (lambda: penalties.WeightClipping(limit=0.0), "Received: 0.0"),
        (lambda: penalties.Consistency(augment="ada"), "Received: ADA.*fixed=True"),
    ],
)
def test_arguments_out_of_range(make, received):
    with pytest.raises(ValueError, match=received):
        make()


def test_consistency_with_augmentations_of_ada():
    ada = augment.ADA(p=1.0, fixed=True)
    penalty = penalties.Consistency(augment=ada)
    x = np.random.default_rng(0).uniform(-1, 1, (4, 8, 8, 3)).astype("float32")
    gradient = ops.reshape(ops.linspace(0.0, 1.0, 8), (8, 1, 1))
    seed = keras.random.SeedGenerator(0)
    values = penalty(lambda x: ops.sum(x * gradient, axis=(1, 2)), x, None, seed)
    assert float(ops.convert_to_numpy(values).max()) > 1e-2


@pytest.mark.parametrize(
    "penalty",
    [
        penalties.R1(gamma=0.3, every=16),
        penalties.R2(gamma=0.3, every=2),
        penalties.GradientPenalty(2.0, target=0.5, one_sided=True, every=4),
        penalties.LipschitzPenalty(2.0, target=0.5, every=4),
        penalties.DRAGAN(2.0, target=0.5, every=4),
        penalties.WeightClipping(0.3),
    ],
    ids=lambda penalty: penalty.name,
)
def test_serialization(penalty):
    config = keras.saving.serialize_keras_object(penalty)
    for again in (
        keras.saving.deserialize_keras_object(config),
        penalties.get(config),
    ):
        assert type(again) is type(penalty)
        assert vars(again) == vars(penalty)


@pytest.mark.parametrize("name", ALL)
def test_get(name):
    assert type(penalties.get(name)) is ALL[name]
    penalty = ALL[name]()
    assert penalties.get(penalty) is penalty


@pytest.mark.parametrize(
    ("identifier", "near"),
    [("R1", "'r1'"), ("gradient-penalty", "'gradient_penalty'"), ("dragon", "dragan")],
)
def test_get_names_what_is_near(identifier, near):
    with pytest.raises(ValueError, match=f"Did you mean.*{near}"):
        penalties.get(identifier)


@pytest.mark.parametrize("identifier", [None, 10.0, ["r1"], penalties.R1])
def test_get_refuses_the_rest(identifier):
    with pytest.raises(ValueError, match="Expected.*Received"):
        penalties.get(identifier)


def test_penalties_with_averages_begin_without_compile():
    real, fake = np.ones((4, 1), "float32"), -np.ones((4, 1), "float32")
    for _ in range(2):
        values = penalties.LeCam().of_logits(real, fake)
        np.testing.assert_allclose(ops.convert_to_numpy(values), 8.0)
    lengths = penalties.PathLength().of_measured(ops.ones(4))
    assert np.isfinite(ops.convert_to_numpy(lengths)).all()
