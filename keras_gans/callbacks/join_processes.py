"""What `fit` does where several processes train together."""

import keras

from keras_gans import backend
from keras_gans import distribution

_KERAS_WRITERS = (
    keras.callbacks.CSVLogger,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.TensorBoard,
)


def only_writes(callback):
    """Whether a callback does nothing for training but show it or write files."""
    return getattr(callback, "only_writes", isinstance(callback, _KERAS_WRITERS))


def check_callbacks(callbacks):
    """Raises if one would not do in several processes that train together."""
    for callback in callbacks:
        if type(callback) is keras.callbacks.BackupAndRestore:
            raise ValueError(
                "Expected: keras_gans.callbacks.BackupAndRestore where several "
                "processes train together. Received: Keras', of which each process "
                "moves the files of the others."
            )


class JoinProcesses(keras.callbacks.Callback):
    """Before training: compares what processes are about to do, and shares the weights.

    `fit` adds it by itself, after the callbacks of the user, which may restore a state.

    Args:
        facts: Dict of JSON values that must be the same in all processes.
        examples: Tuple of arrays, likewise.
    """

    def __init__(self, facts, examples):
        super().__init__()
        self.facts, self.examples = facts, examples

    def on_train_begin(self, logs=None):
        """Raises in all processes if they differ; gives all the first one's state."""
        model = self.model
        facts = self.facts | {
            "version of the code": distribution.fingerprint_of_code(),
            "model": model.get_config(),
            "setting of `compile`": model.get_compile_config(),
            "number of steps an epoch": self.params.get("steps"),
            "epoch to begin with": getattr(model, "_initial_epoch", None),
            "data": distribution.fingerprint(self.examples),
        }
        distribution.check_alike(model, facts)
        backend.share_state(
            [*model.variables, *model.optimizer.variables, *model.metrics_variables]
        )
