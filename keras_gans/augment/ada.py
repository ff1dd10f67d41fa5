r"""Adaptive discriminator augmentation: Karras et al. 2020, arXiv:2006.06676.

B: batch, H, W: sides, C: channels. All random numbers of a batch come from one table,
`(B, DRAWS)`; what follows from a table is the same on every backend.
"""

import math
from typing import NamedTuple

import keras
from keras import ops

from keras_gans import backend
from keras_gans.augment import ada_color
from keras_gans.augment import ada_geometry
from keras_gans.augment.augment import Augment
from keras_gans.utils import random
from keras_gans.utils.checks import number
from keras_gans.utils.checks import whole_number


class Strengths(NamedTuple):
    """Probability of each change, relative to p."""

    xflip: float = 1.0
    rotate90: float = 1.0
    xint: float = 1.0
    scale: float = 1.0
    rotate: float = 1.0
    aniso: float = 1.0
    xfrac: float = 1.0
    brightness: float = 1.0
    contrast: float = 1.0
    lumaflip: float = 1.0
    hue: float = 1.0
    saturation: float = 1.0


DRAWS = (12, 8, 7)
"""Numbers an image: of U(0, 1) whether, of U(0, 1) and of N(0, 1) by how much."""


@keras.saving.register_keras_serializable("keras_gans")
class ADA(Augment):
    r"""Adaptive discriminator augmentation, for training with little data.

    Each change of the pipeline happens to an image with probability p, which follows
    from how sure the discriminator is of the training images:

        r_t = E[sign(D(x))];    p <- max(0, p + sign(r_t - target) B every / speed)

    after every `every` batches of B images (Karras et al. 2020, "Training Generative
    Adversarial Networks with Limited Data", arXiv:2006.06676, section 3.1 and
    appendix B). As long as p stays below about 0.8, the generator does not learn the
    changes. D(x) counts from the logit of a discriminator that cannot tell, 1/2 with
    `LeastSquares`; losses that have none, Wasserstein's and relativistic ones, need a
    `fixed` p. The pipeline is the paper's "bgc", in this order:

    * `xflip`: mirrored along the width; `rotate90`: by quarter turns; `xint`: moved by
      whole pixels, up to 1/8 of the size;
    * `scale`: by 2^N(0, 0.2^2); `rotate`: by any angle, half of it before and half
      after the next; `aniso`: sides by 2^n and 2^-n; `xfrac`: moved by N(0, 1/8^2) of
      the size. Pixels from outside are the image's, mirrored; the image is doubled by a
      filter of 12 taps (sym6) before it is resampled, and halved again after;
    * `brightness`: + N(0, 0.2^2); `contrast`: times 2^N(0, 0.5^2); `lumaflip`: mirrored
      about the grey axis; `hue`: rotated about it; `saturation`: distance from it times
      2^N(0, 1). Of the last two grey images have nothing; the alpha of RGBA images
      stays.

    Logs: `ada_p`, and `ada_r`, the last r_t.

    Args:
        target: Float in (-1, 1), of r_t. The paper's 0.6.
        speed: Int, images in which p can grow from 0 to 1; the paper's 500,000.
        every: Int, batches between changes of p; the paper's 4.
        p: Float >= 0, at the start.
        fixed: Whether p stays what it is.
        xflip: Float >= 0: its probability is p times this, as of all that follow. Set
            it to 0 for pictures that must not be mirrored, such as of text.
        rotate90: As `xflip`.
        xint: As `xflip`.
        scale: As `xflip`.
        rotate: As `xflip`.
        aniso: As `xflip`.
        xfrac: As `xflip`.
        brightness: As `xflip`.
        contrast: As `xflip`.
        lumaflip: As `xflip`.
        hue: As `xflip`.
        saturation: As `xflip`.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    gan.compile(augment=kg.augment.ADA(target=0.6, rotate90=0, xflip=0))
    ```
    """

    log_names = ("ada_p", "ada_r")

    def __init__(
        self, target=0.6, speed=500_000, every=4, p=0.0, fixed=False, **strengths
    ):
        unknown = sorted(set(strengths) - set(Strengths._fields))
        if unknown:
            raise ValueError(
                f"Expected: changes out of {', '.join(Strengths._fields)}. Received: "
                f"{', '.join(unknown)}."
            )
        self.target = number(target, "target", -0.999, 0.999)
        self.speed = number(speed, "speed", 1.0, meaning="images")
        self.every = whole_number(every, "every", meaning="batches")
        self.p = number(p, "p", 0.0)
        self.fixed = bool(fixed)
        self.strengths = Strengths(
            **{name: number(value, name, 0.0) for name, value in strengths.items()}
        )
        self.variables = []

    # ---------------------------------------------------------------- strength

    def build(self):
        """Makes p, and the statistics of r_t, or starts them anew."""
        # p, sum of the means of sign(D(x)), their number, and the last r_t.
        start = [self.p, 0.0, 0.0, 0.0]
        if not self.variables:
            self.variables = [
                keras.Variable(start, trainable=False, aggregation="mean", name="ada")
            ]
        self.variables[0].assign(start)

    def check_loss(self, loss):
        """Raises if p would follow logits whose sign means nothing."""
        if loss.undecided is None and not self.fixed:
            raise ValueError(
                "Expected: a loss whose logits say how sure the discriminator is of "
                "real images, such as 'non_saturating', 'hinge' or 'least_squares', as "
                f"ADA's p follows from it. Received: {type(loss).__name__}, which "
                "compares logits alone. Use ADA(p=0.3, fixed=True), or DiffAugment."
            )

    def update(self, real_logits, count):
        """Takes notice of D(x), and changes p after every `every` batches."""
        if not self.variables:
            self.build()
        (state,) = self.variables
        sign = ops.mean(ops.sign(ops.cast(real_logits, "float32")))
        # Of all replicas, so that they decide alike.
        sign = backend.mean_over_replicas(sign)
        images = ops.cast(count * backend.num_replicas(), "float32")
        before = ops.convert_to_tensor(state)
        one = ops.ones((), "float32")
        noted = before + ops.stack([0.0 * one, sign, one, 0.0 * one])
        p, r = noted[0], noted[1] / noted[2]
        step = images * self.every / self.speed
        changed = ops.maximum(0.0, p + ops.sign(r - self.target) * step)
        if self.fixed:  # whatever it was in a backup
            p = changed = self.p * one
        new = ops.stack([changed, 0.0 * one, 0.0 * one, r])
        state.assign(ops.where(noted[2] >= self.every, new, noted))
        return {"ada_p": p, "ada_r": ops.where(noted[2] >= self.every, r, noted[3])}

    @property
    def current_p(self):
        """The probability p that training has come to; a float."""
        if self.fixed or not self.variables:
            return self.p
        return float(ops.convert_to_numpy(self.variables[0])[0])

    # ---------------------------------------------------------------- the changes

    def call(self, images, seed):
        """Changes each image with probability p; float `(B, H, W, C)`."""
        count = ops.shape(images)[0]
        whether, uniform, normal = DRAWS
        numbers = random.uniform((count, whether + uniform), seed)
        # An int would give the next draw the same numbers.
        other = seed + 1 if isinstance(seed, int) else seed
        gaussian = random.normal((count, normal), other)
        p = self.p
        if self.variables and not self.fixed:
            p = ops.convert_to_tensor(self.variables[0])[0]
        return self.apply(images, numbers, gaussian, p)

    def apply(self, images, uniform, normal, p):
        """The changes that tables of random numbers ask for.

        Args:
            images: `(B, H, W, C)`, float, in [-1, 1].
            uniform: `(B, 20)`, in [0, 1): whether, for each of `Strengths`; then the
                numbers of xflip, rotate90, xint (2), rotate (2), lumaflip, hue.
            normal: `(B, 7)`: scale, aniso, xfrac (2), brightness, contrast, saturation.
            p: Float or scalar tensor.

        Returns:
            Tensor of the shape and dtype of `images`.
        """
        dtype = images.dtype
        images, uniform = ops.cast(images, "float32"), ops.cast(uniform, "float32")
        normal = ops.cast(normal, "float32")
        p = ops.convert_to_tensor(p, "float32")
        strengths = self.strengths
        happens = {
            name: ops.cast(uniform[:, i] < strength * p, "float32")
            for i, (name, strength) in enumerate(strengths._asdict().items())
            if name != "rotate"
        }
        # Of two rotations either may happen: together with probability p.
        either = 1.0 - ops.sqrt(ops.clip(1.0 - strengths.rotate * p, 0.0, 1.0))
        happens["rotate"] = ops.cast(uniform[:, 4] < either, "float32")
        u = uniform[:, len(strengths) :]
        happens["rotate_after"] = ops.cast(u[:, 5] < either, "float32")
        # Of the second rotation, whether and by how much are in one number.
        after = ops.clip(u[:, 5] / ops.maximum(either, 1e-6), 0.0, 1.0)
        geometry = ada_geometry.Amounts(
            xflip=happens["xflip"] * ops.floor(2.0 * u[:, 0]),
            quarters=happens["rotate90"] * ops.floor(4.0 * u[:, 1]),
            xint=happens["xint"][:, None] * (2.0 * u[:, 2:4] - 1.0) / 8.0,
            scale=happens["scale"] * 0.2 * normal[:, 0],
            rotate=happens["rotate"] * math.pi * (2.0 * u[:, 4] - 1.0),
            aniso=happens["aniso"] * 0.2 * normal[:, 1],
            rotate_after=happens["rotate_after"] * math.pi * (2.0 * after - 1.0),
            xfrac=happens["xfrac"][:, None] * normal[:, 2:4] / 8.0,
        )
        color = ada_color.Amounts(
            brightness=happens["brightness"] * 0.2 * normal[:, 4],
            contrast=happens["contrast"] * 0.5 * normal[:, 5],
            lumaflip=happens["lumaflip"] * ops.floor(2.0 * u[:, 6]),
            hue=happens["hue"] * math.pi * (2.0 * u[:, 7] - 1.0),
            saturation=happens["saturation"] * normal[:, 6],
        )
        if any(strengths[:7]):
            images = ada_geometry.transform(images, geometry)
        if any(strengths[7:]):
            images = ada_color.recolor(images, color)
        return ops.cast(images, dtype)

    def get_config(self):
        """Returns the arguments."""
        return {
            "target": self.target,
            "speed": self.speed,
            "every": self.every,
            "p": self.p,
            "fixed": self.fixed,
            **self.strengths._asdict(),
        }
