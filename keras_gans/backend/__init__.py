"""The only place that imports TensorFlow, JAX or torch, or asks which one runs.

`tensorflow.py`, `jax.py` and `torch.py` define the same names:

* `value_and_grad(fn, variables)`: value, auxiliary output and gradients of a function
  with respect to Keras variables.
* `input_gradients(fn, x, of_weights=False)`: gradients with respect to a tensor,
  themselves differentiable, for gradient penalties; `of_weights` says that kernels of
  convolutions depend on the tensor.
* `cond(pred, true_fn, false_fn)`: runs one branch only; branches may update variables.
* `rematerialized(fn, tensors, variables)`: `fn(*tensors)`, a list of tensors, of which
  nothing is kept to be differentiated; it runs again then. `variables` are all that it
  reads or updates; each is updated once.
* `no_gradients()`: a context in which nothing is recorded for differentiation.
* `with_values(variables, values, fn)`: `fn()` with tensors in place of variables.
* `compiled(fn, variables)`: `fn`, compiled, which reads variables and changes none.
* `sum_over_parts(fn, tensors, count)`: calls `fn(i, *rows)` for `count` parts of a
  batch one after the other, each of every `count`-th row of `tensors` from the i-th on;
  it returns tensors to sum, and tensors `(B / count, ...)` to put together again.
* `apply_gradients(optimizer, gradients, variables)`: one optimizer update.
* `apply_gradients_if(active, optimizer, gradients, variables)`: one optimizer update,
  or none at all.
* `move_averages(averages, variables, rate)`: one update of moving averages.
* `DeviceArrays`: arrays that stay on the device while `fit` runs, of which a batch
  gives the rows. `load(arrays)` copies them there, and returns whether compiled steps
  can be kept; `free()` lets go of them; `rows(i, x)` are a batch's of the i-th.
* `prefers_device_arrays()`: whether they save copies: on another device than the CPU.
* `TrainStep`: the mixin that turns `alternating_step` and `evaluation_step`, written
  once in the stateful style, into the `train_step` and `test_step` of the backend.
* `sync_state(model)`: makes the variables of a running `fit` readable and writable.
* `fix_random_states(model)`: makes all random numbers come from states that are saved.
* `options_of_small_steps(steps)`: arguments of `compile` that train tiny networks fast.
* `is_eager()`: whether each step calls all layers, so that what Keras does between them
  takes time. Elsewhere a graph of the step is made once.
* `name()`: of the backend, for records of what was measured.

`tensorflow_ops.py`, `jax_ops.py` and `torch_ops.py` likewise, for layers:

* `conv(inputs, kernel, strides, groups=1, padding="same", bias=None)` and
  `conv_transpose(inputs, kernel, strides, bias=None, padding="same")`: 2D, images
  `(B, H, W, C)`, kernels as in Keras, no side k of them below its stride s. Padding
  "same" must be symmetric: k - s is even, and H and W of the larger image are multiples
  of the stride. `conv` takes "valid" only without groups.
* `upfirdn(x, taps, up, down, padding)`: as of `keras_gans.layers.resampling`, of images
  whose sides are known.
* `pool(inputs, size, strides, padding, kind)`: of images `(B, H, W, C)`; `kind` is
  "max" or "average". With padding "same", which takes no part, `size` is odd and
  `strides` is 1.
* `pack_kernel(kernel)`: puts the variable into the memory order they are fastest with.
* `pack_states(states, variables)`: likewise for an optimizer's states of the variables.
* `batch_norm(inputs, gamma, beta, epsilon)`: `(outputs, mean, variance)`, normalized
  over all axes but the last; gamma and beta may be None. No gradients flow to the
  statistics that are returned.

`tensorflow_replicas.py`, `jax_replicas.py` and `torch_replicas.py`, to train on several
devices:

* `num_replicas()`, `replica_id()`: of the data-parallel strategy in force.
* `mean_over_replicas(x)`: of a tensor that each replica has its own of; gradients flow
  to all of them. On TensorFlow not inside `cond`.
* `rows_of_replicas(x)`: the rows of all replicas, one after the other; no gradients.
* `mean_logs(values)`: scalars, as the metrics behind the logs are to take them.
* `scope_of(model)`: a context whose variables are on all replicas of a model, and
  `is_on_replicas_of(model, variable)`: whether one is.
* `replicas_of(model)`: number of replicas of a `fit`; `check_scope(model)` raises if it
  was made too early to have them.
* `data_parallel_scope(timeout)`: a context to make a model in that all devices are to
  train; processes wait for one another for so many seconds.
* `alone()`: a context in which new variables are of this process alone.
* `initialize_processes(timeout)`, `process_count()`, `process_index()`: of processes
  that train together.
* `order_of_rows(model, slices)`: which rows of each batch `fit` is to be given, and in
  which order; arguments of `rows_of_part`.
* `input_of_keras(model, data, in_parts)`: what Keras' `fit` and `evaluate` take in
  place of a `PyDataset`, so that nothing waits as an epoch ends, and that a process
  reads no more than its part of batches `in_parts` of the replicas.
* `of_all_processes(model, value)`: what each of them has for a JSON value.
* `share_state(variables)`: gives all of them the values of the first.
"""

