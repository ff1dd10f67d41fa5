r"""CycleGAN: translation both ways, learned without pairs.

Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks", arXiv:1703.10593. Two generators, F: A -> B ("generator_b") and G: B -> A
("generator_a"), two discriminators. With least squares for the adversarial losses
(section 4), the generators minimise (equations 1 to 3, and section 5.2)

      E[(D_B(F(a)) - 1)^2] + E[(D_A(G(b)) - 1)^2]
    + lambda (E|G(F(a)) - a|_1 + E|F(G(b)) - b|_1)                        cycle
    + lambda/2 (E|F(b) - b|_1 + E|G(a) - a|_1)                            identity

with lambda = 10, and each discriminator

    1/2 E[(D(x) - 1)^2] + 1/2 E[D(x')^2],

x' being a generated image, or an earlier one out of a pool of 50. Generators are
residual networks with instance normalization, discriminators judge patches of 70 x 70
pixels. Adam with rate 2e-4 and beta_1 0.5, batches of 1.

Deviations: the authors keep the rate for 100 epochs and let it fall to 0 over 100:
`schedules.LinearDecay`. `losses.LeastSquares` has 1/2 in the generators' loss too,
which is why `adversarial_weight` is 2.
"""

import keras
from keras import ops

from keras_gans import backend
from keras_gans import losses
from keras_gans.layers import ImagePool
from keras_gans.models.adversarial import average_of
from keras_gans.models.adversarial import dtype_policy
from keras_gans.models.compiling import PAPER
from keras_gans.models.objectives import discriminator_loss
from keras_gans.models.step import Player
from keras_gans.models.translation.networks import patch_discriminator
from keras_gans.models.translation.networks import resnet_generator
from keras_gans.models.translation.networks import unet_generator
from keras_gans.models.translation.residual_unet import residual_unet_generator
from keras_gans.models.translation.translation import TranslationModel
from keras_gans.models.translation.translation import mean_l1
from keras_gans.utils.checks import whole_number


