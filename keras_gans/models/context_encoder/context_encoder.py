r"""Context encoder: fills holes in images by what is around them.

Pathak et al., "Context Encoders: Feature Learning by Inpainting", arXiv:1604.07379. Of
an image x with a hole M (1 where pixels are missing, 0 elsewhere) G makes an image, D
judges images (equations 1 to 3):

    y = M G((1 - M) x) + (1 - M) x
    G minimises  0.999 |M (x - y)|^2 + 0.001 (-log D(y))
    D minimises  -log D(x) - log(1 - D(y))

G maximises log D(y), as in the authors' code, where its rate is 2e-3, ten times D's;
both use Adam with beta_1 0.5. The squares are means over the missing pixels.

Deviations: G is pix2pix' U-Net, without dropout, and is told M by a channel more, where
the authors' has a bottleneck and sees the hole alone, filled with a color. D sees y,
whose known pixels are those of x, not G's. Holes are rectangles of random places and
sizes, one an image, or a given one; the authors' are the center, several blocks, or
shapes cut out of other pictures. D is DCGAN's, as theirs. G plays before D, which sees
the same images.

B: batch, H, W: sides, C: channels, N: images.
"""

import keras
import numpy as np
from keras import ops

from keras_gans import backend
from keras_gans import losses
from keras_gans.data_specs import Images
from keras_gans.models.adversarial import AdversarialModel
from keras_gans.models.adversarial import average_of
from keras_gans.models.adversarial import dtype_policy
from keras_gans.models.compiling import PAPER
from keras_gans.models.context_encoder.masks import as_masks
from keras_gans.models.context_encoder.masks import random_rectangles
from keras_gans.models.dcgan.dcgan import dcgan_discriminator
from keras_gans.models.objectives import discriminator_loss
from keras_gans.models.sampling import whole_batches
from keras_gans.models.step import Player
from keras_gans.models.translation.networks import unet_generator
from keras_gans.utils.checks import whole_number
from keras_gans.utils.prediction import predict


