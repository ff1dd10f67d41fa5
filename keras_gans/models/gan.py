r"""The base class of all variants, which is also the GAN of 2014.

Goodfellow et al., "Generative Adversarial Nets", arXiv:1406.2661. Equation 1,

    min_G max_D  E_x[log D(x)] + E_z[log(1 - D(G(z)))],

is trained by turns: `discriminator_steps` updates of D, then one of G, which maximises
log D(G(z)) instead, as section 3 of the paper advises. The networks are the paper's
perceptrons (`mlp.py`), the settings those of the authors' MNIST code.

Deviations: momentum stays at 0.5 (the authors raise it to 0.7 over 250 epochs); the
generator's last biases start at 0 (theirs at the means of the pixels); samples come
from an average of the generator's weights, which training does not see.

A variant states its networks, its recipe and, where it differs, its objectives. The
step, here, is written once, in the stateful style, for every backend and variant.
"""

import keras
import numpy as np

from keras_gans import augment as augments
from keras_gans import backend
from keras_gans import losses
from keras_gans import penalties as penalties_module
from keras_gans.data_specs import Images
from keras_gans.data_specs import check_labels
from keras_gans.models.evaluation import EvaluationMixin
from keras_gans.models.evaluation import GenerativeMetrics
from keras_gans.models.mlp import mlp_discriminator
from keras_gans.models.mlp import mlp_generator
from keras_gans.models.objectives import Objectives
from keras_gans.models.optimizer import AlternatingOptimizer
from keras_gans.models.saving import SavingMixin
from keras_gans.models.step import AlternatingStep
from keras_gans.models.step import Player
from keras_gans.models.step import variables_of
from keras_gans.models.training import TrainingMixin
from keras_gans.utils.random import SeedGenerator
from keras_gans.utils.random import sample_latents

PAPER = "paper"
"""Stands for "what the paper of this variant uses" in `compile`."""


