"""JAX: the stateful step, run as a pure function; see `scopes`."""

import contextlib
import functools
import inspect
import os

import jax
import jax.numpy as jnp
import keras

from keras_gans.backend import jax_branches
from keras_gans.backend import scopes

_LIBRARY = "xla_cpu_experimental_ynn_fusion_type"  # what XLA leaves to YNNPACK


def value_and_grad(fn, variables):
    """Evaluates `fn` and differentiates its value with respect to `variables`.

    Args:
        fn: Callable without arguments; returns `(value, aux)`, a scalar and any
            structure of tensors.
        variables: List of `keras.Variable`. A variable that the value does not
            depend on gets a gradient of zeros.

    Returns:
        `((value, aux), gradients)`, gradients in the order of `variables`.
    """
    scope, updated = scopes.current_values(), {}

    def pure(values):
        own = {id(v): value for v, value in zip(variables, values, strict=True)}
        (value, aux), new_values = scopes.run(fn, scope | own, updated)
        return value, (aux, new_values)

    values = [variable.value for variable in variables]
    (value, (aux, new_values)), gradients = jax.value_and_grad(pure, has_aux=True)(
        values
    )
    scopes.publish(new_values, updated)
    return (value, aux), gradients


def input_gradients(fn, x, of_weights=False):
    """Evaluates `fn(x)` and differentiates its sum with respect to `x`.

    Args:
        fn: Callable from a tensor to a tensor.
        x: Float tensor.
        of_weights: Of torch alone.

    Returns:
        `(fn(x), gradients)`; the gradients have the shape of `x` and can be
        differentiated again.
    """
    scope, updated = scopes.current_values(), {}

    def pure(x):
        y, new_values = scopes.run(lambda: fn(x), scope, updated)
        return jnp.sum(y), (y, new_values)

    gradients, (y, new_values) = jax.grad(pure, has_aux=True)(jnp.asarray(x))
    scopes.publish(new_values, updated)
    return y, gradients


def with_values(variables, values, fn):
    """Evaluates `fn()` with tensors in place of variables; its updates are dropped."""
    own = {id(v): value for v, value in zip(variables, values, strict=True)}
    with scopes.Scope(scopes.current_values() | own):
        return fn()


def compiled(fn, variables):
    """Compiles a function that reads `variables`; what it assigns is dropped.

    Args:
        fn: Callable from a dict of arrays to a structure of tensors.
        variables: List of all variables that it reads.

    Returns:
        A callable like `fn`, of this process alone.
    """

    def evaluate(values, inputs):
        return with_values(variables, values, lambda: fn(inputs))

    run = jax.jit(evaluate, compiler_options=_compiler_options())
    return lambda inputs: run([_own(variable.value) for variable in variables], inputs)


@functools.cache
def _compiler_options():
    """Options of `jax.jit` that keep convolutions from YNNPACK on CPUs, or None.

    Of large images it takes up to three times as long for them as XLA's own way; it is
    better at products and sums. Where `XLA_FLAGS` has the option, that counts.
    """
    if jax.default_backend() != "cpu" or _LIBRARY in os.environ.get("XLA_FLAGS", ""):
        return None
    options = {_LIBRARY: "LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE"}
    try:
        jax.jit(lambda: 0, compiler_options=options)()
    except (jax.errors.JaxRuntimeError, ValueError):  # another release's XLA
        return None
    return options


@contextlib.contextmanager
def _keras_compiles_with(options):
    """Keras' trainer has no argument for the options of its `jit`."""
    module = inspect.getmodule(keras.Model.make_train_function)
    jit = getattr(module, "jit", None)
    if options is None or jit is not jax.jit:
        yield
        return
    module.jit = functools.partial(jit, compiler_options=options)
    try:
        yield
    finally:
        module.jit = jit


def _own(value):
    """The copy of a value that this process has, of those of all processes."""
    return value if value.is_fully_addressable else value.addressable_data(0)


def cond(pred, true_fn, false_fn):
    """Runs `true_fn` or `false_fn`; both return the same structure of tensors."""
    scope, updated = scopes.current_values(), {}
    # An abstract run tells which variables either branch updates.
    for fn in (true_fn, false_fn):
        jax.eval_shape(lambda fn=fn: scopes.run(fn, scope, updated))
    before = {key: variable.value for key, variable in updated.items()}

    def branch(fn):
        def run():
            with jax_branches.branch():
                output, new_values = scopes.run(fn, scope, updated)
            return output, before | new_values

        return run

    output, new_values = jax.lax.cond(pred, branch(true_fn), branch(false_fn))
    scopes.publish(new_values, updated)
    return output


def rematerialized(fn, tensors, variables):
    """Evaluates `fn(*tensors)`, keeping nothing of it; see `keras_gans.backend`."""
    scope, updated = scopes.current_values(), {}

    @jax.checkpoint
    def pure(*tensors):
        return scopes.run_without_losses(lambda: fn(*tensors), scope, updated)

    outputs, new_values = pure(*tensors)
    scopes.publish(new_values, updated)
    return outputs


def no_gradients():
    """A context without recording. JAX differentiates only what it is told to."""
    return contextlib.nullcontext()


