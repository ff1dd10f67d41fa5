r"""Pix2Pix: a picture for a picture, learned from pairs.

Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks",
arXiv:1611.07004. G makes b of a, D judges whether b belongs to a (equations 1, 3, 4):

    min_G max_D  E[log D(a, b)] + E[log(1 - D(a, G(a)))] + lambda E[|b - G(a)|_1]

with lambda = 100. G, which maximises log D(a, G(a)) instead, is a U-Net, whose only
noise is dropout, in sampling too; D judges patches of 70 x 70 pixels, and its loss is
their mean (sections 3.2 and 3.3). Adam with rate 2e-4 and beta_1 0.5, batches of 1.

Deviations: G plays before D, which sees the same fakes, so that these are made once;
D's loss is not halved, which Adam would not see. In use, batch normalization goes by
the averages of training: theirs goes by the batch that is translated (section 3.4), as
it does here in models of `from_official`. The authors keep the rate for 100
epochs and let it fall to 0 over 100: `schedules.LinearDecay`.
"""

import keras
from keras import ops

from keras_gans import losses
from keras_gans.models.adversarial import average_of
from keras_gans.models.adversarial import checked_seed
from keras_gans.models.adversarial import dtype_policy
from keras_gans.models.compiling import PAPER
from keras_gans.models.objectives import discriminator_loss
from keras_gans.models.step import Player
from keras_gans.models.translation.networks import patch_discriminator
from keras_gans.models.translation.networks import unet_generator
from keras_gans.models.translation.translation import TranslationModel
from keras_gans.models.translation.translation import mean_l1
from keras_gans.utils.checks import whole_number


