"""torch: `torch.autograd`, eager execution, and processes that `torchrun` starts."""

import contextlib
import datetime
import os

import keras
import torch
import torch.distributed


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


def input_gradients(fn, x):
    """Evaluates `fn(x)` and differentiates its sum with respect to `x`.

    Args:
        fn: Callable from a tensor to a tensor.
        x: Float tensor.

    Returns:
        `(fn(x), gradients)`; the gradients have the shape of `x` and can be
        differentiated again.
    """
    recording = torch.is_grad_enabled()
    x = keras.ops.convert_to_tensor(x)
    with torch.enable_grad():
        if not x.requires_grad:
            x = x.detach().requires_grad_(True)
        y = fn(x)
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
        if num_replicas() > 1:
            _for_all(torch.distributed.all_reduce, gradients)
        optimizer.apply(gradients, variables)


def apply_gradients_if(active, optimizer, gradients, variables):
    """Applies one update of `optimizer` where the bool `active` is true.

    Else the variables and the optimizer's own stay what they were.
    """
    if bool(active):
        apply_gradients(optimizer, gradients, variables)


def move_average(average, variable, rate):
    """Average <- average + rate (variable - average)."""
    old = average.value
    rate = torch.as_tensor(rate, dtype=old.dtype, device=old.device)
    average.assign(torch.lerp(old, variable.value, rate))


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


def options_of_small_steps(steps):
    """Arguments of `compile` for epochs of `steps` steps of milliseconds."""
    return {"steps_per_execution": 1, "jit_compile": False}


# Whether a step runs: outside of it, processes do not wait for one another.
_in_step = False


@contextlib.contextmanager
def _step_of_replicas():
    global _in_step
    _in_step = True
    try:
        yield
    finally:
        _in_step = False


def num_replicas():
    """Number of replicas over which gradients are summed: processes, in a step."""
    return process_count() if _in_step else 1


def replica_id():
    """Index of the replica that runs this code."""
    return process_index() if _in_step else 0


class _Sum(torch.autograd.Function):
    """Sum over processes; its gradient is the sum of theirs, any number of times."""

    @staticmethod
    def forward(context, x):
        x = x.clone()
        torch.distributed.all_reduce(x)
        return x

    @staticmethod
    def backward(context, gradient):
        return _Sum.apply(gradient)


def mean_over_replicas(x):
    """Mean of a tensor over replicas; gradients flow to all of them."""
    return x if num_replicas() == 1 else _Sum.apply(x.contiguous()) / num_replicas()


def rows_of_replicas(x):
    """Rows `(n * B, ...)` of all replicas, in their order, without gradients."""
    if num_replicas() == 1:
        return x
    parts = [torch.empty_like(x) for _ in range(num_replicas())]
    torch.distributed.all_gather(parts, x.detach().contiguous())
    return torch.cat(parts)


def mean_logs(values):
    """Means over replicas of a list of scalars."""
    if num_replicas() == 1:
        return values
    device = keras.ops.convert_to_tensor(0.0).device
    values = torch.stack(
        [torch.as_tensor(v, dtype=torch.float32, device=device) for v in values]
    )
    return list(mean_over_replicas(values))


def _for_all(collective, tensors):
    """Runs a collective on tensors in place, as one large one of each dtype."""
    groups = {}
    for tensor in tensors:
        groups.setdefault((tensor.dtype, tensor.device), []).append(tensor)
    for group in groups.values():
        flat = torch.cat([tensor.reshape(-1) for tensor in group])
        collective(flat)
        sizes = [tensor.numel() for tensor in group]
        for tensor, part in zip(group, flat.split(sizes), strict=True):
            tensor.copy_(part.view(tensor.shape))


def initialize_processes(timeout):
    """Joins the processes of `torchrun`, if it started this one.

    Args:
        timeout: Float, seconds after which a process that waits for others gives up.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ or torch.distributed.is_initialized():
        return
    device = keras.ops.convert_to_tensor(0.0).device
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    torch.distributed.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        timeout=datetime.timedelta(seconds=timeout),
    )


def data_parallel_scope():
    """A context to make a model in that all devices are to train."""
    return contextlib.nullcontext()


def alone():
    """A context in which new variables are of this process alone."""
    return contextlib.nullcontext()


def process_count():
    """Number of processes that train together."""
    joined = torch.distributed.is_available() and torch.distributed.is_initialized()
    return torch.distributed.get_world_size() if joined else 1


def process_index():
    """Index of this one among them."""
    return torch.distributed.get_rank() if process_count() > 1 else 0


def order_of_rows(model, slices):
    """How a step wants the rows of a batch: arguments of `rows_of_part`."""
    return slices, process_count(), process_index()


def of_all_processes(model, value):
    """Lists what each process has for a JSON value."""
    if process_count() == 1:
        return [value]
    values = [None] * process_count()
    torch.distributed.all_gather_object(values, value)
    return values


def share_state(variables):
    """Gives all processes the first one's values of variables."""
    if process_count() > 1:
        with torch.no_grad():
            values = [variable.value.data for variable in variables]
            _for_all(lambda flat: torch.distributed.broadcast(flat, 0), values)


def check_scope(model):
    """Does nothing: there is no scope that a model would have to be made in."""


def replicas_of(model):
    """Number of replicas that a `fit` of `model` has."""
    return process_count()


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
        with _step_of_replicas():
            return self.alternating_step(x, y)

    def test_step(self, data):
        """Measures the losses on a batch, with nothing updated but the metrics."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self.evaluation_step(x, y)