def sum_over_parts(fn, tensors, count):
    """Calls `fn` for parts of a batch one after the other; see `keras_gans.backend`.

    Every `count`-th row makes a part, so that devices have a share of each.
    """
    scope, updated = scopes.current_values(), {}
    parts = [
        jnp.swapaxes(jnp.reshape(x, (-1, count, *x.shape[1:])), 0, 1) for x in tensors
    ]

    def run(values, index, *rows):
        return scopes.run(lambda: fn(index, *rows), scope | values, updated)

    # An abstract run tells which variables are updated, and what the sums are like.
    first = [part[0] for part in parts]
    (sums, _), _ = jax.eval_shape(lambda *rows: run({}, 0, *rows), *first)
    sums = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), sums)
    values = {key: variable.value for key, variable in updated.items()}

    def body(carry, rows):
        sums, values = carry
        (more, shown), new_values = run(values, *rows)
        return (jax.tree.map(jnp.add, sums, more), values | new_values), shown

    (sums, values), shown = jax.lax.scan(
        body, (sums, values), (jnp.arange(count), *parts)
    )
    scopes.publish(values, updated)
    return sums, jax.tree.map(
        lambda x: jnp.reshape(jnp.swapaxes(x, 0, 1), (-1, *x.shape[2:])), shown
    )


def apply_gradients(optimizer, gradients, variables):
    """Applies one update of `optimizer`.

    Without states, as an optimizer that scales the loss branches over updates of its
    variables.
    """
    state = optimizer.variables
    new, new_state = optimizer.stateless_apply(
        [variable.value for variable in state],
        gradients,
        [variable.value for variable in variables],
    )
    for variable, value in zip([*variables, *state], [*new, *new_state], strict=True):
        variable.assign(value)


def apply_gradients_if(active, optimizer, gradients, variables):
    """Applies one update of `optimizer` where the bool `active` is true.

    Else the variables and the optimizer's own stay what they were.
    """
    state = [*variables, *optimizer.variables]
    before = [variable.value for variable in state]
    apply_gradients(optimizer, gradients, variables)
    for variable, old in zip(state, before, strict=True):
        variable.assign(jnp.where(active, variable.value, old))


def move_averages(averages, variables, rate):
    """Average <- average + rate (variable - average), of each."""
    for average, variable in zip(averages, variables, strict=True):
        average.assign(average + rate * (variable - average))


def sync_state(model):
    """Writes the state of a running `fit` into the variables of `model`.

    The loop reads it again before its next step, so a callback may also change it.
    """
    model.jax_state_sync()


def fix_random_states(model):
    """Does nothing: all layers draw from seed states that can be saved."""


def name():
    """Name of the backend, as in `KERAS_BACKEND`."""
    return "jax"


def is_eager():
    """Whether each step calls all layers, unlike a graph that is made once."""
    return False


def options_of_small_steps(steps):
    """Arguments of `compile` for epochs of `steps` steps of milliseconds."""
    return {"steps_per_execution": min(50, steps), "jit_compile": True}


def _stateless(step, groups, values):
    """Runs `step` on `values` of the variables in `groups`; returns logs and values."""
    mapping = {
        id(variable): value
        for group, group_values in zip(groups, values, strict=True)
        for variable, value in zip(group, group_values, strict=True)
    }
    with scopes.Scope(mapping) as scope:
        logs = step()
    state = tuple([scope.state_mapping[id(v)] for v in group] for group in groups)
    return logs, state


def prefers_device_arrays():
    """Whether they save copies: on another device than the CPU."""
    return jax.default_backend() != "cpu"


class DeviceArrays:
    """Arrays that stay on the device while `fit` runs; see `keras_gans.backend`.

    Each batch brings them along beside its rows (`_WithArrays`), as a compiled step
    would have its own copy of anything but its arguments.
    """

    def __init__(self):
        self.free()

    def load(self, arrays):
        """Copies arrays."""
        self.values, self.is_loaded = [jnp.asarray(a) for a in arrays], True
        return True

    def free(self):
        """Lets go of the arrays."""
        self.values, self.is_loaded = [], False

    def rows(self, i, x):
        """Rows of an array, which comes with them."""
        array, rows = x
        return array[rows]


# The parts of a model's state, in the order in which Keras hands them around.
STATE = (
    "trainable_variables",
    "non_trainable_variables",
    "optimizer_variables",
    "metrics_variables",
)


class TrainStep:
    """Turns the stateful steps of a model into the ones that `fit` calls."""

    def make_train_function(self, force=False):
        """Makes the function that `fit` calls."""
        with _keras_compiles_with(_compiler_options()):
            super().make_train_function(force)

    def _get_jax_state(self, purge_model_variables=False, **groups):
        """The state for a step, which is kept until the step is done.

        Keras empties the variables before its first step, and puts the step's state
        back in the end; if that step fails, there is none, and all weights are lost.
        """
        state = super()._get_jax_state(
            purge_model_variables=purge_model_variables, **groups
        )
        if purge_model_variables:
            names = [name for name in STATE if groups.get(name)]
            self._jax_state = dict(zip(names, state, strict=True))
        return state

    def train_step(self, state, data):
        """Runs one alternating step on a batch."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        groups = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )
        return _stateless(lambda: self.alternating_step(x, y), groups, state)

    def test_step(self, state, data):
        """Measures the losses on a batch, with nothing updated but the metrics."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        groups = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.metrics_variables,
        )
        return _stateless(lambda: self.evaluation_step(x, y), groups, state)