@keras.saving.register_keras_serializable("keras_gans")
class Pix2Pix(TranslationModel):
    """Translates images of domain A to domain B, trained on pairs.

    Args:
        image_shape: `(H, W, C)` of an image of A.
        image_shape_b: Optional `(H, W, C)` of an image of B, if its channels differ.
        width: Int, channels of the generator's first layer.
        discriminator_width: Int, channels of the discriminator's first layer.
        discriminator_layers: Int, its halvings: 3 for patches of 70 pixels, 2 for 34.
        generator: Optional Keras model from A to B, in [-1, 1].
        discriminator: Optional Keras model from `[b, a]` to logits `(B, h, w, 1)`.
        seed: Optional int, start of the random numbers of training and of the order
            of examples.
        name: Optional name.
        dtype: Optional dtype policy, such as "mixed_bfloat16".

    Raises:
        ValueError: If networks and images do not fit together.

    Example:

    ```python
    model = kg.models.Pix2Pix(image_shape=(64, 64, 1), image_shape_b=(64, 64, 3))
    model.compile()
    model.fit(edges, photos, batch_size=4, epochs=50)
    photos = model.translate(new_edges)
    ```
    """

    term_names = ("l1",)

    def __init__(
        self,
        image_shape=(256, 256, 3),
        image_shape_b=None,
        *,
        width=64,
        discriminator_width=64,
        discriminator_layers=3,
        generator=None,
        discriminator=None,
        seed=None,
        name=None,
        dtype=None,
    ):
        super().__init__(name=name, dtype=dtype)
        self._set_domains(image_shape, image_shape_b, aligned=True)
        shape_a, shape_b = self.data_spec.shape, self.data_spec_b.shape
        width = whole_number(width, "width")
        discriminator_width = whole_number(discriminator_width, "discriminator_width")
        discriminator_layers = whole_number(
            discriminator_layers, "discriminator_layers"
        )
        self._init_config = {
            "width": width,
            "discriminator_width": discriminator_width,
            "discriminator_layers": discriminator_layers,
            "seed": seed,
        }
        given = {"generator": generator, "discriminator": discriminator}
        self._own_networks = [name for name, network in given.items() if network]
        with dtype_policy(self.dtype_policy):
            self.generator = generator or unet_generator(
                shape_a, shape_b[-1], width, seed=checked_seed(seed)
            )
            self.discriminator = discriminator or patch_discriminator(
                shape_b,
                shape_a[-1],
                discriminator_width,
                discriminator_layers,
                normalization="batch",
            )
        self._check_network("generator", [shape_a], shape_b)
        self._check_network("discriminator", [shape_b, shape_a])
        self.ema_generator = average_of(self.generator)
        self._init_training(seed)

    @classmethod
    def from_official(cls, generator, discriminator=None, image_size=None, **kwargs):
        """Makes a model with weights of the authors' pytorch-CycleGAN-and-pix2pix.

        Files are read without running what they ask for, and without PyTorch. Batches
        are normalized by their own statistics, as the authors test.

        Args:
            generator: Path of `latest_net_G.pth`, or a state dict with NumPy arrays.
                Sizes are read off the shapes.
            discriminator: Optional, likewise: `latest_net_D.pth`. Starts anew if None.
            image_size: Optional int or `(H, W)`; `2**depth` of a U-Net if None.
            **kwargs: Of the constructor, such as `seed` and `name`.

        Returns:
            The model, with the weights in `generator` and `ema_generator`.

        Raises:
            ValueError: If a file is not of such a network, with what is missing.

        Example:

        ```python
        gan = kg.models.Pix2Pix.from_official("facades_label2photo/latest_net_G.pth")
        photos = gan.translate(labels)
        ```
        """
        from keras_gans.models.translation.official import pix2pix_from_official

        return pix2pix_from_official(
            cls, generator, discriminator, image_size, **kwargs
        )

    def recipe(self):
        """The paper's arguments of `compile`."""
        return {
            "generator_optimizer": keras.optimizers.Adam(2e-4, beta_1=0.5),
            "discriminator_optimizer": keras.optimizers.Adam(2e-4, beta_1=0.5),
            "loss": losses.NonSaturating(),
            "l1_weight": 100.0,
            "ema_half_life": None,
        }

    def compile(
        self,
        generator_optimizer=PAPER,
        discriminator_optimizer=PAPER,
        loss=PAPER,
        l1_weight=PAPER,
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
            l1_weight: Float >= 0, lambda, of |b - G(a)| for colors in [-1, 1].
            ema_half_life: Images after which a weight of the generator counts half in
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
        self._compile(
            self._or_paper(
                generator_optimizer=generator_optimizer,
                discriminator_optimizer=discriminator_optimizer,
                loss=loss,
                l1_weight=l1_weight,
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
        return [
            Player("generator", (self.generator,), self.generator_objective, 1),
            Player(
                "discriminator",
                (self.discriminator,),
                self.discriminator_objective,
                self.discriminator_steps,
            ),
        ]

    def generator_objective(self, a, b, training=True):
        """What G minimises: -log D(a, G(a)) + lambda |b - G(a)|.

        Args:
            a: `(B, H, W, C)`, images of A as the networks see them.
            b: Those of B.
            training: Whether the networks train.

        Returns:
            The scalar, a dict of logs, and G(a), for the discriminator.
        """
        fake = ops.cast(self.generator(a, training=training), "float32")
        real_logits = self._judge(a, b, training) if self.loss.relativistic else None
        loss = ops.mean(
            self.loss.generator(self._judge(a, fake, training), real_logits)
        )
        l1 = mean_l1(fake, b)
        logs = {"g_loss": loss, "l1": l1}
        return loss + self.l1_weight * l1, logs, ops.stop_gradient(fake)

    def discriminator_objective(self, a, b, fake=None, training=True):
        """What D minimises: -log D(a, b) - log(1 - D(a, G(a)))."""
        if fake is None:
            fake = ops.cast(self.generator(a, training=training), "float32")
        real_logits = self._judge(a, b, training)
        fake_logits = self._judge(a, fake, training)
        return discriminator_loss(self.loss, real_logits, fake_logits)

    def _judge(self, a, b, training):
        return self.discriminator([b, a], training=training)

    def directions(self):
        """What makes images of B."""
        return {"b": (self.ema_generator, self.data_spec, self.data_spec_b)}