@keras.saving.register_keras_serializable("keras_gans")
class CycleGAN(TranslationModel):
    """Translates between two domains of images, trained without pairs.

    Args:
        image_shape: `(H, W, C)` of an image of A.
        image_shape_b: Optional `(H, W, C)` of an image of B, if its channels differ;
            the identity loss is left out then.
        body: Of the generators: "resnet" or "unet", the authors'; or "residual_unet",
            residual blocks without normalization at each size.
        blocks: Optional int, residual blocks of a resnet; the paper's if None: 9, and 6
            for images of at most 128 pixels. Of a residual U-Net those of each size, 3
            if None.
        halvings: Int, of the image in a resnet, before its blocks, or in a residual
            U-Net; 2 in the paper, whose images are of 128 pixels and more.
        global_skip: Bool, whether a resnet or a residual U-Net adds what it makes to
            the image it gets, as in DeblurGAN (Kupyn et al. 2018, arXiv:1711.07064,
            section 3.2). For domains whose images are of the same layout: a translation
            starts as what there is. Not in the paper.
        width: Int, channels of the generators' first layers.
        discriminator_width: Int, channels of the discriminators' first layers.
        discriminator_layers: Int, their halvings: 3 for patches of 70 pixels, 2 for 34.
        pool_size: Int, generated images that each pool holds; 0 for no pool.
        generator_b: Optional Keras model from A to B, in [-1, 1].
        generator_a: Optional Keras model from B to A.
        discriminator_b: Optional Keras model from B to logits `(B, h, w, 1)`.
        discriminator_a: Optional Keras model from A to logits.
        seed: Optional int, start of the random numbers of training and of the order
            of examples.
        name: Optional name.
        dtype: Optional dtype policy, such as "mixed_bfloat16".

    Raises:
        ValueError: If networks and images do not fit together.

    Example:

    ```python
    model = kg.models.CycleGAN(image_shape=(256, 256, 3))
    model.compile()
    model.fit((horses, zebras), epochs=200)
    zebras = model.translate(new_horses, to="b")
    ```
    """

    def __init__(
        self,
        image_shape=(256, 256, 3),
        image_shape_b=None,
        *,
        body="resnet",
        blocks=None,
        halvings=2,
        global_skip=False,
        width=64,
        discriminator_width=64,
        discriminator_layers=3,
        pool_size=50,
        generator_b=None,
        generator_a=None,
        discriminator_b=None,
        discriminator_a=None,
        seed=None,
        name=None,
        dtype=None,
    ):
        super().__init__(name=name, dtype=dtype)
        if body not in ("resnet", "unet", "residual_unet"):
            raise ValueError(
                "Expected: `body` of 'resnet', 'unet' or 'residual_unet'. Received: "
                f"{body!r}."
            )
        if body == "unet" and global_skip:
            raise ValueError(
                "Expected: `global_skip` of a resnet or a residual U-Net. Received: "
                "body='unet', the authors', which adds nothing to an image."
            )
        self._set_domains(image_shape, image_shape_b, aligned=False)
        shape_a, shape_b = self.data_spec.shape, self.data_spec_b.shape
        width = whole_number(width, "width")
        discriminator_width = whole_number(discriminator_width, "discriminator_width")
        discriminator_layers = whole_number(
            discriminator_layers, "discriminator_layers"
        )
        self._init_config = {
            "body": body,
            "blocks": blocks,
            "halvings": halvings,
            "global_skip": global_skip,
            "width": width,
            "discriminator_width": discriminator_width,
            "discriminator_layers": discriminator_layers,
            "pool_size": pool_size,
            "seed": seed,
        }
        given = {
            "generator_b": generator_b,
            "generator_a": generator_a,
            "discriminator_b": discriminator_b,
            "discriminator_a": discriminator_a,
        }
        self._own_networks = [name for name, network in given.items() if network]

        def generate(source, target):
            if body == "unet":
                return unet_generator(
                    source,
                    target[-1],
                    width,
                    dropout=False,  # the authors' CycleGAN has none
                    normalization="instance",
                )
            is_resnet = body == "resnet"
            return (resnet_generator if is_resnet else residual_unet_generator)(
                source,
                target[-1],
                width,
                blocks,
                halvings=halvings,
                global_skip=global_skip,
            )

        with dtype_policy(self.dtype_policy):
            self.generator_b = generator_b or generate(shape_a, shape_b)
            self.generator_a = generator_a or generate(shape_b, shape_a)
            self.discriminator_b, self.discriminator_a = (
                own
                or patch_discriminator(
                    shape, width=discriminator_width, layers=discriminator_layers
                )
                for own, shape in (
                    (discriminator_b, shape_b),
                    (discriminator_a, shape_a),
                )
            )
        self._check_network("generator_b", [shape_a], shape_b)
        self._check_network("generator_a", [shape_b], shape_a)
        self._check_network("discriminator_b", [shape_b])
        self._check_network("discriminator_a", [shape_a])
        self.ema_generator_b = average_of(self.generator_b)
        self.ema_generator_a = average_of(self.generator_a)
        self.pool_b = ImagePool(pool_size, shape_b)
        self.pool_a = ImagePool(pool_size, shape_a)
        self._has_identity = shape_a == shape_b
        self._init_training(seed)

    @classmethod
    def from_official(
        cls, generator_b, generator_a=None, *, discriminator_b=None,
        discriminator_a=None, image_size=None, **kwargs,
    ):  # fmt: skip
        """Makes a model with weights of the authors' pytorch-CycleGAN-and-pix2pix.

        Files are read without running what they ask for, and without PyTorch. Networks
        without a file start anew, as the paper's.

        Args:
            generator_b: Path of the generator from A to B, `latest_net_G_A.pth`, or
                `latest_net_G.pth` of the published ones; or a state dict with NumPy
                arrays. Sizes are read off the shapes.
            generator_a: Optional, likewise from B to A: `latest_net_G_B.pth`.
            discriminator_b: Optional, of B: their `latest_net_D_A.pth`.
            discriminator_a: Optional, of A: their `latest_net_D_B.pth`.
            image_size: Optional int or `(H, W)`; 256 if None.
            **kwargs: Of the constructor, such as `seed` and `name`.

        Returns:
            The model, with the weights in the generators and in their averages.

        Raises:
            ValueError: If a file is not of such a network, with what is missing.

        Example:

        ```python
        gan = kg.models.CycleGAN.from_official("latest_net_G.pth")  # horse2zebra
        zebras = gan.translate(horses, to="b")
        ```
        """
        from keras_gans.models.translation.official import cycle_gan_from_official

        sources = generator_b, generator_a, discriminator_b, discriminator_a
        return cycle_gan_from_official(cls, *sources, image_size, **kwargs)

    def recipe(self):
        """The paper's arguments of `compile`."""
        return {
            "generator_optimizer": keras.optimizers.Adam(2e-4, beta_1=0.5),
            "discriminator_optimizer": keras.optimizers.Adam(2e-4, beta_1=0.5),
            "loss": losses.LeastSquares(),
            "adversarial_weight": 2.0,
            "cycle_weight": 10.0,
            "identity_weight": 5.0 if self._has_identity else 0.0,
            "ema_half_life": None,
        }

    def compile(
        self,
        generator_optimizer=PAPER,
        discriminator_optimizer=PAPER,
        loss=PAPER,
        adversarial_weight=PAPER,
        cycle_weight=PAPER,
        identity_weight=PAPER,
        ema_half_life=PAPER,
        *,
        micro_batches=1,
        rematerialize=False,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
    ):
        """Sets the game up; without arguments it is the paper's.

        Args:
            generator_optimizer: Keras optimizer, or its name.
            discriminator_optimizer: Keras optimizer, or its name.
            loss: A `keras_gans.losses.Loss`, or its name.
            adversarial_weight: Float >= 0, of the generators' adversarial losses.
            cycle_weight: Float >= 0, lambda, for colors in [-1, 1].
            identity_weight: Float >= 0; 0 saves two passes through generators.
            ema_half_life: Images after which a weight of a generator counts half in
                the average that translates; None for the generator itself.
            micro_batches: Int, parts of a batch whose gradients are added up before an
                update; see `GAN.compile`.
            rematerialize: Bool, whether activations are computed again where gradients
                need them; see `GAN.compile`.
            run_eagerly: As in Keras.
            steps_per_execution: As in Keras.
            jit_compile: As in Keras.

        Raises:
            ValueError: With what was expected and what was received.
        """
        recipe = self._or_paper(
            generator_optimizer=generator_optimizer,
            discriminator_optimizer=discriminator_optimizer,
            loss=loss,
            adversarial_weight=adversarial_weight,
            cycle_weight=cycle_weight,
            identity_weight=identity_weight,
            ema_half_life=ema_half_life,
        )
        if recipe["identity_weight"] and not self._has_identity:
            raise ValueError(
                "Expected: identity_weight=0, as images of the domains differ in "
                f"shape. Received: {identity_weight!r}."
            )
        self.term_names = (
            ("cycle", "identity") if recipe["identity_weight"] else ("cycle",)
        )
        self._compile(
            recipe,
            micro_batches=micro_batches,
            rematerialize=rematerialize,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
        )

    # ---------------------------------------------------------------- the game

    def players(self):
        """Who updates what, in the order of their turns."""
        return [
            Player(
                "generator",
                (self.generator_b, self.generator_a),
                self.generator_objective,
                1,
            ),
            Player(
                "discriminator",
                (self.discriminator_b, self.discriminator_a),
                self.discriminator_objective,
                self.discriminator_steps,
            ),
        ]

    def averaged(self):
        """Pairs of a generator and its average."""
        return [
            (self.generator_b, self.ema_generator_b),
            (self.generator_a, self.ema_generator_a),
        ]

    def generator_objective(self, a, b, training=True):
        """What both generators minimise.

        Args:
            a: `(B, H, W, C)`, images of A as the networks see them.
            b: Those of B.
            training: Whether the networks train.

        Returns:
            The scalar, a dict of logs, and F(a), G(b), for the discriminators.
        """

        def to_b(x):
            return ops.cast(self.generator_b(x, training=training), "float32")

        def to_a(x):
            return ops.cast(self.generator_a(x, training=training), "float32")

        fake_b, fake_a = to_b(a), to_a(b)
        adversarial = 0.0
        for discriminator, real, fake in (
            (self.discriminator_b, b, fake_b),
            (self.discriminator_a, a, fake_a),
        ):
            is_relative = self.loss.relativistic
            real = discriminator(real, training=training) if is_relative else None
            fake = discriminator(fake, training=training)
            adversarial += ops.mean(self.loss.generator(fake, real))
        cycle = mean_l1(to_a(fake_b), a) + mean_l1(to_b(fake_a), b)
        logs = {"g_loss": adversarial, "cycle": cycle}
        loss = self.adversarial_weight * adversarial + self.cycle_weight * cycle
        if self.identity_weight:
            identity = mean_l1(to_b(b), b) + mean_l1(to_a(a), a)
            logs["identity"] = identity
            loss = loss + self.identity_weight * identity
        fakes = [ops.stop_gradient(fake) for fake in (fake_b, fake_a)]
        return loss, logs, fakes

    def discriminator_objective(self, a, b, fakes=None, training=True):
        """What both discriminators minimise; the logs are means over the two."""
        if fakes is None:
            fakes = [
                ops.cast(generator(x, training=training), "float32")
                for generator, x in ((self.generator_b, a), (self.generator_a, b))
            ]
        loss, logs = 0.0, {"d_loss": 0.0, "d_real": 0.0, "d_fake": 0.0}
        for discriminator, pool, real, fake in (
            (self.discriminator_b, self.pool_b, b, fakes[0]),
            (self.discriminator_a, self.pool_a, a, fakes[1]),
        ):
            if training:
                with backend.no_gradients():
                    fake = pool(fake, seed=self.seed_generator)
            real_logits = discriminator(real, training=training)
            fake_logits = discriminator(fake, training=training)
            own, said = discriminator_loss(self.loss, real_logits, fake_logits)
            loss += own
            logs = {name: logs[name] + value / 2 for name, value in said.items()}
        return loss, logs

    # ---------------------------------------------------------------- use

    def directions(self):
        """What makes images of B, and of A."""
        a, b = self.data_spec, self.data_spec_b
        return {"b": (self.ema_generator_b, a, b), "a": (self.ema_generator_a, b, a)}

    def cycle(self, images, of="a", **kwargs):
        """Translates images to the other domain and back.

        Args:
            images: `(N, H, W, C)` of domain `of`, uint8 or float in [-1, 1].
            of: "a" or "b".
            **kwargs: As in `translate`.

        Returns:
            uint8 `(N, H, W, C)`: what went there, and what came back.
        """
        if of not in ("a", "b"):
            raise ValueError(f"Expected: `of` of 'a' or 'b'. Received: {of!r}.")
        there = self.translate(images, to="b" if of == "a" else "a", **kwargs)
        return there, self.translate(there, to=of, **kwargs)
