"""`compile`: what the game is played with, and how it is saved with a model."""

import keras

from keras_gans import backend
from keras_gans import losses
from keras_gans.models import network_calls
from keras_gans.models.optimizer import AlternatingOptimizer
from keras_gans.models.step import variables_of
from keras_gans.utils.checks import is_positive
from keras_gans.utils.checks import whole_number

PAPER = "paper"
"""Stands for "what the paper of this variant uses" in `compile`."""


class CompileMixin:
    """What `compile` of every model with a `recipe()` and `players()` has to do."""

    _weight_names = ()  # arguments of `compile` that are weights of terms
    _takes_steps = False  # whether `compile` takes `discriminator_steps`

    def _or_paper(self, **given):
        """The arguments of `compile`, the paper's where none were given."""
        for key, value in self.recipe().items():
            if isinstance(given[key], str) and given[key] == PAPER:
                given[key] = value
        return given

    def _set_game(self, loss, ema_half_life, discriminator_steps=1):
        """Takes what every game has."""
        is_fixed = ema_half_life is not None and not callable(ema_half_life)
        if is_fixed and not is_positive(ema_half_life):
            raise ValueError(
                "Expected: `ema_half_life` as a positive number of images, a schedule "
                f"of images, or None. Received: {ema_half_life!r}."
            )
        self.loss = losses.get(loss)
        self.ema_half_life = ema_half_life
        self.discriminator_steps = discriminator_steps

    def _compile(self, recipe, **run_options):
        """Compiles with what `_or_paper` gave, where all else are weights of terms."""
        optimizers = [
            recipe.pop(f"{name}_optimizer") for name in ("generator", "discriminator")
        ]
        game = {key: recipe.pop(key) for key in ("loss", "ema_half_life")}
        self._set_game(**game)
        for name, weight in recipe.items():
            if not weight >= 0:
                raise ValueError(
                    f"Expected: `{name}` of at least 0. Received: {weight!r}."
                )
            setattr(self, name, float(weight))
        self._weight_names = tuple(recipe)
        self._compile_players(*optimizers, **run_options)

    def _compile_players(
        self,
        generator_optimizer,
        discriminator_optimizer,
        make_state=tuple,
        micro_batches=1,
        rematerialize=False,
        **run_options,
    ):
        """Builds the optimizers of the players and the logs, and lets Keras compile.

        Their variables are on all replicas, wherever `compile` is called.

        Args:
            generator_optimizer: Keras optimizer, or its name.
            discriminator_optimizer: Likewise.
            make_state: Callable that makes further variables of training, such as
                those of options.
            micro_batches: Int, parts of a batch.
            rematerialize: Bool, whether activations are computed again.
            **run_options: `run_eagerly`, `steps_per_execution` and `jit_compile`.
        """
        with backend.scope_of(self):
            optimizers = {
                "discriminator": keras.optimizers.get(discriminator_optimizer),
                "generator": keras.optimizers.get(generator_optimizer),
            }
            self._check_optimizers(optimizers)
            optimizers = {k: self._on_all_replicas(o) for k, o in optimizers.items()}
        self.micro_batches = whole_number(micro_batches, "micro_batches")
        steps = run_options.get("steps_per_execution", 1)
        run_options["steps_per_execution"] = whole_number(steps, "steps_per_execution")
        if rematerialize not in (True, False):
            raise ValueError(
                "Expected: `rematerialize` as True or False. Received: "
                f"{rematerialize!r}."
            )
        for player in self.players():
            for network in player.networks:
                _check_activities(network)
                # Run eagerly, all is as someone who looks for an error expects it.
                direct = not run_options.get("run_eagerly")
                network_calls.set_up(network, rematerialize, direct)
        with backend.scope_of(self):
            if self.compute_dtype == "float16":
                optimizers = {name: _with_scale(o) for name, o in optimizers.items()}
            optimizer = AlternatingOptimizer(optimizers)
            own = {p.name: variables_of(p) for p in self.players()}
            optimizer.build(own, make_state())
            self._make_trackers()
            # Past the variant's own, to Keras'.
            keras.Model.compile(
                self, optimizer=optimizer, auto_scale_loss=False, **run_options
            )
        self._loss_tracker = None
        self._run_options = run_options | {
            "micro_batches": self.micro_batches,
            "rematerialize": rematerialize,
        }

    def _on_all_replicas(self, optimizer):
        """The optimizer, or its like with variables on all replicas of the model."""
        # Not `iterations`, which with accumulated gradients is no variable.
        if backend.is_on_replicas_of(self, optimizer._iterations):
            return optimizer
        if optimizer.built:
            raise ValueError(
                "Expected: optimizers that are new, or were made in the scope of the "
                f"model. Received: {optimizer.name}, which another model was compiled "
                "with. Make another one."
            )
        return type(optimizer).from_config(optimizer.get_config())

    def _check_optimizers(self, optimizers):
        if len({id(optimizer) for optimizer in optimizers.values()}) < len(optimizers):
            raise ValueError(
                "Expected: an optimizer object for each player, as each keeps its own "
                "state. Received: the same object twice."
            )
        for name, optimizer in optimizers.items():
            if getattr(optimizer, "inner_optimizer", optimizer).use_ema:
                raise ValueError(
                    f"Expected: a {name} optimizer without `use_ema`, which overwrites "
                    "the trained weights. Received: use_ema=True. Use "
                    "`compile(ema_half_life=...)` for an averaged generator."
                )

    def get_compile_config(self):
        """Returns the arguments of `compile`, serialized; None before `compile`."""
        if not self.compiled:
            return None
        serialize = keras.saving.serialize_keras_object
        return {
            "generator_optimizer": serialize(self.generator_optimizer),
            "discriminator_optimizer": serialize(self.discriminator_optimizer),
            "loss": serialize(self.loss),
            "ema_half_life": serialize(self.ema_half_life),
            "discriminator_steps": self.discriminator_steps,
            **{name: getattr(self, name) for name in self._weight_names},
            **self._run_options,
            "frozen_layers": [
                i for i, x in enumerate(self._layers_to_train()) if not x.trainable
            ],
        }

    def compile_from_config(self, config):
        """Compiles as `get_compile_config` tells, and freezes what was frozen."""
        config = keras.saving.deserialize_keras_object(config)
        layers = self._layers_to_train()
        for i in config.pop("frozen_layers", ()):
            layers[i].trainable = False
        steps = None if self._takes_steps else config.pop("discriminator_steps", None)
        self.compile(**config)
        if steps is not None:
            self.discriminator_steps = steps

    def _layers_to_train(self):
        """The layers of all networks but averages, and the layers within them."""
        averages = [average for _, average in self.averaged()]
        networks = [x for x in self.layers if not any(x is y for y in averages)]
        return [layer for network in networks for layer in network._flatten_layers()]

    @property
    def generator_optimizer(self):
        """The generator's optimizer."""
        return self.optimizer.players["generator"]

    @property
    def discriminator_optimizer(self):
        """The discriminator's optimizer."""
        return self.optimizer.players["discriminator"]


def _with_scale(optimizer):
    """An optimizer that scales its loss up, so that float16 holds small gradients.

    Updates whose gradients overflow are left out, and the scale is halved (Micikevicius
    et al. 2018, arXiv:1710.03740).
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)


def _check_activities(network):
    """Raises where a loss of activations would be lost, or count one call of several.

    An update calls a network several times, on JAX in scopes that drop such losses.
    """
    for layer in network._flatten_layers():
        if layer.activity_regularizer is not None:
            raise ValueError(
                f"Expected: networks without `activity_regularizer`. Received: "
                f"{network.name!r}, whose {layer.name!r} has one. Regularize weights "
                "(`kernel_regularizer`), or use a penalty of `compile(penalties=...)`."
            )
        code = getattr(type(layer).call, "__code__", None)
        if code is not None and "add_loss" in code.co_names:
            raise ValueError(
                "Expected: layers that add no losses of their own. Received: "
                f"{network.name!r}, whose {layer.name!r} calls `add_loss`. Use a "
                "penalty of `compile(penalties=...)`."
            )
