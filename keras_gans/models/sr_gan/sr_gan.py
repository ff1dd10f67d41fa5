r"""SRGAN: large images for small ones, with plausible detail.

Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative
Adversarial Network", arXiv:1609.04802. G enlarges a small image a, D judges whether an
image is a large one b (equations 2, 3, 5 and 6):

    G minimises  perceptual(G(a), b) + 1e-3 (-log D(G(a)))
    D minimises  -log D(b) - log(1 - D(G(a)))

The perceptual loss compares feature maps of a network that was trained to classify.
Without the last two, and with the mean of (b - G(a))^2 in place of the first, G is
SRResNet, which the authors train before: `compile(adversarial_weight=0.0,
perceptual_weight=0.0)`, then `fit`, then `compile()`, which begins with its weights.
Adam with rate 1e-4, batches of 16 crops of 96 x 96 pixels, scale 4 (section 3.2).

Deviations: the paper's maps are those of VGG19, ours of `losses.Perceptual`, at several
depths and scaled to length 1; as they tell little of colors, the mean of (b - G(a))^2
is a term too (`pixel_weight`). G plays before D, which sees the same fakes. The authors
lower the rate to 1e-5 after 1e5 updates. `body="rrdb"` is the generator of ESRGAN (Wang
et al. 2018, arXiv:1809.00219), whose loss is `loss="relativistic_average"` with
`adversarial_weight=5e-3`, `pixel_loss="l1"`, `pixel_weight=1e-2`.

B: batch, H, W: sides of the small image, C: channels, s: scale.
"""

import warnings

import keras
from keras import ops

from keras_gans import losses
from keras_gans.models.adversarial import average_of
from keras_gans.models.adversarial import dtype_policy
from keras_gans.models.compiling import PAPER
from keras_gans.models.objectives import discriminator_loss
from keras_gans.models.step import Player
from keras_gans.models.super_resolution.networks import rrdb_network
from keras_gans.models.super_resolution.networks import srgan_discriminator
from keras_gans.models.super_resolution.networks import srresnet
from keras_gans.models.super_resolution.upscale import multiple_of
from keras_gans.models.translation.translation import TranslationModel
from keras_gans.utils.checks import whole_number

BODIES = {"srresnet": 16, "rrdb": 23}  # their blocks in the papers
LARGE, TILE = 512, 256  # pixels: images with a longer side are enlarged in tiles


