"""One optimizer object that carries the optimizers of all players."""

import keras
import numpy as np

from keras_gans import backend


@keras.saving.register_keras_serializable("keras_gans")
class AlternatingOptimizer(keras.optimizers.Optimizer):
    """Holds one optimizer per player, each applied to its player's networks alone.

    `fit` on JAX, `save`, `load_model` and `BackupAndRestore` all look at one
    `model.optimizer`. Keras' `MultiOptimizer` will not do in its place: its `apply`
    refuses the gradients of one player, it refuses loss scaling, and it writes the
    state of its inner optimizers to files twice.

    Args:
        players: Dict from the player's name to a `keras.optimizers.Optimizer`.
    """

    def __init__(self, players):
        super().__init__(learning_rate=0.0, name="alternating_optimizer")
        self.players = players
        self._state = ()

    def build(self, variables, state=()):
        """Builds each player's optimizer.

        Args:
            variables: Dict from the player's name to its list of variables; a player
                that does not take part may be left out.
            state: Other variables of training, such as moving averages, to be saved
                and resumed with the optimizers.
        """
        self._state = tuple(state)
        for name, optimizer in self.players.items():
            own = variables.get(name, [])
            if not optimizer.built:  # a loss scaler would make its variables again
                optimizer.build(own)
            backend.pack_states(optimizer.variables, own)
        self.built = True

    @property
    def optimizers(self):
        """The players' optimizers, where Keras' TensorBoard looks for their rates."""
        return list(self.players.values())

    @property
    def variables(self):
        """The variables of all players' optimizers, and other state of training."""
        variables = [v for o in self.players.values() for v in o.variables]
        return [*variables, *self._state]

    @property
    def learning_rate(self):
        """Refuses: each player's optimizer has a rate of its own."""
        raise AttributeError(
            "Each player has a learning rate of its own. Use "
            "`model.generator_optimizer.learning_rate` or "
            "`model.discriminator_optimizer.learning_rate`."
        )

    @learning_rate.setter
    def learning_rate(self, value):
        self.__class__.learning_rate.fget(self)

    def apply(self, grads, trainable_variables=None):
        """Refuses: the update of one player is applied with its own optimizer."""
        raise RuntimeError(
            "Apply one player's optimizer, for instance "
            f"`model.optimizer.players['generator']`; players: {list(self.players)}."
        )

    def save_own_variables(self, store):
        """Stores the state; Keras visits the players' optimizers by themselves."""
        for i, variable in enumerate(self._state):
            store[f"state_{i}"] = keras.ops.convert_to_numpy(variable)

    def load_own_variables(self, store):
        """Loads the state; Keras visits the players' optimizers by themselves."""
        for i, variable in enumerate(self._state):
            variable.assign(np.asarray(store[f"state_{i}"]))

    def get_config(self):
        """Returns the serialized optimizers."""
        serialize = keras.saving.serialize_keras_object
        return {"players": {name: serialize(o) for name, o in self.players.items()}}

    @classmethod
    def from_config(cls, config):
        """Makes the optimizers again."""
        deserialize = keras.saving.deserialize_keras_object
        return cls({name: deserialize(o) for name, o in config["players"].items()})
