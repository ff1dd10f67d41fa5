"""TensorFlow: gradient tapes and `tf.cond`."""

import contextlib

import keras
import tensorflow as tf
from keras.src.backend.common.stateless_scope import get_stateless_scope
from keras.src.backend.common.stateless_scope import in_stateless_scope

from keras_gans.backend import scopes
from keras_gans.backend.tensorflow_replicas import num_replicas


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
    values = [variable.value for variable in variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        for value in values:
            tape.watch(value)
        value, aux = fn()
    gradients = tape.gradient(
        value, values, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
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
    x = tf.convert_to_tensor(x)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        y = fn(x)
    gradients = tape.gradient(y, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return y, gradients


def with_values(variables, values, fn):
    """Evaluates `fn()` with tensors in place of variables; its updates are dropped."""
    with keras.StatelessScope(state_mapping=zip(variables, values, strict=True)):
        return fn()


def compiled(fn, variables):
    """Compiles a function that reads `variables`; what it assigns is dropped.

    Args:
        fn: Callable from a dict of arrays to a structure of tensors.
        variables: List of all variables that it reads.

    Returns:
        A callable like `fn`.
    """

    def stateless(inputs):
        return with_values([], [], lambda: fn(inputs))

    @tf.function(reduce_retracing=True)
    def run(inputs):
        if not tf.distribute.in_cross_replica_context():
            return stateless(inputs)
        # Within a strategy's scope variables can be differentiated by replicas alone.
        strategy = tf.distribute.get_strategy()
        outputs = strategy.run(stateless, (inputs,))
        return tf.nest.map_structure(
            lambda output: strategy.experimental_local_results(output)[0], outputs
        )

    return run


def cond(pred, true_fn, false_fn):
    """Runs `true_fn` or `false_fn`; both return the same structure of tensors."""
    if in_stateless_scope():  # tensors that a branch assigns must not leave it
        values = get_stateless_scope().state_mapping
        true_fn, false_fn = (_dropping_updates(f, values) for f in (true_fn, false_fn))
    return tf.cond(tf.convert_to_tensor(pred), true_fn, false_fn)


def _dropping_updates(fn, values):
    def run():
        with keras.StatelessScope() as scope:
            scope.state_mapping.update(values)
            return fn()

    return run


def rematerialized(fn, tensors, variables):
    """Evaluates `fn(*tensors)`, keeping nothing of it; see `keras_gans.backend`."""
    updated, new_values = {}, {}
    # Gradients flow to arguments alone; state has to be again what it was.
    values = [tf.convert_to_tensor(value) for value in scopes.values_of(variables)]
    others = scopes.current_values()

    def pure(*arguments):
        own = zip(variables, arguments[len(tensors) :], strict=True)
        given = others | {id(variable): value for variable, value in own}
        inner = arguments[: len(tensors)]
        outputs, found = scopes.run_without_losses(lambda: fn(*inner), given, updated)
        for key, value in found.items():  # of the first time
            new_values.setdefault(key, tf.stop_gradient(value))
        return outputs

    @tf.custom_gradient
    def run(*arguments):
        def gradients(*upstream):
            again = _after(upstream[0], arguments)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(again)
                outputs = pure(*again)
            return tape.gradient(outputs, again, output_gradients=list(upstream))

        return pure(*arguments), gradients

    outputs = run(*tensors, *values)
    scopes.publish(new_values, updated)
    return outputs


def _after(upstream, tensors):
    """Copies of float tensors that cannot be computed before `upstream` is.

    XLA does not heed control dependencies, and both it and TensorFlow would take what
    was computed from the tensors before for what is computed from mere copies.
    """
    first = tf.reshape(upstream, [-1])[:1]
    nothing = tf.reduce_sum(tf.where(first == first, 0.0, float("nan")))
    return [
        x + tf.cast(nothing, x.dtype) if x.dtype.is_floating else tf.identity(x)
        for x in tensors
    ]


def no_gradients():
    """A context without recording. Tapes here record only what they were told to."""
    return contextlib.nullcontext()


def sum_over_parts(fn, tensors, count):
    """Calls `fn` for parts of a batch one after the other; see `keras_gans.backend`.

    Not in a loop of the graph, in which replicas could not wait for one another.
    """
    sums, shown = None, []
    for i in range(count):
        with tf.control_dependencies(tf.nest.flatten(sums) if i else []):
            more, rows = fn(i, *[x[i::count] for x in tensors])
            sums = tf.nest.map_structure(tf.add, sums, more) if i else more
        shown.append(rows)

    def together(*rows):
        x = tf.stack(rows, axis=1)
        return tf.reshape(x, (-1, *x.shape[2:]))

    return sums, tf.nest.map_structure(together, *shown)


def apply_gradients(optimizer, gradients, variables):
    """Applies one update of `optimizer`; gradients are summed over replicas."""
    optimizer.apply(gradients, variables)


def apply_gradients_if(active, optimizer, gradients, variables):
    """Applies one update of `optimizer` where the bool `active` is true.

    Else the variables and the optimizer's own stay what they were.
    """
    state = [v.value for v in [*variables, *optimizer.variables]]
    before = [tf.identity(value) for value in state]
    optimizer.apply(gradients, variables)

    def hold(value, old, active):
        value.assign(tf.where(active, value, old))

    def hold_all(strategy, olds, active):
        # As optimizers do, since their variables refuse to be assigned per replica.
        for value, old in zip(state, olds, strict=True):
            strategy.extended.update(value, hold, args=(old, active))

    context = tf.distribute.get_replica_context()
    context.merge_call(hold_all, args=(before, active))


def move_averages(averages, variables, rate):
    """Average <- average + rate (variable - average), of each."""
    for average, variable in zip(averages, variables, strict=True):
        average.assign(average + rate * (variable - average))


def sync_state(model):
    """Does nothing: variables hold the state of a running `fit`."""


def fix_random_states(model):
    """Does nothing: all layers draw from seed states that can be saved."""


def name():
    """Name of the backend, as in `KERAS_BACKEND`."""
    return "tensorflow"


def is_eager():
    """Whether each step calls all layers, unlike a graph that is made once."""
    return False


def options_of_small_steps(steps):
    """Arguments of `compile` for epochs of `steps` steps of milliseconds."""
    return {"steps_per_execution": min(50, steps), "jit_compile": False}


def prefers_device_arrays():
    """Whether they save copies: they are the host's, as GPUs have no rows of uint8."""
    return False


class DeviceArrays:
    """Arrays that stay on the device while `fit` runs; see `keras_gans.backend`.

    Variables of the host, as a graph would have its own copy of anything else.
    """

    def __init__(self):
        self.variables, self.is_loaded = [], False

    def load(self, arrays):
        """Copies arrays; the graph is good for others of the same kind."""
        kinds = [(array.dtype, array.shape[1:]) for array in arrays]
        is_kept = kinds == [
            (v.dtype.as_numpy_dtype, v.shape[1:]) for v in self.variables
        ]
        if is_kept:
            for variable, array in zip(self.variables, arrays, strict=True):
                variable.assign(array)
        else:
            with tf.device("CPU"):
                self.variables = [
                    tf.Variable(array, trainable=False, shape=(None, *array.shape[1:]))
                    for array in arrays
                ]
        self.is_loaded = True
        return is_kept

    def free(self):
        """Lets go of the arrays."""
        for variable in self.variables:
            shape = (0, *variable.shape[1:])
            variable.assign(tf.zeros(shape, variable.dtype))
        self.is_loaded = False

    def rows(self, i, x):
        """Rows `x` of the i-th array."""
        with tf.device("CPU"):
            return tf.gather(self.variables[i], x)


class TrainStep:
    """Turns the stateful steps of a model into the ones that `fit` calls."""

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: models are built when they are made.

        Keras' own takes the mean of a batch over replicas, at which
        `MultiWorkerMirroredStrategy` fails for a tuple.
        """

    def make_train_function(self, force=False):
        """Traces the step anew where batches have another size than it was made for."""
        size = getattr(self, "fit_batch_size", None)
        force = force or size != getattr(self, "_traced_size", size)
        self._traced_size = size
        return super().make_train_function(force)

    def train_step(self, data):
        """Runs one alternating step on a batch."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        x, y = (self._of_known_size(tensor) for tensor in (x, y))
        return self._of_replica(self.alternating_step(x, y))

    def test_step(self, data):
        """Measures the losses on a batch, with nothing updated but the metrics."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self._of_replica(self.evaluation_step(x, y))

    def _of_known_size(self, x):
        """A batch whose size the graph knows: XLA cannot differentiate `cond` else."""
        size = getattr(self, "fit_batch_size", None)  # where a model knows
        if size is None or x is None:
            return x
        return tf.ensure_shape(x, (size // num_replicas(), *x.shape[1:]))

    def _of_replica(self, logs):
        """Logs for Keras, which of several workers takes the mean over an axis."""
        if not isinstance(
            self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy
        ):
            return logs
        return {name: tf.reshape(value, (1,)) for name, value in logs.items()}
