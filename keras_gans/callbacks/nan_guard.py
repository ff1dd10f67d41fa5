"""Training that ends with good weights when a loss is no longer finite."""

import math
import warnings

import keras
import numpy as np

ADVICE = (
    "Try smaller learning rates, clipped gradients (`clipnorm=` of an optimizer), a "
    "penalty such as 'r1', or the dtype policy 'float32'; then call `fit` again."
)


def first_non_finite(logs, names):
    """Returns `(name, value)` of the first log that is NaN or infinite, or None.

    Args:
        logs: Dict, or None.
        names: Of the logs that count, also as `val_...`: the model's own. A metric may
            well be infinite, such as a reverse KL while no sample is good.
    """
    for name, value in (logs or {}).items():
        counts = name.removeprefix("val_") in names
        if counts and isinstance(value, float) and not math.isfinite(value):
            return name, value
    return None


def non_finite_weight(model):
    """Returns the path of a weight with NaN or infinite values, or None."""
    for weight in model.weights:
        if "float" in keras.backend.standardize_dtype(weight.dtype):
            if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
                return weight.path
    return None


class NaNGuard(keras.callbacks.Callback):
    """Stops training when a loss or a weight is NaN, and puts good weights back.

    `GAN.fit` adds it by itself, before all other callbacks. At the end of each epoch
    it copies the state of the model and of its optimizers to the host's memory, once
    it has seen that every loss and every other log of the model's own, and every
    weight, is finite. Otherwise the model gets the copy back, training stops, and a
    `RuntimeWarning` says what was not finite, when, and what to try. Callbacks that
    come later never see bad weights at the end of an epoch.

    Raises:
        ValueError: If the weights are not finite before training.

    Example:

    ```python
    model.fit(data, callbacks=[NaNGuard(), *others])
    ```
    """

    # What runs at the end of a batch, perhaps in another thread, only takes a note.
    async_safe = True

    def on_train_begin(self, logs=None):
        """Forgets an earlier `fit`."""
        self._good_state = None
        self._found = None
        # Once: to ask for the model in each batch has Keras fetch its state on JAX.
        self._names = self.model.log_names()

    def on_epoch_begin(self, epoch, logs=None):
        """Copies the state before the first epoch, after all callbacks have begun."""
        if self._good_state is None:
            name = self._copy_state(f"before epoch {epoch + 1}")
            if name is not None:
                raise ValueError(
                    "Expected: a model with finite weights. Received: NaN or infinite "
                    f"values in {name!r} before training. Make the model again, or "
                    "load good weights."
                )

    def on_train_batch_begin(self, batch, logs=None):
        """Ends the epoch after this batch, if an earlier one was bad."""
        if self._found is not None:
            self.model.stop_training = True

    def on_train_batch_end(self, batch, logs=None):
        """Takes a note of the first log that is not finite."""
        found = first_non_finite(logs, self._names)
        if found is not None and self._found is None:
            self._found = (*found, batch + 1)

    def on_epoch_end(self, epoch, logs=None):
        """Copies a good state, or puts the last one back and stops training."""
        where = f"in epoch {epoch + 1}"
        if self._found is not None:
            name, value, batch = self._found
            reason = f"`{name}` was {value} {where}, batch {batch}"
        elif (found := first_non_finite(logs, self._names)) is not None:
            reason = f"`{found[0]}` was {found[1]} {where}"
        elif (name := self._copy_state(f"after epoch {epoch + 1}")) is not None:
            reason = f"weight {name!r} had NaN or infinite values {where}"
        else:
            return
        self._found = None
        arrays, moment = self._good_state
        for variable, array in zip(self._variables(), arrays, strict=True):
            variable.assign(array)
        self.model.stop_training = True
        object.__setattr__(self.model, "weights_were_put_back", True)
        warnings.warn(
            f"Training stopped: {reason}. The model and its optimizers are as they "
            f"were {moment}. {ADVICE}",
            RuntimeWarning,
            stacklevel=2,
        )

    def on_train_end(self, logs=None):
        """Frees the copy."""
        self._good_state = None

    def _variables(self):
        # In an order that does not change where a callback freezes layers.
        optimizer = self.model.optimizer
        return [
            *self.model.variables,  # random states among them
            *(optimizer.variables if optimizer is not None else []),
        ]

    def _copy_state(self, moment):
        """Copies all state if the weights are finite; else returns a bad one's path."""
        name = non_finite_weight(self.model)
        if name is not None:
            return name
        variables = self._variables()
        values = (keras.ops.convert_to_numpy(variable) for variable in variables)
        if self._good_state is None:  # NumPy arrays of tensors may share their memory
            arrays = [np.array(value) for value in values]
        else:  # written over, as memory would hold two copies otherwise
            arrays, _ = self._good_state
            for array, value in zip(arrays, values, strict=True):
                array[...] = value
        self._good_state = (arrays, moment)
        return None