@keras.saving.register_keras_serializable("keras_gans")
class ContextEncoder(AdversarialModel):
    """Fills holes in images, trained on images without holes.

    Args:
        image_shape: `(H, W, C)`; sides are multiples of 4, at least 16.
        mask: Optional `(H, W)`, the hole in each image of training, not 0 where pixels
            are missing. Default: random rectangles.
        hole: `(least, most)`, shares of a side that is missing, of random rectangles.
        width: Int, channels of the generator's first layer.
        discriminator_width: Int, channels of the discriminator's first layer.
        generator: Optional Keras model from `(B, H, W, C + 1)`, an image in [-1, 1],
            0 in its hole, and M, to `(B, H, W, C)` in [-1, 1].
        discriminator: Optional Keras model from images to logits.
        seed: Optional int, start of the random numbers of training and of the order
            of examples.
        name: Optional name.
        dtype: Optional dtype policy, such as "mixed_bfloat16".

    Raises:
        ValueError: If arguments, networks and images do not fit together.

    Example:

    ```python
    model = kg.models.ContextEncoder(image_shape=(64, 64, 3))
    model.compile()
    model.fit(images, epochs=50)
    whole = model.inpaint(damaged, masks)  # masks (N, H, W), True where missing
    ```
    """

    default_batch_size = 64
    condition = None
    num_classes = None
    term_names = ("l2",)
    usage = "whole = gan.inpaint(images, masks)  # masks (N, H, W), True where missing"

    def __init__(
        self,
        image_shape=(64, 64, 3),
        *,
        mask=None,
        hole=(0.25, 0.5),
        width=64,
        discriminator_width=64,
        generator=None,
        discriminator=None,
        seed=None,
        name=None,
        dtype=None,
    ):
        super().__init__(name=name, dtype=dtype)
        self.data_spec = Images(image_shape)
        height, side, channels = shape = self.data_spec.shape
        hole = tuple(map(float, np.atleast_1d(hole)))
        least, most = hole if len(hole) == 2 else (0.0, 0.0)
        if not 0.0 < least <= most <= 1.0:
            raise ValueError(
                "Expected: `hole` as (least, most), shares of a side in (0, 1]. "
                f"Received: {hole}."
            )
        if mask is not None:
            mask = as_masks(mask, shape[:2], name="mask")
            if not mask.any():
                raise ValueError("Expected: a `mask` with a hole. Received: all 0.")
        self.mask = mask
        self.hole = hole
        width = whole_number(width, "width")
        discriminator_width = whole_number(discriminator_width, "discriminator_width")
        self._init_config = {
            "mask": None if mask is None else mask[..., 0].astype(int).tolist(),
            "hole": list(hole),
            "width": width,
            "discriminator_width": discriminator_width,
            "seed": seed,
        }
        given = {"generator": generator, "discriminator": discriminator}
        self._own_networks = [name for name, network in given.items() if network]
        taken = (height, side, channels + 1)
        with dtype_policy(self.dtype_policy):
            self.generator = generator or unet_generator(
                taken, channels, width, dropout=False
            )
            self.discriminator = discriminator or dcgan_discriminator(
                shape, discriminator_width
            )
        self._check_network("generator", [taken], shape)
        self._check_network("discriminator", [shape])
        self.ema_generator = average_of(self.generator)
        self._init_training(seed)

    def get_config(self):
        """Returns the arguments; networks only where they were given."""
        serialize = keras.saving.serialize_keras_object
        own = {name: serialize(getattr(self, name)) for name in self._own_networks}
        return {
            "image_shape": list(self.data_spec.shape),
            "name": self.name,
            "dtype": serialize(self.dtype_policy),
            **own,
            **self._init_config,
        }

    def recipe(self):
        """The paper's arguments of `compile`."""
        return {
            "generator_optimizer": keras.optimizers.Adam(2e-3, beta_1=0.5),
            "discriminator_optimizer": keras.optimizers.Adam(2e-4, beta_1=0.5),
            "loss": losses.NonSaturating(),
            "l2_weight": 0.999,
            "adversarial_weight": 0.001,
            "ema_half_life": None,
        }

    def compile(
        self,
        generator_optimizer=PAPER,
        discriminator_optimizer=PAPER,
        loss=PAPER,
        l2_weight=PAPER,
        adversarial_weight=PAPER,
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
            l2_weight: Float >= 0, of (x - y)^2 for colors in [-1, 1].
            adversarial_weight: Float >= 0.
            ema_half_life: Images after which a weight of the generator counts half in
                the average that fills holes; None for the generator itself.
            micro_batches: Int, parts of a batch whose gradients are added up before an
                update; see `GAN.compile`. Each part's L2 is that of its own holes.
            rematerialize: Bool, whether activations are computed again where gradients
                need them; see `GAN.compile`.
            run_eagerly: As in Keras.
            steps_per_execution: As in Keras.
            jit_compile: As in Keras.

        Raises:
            ValueError: With what was expected and what was received.
        """
        self._compile(
            self._or_paper(
                generator_optimizer=generator_optimizer,
                discriminator_optimizer=discriminator_optimizer,
                loss=loss,
                l2_weight=l2_weight,
                adversarial_weight=adversarial_weight,
                ema_half_life=ema_half_life,
            ),
            micro_batches=micro_batches,
            rematerialize=rematerialize,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
        )

    # ---------------------------------------------------------------- the game

    def players(self):
        """Who updates what, in the order of their turns."""
        g, d = self.generator_objective, self.discriminator_objective
        return [
            Player("generator", (self.generator,), g, 1),
            Player("discriminator", (self.discriminator,), d, self.discriminator_steps),
        ]

    def draw_masks(self, count):
        """Holes of a batch, float32 `(B, H, W, 1)`: random ones, or the given one."""
        sides = self.data_spec.shape[:2]
        if self.mask is None:
            return random_rectangles(count, sides, self.hole, self.seed_generator)
        mask = ops.convert_to_tensor(self.mask)
        return ops.broadcast_to(mask, (count, *sides, 1))

    def fill(self, images, masks, training=True):
        """Fills holes by the generator in training; known pixels stay as they are.

        Args:
            images: `(B, H, W, C)`, as the networks see them.
            masks: Float32 `(B, H, W, 1)`, 1 where a pixel is missing.
            training: Whether the generator trains.

        Returns:
            Float32 `(B, H, W, C)`.
        """
        made = self.generator(with_holes(images, masks), training=training)
        return ops.where(masks > 0, ops.cast(made, "float32"), images)

    def generator_objective(self, real, labels=None, training=True):
        """What G minimises: |M (x - y)|^2 and -log D(y).

        Args:
            real: `(B, H, W, C)`, images as the networks see them.
            labels: None.
            training: Whether the networks train.

        Returns:
            The scalar, a dict of logs, and the filled images, for the discriminator.
        """
        masks = self.draw_masks(ops.shape(real)[0])
        fake = self.fill(real, masks, training)
        missing = backend.mean_over_replicas(ops.sum(masks)) * self.data_spec.shape[-1]
        l2 = ops.sum(ops.square(real - fake)) / missing  # 0 where pixels are known
        is_relative = self.loss.relativistic
        real_logits = self._judge(real, training) if is_relative else None
        loss = ops.mean(self.loss.generator(self._judge(fake, training), real_logits))
        total = self.l2_weight * l2 + self.adversarial_weight * loss
        return total, {"g_loss": loss, "l2": l2}, ops.stop_gradient(fake)

    def discriminator_objective(self, real, labels=None, fake=None, training=True):
        """What D minimises: -log D(x) - log(1 - D(y))."""
        if fake is None:
            masks = self.draw_masks(ops.shape(real)[0])
            fake = self.fill(real, masks, training)
        real_logits = self._judge(real, training)
        fake_logits = self._judge(fake, training)
        return discriminator_loss(self.loss, real_logits, fake_logits)

    def _judge(self, images, training):
        return self.discriminator(images, training=training)

    # ---------------------------------------------------------------- use

    def inpaint(self, images, masks, *, batch_size=16, verbose=0):
        """Fills holes, with the averaged generator; known pixels stay bit for bit.

        Args:
            images: `(N, H, W, C)`, uint8 or float in [-1, 1]; what is in the holes is
                not looked at.
            masks: `(N, H, W)`, or one `(H, W)` for all; bool, or 0 where a pixel is
                known. Best such holes as the model was trained with.
            batch_size: Int, images at a time.
            verbose: 1 for a progress bar.

        Returns:
            uint8 `(N, H, W, C)`.

        Raises:
            ValueError: If images or masks do not fit.

        Example:

        ```python
        masks = np.zeros((64, 64), bool)
        masks[16:48, 16:48] = True
        whole = model.inpaint(images, masks)
        ```
        """
        images = np.asarray(images)
        masks = as_masks(masks, self.data_spec.shape[:2], len(images))
        if images.shape[1:3] == masks.shape[1:3]:
            images = np.where(masks > 0, np.zeros_like(images), images)
        self.data_spec.check(images, "images", lenient=True)
        known = images if images.dtype == np.uint8 else self.data_spec.to_user(images)
        inputs = with_holes(known.astype("float32") / 127.5 - 1.0, masks)
        backend.sync_state(self)
        rows, batch_size = whole_batches(len(images), batch_size)
        made = predict(self.ema_generator, inputs[rows], batch_size, verbose)
        made = self.data_spec.to_user(made[: len(images)])
        return np.where(masks > 0, made, known)

    def call(self, inputs, training=False):
        """Fills holes with the averaged generator.

        Args:
            inputs: `[images, masks]`, `(B, H, W, C)` float in [-1, 1] and
                `(B, H, W, 1)`, 1 where a pixel is missing.
            training: Passed to the generator.

        Returns:
            Float32 `(B, H, W, C)` in [-1, 1].
        """
        images, masks = map(ops.convert_to_tensor, inputs)
        made = self.ema_generator(with_holes(images, masks), training=training)
        return ops.where(masks > 0, ops.cast(made, "float32"), images)


def with_holes(images, masks):
    """What G sees, `(B, H, W, C + 1)`: images, 0 in their holes, and the holes."""
    xp = np if isinstance(images, np.ndarray) else ops
    known = xp.where(masks > 0, xp.zeros_like(images), images)  # NaN in holes is usual
    return xp.concatenate([known, masks], axis=-1)
