"""`compile`: what the game is played with, and how it is saved with a model."""

import keras

from keras_gans import augment as augments
from keras_gans import losses
from keras_gans import penalties as penalties_module
from keras_gans.models.evaluation import GenerativeMetrics
from keras_gans.models.optimizer import AlternatingOptimizer
from keras_gans.models.step import variables_of

PAPER = "paper"
"""Stands for "what the paper of this variant uses" in `compile`."""


class CompileMixin:
    """`compile` of a model with a `recipe()` and `players()`."""

    def compile(
        self,
        generator_optimizer=PAPER,
        discriminator_optimizer=PAPER,
        loss=PAPER,
        penalties=PAPER,
        augment=None,
        discriminator_steps=PAPER,
        ema_half_life=PAPER,
        instance_noise=None,
        metrics=None,
        *,
        feature_matching=None,
        top_k=None,
        unrolled=None,
        balance=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
    ):
        """Sets the game up; without arguments it is the paper's.

        Args:
            generator_optimizer: Keras optimizer, or its name.
            discriminator_optimizer: Keras optimizer, or its name. Gradients are
                clipped through either's `clipnorm`, `global_clipnorm`, `clipvalue`.
                Two learning rates are two time scales (Heusel et al. 2017,
                arXiv:1706.08500); `fit` logs them as `g_learning_rate` and
                `d_learning_rate`.
            loss: A `keras_gans.losses.Loss`, or its name, such as "hinge".
            penalties: List of `keras_gans.penalties.Penalty`, or of names.
            augment: A `keras_gans.augment.Augment`, applied to whatever the
                discriminator sees, or its name.
            discriminator_steps: Int, updates of the discriminator per update of the
                generator; each sees a batch of its own. May be set later too, as
                `gan.discriminator_steps = 3`, and scheduled with
                `keras_gans.callbacks.DiscriminatorSteps`.
            ema_half_life: Images after which a weight of the generator counts half in
                the average that is sampled; None to sample the generator itself. Or a
                `keras.optimizers.schedules.LearningRateSchedule` of the images seen.
            instance_noise: Standard deviation of Gaussian noise on whatever the
                discriminator sees (Sonderby et al. 2016, arXiv:1610.04490): a float,
                or a `keras.optimizers.schedules.LearningRateSchedule` of the
                discriminator's updates.
            feature_matching: Optional `keras_gans.objectives.FeatureMatching`.
            top_k: Optional `keras_gans.objectives.TopK`.
            unrolled: Optional `keras_gans.objectives.Unrolled`.
            balance: Optional `keras_gans.Balance`, which holds back the player that is
                too strong.
            metrics: List of `keras_gans.metrics` that `evaluate`, and so the
                `validation_data` of `fit`, feeds with real and generated images, after
                the losses and outside of the compiled step. Those whose features have
                no name, such as a model of your own, are not saved with the model.
            run_eagerly: As in Keras.
            steps_per_execution: As in Keras.
            jit_compile: As in Keras.

        Raises:
            ValueError: With what was expected and what was received.
        """
        config = {
            "generator_optimizer": generator_optimizer,
            "discriminator_optimizer": discriminator_optimizer,
            "loss": loss,
            "penalties": penalties,
            "discriminator_steps": discriminator_steps,
            "ema_half_life": ema_half_life,
        }
        for key, value in self.recipe().items():
            if isinstance(config[key], str) and config[key] == PAPER:
                config[key] = value
        optimizers = {
            "discriminator": keras.optimizers.get(config["discriminator_optimizer"]),
            "generator": keras.optimizers.get(config["generator_optimizer"]),
        }
        self._check_optimizers(optimizers)
        half_life = config["ema_half_life"]
        is_fixed = half_life is not None and not callable(half_life)
        if is_fixed and not half_life > 0:
            raise ValueError(
                "Expected: `ema_half_life` as a positive number of images, or None. "
                f"Received: {half_life!r}."
            )
        if isinstance(config["penalties"], str):
            config["penalties"] = [config["penalties"]]
        self.loss = losses.get(config["loss"])
        self.penalties = [penalties_module.get(p) for p in config["penalties"] or []]
        self.augment = augments.get(augment)
        self.discriminator_steps = config["discriminator_steps"]
        self.ema_half_life = half_life
        self.instance_noise = instance_noise
        object.__setattr__(self, "_evaluation", GenerativeMetrics(metrics))
        self._set_options(feature_matching, top_k, unrolled, balance)
        optimizer = AlternatingOptimizer(optimizers)
        optimizer.build(
            {p.name: variables_of(p) for p in self.players()}, self._state_of_options()
        )
        self._make_trackers()
        super().compile(
            optimizer=optimizer,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=False,
        )
        self._loss_tracker = None
        self._run_options = {
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
        }

    def _check_optimizers(self, optimizers):
        if len({id(optimizer) for optimizer in optimizers.values()}) < len(optimizers):
            raise ValueError(
                "Expected: an optimizer object for each player, as each keeps its own "
                "state. Received: the same object twice."
            )
        for name, optimizer in optimizers.items():
            if optimizer.use_ema:
                raise ValueError(
                    f"Expected: a {name} optimizer without `use_ema`, which overwrites "
                    "the trained weights. Received: use_ema=True. Use "
                    "`compile(ema_half_life=...)` for an averaged generator."
                )
        if self.compute_dtype == "float16":
            raise ValueError(
                "Expected: the dtype policy 'float32' or 'mixed_bfloat16'. Received: "
                f"{self.dtype_policy.name!r}, which needs loss scaling per player."
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
            "penalties": [serialize(penalty) for penalty in self.penalties],
            "augment": serialize(self.augment),
            "discriminator_steps": self.discriminator_steps,
            "ema_half_life": serialize(self.ema_half_life),
            "instance_noise": serialize(self.instance_noise),
            "metrics": self._evaluation.get_config(),
            "feature_matching": serialize(self.feature_matching),
            "top_k": serialize(self.top_k),
            "unrolled": serialize(self.unrolled),
            "balance": serialize(self.balance),
            **self._run_options,
        }

    def compile_from_config(self, config):
        """Compiles as `get_compile_config` tells."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    @property
    def generator_optimizer(self):
        """The generator's optimizer."""
        return self.optimizer.players["generator"]

    @property
    def discriminator_optimizer(self):
        """The discriminator's optimizer."""
        return self.optimizer.players["discriminator"]
