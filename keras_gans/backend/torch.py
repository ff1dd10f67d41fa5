"""torch: `torch.autograd` and eager execution."""

import keras
import numpy as np
import torch
import torch.distributed
import torch.utils.checkpoint
from keras.src.backend.torch.core import get_device

from keras_gans.backend import scopes
from keras_gans.backend import torch_convolution
from keras_gans.backend import torch_replicas as replicas


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
    with torch.enable_grad():
        value, aux = fn()
        if values and value.requires_grad:
            gradients = torch.autograd.grad(
                value, values, allow_unused=True, materialize_grads=True
            )
        else:  # depends on none of them, nor on any other parameter
            gradients = [torch.zeros_like(v) for v in values]
    aux = keras.tree.map_structure(
        lambda t: t.detach() if torch.is_tensor(t) else t, aux
    )
    return (value.detach(), aux), list(gradients)


def input_gradients(fn, x, of_weights=False):
    """Evaluates `fn(x)` and differentiates its sum with respect to `x`.

    Args:
        fn: Callable from a tensor to a tensor.
        x: Float tensor.
        of_weights: Bool, whether kernels of convolutions depend on `x`.

    Returns:
        `(fn(x), gradients)`; the gradients have the shape of `x` and can be
        differentiated again.
    """
    recording = torch.is_grad_enabled()
    x = keras.ops.convert_to_tensor(x)
    with torch.enable_grad():
        if not x.requires_grad:
            x = x.detach().requires_grad_(True)
        with torch_convolution.differentiated(recording and not of_weights):
            y = fn(x)
        with torch_convolution.of_inputs_alone(not of_weights):
            (gradients,) = torch.autograd.grad(
                y.sum(), x, create_graph=recording, materialize_grads=True
            )
    return (y, gradients) if recording else (y.detach(), gradients)


def with_values(variables, values, fn):
    """Evaluates `fn()` with tensors in place of variables; its updates are dropped."""
    with keras.StatelessScope(state_mapping=zip(variables, values, strict=True)):
        return fn()


def compiled(fn, variables):
    """Makes a function that reads `variables`; what it assigns is dropped.

    Args:
        fn: Callable from a dict of arrays to a structure of tensors.
        variables: List of all variables that it reads.

    Returns:
        A callable like `fn`, which is not compiled on this backend.
    """

    def run(inputs):
        inputs = keras.tree.map_structure(keras.ops.convert_to_tensor, inputs)
        return with_values([], [], lambda: fn(inputs))

    return run


def cond(pred, true_fn, false_fn):
    """Runs `true_fn` or `false_fn`; both return the same structure of tensors."""
    return true_fn() if bool(pred) else false_fn()


def rematerialized(fn, tensors, variables):
    """Evaluates `fn(*tensors)`, keeping nothing of it; see `keras_gans.backend`."""
    values, updated, new_values = scopes.current_values(), {}, {}
    for variable, value in zip(variables, scopes.values_of(variables), strict=True):
        # State is assigned in place, and has to be again what it was.
        values[id(variable)] = value if variable.trainable else value.detach().clone()

    def pure(*tensors):
        with torch_convolution.differentiated(False):  # as when it runs again
            outputs, found = scopes.run_without_losses(
                lambda: fn(*tensors), values, updated
            )
        for key, value in found.items():  # of the first time
            new_values.setdefault(key, value.detach())
        return outputs

    outputs = torch.utils.checkpoint.checkpoint(
        pure, *tensors, use_reentrant=False, preserve_rng_state=False
    )
    scopes.publish(new_values, updated)
    return outputs


def no_gradients():
    """A context without recording."""
    return torch.no_grad()


def sum_over_parts(fn, tensors, count):
    """Calls `fn` for parts of a batch one after the other; see `keras_gans.backend`."""
    sums, shown = None, []
    for i in range(count):
        more, rows = fn(i, *[x[i::count] for x in tensors])
        sums = more if i == 0 else keras.tree.map_structure(torch.add, sums, more)
        shown.append(rows)
    return sums, keras.tree.map_structure(
        lambda *rows: torch.stack(rows, dim=1).flatten(0, 1), *shown
    )


def apply_gradients(optimizer, gradients, variables):
    """Applies one update of `optimizer`; gradients are summed over replicas."""
    with torch.no_grad():
        if replicas.num_replicas() > 1:
            replicas.for_all(torch.distributed.all_reduce, gradients)
        optimizer.apply(gradients, variables)


def apply_gradients_if(active, optimizer, gradients, variables):
    """Applies one update of `optimizer` where the bool `active` is true.

    Else the variables and the optimizer's own stay what they were.
    """
    if bool(active):
        apply_gradients(optimizer, gradients, variables)


def move_averages(averages, variables, rate):
    """Average <- average + rate (variable - average), of each."""
    if not averages:
        return
    values = [average.value for average in averages]
    with torch.no_grad():
        steps = torch._foreach_sub([variable.value for variable in variables], values)
        rate = torch.as_tensor(rate, dtype=values[0].dtype, device=values[0].device)
        torch._foreach_mul_(steps, rate)
        torch._foreach_add_(values, steps)


def sync_state(model):
    """Does nothing: variables hold the state of a running `fit`."""


def fix_random_states(model):
    """Makes all layers of `model` draw from seed states that can be saved.

    Keras' dropout, made without a seed, draws from torch's global generator instead.
    """
    for layer in model._flatten_layers():
        for generator in layer._seed_generators:
            if generator._initial_seed is None:
                generator._initial_seed = int(generator.state.value[0])


def name():
    """Name of the backend, as in `KERAS_BACKEND`."""
    return "torch"


def is_eager():
    """Whether each step calls all layers, unlike a graph that is made once."""
    return True


def options_of_small_steps(steps):
    """Arguments of `compile` for epochs of `steps` steps of milliseconds."""
    return {"steps_per_execution": 1, "jit_compile": False}


def prefers_device_arrays():
    """Whether they save copies: on another device than the CPU."""
    return get_device() != "cpu"


class DeviceArrays:
    """Arrays that stay on the device while `fit` runs; see `keras_gans.backend`."""

    def __init__(self):
        self.free()

    def load(self, arrays):
        """Copies arrays."""
        device = get_device()
        self.values = [
            torch.tensor(np.ascontiguousarray(array), device=device) for array in arrays
        ]
        self.is_loaded = True
        return True

    def free(self):
        """Lets go of the arrays."""
        self.values, self.is_loaded = [], False

    def rows(self, i, x):
        """Rows `x` of the i-th array."""
        return self.values[i][x]


class TrainStep:
    """Turns the stateful steps of a model into the ones that `fit` calls."""

    def make_train_function(self, force=False):
        """Makes the function that `fit` calls, and the allocator ready for it.

        glibc's `malloc` gives free memory back to the system where it exceeds twice
        the largest block that was ever mapped and freed. A step that frees more takes
        thousands of pages anew, on one thread. So a block of nearly 32 MiB, the largest
        that counts, is mapped, not touched, and freed.
        """
        torch.empty(2**25 - 2**16, dtype=torch.uint8, device="cpu")
        return super().make_train_function(force)

    def train_step(self, data):
        """Runs one alternating step on a batch."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        with replicas.step_of_replicas():
            return self.alternating_step(x, y)

    def test_step(self, data):
        """Measures the losses on a batch, with nothing updated but the metrics."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self.evaluation_step(x, y)