@keras.saving.register_keras_serializable("keras_gans")
class SRGAN(TranslationModel):
    """Enlarges images, trained on pairs of small and large ones.

    Args:
        image_shape: `(H, W, C)` of the small images of training; those to be enlarged
            may have any sides.
        scale: Int, s, a power of two such as 2 or 4: large images are `(s H, s W, C)`,
            with sides of at least 16.
        body: Of the generator: "srresnet", or "rrdb" (ESRGAN).
        width: Int, channels of the generator's features.
        blocks: Optional int, its blocks; the papers' 16 or 23 if None.
        discriminator_width: Int, channels of the discriminator's first layer.
        generator: Optional Keras model from small to large images, in [-1, 1].
        discriminator: Optional Keras model from large images to logits `(B, 1)`.
        seed: Optional int, start of the random numbers of training and of the order
            of examples.
        name: Optional name.
        dtype: Optional dtype policy, such as "mixed_bfloat16".

    Raises:
        ValueError: If networks and images do not fit together.

    Example:

    ```python
    model = kg.models.SRGAN(image_shape=(24, 24, 3), scale=4)
    model.compile(adversarial_weight=0.0, perceptual_weight=0.0)  # SRResNet first
    model.fit(small, large, epochs=50)
    model.compile()
    model.fit(small, large, epochs=50)
    larger = model.translate(photos)  # of any sides
    ```
    """

    default_batch_size = 16
    usage = "large = gan.translate(small)"

    def __init__(
        self,
        image_shape=(24, 24, 3),
        *,
        scale=4,
        body="srresnet",
        width=64,
        blocks=None,
        discriminator_width=64,
        generator=None,
        discriminator=None,
        seed=None,
        name=None,
        dtype=None,
    ):
        super().__init__(name=name, dtype=dtype)
        if body not in BODIES or not isinstance(scale, int) or scale < 1:
            raise ValueError(
                "Expected: `body` of 'srresnet' or 'rrdb', and `scale` as a power of "
                f"two. Received: {body!r} and {scale!r}."
            )
        height, side, channels = image_shape
        shape = scale * height, scale * side, channels
        self._set_domains(image_shape, shape, aligned=True)
        width = whole_number(width, "width")
        discriminator_width = whole_number(discriminator_width, "discriminator_width")
        self._init_config = {
            "scale": scale,
            "body": body,
            "width": width,
            "blocks": blocks,
            "discriminator_width": discriminator_width,
            "seed": seed,
        }
        given = {"generator": generator, "discriminator": discriminator}
        self._own_networks = [name for name, network in given.items() if network]
        blocks = BODIES[body] if blocks is None else blocks
        with dtype_policy(self.dtype_policy):
            if generator is None and body == "rrdb":
                growth = max(1, width // 2)
                generator = rrdb_network(channels, width, growth, blocks, scale)
            self.generator = generator or srresnet(channels, width, blocks, scale)
            self.discriminator = discriminator or srgan_discriminator(
                shape, discriminator_width
            )
        self._check_network("generator", [self.data_spec.shape], shape)
        self._check_network("discriminator", [shape])
        made = self.generator.compute_output_shape((None, *self.data_spec.shape))
        if tuple(made[1:]) != shape:
            raise ValueError(
                f"The generator does not fit the images. Expected: {shape} of "
                f"{self.data_spec.shape}, as scale={scale}. Received: {made[1:]}."
            )
        self.takes_any_size = self.generator.input_shape[1:3] == (None, None)
        self.ema_generator = average_of(self.generator)
        self._init_training(seed)

    def get_config(self):
        """Returns the arguments; networks only where they were given."""
        config = super().get_config()
        del config["image_shape_b"]  # which follows from the scale
        return config

    def recipe(self):
        """The paper's arguments of `compile`; its term of pixels is this package's."""
        return {
            "generator_optimizer": keras.optimizers.Adam(1e-4),
            "discriminator_optimizer": keras.optimizers.Adam(1e-4),
            "loss": losses.NonSaturating(),
            "adversarial_weight": 1e-3,
            "perceptual_weight": 1.0,
            "pixel_weight": 1.0,
            "perceptual_loss": "efficientnet_lite0",
            "pixel_loss": "l2",
            "ema_half_life": None,
        }

    def compile(
        self,
        generator_optimizer=PAPER,
        discriminator_optimizer=PAPER,
        loss=PAPER,
        adversarial_weight=PAPER,
        perceptual_weight=PAPER,
        pixel_weight=PAPER,
        perceptual_loss=PAPER,
        pixel_loss=PAPER,
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
            adversarial_weight: Float >= 0; 0 leaves the discriminator out.
            perceptual_weight: Float >= 0; 0 needs no weights of another network.
            pixel_weight: Float >= 0.
            perceptual_loss: A loss of images, or features for `losses.Perceptual`.
            pixel_loss: A loss of images, or "l2", "l1" or "charbonnier".
            ema_half_life: Images after which a weight of the generator counts half in
                the average that enlarges; None for the generator itself.
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
            perceptual_weight=perceptual_weight,
            pixel_weight=pixel_weight,
            perceptual_loss=perceptual_loss,
            pixel_loss=pixel_loss,
            ema_half_life=ema_half_life,
        )
        weights = [recipe[f"{of}_weight"] for of in ("perceptual", "pixel")]
        if not any(weights):
            raise ValueError(
                "Expected: `perceptual_weight` or `pixel_weight` above 0, or large "
                "images need not resemble small ones. Received: 0 and 0."
            )
        self.pixel_loss = losses.get_reconstruction(recipe.pop("pixel_loss"))
        perceptual = recipe.pop("perceptual_loss")
        if weights[0] and not isinstance(perceptual, losses.ReconstructionLoss):
            channels = self.data_spec_b.shape[-1]
            if channels not in (1, 3):
                raise ValueError(
                    "Expected: images with 1 or 3 channels, which the features of the "
                    f"perceptual loss are made for. Received: {channels}. Use "
                    "`perceptual_weight=0` with a `pixel_weight`, or a loss of your "
                    "own as `perceptual_loss`."
                )
            perceptual = losses.Perceptual(perceptual)
        self.perceptual_loss = perceptual
        self.term_names = ("pixel", "perceptual") if weights[0] else ("pixel",)
        self._compile(
            recipe,
            micro_batches=micro_batches,
            rematerialize=rematerialize,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
        )

    def get_compile_config(self):
        """Returns the arguments of `compile`; None if one of them cannot be saved."""
        config = super().get_compile_config()
        if config is None:
            return None
        serialize = keras.saving.serialize_keras_object
        try:
            own = {
                name: serialize(getattr(self, name))
                for name in ("pixel_loss", "perceptual_loss")
            }
        except ValueError as error:
            warnings.warn(
                f"The model is saved as if not compiled. {error}",
                UserWarning,
                stacklevel=2,
            )
            return None
        return config | own

    # ---------------------------------------------------------------- the game

    def players(self):
        """Who updates what, in the order of their turns."""
        players = [Player("generator", (self.generator,), self.generator_objective, 1)]
        if self.adversarial_weight:
            networks = (self.discriminator,)
            players.append(
                Player(
                    "discriminator",
                    networks,
                    self.discriminator_objective,
                    self.discriminator_steps,
                )
            )
        return players

    def log_names(self):
        """Names of all logs; without a discriminator, of the terms alone."""
        return super().log_names() if self.adversarial_weight else list(self.term_names)

    def generator_objective(self, a, b, training=True):
        """What G minimises: how far G(a) is from b, and -log D(G(a)).

        Args:
            a: `(B, H, W, C)`, small images as the networks see them.
            b: `(B, s H, s W, C)`, the large ones.
            training: Whether the networks train.

        Returns:
            The scalar, a dict of logs, and G(a), for the discriminator.
        """
        fake = ops.cast(self.generator(a, training=training), "float32")
        pixel = ops.mean(self.pixel_loss(fake, b))
        total, logs = self.pixel_weight * pixel, {"pixel": pixel}
        if self.perceptual_weight:
            logs["perceptual"] = ops.mean(self.perceptual_loss(fake, b))
            total = total + self.perceptual_weight * logs["perceptual"]
        if self.adversarial_weight:
            is_relative = self.loss.relativistic
            real_logits = self._judge(b, training) if is_relative else None
            fake_logits = self._judge(fake, training)
            logs["g_loss"] = ops.mean(self.loss.generator(fake_logits, real_logits))
            total = total + self.adversarial_weight * logs["g_loss"]
        return total, logs, ops.stop_gradient(fake)

    def discriminator_objective(self, a, b, fake=None, training=True):
        """What D minimises: -log D(b) - log(1 - D(G(a)))."""
        if fake is None:
            fake = ops.cast(self.generator(a, training=training), "float32")
        real_logits = self._judge(b, training)
        fake_logits = self._judge(fake, training)
        return discriminator_loss(self.loss, real_logits, fake_logits)

    def _judge(self, images, training):
        return self.discriminator(images, training=training)

    # ---------------------------------------------------------------- use

    def directions(self):
        """What makes large images."""
        return {"b": (self.ema_generator, self.data_spec, self.data_spec_b)}

    def _tiling(self, source, sides):
        """No tiles but for large images, where any size is taken."""
        if not self.takes_any_size:
            return super()._tiling(source, sides)
        multiple = multiple_of(self.generator)
        sides = (TILE, TILE) if max(sides) > LARGE else sides
        return [-(-side // multiple) * multiple for side in sides], multiple