@keras.saving.register_keras_serializable("keras_gans")
class GAN(
    backend.TrainStep,
    AlternatingStep,
    Objectives,
    EvaluationMixin,
    TrainingMixin,
    SavingMixin,
    keras.Model,
):
    """A generative adversarial network: two networks, trained against each other.

    As it stands this is the GAN of Goodfellow et al. 2014 (arXiv:1406.2661); with
    networks of your own it is a GAN of your own; variants derive from it.

    Args:
        image_shape: `(H, W, C)` of one image.
        latent_dim: Int, Z, size of a latent vector.
        latent_distribution: "normal", N(0, 1), or "uniform", U(-1, 1).
        generator: Optional Keras model from latents `(B, Z)` (and labels `(B,)`, if
            `num_classes` is given) to examples; images in [-1, 1].
        discriminator: Optional Keras model from examples (and labels) to logits
            `(B, 1)`, higher for more real.
        data_spec: What one example is, in place of `image_shape`: for instance
            `keras_gans.Vectors(2)` for points of the plane.
        num_classes: Optional int; with it, both networks take labels too, and must be
            given.
        pac: Int >= 1, m of PacGAN (Lin et al. 2018, arXiv:1712.04086): the
            discriminator judges m examples at once, joined along the channels. A
            `discriminator` of your own takes `(B, H, W, m * C)`, vectors `(B, m * D)`,
            and gives `(B, 1)`. Not for conditional models.
        seed: Optional int, start of the random numbers of training and of the order
            of examples. (Initial weights follow `keras.utils.set_random_seed`.)
        name: Optional name.
        dtype: Optional dtype policy, such as "mixed_bfloat16".
        **sizes: `hidden_units=1200`, int: units of the generator's layers; the
            discriminator's maxout layers get a fifth of it. Variants have others.

    Raises:
        ValueError: If networks and data do not fit together.

    Example:

    ```python
    images, _ = kg.datasets.load("fashion_mnist")
    gan = kg.models.GAN(image_shape=(28, 28, 1))
    gan.compile()
    gan.fit(images, batch_size=100, epochs=50)
    samples = gan.generate(16, seed=0)  # uint8 (16, 28, 28, 1)
    ```
    """

    default_batch_size = 100
    takes_any_preset = True  # of this class alone: variants refuse one another's

    def __init__(
        self,
        image_shape=(28, 28, 1),
        *,
        latent_dim=100,
        latent_distribution="uniform",
        generator=None,
        discriminator=None,
        data_spec=None,
        num_classes=None,
        pac=1,
        seed=None,
        name=None,
        dtype=None,
        **sizes,
    ):
        super().__init__(name=name, dtype=dtype)
        if latent_distribution not in ("normal", "uniform"):
            raise ValueError(
                "Expected: `latent_distribution` of 'normal' or 'uniform'. "
                f"Received: {latent_distribution!r}."
            )
        if num_classes is not None and (generator is None or discriminator is None):
            raise ValueError(
                "Expected: with `num_classes`, a `generator` and a `discriminator` "
                f"that take labels. Received: num_classes={num_classes} without them."
            )
        if not isinstance(pac, int) or pac < 1 or (pac > 1 and num_classes is not None):
            raise ValueError(
                "Expected: `pac` as an int of at least 1, and 1 with `num_classes`, as "
                f"the examples of a pack differ in class. Received: {pac!r}."
            )
        self._init_config = {
            "latent_dim": latent_dim,
            "latent_distribution": latent_distribution,
            "num_classes": num_classes,
            "pac": pac,
            "seed": seed,
            **sizes,
        }
        self._has_own_networks = (generator is not None, discriminator is not None)
        self.data_spec = data_spec or Images(image_shape)
        self.latent_dim = latent_dim
        self.latent_distribution = latent_distribution
        self.num_classes = num_classes
        self.pac = pac
        with _dtype_policy(self.dtype_policy):
            if generator is None or discriminator is None:
                networks = self.networks(self.data_spec, latent_dim, **sizes)
            if discriminator is None and pac > 1:
                spec = self.data_spec.packed(pac)
                networks = (networks[0], self.networks(spec, latent_dim, **sizes)[1])
        self.generator = generator or networks[0]
        self.discriminator = discriminator or networks[1]
        self._check_networks()
        self.ema_generator = keras.models.clone_model(self.generator)
        self.ema_generator.set_weights(self.generator.get_weights())
        self.ema_generator.trainable = False
        if seed is None:
            seed = int(np.random.default_rng().integers(2**31))
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self.images_seen = self.add_weight(
            shape=(), initializer="zeros", dtype="int32", trainable=False,
            name="images_seen",
        )  # fmt: skip
        backend.fix_random_states(self)
        self.built = True

    def networks(self, data_spec, latent_dim, hidden_units=1200):
        """Makes the paper's networks; a variant makes its own.

        Args:
            data_spec: What one example is.
            latent_dim: Int, Z.
            hidden_units: As in the constructor; a variant has sizes of its own.

        Returns:
            Generator and discriminator.
        """
        shape = data_spec.shape
        bounded = isinstance(data_spec, Images)
        return (
            mlp_generator(shape, latent_dim, hidden_units, bounded),
            mlp_discriminator(shape, max(1, hidden_units // 5), bounded),
        )

    def _check_networks(self):
        for name in ("generator", "discriminator"):
            if not getattr(self, name).built:
                raise ValueError(
                    f"Expected: a built {name}, whose input shape is known. Received: "
                    f"{getattr(self, name)!r}. Begin it with `keras.Input(...)`."
                )
        expected = (None, *self.data_spec.shape)
        if tuple(self.generator.output_shape) != expected:
            raise ValueError(
                f"The generator does not fit the data. Expected: output shape "
                f"{expected}. Received: {tuple(self.generator.output_shape)}."
            )
        expected = (None, *self.data_spec.packed(self.pac).shape)
        received = self.discriminator.input_shape
        received = received[0] if isinstance(received, list) else received
        if tuple(received) != expected:
            packs = f", {self.pac} examples joined" if self.pac > 1 else ""
            raise ValueError(
                "The discriminator does not fit the data. Expected: input shape "
                f"{expected}{packs}. Received: {tuple(received)}."
            )

    # ---------------------------------------------------------------- the recipe

    def recipe(self):
        """The paper's arguments of `compile`; a variant states its own.

        Returns:
            Dict with the optimizers, `loss`, `penalties`, `discriminator_steps` and
            `ema_half_life`.
        """

        def sgd():
            # The rate of the authors' code: divided by 1.000004 after each update.
            decay = keras.optimizers.schedules.ExponentialDecay(
                0.1, decay_steps=1, decay_rate=1 / 1.000004
            )
            return keras.optimizers.SGD(decay, momentum=0.5)

        return {
            "generator_optimizer": sgd(),
            "discriminator_optimizer": sgd(),
            "loss": losses.NonSaturating(),
            "penalties": [],
            "discriminator_steps": 1,
            "ema_half_life": 10_000,
        }

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
                the average that is sampled; None to sample the generator itself.
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
        if half_life is not None and not half_life > 0:
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
            "ema_half_life": self.ema_half_life,
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

    # ---------------------------------------------------------------- the game

    def players(self):
        """Who updates what, in the order of their turns."""
        return [
            Player(
                "discriminator",
                (self.discriminator,),
                self.discriminator_objective,
                self.discriminator_steps,
            ),
            Player("generator", (self.generator,), self.generator_objective, 1),
        ]

    # ---------------------------------------------------------------- sampling

    def call(self, inputs, training=False):
        """Generates from latents (and labels) with the averaged generator.

        Args:
            inputs: Latents `(B, Z)`, or `[latents, labels]` if conditional.
            training: Passed to the generator.

        Returns:
            Float32 examples; images in [-1, 1].
        """
        return self.ema_generator(inputs, training=training)

    def sample_latents(self, num_samples, seed=None):
        """Draws latents with NumPy: the same for one seed on every backend.

        Args:
            num_samples: Int, N.
            seed: Optional int.

        Returns:
            Float32 array `(N, Z)`.
        """
        shape = (num_samples, self.latent_dim)
        return sample_latents(shape, self.latent_distribution, seed)

    def generate(
        self, num_samples=None, *, seed=None, labels=None, latents=None, batch_size=64
    ):
        """Generates examples with the averaged generator.

        Args:
            num_samples: Int, N. May be left out with `latents`.
            seed: Optional int; one seed gives the same examples on every backend.
            labels: Optional ints `(N,)` for conditional models, or one int for all;
                without them the classes take turns.
            latents: Optional `(N, Z)` in place of random ones.
            batch_size: Int, examples generated at a time.

        Returns:
            uint8 `(N, H, W, C)` for images; float32 for vectors.

        Raises:
            ValueError: If the arguments do not fit together.

        Example:

        ```python
        images = gan.generate(64, seed=0)
        ```
        """
        if latents is None:
            if not isinstance(num_samples, int | np.integer) or num_samples < 1:
                raise ValueError(
                    "Expected: `num_samples` as an int of at least 1. "
                    f"Received: {num_samples!r}."
                )
            latents = self.sample_latents(num_samples, seed)
        latents = np.asarray(latents, "float32")
        if latents.ndim != 2 or latents.shape[1] != self.latent_dim:
            raise ValueError(
                f"Expected: `latents` of shape (N, {self.latent_dim}). "
                f"Received: {latents.shape}."
            )
        count = len(latents)
        if num_samples is not None and num_samples != count:
            raise ValueError(
                f"Expected: `latents` for {num_samples} samples. Received: {count}."
            )
        inputs = [latents]
        if self.num_classes is not None:
            if labels is None:
                labels = np.arange(count) % self.num_classes
            labels = np.broadcast_to(np.asarray(labels), (count,))
            check_labels(labels, self.num_classes, count)
            inputs.append(labels.astype("int32"))
        elif labels is not None:
            raise ValueError(
                "Expected: no `labels`, since this model is unconditional. "
                f"Received: labels={labels!r}."
            )
        # Whole batches only: backends compile anew for each size of batch.
        batch_size = min(batch_size, count)
        rows = np.arange(-(-count // batch_size) * batch_size) % count
        inputs = [array[rows] for array in inputs]
        outputs = self.predict(
            inputs[0] if len(inputs) == 1 else inputs, batch_size, verbose=0
        )
        return self.data_spec.to_user(outputs[:count])


class _dtype_policy:
    """Makes networks under a dtype policy, whatever the global one."""

    def __init__(self, policy):
        self.policy = policy

    def __enter__(self):
        self.before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.policy)

    def __exit__(self, *_):
        keras.config.set_dtype_policy(self.before)
