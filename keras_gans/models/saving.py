"""How a model becomes files and comes back: config, states, presets."""

import contextlib

import keras
import numpy as np
from keras import ops

from keras_gans import backend
from keras_gans import distribution
from keras_gans.batches import ArrayBatches
from keras_gans.presets import load_preset
from keras_gans.presets import save_preset


class SavingMixin:
    """Config, random states and presets of a model."""

    def get_config(self):
        """Returns the arguments; networks only where they were given."""
        serialize = keras.saving.serialize_keras_object
        own_generator, own_discriminator = self._has_own_networks
        return {
            "data_spec": serialize(self.data_spec),
            "generator": serialize(self.generator) if own_generator else None,
            "discriminator": (
                serialize(self.discriminator) if own_discriminator else None
            ),
            "name": self.name,
            "dtype": serialize(self.dtype_policy),
            **self._init_config,
        }

    @classmethod
    def from_config(cls, config):
        """Makes the model again."""
        return cls(**keras.saving.deserialize_keras_object(config))

    def _random_states(self):
        """States of all seed generators, dropout's too, which Keras does not save."""
        weights = {id(weight) for weight in self.weights}
        return [v for v in self.variables if id(v) not in weights]

    @contextlib.contextmanager
    def _random_states_kept(self):
        """Puts random states back afterwards: what is drawn within has no effect."""
        backend.sync_state(self)
        states = self._random_states()
        before = [np.array(ops.convert_to_numpy(state)) for state in states]
        try:
            yield
        finally:
            backend.sync_state(self)
            for state, value in zip(states, before, strict=True):
                state.assign(value)

    def save_own_variables(self, store):
        """Stores the counter of images, the seed, and the states it has led to."""
        store["images_seen"] = ops.convert_to_numpy(self.images_seen)
        store["seed"] = np.array(self.seed, "int64")
        for i, state in enumerate(self._random_states()):
            store[f"random_state_{i}"] = ops.convert_to_numpy(state).astype("int64")

    def load_own_variables(self, store):
        """Loads what `save_own_variables` stored."""
        self.images_seen.assign(np.asarray(store["images_seen"]))
        if "seed" in store.keys():  # not in files of old
            self.take_seed(int(np.asarray(store["seed"])))
        for i, state in enumerate(self._random_states()):
            state.assign(np.asarray(store[f"random_state_{i}"]).astype(state.dtype))

    def take_seed(self, seed):
        """Gives the order of examples another seed, also that of a running `fit`."""
        self.seed = seed
        batches = getattr(self, "_fit_batches", None)
        if isinstance(batches, ArrayBatches):
            batches.seed = seed

    def save(self, *args, **kwargs):
        """Saves as `keras.Model.save`; of processes together, in the first alone."""
        if distribution.is_first_process():
            with backend.alone():  # Keras makes variables to compare with
                super().save(*args, **kwargs)

    def save_weights(self, *args, **kwargs):
        """Saves as `keras.Model.save_weights`; see `save`."""
        if distribution.is_first_process():
            with backend.alone():
                super().save_weights(*args, **kwargs)

    @classmethod
    def from_preset(cls, preset, **kwargs):
        """Makes a model with trained weights.

        Args:
            preset: A name of `keras_gans.presets()`, a folder that
                `save_to_preset` wrote, or "hf://user/repo".
            **kwargs: Passed on to `keras_gans.presets.load_preset`.

        Returns:
            The model, of the variant that the preset was made with.

        Raises:
            ValueError: If there is no such preset, it is damaged, or it belongs to
                another variant than `cls`.

        Example:

        ```python
        gan = kg.models.DCGAN.from_preset("dcgan_fashion_mnist_32")
        ```
        """
        return load_preset(cls, preset, **kwargs)

    def save_to_preset(self, folder, card=None, **kwargs):
        """Writes config, weights and card into a folder, for `from_preset`.

        Args:
            folder: Path; made if it does not exist.
            card: Optional text of the README.md.
            **kwargs: `metadata`, `samples` and `overwrite`, as in
                `keras_gans.presets.save_preset`.

        Returns:
            The folder, a `pathlib.Path`.
        """
        return save_preset(self, folder, card=card, **kwargs)
