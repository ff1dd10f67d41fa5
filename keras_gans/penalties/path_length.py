"""Path length regularization: Karras et al. 2020, arXiv:1912.04958, section 3.2."""

import math

import keras
from keras import ops

from keras_gans import backend
from keras_gans.penalties.penalty import Penalty
from keras_gans.utils import random
from keras_gans.utils.checks import whole_number


@keras.saving.register_keras_serializable("keras_gans")
class PathLength(Penalty):
    r"""Makes equal steps in the space of styles equal changes of the image.

        mean (|J_w^T y| - a)^2,    y ~ N(0, I) / sqrt(H W)

    with J_w the Jacobian of the image with respect to the style, and a the moving
    average of the lengths |J_w^T y| (Karras et al. 2020, "Analyzing and Improving the
    Image Quality of StyleGAN", arXiv:1912.04958, equation 4). Where each layer has a
    style of its own, the length is the root of the mean over layers of its square. It
    is a penalty of the *generator*; one without styles is regularized with respect to
    its latents.

    Deviation: no gradient flows through the moving average, which the equation takes
    for a constant; in the authors' later code a hundredth of it does.

    Args:
        weight: Float >= 0; 2 in StyleGAN2.
        every: Int, updates of the generator per evaluation; 4 in StyleGAN2.
        decay: Float in (0, 1], share of the new mean length in the average; 0.01.
        batch_shrink: Int >= 1: it is evaluated on 1 / `batch_shrink` of a batch; 2 in
            StyleGAN2, to save memory.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    gan.compile(penalties=[kg.penalties.R1(10.0, every=16), kg.penalties.PathLength()])
    ```
    """

    name = "path_length"
    player = "generator"

    def __init__(self, weight=2.0, every=4, decay=0.01, batch_shrink=2):
        super().__init__(weight, every)
        if not 0.0 < decay <= 1.0:
            raise ValueError(f"Expected: `decay` in (0, 1]. Received: {decay!r}.")
        self.decay = float(decay)
        self.batch_shrink = whole_number(batch_shrink, "batch_shrink")

    def build(self):
        """Makes the average of the lengths, or starts it anew."""
        if not self.variables:
            self.variables = [
                keras.Variable(
                    0.0, trainable=False, aggregation="mean", name="path_length"
                )
            ]
        self.variables[0].assign(0.0)

    def of_generator(self, generator, styles, seed):
        """The lengths, which `of_measured` makes the penalty of.

        Args:
            generator: Callable from styles to images `(B, H, W, C)`.
            styles: `(B, L, S)`, or latents `(B, Z)`; float32.
            seed: A `keras.random.SeedGenerator`, or an int.

        Returns:
            Float32 `(B,)`.
        """

        def projection(styles):
            images = ops.cast(generator(styles), "float32")
            pixels = math.prod(images.shape[1:-1])
            noise = random.normal(ops.shape(images), seed)
            return ops.sum(images * noise) / math.sqrt(pixels)

        _, gradients = backend.input_gradients(projection, styles)
        squares = ops.sum(ops.square(ops.cast(gradients, "float32")), axis=-1)
        if len(squares.shape) > 1:
            squares = ops.mean(squares, axis=1)
        return ops.sqrt(squares + 1e-12)

    def of_measured(self, lengths, due=True):
        """The penalty, and moves the average where the lengths are due.

        Args:
            lengths: `(B,)`.
            due: Bool scalar.

        Returns:
            Float32 `(B,)`.
        """
        if not self.variables:
            self.build()
        before = ops.convert_to_tensor(self.variables[0])
        mean = backend.mean_over_replicas(ops.stop_gradient(ops.mean(lengths)))
        average = before + self.decay * (mean - before)
        average = ops.where(due, average, before)
        with backend.no_gradients():
            self.variables[0].assign(average)
        return ops.square(lengths - ops.stop_gradient(average))

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {
            "decay": self.decay,
            "batch_shrink": self.batch_shrink,
        }
