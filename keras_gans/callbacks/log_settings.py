"""The settings that may change during training, in the logs."""

import keras


class LogSettings(keras.callbacks.Callback):
    """Logs `discriminator_steps`, `d_learning_rate` and `g_learning_rate` an epoch.

    `GAN.fit` adds it by itself, before the callbacks of the user, so that they all see
    the three.

    Example:

    ```python
    history = gan.fit(images, epochs=2).history
    history["discriminator_steps"]  # [1, 1]
    ```
    """

    async_safe = True

    def on_epoch_begin(self, epoch, logs=None):
        """Does nothing; settings are read when the epoch is over."""

    def on_epoch_end(self, epoch, logs=None):
        """Writes the settings of the epoch into the logs."""
        if logs is None:
            return
        logs["discriminator_steps"] = self.model.discriminator_steps
        for player, optimizer in self.model.optimizer.players.items():
            rate = keras.ops.convert_to_numpy(optimizer.learning_rate)
            logs[f"{player[0]}_learning_rate"] = float(rate)
