"""Back to the last good state, and on with lower learning rates."""

import collections

import keras
import numpy as np

from keras_gans import backend

MOST = 5  # rollbacks of one `fit`; then something else is wrong
SLOWER = 0.5  # what each one multiplies the learning rates with


@keras.saving.register_keras_serializable("keras_gans")
class Scaled(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate schedule, times a factor.

    Args:
        schedule: A `keras.optimizers.schedules.LearningRateSchedule`.
        factor: Float.
    """

    def __init__(self, schedule, factor):
        super().__init__()
        self.schedule = schedule
        self.factor = factor

    def __call__(self, step):
        """Returns the rate at a step."""
        return self.factor * self.schedule(step)

    def get_config(self):
        """Returns the arguments."""
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": schedule, "factor": self.factor}

    @classmethod
    def from_config(cls, config):
        """Makes the schedule again."""
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["factor"])


class Rollback:
    """Copies of a model's state in the host's memory: the last two good ones.

    A divergence is seen some time after it began. So the older copy is put back.

    Args:
        model: A compiled GAN.
    """

    def __init__(self, model):
        self.model = model
        self.count = 0
        self._copies = collections.deque(maxlen=2)

    @property
    def is_empty(self):
        """Whether there is nothing to go back to."""
        return not self._copies

    def keep(self, step):
        """Copies the state, if all of it is finite; returns whether it is."""
        backend.sync_state(self.model)
        # A copy: NumPy arrays of tensors may share their memory.
        arrays = [np.array(keras.ops.convert_to_numpy(v)) for v in self._variables()]
        for array in arrays:
            if "float" in str(array.dtype) and not np.isfinite(array).all():
                return False
        self._copies.append((step, arrays))
        return True

    def restore(self):
        """Puts the older copy back, and multiplies all learning rates by `SLOWER`.

        Returns:
            The step of the copy, and a dict from the player to its learning rate.
        """
        backend.sync_state(self.model)
        players = self._optimizers()
        rates = {name: _rate(optimizer) for name, optimizer in players.items()}
        step, arrays = self._copies[0]
        self._copies = collections.deque([(step, arrays)], maxlen=2)
        for variable, array in zip(self._variables(), arrays, strict=True):
            variable.assign(array)
        for name, optimizer in players.items():
            if not _has_schedule(optimizer):
                optimizer.learning_rate = SLOWER * rates[name]
        self._scale_schedules(SLOWER)
        self.model.reset_metrics()
        self.count += 1
        return step, {name: _rate(optimizer) for name, optimizer in players.items()}

    def resume(self, count):
        """Slows schedules down as `count` rollbacks did: no backup has that."""
        optimizers = self._optimizers().values()
        if not any(isinstance(o._learning_rate, Scaled) for o in optimizers):
            self._scale_schedules(SLOWER**count)

    def _optimizers(self):
        """Player -> optimizer; of float16 that of gradients without a scale."""
        return {
            name: getattr(optimizer, "inner_optimizer", optimizer)
            for name, optimizer in self.model.optimizer.players.items()
        }

    def _scale_schedules(self, factor):
        scheduled = list(filter(_has_schedule, self._optimizers().values()))
        for optimizer in scheduled:
            optimizer.learning_rate = Scaled(optimizer._learning_rate, factor)
        if scheduled:  # schedules are part of the compiled step
            self.model.make_train_function(force=True)

    def _variables(self):
        model = self.model
        return [
            *model.trainable_variables,
            *model.non_trainable_variables,  # random states among them
            *model.optimizer.variables,
        ]


def _has_schedule(optimizer):
    schedule = keras.optimizers.schedules.LearningRateSchedule
    return isinstance(optimizer._learning_rate, schedule)


def _rate(optimizer):
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))
