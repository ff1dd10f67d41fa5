"""Data that stay on the device while `fit` runs, so that no batch is copied there."""

from keras_gans import backend
from keras_gans import distribution
from keras_gans.batches import ArrayBatches
from keras_gans.batches import are_lazy

MOST_BYTES = 2**31  # that stay there without being asked for


def are_kept(model, data, wanted):
    """Whether the data of a `fit` are to stay on the device.

    Args:
        model: The model.
        data: `ArrayBatches` or a stream.
        wanted: Bool or "auto", see `fit`.

    Returns:
        Bool.

    Raises:
        ValueError: If `wanted` is something else, or they cannot.
    """
    if wanted not in (True, False, "auto"):
        raise ValueError(
            'Expected: `keep_on_device` as True, False or "auto". Received: '
            f"{wanted!r}."
        )
    devices, processes = backend.replicas_of(model), distribution.process_count()
    are_arrays = isinstance(data, ArrayBatches) and not are_lazy(data.arrays)
    can = are_arrays and devices * processes == 1
    if wanted is True and not can:
        raise ValueError(
            "Expected: with `keep_on_device=True` arrays, and one device in one "
            f"process. Received: {type(getattr(data, 'arrays', [data])[0])} for "
            f"{devices} devices in {processes} processes."
        )
    if wanted == "auto" and can:
        size = sum(array.nbytes for array in data.arrays)
        return backend.prefers_device_arrays() and size <= MOST_BYTES
    return bool(wanted and can)


def load(model, batches):
    """Copies the arrays of `ArrayBatches`, which from now on give rows of them."""
    batches.gives_rows = True
    if model.device_arrays is None:  # not tracked by Keras: not to be saved
        object.__setattr__(model, "device_arrays", backend.DeviceArrays())
    if not model.device_arrays.load(batches.arrays):
        model.train_function = None
