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

from keras_gans import losses
from keras_gans.conditions import make_condition
from keras_gans.data_specs import Images
from keras_gans.models.adversarial import AdversarialModel
from keras_gans.models.adversarial import average_of
from keras_gans.models.adversarial import check_shapes_are_known
from keras_gans.models.adversarial import dtype_policy
from keras_gans.models.evaluation import EvaluationMixin
from keras_gans.models.gan_compiling import GANCompileMixin
from keras_gans.models.mlp import mlp_discriminator
from keras_gans.models.mlp import mlp_generator
from keras_gans.models.objectives import Objectives
from keras_gans.models.sampling import SamplingMixin
from keras_gans.models.step import Player
from keras_gans.utils.checks import sizes_of
from keras_gans.utils.checks import whole_number


@keras.saving.register_keras_serializable("keras_gans")
class GAN(
    Objectives, GANCompileMixin, EvaluationMixin, SamplingMixin, AdversarialModel
):
    """A generative adversarial network: two networks, trained against each other.

    As it stands this is the GAN of Goodfellow et al. 2014 (arXiv:1406.2661); with
    networks of your own it is a GAN of your own; variants derive from it.

    Args:
        image_shape: `(H, W, C)` of one image.
        latent_dim: Int, Z, size of a latent vector.
        latent_distribution: "normal", N(0, 1), or "uniform", U(-1, 1).
        generator: Optional Keras model from latents `(B, Z)` to examples; images in
            [-1, 1]. If the model is conditional, from `[latents, condition]`, the
            latter float `(B, K)`: one-hot vectors of classes, or attributes.
        discriminator: Optional Keras model from examples, or `[examples, condition]`,
            to logits `(B, 1)`, higher for more real; or to a dict of outputs, among
            them "logits".
        data_spec: What one example is, in place of `image_shape`: for instance
            `keras_gans.Vectors(2)` for points of the plane.
        num_classes: Optional int, K; with it `fit` takes class indices as labels. A
            model whose own networks are unconditional needs networks of yours then.
        num_attributes: Optional int, K, in place of `num_classes`: labels are then K
            numbers an example, such as 0 and 1 for what it has not and has.
        pac: Int >= 1, m of PacGAN (Lin et al. 2018, arXiv:1712.04086): the
            discriminator judges m examples at once, joined along the channels. A
            `discriminator` of your own takes `(B, H, W, m * C)`, vectors `(B, m * D)`,
            and gives `(B, 1)`. Not for conditional models.
        seed: Optional int in 0..2**31 - 1, start of the random numbers of training
            and of the order of examples. None: another one each time; 0 in processes
            that train together. (Initial weights follow `keras.utils.set_random_seed`.)
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

    takes_any_preset = True  # of this class alone: variants refuse one another's
    is_conditional = False  # whether the variant's own networks take a condition

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
        num_attributes=None,
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
        condition = make_condition(num_classes, num_attributes)
        if condition is not None and not self.is_conditional:
            if generator is None or discriminator is None:
                raise ValueError(
                    "Expected: with `num_classes` or `num_attributes`, a `generator` "
                    "and a `discriminator` that take [inputs, condition], or a "
                    "conditional variant such as `ConditionalGAN`. Received: "
                    f"{type(self).__name__} without them."
                )
        pac = whole_number(pac, "pac", meaning="examples judged at once")
        if pac > 1 and condition is not None:
            raise ValueError(
                "Expected: `pac` of 1 for conditional models, as the examples of a "
                f"pack differ in class. Received: {pac}."
            )
        latent_dim = whole_number(latent_dim, "latent_dim")
        sizes = sizes_of(sizes)
        self._init_config = {
            "latent_dim": latent_dim,
            "latent_distribution": latent_distribution,
            "num_classes": num_classes,
            "num_attributes": num_attributes,
            "pac": pac,
            "seed": seed,
            **sizes,
        }
        self._has_own_networks = (generator is not None, discriminator is not None)
        self.data_spec = data_spec or Images(image_shape)
        self.latent_dim = latent_dim
        self.latent_distribution = latent_distribution
        self.num_classes = num_classes
        self.condition = condition
        self.pac = pac
        with dtype_policy(self.dtype_policy):
            if generator is None or discriminator is None:
                networks = self.networks(self.data_spec, latent_dim, **sizes)
            if discriminator is None and pac > 1:
                spec = self.data_spec.packed(pac)
                networks = (networks[0], self.networks(spec, latent_dim, **sizes)[1])
        self.generator = generator or networks[0]
        self.discriminator = discriminator or networks[1]
        self._check_networks()
        self.ema_generator = average_of(self.generator)
        self._init_training(seed)

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
            check_shapes_are_known(name, getattr(self, name))
        expected = (None, *self.data_spec.shape)
        if tuple(self.generator.output_shape) != expected:
            raise ValueError(
                f"The generator does not fit the data. Expected: output shape "
                f"{expected}. Received: {tuple(self.generator.output_shape)}."
            )
        latents, g_condition = _input_shapes(self.generator)
        examples, d_condition = _input_shapes(self.discriminator)
        expected = (None, *self.data_spec.packed(self.pac).shape)
        if examples != expected:
            packs = f", {self.pac} examples joined" if self.pac > 1 else ""
            raise ValueError(
                "The discriminator does not fit the data. Expected: input shape "
                f"{expected}{packs}. Received: {examples}."
            )
        if latents != (None, self.latent_dim):
            raise ValueError(
                "The generator does not fit the latents. Expected: input shape "
                f"(None, {self.latent_dim}). Received: {latents}. Set `latent_dim`."
            )
        size = None if self.condition is None else (None, self.condition.size)
        # A discriminator may leave the condition out, as in AC-GAN.
        if g_condition != size or d_condition not in (None, size):
            raise ValueError(
                "The networks do not fit the condition. Expected: "
                + (
                    "networks of one input, as the model is unconditional."
                    if size is None
                    else f"[inputs, condition] with a condition of shape {size}, "
                    "one-hot vectors or attributes."
                )
                + f" Received: a generator with {g_condition} and a discriminator "
                f"with {d_condition}."
            )
        self._judges_condition = d_condition is not None

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


def _input_shapes(network):
    """Shapes of what a network takes: examples or latents, and a condition or None."""
    shapes = network.input_shape
    if isinstance(shapes, list):
        return tuple(shapes[0]), tuple(shapes[1])
    return tuple(shapes), None
