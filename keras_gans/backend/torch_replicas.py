"""torch: processes that `torchrun` starts."""

import atexit
import contextlib
import datetime
import os

import keras
import torch
import torch.distributed

# What `torchrun` and other launchers tell a process.
LAUNCHED = {"MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK"}
# Whether a step runs: outside of it, processes do not wait for one another.
_in_step = False


@contextlib.contextmanager
def step_of_replicas():
    """A context in which processes wait for one another."""
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


def for_all(collective, tensors):
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
    """Joins the processes of `torchrun` and its like, if one started this process.

    Args:
        timeout: Float, seconds after which a process that waits for others gives up.
    """
    if not LAUNCHED.issubset(os.environ) or torch.distributed.is_initialized():
        return
    device = keras.ops.convert_to_tensor(0.0).device
    if device.type == "cuda":
        index = int(os.environ.get("LOCAL_RANK", os.environ["RANK"]))
        torch.cuda.set_device(index % torch.cuda.device_count())
    torch.distributed.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        timeout=datetime.timedelta(seconds=timeout),
    )
    atexit.register(_leave_processes)


def _leave_processes():
    """Ends the threads that wait for others: with them, Python may abort as it ends."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def data_parallel_scope(timeout):
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


def input_of_keras(model, data, in_parts=False):
    """What Keras' `fit` and `evaluate` take in place of data: the same."""
    return data


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
            for_all(lambda flat: torch.distributed.broadcast(flat, 0), values)


def check_scope(model):
    """Does nothing: there is no scope that a model would have to be made in."""


def scope_of(model):
    """Does nothing: each process has its variables."""
    return contextlib.nullcontext()


def is_on_replicas_of(model, variable):
    """True: each process has its variables."""
    return True


def replicas_of(model):
    """Number of replicas that a `fit` of `model` has."""
    return process_count()
