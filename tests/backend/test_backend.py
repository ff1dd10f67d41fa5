import pathlib
import platform
import re

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans
from keras_gans import backend
from keras_gans.backend.groups import conv_in_groups


def array(x):
    return np.array(ops.convert_to_numpy(x))


def variable(value):
    return keras.Variable(np.asarray(value, "float32"))


def test_nothing_outside_imports_or_asks_for_a_backend():
    root = pathlib.Path(keras_gans.__file__).parent
    pattern = re.compile(
        r"^\s*(import|from)\s+(tensorflow|jax|torch)\b(?!_datasets)"
        r"|backend\.backend\(\)|config\.backend\(\)|KERAS_BACKEND",
        re.MULTILINE,
    )
    files = [f for f in root.rglob("*.py") if f.parent != root / "backend"]
    assert len(files) > 10
    offenders = [str(f) for f in files if pattern.search(f.read_text("utf-8"))]
    assert not offenders


def test_backends_mirror_each_other():
    root = pathlib.Path(keras_gans.__file__).parent / "backend"
    names = {}
    for name in ("tensorflow", "jax", "torch"):
        files = [root / f"{name}{part}.py" for part in ("", "_ops", "_replicas")]
        text = "".join(file.read_text("utf-8") for file in files)
        names[name] = set(re.findall(r"^(?:def|class) ([a-zA-Z]\w*)", text, re.M))
    names["torch"] -= {"for_all", "step_of_replicas"}  # for torch.py alone
    assert names["tensorflow"] == names["jax"] == names["torch"]
    assert names["torch"] == set(backend.__all__)


def test_value_and_grad():
    w, b, unused = variable([1.0, 2.0]), variable(3.0), variable([5.0])
    (value, aux), gradients = backend.value_and_grad(
        lambda: (ops.sum(w * w) * b, {"twice": 2 * b}), [w, b, unused]
    )
    assert float(value) == 15.0
    assert float(aux["twice"]) == 6.0
    np.testing.assert_allclose(array(gradients[0]), [6.0, 12.0])
    np.testing.assert_allclose(array(gradients[1]), 5.0)
    np.testing.assert_allclose(array(gradients[2]), [0.0])


def test_value_and_grad_leaves_other_variables_out():
    w, other = variable(2.0), variable(3.0)
    _, (gradient,) = backend.value_and_grad(lambda: (w * other, None), [w])
    assert float(gradient) == 3.0


def test_updates_inside_value_and_grad_are_kept():
    w, counter = variable(2.0), keras.Variable(0.0, trainable=False)

    def loss():
        counter.assign_add(1.0)
        return w * w, None

    backend.value_and_grad(loss, [w])
    assert float(counter.value) == 1.0


def test_input_gradients():
    x = ops.convert_to_tensor(np.array([[1.0, -2.0]], "float32"))
    y, gradients = backend.input_gradients(lambda x: ops.sum(x**3, axis=-1), x)
    np.testing.assert_allclose(array(y), [-7.0])
    np.testing.assert_allclose(array(gradients), [[3.0, 12.0]])


def test_input_gradients_differentiate_again():
    # |d(w x^2)/dx|^2 = 4 w^2 x^2, whose derivative by w is 8 w x^2.
    w = variable(3.0)
    x = ops.convert_to_tensor(np.array([2.0], "float32"))

    def penalty():
        _, gradients = backend.input_gradients(lambda x: w * x**2, x)
        return ops.sum(gradients**2), None

    (value, _), (gradient,) = backend.value_and_grad(penalty, [w])
    assert float(value) == 144.0
    assert float(gradient) == 96.0


def conv_and_kernel():
    rng = np.random.default_rng(0)
    images = ops.convert_to_tensor(rng.normal(size=(2, 6, 6, 4)).astype("float32"))
    kernel = variable(0.2 * rng.normal(size=(3, 3, 2, 4)))
    return images, kernel


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize(
    ("size", "strides", "padding"), [(3, 2, "valid"), (2, 2, "valid"), (3, 1, "same")]
)
def test_pool_is_that_of_keras(kind, size, strides, padding):
    x = -np.random.default_rng(0).uniform(1.0, 2.0, (2, 7, 9, 3)).astype("float32")
    keras_pool = ops.max_pool if kind == "max" else ops.average_pool
    expected = keras_pool(x, size, strides, padding, data_format="channels_last")
    found = backend.pool(ops.convert_to_tensor(x), size, strides, padding, kind)
    np.testing.assert_allclose(array(found), array(expected), rtol=1e-6)


@pytest.mark.parametrize("rematerialize", [False, True])
def test_input_gradients_of_convolutions_differentiate_again(rematerialize):
    """The penalty's gradient by the kernel, against differences of its values."""
    x, kernel = conv_and_kernel()

    def layer(x):
        y = backend.conv(x, ops.convert_to_tensor(kernel), (1, 1), groups=2)
        return [ops.tanh(y)]

    def logits(x):
        y = backend.rematerialized(layer, [x], [kernel]) if rematerialize else layer(x)
        return ops.sum(y[0], axis=(1, 2, 3))

    def penalty():
        y, gradients = backend.input_gradients(logits, x)
        return ops.sum(gradients**2) + ops.sum(y), None

    (_, _), (gradient,) = backend.value_and_grad(penalty, [kernel])
    direction = np.random.default_rng(1).normal(size=kernel.shape).astype("float32")
    before, step, values = array(kernel.value), 2e-3, []
    for sign in (1.0, -1.0):
        kernel.assign(before + sign * step * direction)
        values.append(float(backend.value_and_grad(penalty, [kernel])[0][0]))
    slope = (values[0] - values[1]) / (2.0 * step)
    np.testing.assert_allclose((array(gradient) * direction).sum(), slope, rtol=5e-3)


