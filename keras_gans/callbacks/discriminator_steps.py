"""A schedule of the discriminator's updates per update of the generator."""

import keras

from keras_gans.utils.checks import whole_number


class DiscriminatorSteps(keras.callbacks.Callback):
    """Changes `discriminator_steps` at the beginning of epochs.

    As the first WGAN did, which gave its critic more updates at the start
    (arXiv:1701.07875, section 4.2, in its code). The number depends on the epoch alone,
    so that a resumed `fit` does the same. An epoch keeps its number of alternating
    steps, counted when `fit` begins; with more updates it goes through the data more
    than once. For arrays. The number is logged as `discriminator_steps`.

    Args:
        schedule: Dict from an epoch, counted from 0, to the number from then on; or a
            callable from the epoch to the number.

    Raises:
        ValueError: If a number is not an int of at least 1, or, when `fit` begins, if
            there are too few examples for one.
        RuntimeError: When `fit` begins, if the number would change over a stream.

    Example:

    ```python
    gan.compile(discriminator_steps=5)
    gan.fit(images, epochs=20, callbacks=[DiscriminatorSteps({0: 5, 10: 1})])
    ```
    """

    def __init__(self, schedule):
        super().__init__()
        if not callable(schedule) and not isinstance(schedule, dict):
            raise ValueError(
                "Expected: `schedule` as a dict from epochs to numbers of updates, or "
                f"a callable from the epoch. Received: {schedule!r}."
            )
        if not callable(schedule):
            schedule = {
                epoch: whole_number(steps, f"schedule[{epoch!r}]", meaning="updates")
                for epoch, steps in schedule.items()
            }
        self.schedule = schedule

    def on_train_begin(self, logs=None):
        """Raises for numbers of later epochs that the data do not allow."""
        own = self.model.discriminator_steps
        if not callable(self.schedule):
            for steps in [*self.schedule.values(), own]:
                if steps != self.model.discriminator_steps:
                    self.model.discriminator_steps = steps

    def on_epoch_begin(self, epoch, logs=None):
        """Sets the number for the epoch."""
        if callable(self.schedule):
            steps = self.schedule(epoch)
        else:
            begun = [first for first in self.schedule if first <= epoch]
            if not begun:
                return
            steps = self.schedule[max(begun)]
        if steps != self.model.discriminator_steps:
            self.model.discriminator_steps = steps