import keras

_NAMES = ("tensorflow", "jax", "torch")
_name = keras.config.backend()

if _name == "tensorflow":
    from keras_gans.backend import tensorflow as _backend
    from keras_gans.backend import tensorflow_ops as _ops
    from keras_gans.backend import tensorflow_replicas as _replicas
elif _name == "jax":
    from keras_gans.backend import jax as _backend
    from keras_gans.backend import jax_ops as _ops
    from keras_gans.backend import jax_replicas as _replicas
elif _name == "torch":
    from keras_gans.backend import torch as _backend
    from keras_gans.backend import torch_ops as _ops
    from keras_gans.backend import torch_replicas as _replicas
else:
    raise ImportError(
        f"keras_gans trains on the Keras backends {', '.join(_NAMES)}. "
        f"Received: {_name!r}. Set the environment variable KERAS_BACKEND to one of "
        "them before Keras is imported."
    )

DeviceArrays = _backend.DeviceArrays
TrainStep = _backend.TrainStep
apply_gradients = _backend.apply_gradients
apply_gradients_if = _backend.apply_gradients_if
compiled = _backend.compiled
cond = _backend.cond
fix_random_states = _backend.fix_random_states
prefers_device_arrays = _backend.prefers_device_arrays
input_gradients = _backend.input_gradients
is_eager = _backend.is_eager
move_averages = _backend.move_averages
name = _backend.name
no_gradients = _backend.no_gradients
options_of_small_steps = _backend.options_of_small_steps
rematerialized = _backend.rematerialized
sum_over_parts = _backend.sum_over_parts
sync_state = _backend.sync_state
value_and_grad = _backend.value_and_grad
with_values = _backend.with_values

alone = _replicas.alone
check_scope = _replicas.check_scope
scope_of = _replicas.scope_of
is_on_replicas_of = _replicas.is_on_replicas_of
data_parallel_scope = _replicas.data_parallel_scope
initialize_processes = _replicas.initialize_processes
input_of_keras = _replicas.input_of_keras
mean_logs = _replicas.mean_logs
mean_over_replicas = _replicas.mean_over_replicas
num_replicas = _replicas.num_replicas
of_all_processes = _replicas.of_all_processes
order_of_rows = _replicas.order_of_rows
process_count = _replicas.process_count
process_index = _replicas.process_index
replica_id = _replicas.replica_id
replicas_of = _replicas.replicas_of
rows_of_replicas = _replicas.rows_of_replicas
share_state = _replicas.share_state

batch_norm = _ops.batch_norm
conv = _ops.conv
conv_transpose = _ops.conv_transpose
pack_kernel = _ops.pack_kernel
pack_states = _ops.pack_states
pool = _ops.pool
upfirdn = _ops.upfirdn

__all__ = [
    "DeviceArrays",
    "TrainStep",
    "alone",
    "apply_gradients",
    "apply_gradients_if",
    "batch_norm",
    "check_scope",
    "is_on_replicas_of",
    "scope_of",
    "compiled",
    "cond",
    "conv",
    "conv_transpose",
    "data_parallel_scope",
    "fix_random_states",
    "prefers_device_arrays",
    "initialize_processes",
    "input_gradients",
    "input_of_keras",
    "is_eager",
    "mean_logs",
    "mean_over_replicas",
    "move_averages",
    "name",
    "no_gradients",
    "num_replicas",
    "of_all_processes",
    "options_of_small_steps",
    "order_of_rows",
    "pack_kernel",
    "pack_states",
    "pool",
    "process_count",
    "process_index",
    "replica_id",
    "rematerialized",
    "replicas_of",
    "rows_of_replicas",
    "share_state",
    "sum_over_parts",
    "sync_state",
    "upfirdn",
    "value_and_grad",
    "with_values",
]