def test_groups_one_after_the_other_are_the_same():
    """As backends convolve whose own groups are slow, or without gradients."""
    x, kernel = conv_and_kernel()
    results = []
    for conv in (conv_in_groups, backend.conv):

        def value(kernel, conv=conv):
            return ops.sum(ops.tanh(conv(x, kernel, (1, 1), groups=2)))[None]

        kernel_now = ops.convert_to_tensor(kernel)
        results.append(backend.input_gradients(value, kernel_now, of_weights=True))
    (values, gradients), (expected, expected_gradients) = results
    np.testing.assert_allclose(array(values), array(expected), rtol=1e-5)
    np.testing.assert_allclose(
        array(gradients), array(expected_gradients), rtol=1e-4, atol=1e-5
    )


def test_input_gradients_of_kernels():
    x, kernel = conv_and_kernel()

    def value(kernel):
        return ops.sum(backend.conv(x, kernel, (1, 1), groups=2) ** 2)[None]

    def objective():
        return value(ops.convert_to_tensor(kernel))[0], None

    def again():
        # As an unrolled step: what it gives is differentiated by the kernel again.
        kernel_now = ops.convert_to_tensor(kernel)
        _, gradients = backend.input_gradients(value, kernel_now, of_weights=True)
        return ops.sum(gradients * ops.stop_gradient(kernel_now)), None

    _, (expected,) = backend.value_and_grad(objective, [kernel])
    with_scope, (second,) = backend.value_and_grad(again, [kernel])
    # The value is a square form in the kernel: its gradient is linear.
    np.testing.assert_allclose(
        float(with_scope[0]), (array(expected) * array(kernel.value)).sum(), rtol=1e-4
    )
    np.testing.assert_allclose(array(second), array(expected), rtol=1e-3, atol=1e-3)


def test_input_gradients_through_an_independent_function():
    x = ops.ones((2, 2))
    _, gradients = backend.input_gradients(lambda x: ops.sum(0.0 * x), x)
    np.testing.assert_allclose(array(gradients), 0.0)


@pytest.mark.parametrize("pred", [True, False])
def test_cond_runs_one_branch_and_keeps_its_updates(pred):
    w, counter = variable(3.0), keras.Variable(0.0, trainable=False)

    def branch():
        counter.assign_add(1.0)
        _, gradients = backend.input_gradients(lambda x: w * x**2, ops.ones((1,)))
        return ops.sum(gradients**2)

    def loss():
        due = ops.equal(ops.convert_to_tensor(1), 1 if pred else 0)
        return backend.cond(due, branch, lambda: ops.zeros(())), None

    (value, _), (gradient,) = backend.value_and_grad(loss, [w])
    assert float(value) == (36.0 if pred else 0.0)
    assert float(gradient) == (24.0 if pred else 0.0)
    assert float(counter.value) == (1.0 if pred else 0.0)


def test_no_gradients():
    w = variable(2.0)

    def loss():
        with backend.no_gradients():
            constant = ops.stop_gradient(w * w)
        return constant * w, None

    _, (gradient,) = backend.value_and_grad(loss, [w])
    assert float(gradient) == 4.0


def test_compiled_reads_variables_and_changes_none():
    w, counter = variable(2.0), keras.Variable(0.0, trainable=False)

    def branch():
        counter.assign_add(1.0)
        return ops.zeros(())

    def fn(inputs):
        due = ops.greater(ops.sum(inputs["x"]), 0.0)
        backend.cond(due, branch, lambda: ops.zeros(()))
        counter.assign(1.0)
        (value, _), (gradient,) = backend.value_and_grad(
            lambda: (ops.sum(inputs["x"]) * w * w + counter, None), [w]
        )
        return {"value": value, "gradient": gradient}

    run = backend.compiled(fn, [w, counter])
    for expected in (2.0, 3.0):  # it sees what variables hold by then
        w.assign(expected)
        out = run({"x": np.array([1.0, 2.0], "float32")})
        np.testing.assert_allclose(array(out["value"]), 3 * expected**2 + 1)
        np.testing.assert_allclose(array(out["gradient"]), 6 * expected)
        assert float(counter.value) == 0.0


def test_apply_gradients():
    w = variable(2.0)
    optimizer = keras.optimizers.SGD(0.5)
    optimizer.build([w])
    backend.apply_gradients(optimizer, [ops.convert_to_tensor(1.0)], [w])
    assert keras.ops.convert_to_numpy(w.value) == 1.5


def test_move_averages():
    averages = variable([1.0, 2.0]), variable(4.0)
    weights = variable([3.0, -2.0]), variable(0.0)
    with backend.no_gradients():
        backend.move_averages(averages, weights, ops.convert_to_tensor(0.25))
        backend.move_averages([], [], 0.25)
    np.testing.assert_allclose(array(averages[0].value), [1.5, 1.0])
    np.testing.assert_allclose(array(averages[1].value), 3.0)
    np.testing.assert_allclose(array(weights[0].value), [3.0, -2.0])


@pytest.mark.skipif(
    backend.name() != "torch" or platform.libc_ver()[0] != "glibc",
    reason="it is glibc's malloc, and torch that takes its memory from there",
)
def test_steps_do_not_take_their_memory_anew():
    import resource  # not on Windows

    class Model(backend.TrainStep, keras.Model):
        pass

    model = Model()
    model.compile()
    model.make_train_function()

    def pages_of_a_step():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        arrays = [ops.ones((5, 2**20)) for _ in range(3)]  # of 20 MiB
        del arrays
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    pages_of_a_step()
    assert min(pages_of_a_step() for _ in range(5)) < 1000  # of 15,360


def test_replicas_of_no_strategy():
    assert backend.num_replicas() == 1
    assert backend.replica_id() == 0
