"""`compile` of GANs: the game's options, and how they are saved with a model."""

import keras

from keras_gans import augment as augments
from keras_gans import penalties as penalties_module
from keras_gans.models.compiling import PAPER
from keras_gans.models.compiling import CompileMixin
from keras_gans.models.evaluation import GenerativeMetrics
from keras_gans.utils.checks import number


class GANCompileMixin(CompileMixin):
    """`compile` with penalties, augmentation and tools for diversity and balance."""

    _takes_steps = True

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
        micro_batches=1,
        rematerialize=False,
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
            penalties: List of `keras_gans.penalties.Penalty`, or of names; or one.
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
            metrics: List of `keras_gans.metrics`, or one, that `evaluate`, and so the
                `validation_data` of `fit`, feeds with real and generated images, after
                the losses and outside of the compiled step. Those whose features have
                no name, such as a model of your own, are not saved with the model.
            micro_batches: Int, k. Each batch is cut into k parts, whose gradients are
                added up before an update: memory is that of a part, and the update
                that of the batch. What looks at a batch as a whole, such as batch
                normalization, `unrolled`, `feature_matching` and `top_k`, looks at a
                part.
            rematerialize: Bool. Whether activations are computed again where gradients
                need them, but for a few of each network, of about the square root of
                its depth (Chen et al. 2016, arXiv:1604.06174): a step takes up to a
                third longer, in a fraction of the memory. The update is the same. On
                JAX it needs a GPU or TPU: XLA's compiler for CPUs undoes it.
            run_eagerly: As in Keras.
            steps_per_execution: As in Keras.
            jit_compile: As in Keras.

        Raises:
            ValueError: With what was expected and what was received.
        """
        config = self._or_paper(
            generator_optimizer=generator_optimizer,
            discriminator_optimizer=discriminator_optimizer,
            loss=loss,
            penalties=penalties,
            discriminator_steps=discriminator_steps,
            ema_half_life=ema_half_life,
        )
        optimizers = [
            config.pop(f"{name}_optimizer") for name in ("generator", "discriminator")
        ]
        penalties = config.pop("penalties")
        if isinstance(penalties, str | dict | penalties_module.Penalty):
            penalties = [penalties]
        self.penalties = [penalties_module.get(p) for p in penalties or []]
        self._set_game(**config)
        self.augment = augments.get(augment)
        if self.augment is not None:
            self.augment.check_loss(self.loss)
        if instance_noise is not None and not callable(instance_noise):
            meaning = "a standard deviation; or a schedule, or None"
            instance_noise = number(
                instance_noise, "instance_noise", 0.0, meaning=meaning
            )
        self.instance_noise = instance_noise
        object.__setattr__(self, "_evaluation", GenerativeMetrics(metrics))
        self._set_options(feature_matching, top_k, unrolled, balance)
        self._compile_players(
            *optimizers,
            self._state_of_options,
            micro_batches=micro_batches,
            rematerialize=rematerialize,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
        )

    def get_compile_config(self):
        """Returns the arguments of `compile`, serialized; None before `compile`."""
        config = super().get_compile_config()
        if config is None:
            return None
        serialize = keras.saving.serialize_keras_object
        return config | {
            "penalties": [serialize(penalty) for penalty in self.penalties],
            "augment": serialize(self.augment),
            "instance_noise": serialize(self.instance_noise),
            "metrics": self._evaluation.get_config(),
            "feature_matching": serialize(self.feature_matching),
            "top_k": serialize(self.top_k),
            "unrolled": serialize(self.unrolled),
            "balance": serialize(self.balance),
        }
