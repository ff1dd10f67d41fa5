r"""The Dirac-GAN: which losses and penalties converge (Mescheder et al. 2018).

Real data are a point mass at 0, generated data one at theta, and D(x) = psi x
(arXiv:1801.04406, definition 2.1). Gradient descent by turns from a distance of
sqrt(2), step 0.2, turns around the equilibrium (0, 0) forever, but for a penalty on the
gradient at the data.

Conventions that give the expected numbers, in the order of one step: the generator
moves first, then the discriminator. The paper's discriminator is lower for more real
data, so its start (theta, psi) = (1, 1) is (1, -1) here. R1 adds gamma / 2 psi^2.
"WGAN-GP" has the target 1 and adds 0.35 (|psi| - 1)^2: the authors write the derivative
with a factor 0.7. The clip to 1 applies after each discriminator update. With real
data at 0, D(x) = 0, and relativistic pairing (RpGAN) is the non-saturating loss less a
constant, R2 is R1.
"""

import keras
import numpy as np
from keras import ops

from keras_gans import backend
from keras_gans import losses
from keras_gans import penalties
from keras_gans.evidence.table import Table

STEP = 0.2

# Loss and penalties.
METHODS = {
    "gan": (losses.Minimax, []),
    "nsgan": (losses.NonSaturating, []),
    "wgan": (losses.Wasserstein, []),
    "wgan_clip": (losses.Wasserstein, [penalties.WeightClipping(1.0)]),
    "wgan_gp": (losses.Wasserstein, [penalties.GradientPenalty(0.35)]),
    "gan_r1_0.3": (losses.Minimax, [penalties.R1(0.3)]),
    "gan_r1_1": (losses.Minimax, [penalties.R1(1.0)]),
    "nsgan_r1_0.3": (losses.NonSaturating, [penalties.R1(0.3)]),
    "rpgan": (losses.RelativisticPairing, []),
    "rpgan_r1_r2": (
        losses.RelativisticPairing,
        [penalties.R1(0.15), penalties.R2(0.15)],
    ),
}


class DiracGAN(backend.TrainStep, keras.Model):
    """Two numbers, and gradient descent by turns."""

    def __init__(self, loss, terms):
        super().__init__()
        self.gan_loss, self.terms = loss, terms
        self.theta = self.add_weight(shape=(1, 1), initializer="ones")
        self.psi = self.add_weight(
            shape=(1, 1), initializer=keras.initializers.Constant(-1.0)
        )
        self.built = True

    def critic(self, x):
        """D(x) = psi x."""
        return ops.matmul(x, self.psi)

    def generator_objective(self, real):
        """Mean loss of the generator."""
        fake_logits = self.critic(ops.convert_to_tensor(self.theta))
        loss = self.gan_loss.generator(fake_logits, self.critic(real))
        return ops.mean(loss), None

    def discriminator_objective(self, real):
        """Mean loss of the discriminator, and penalties."""
        fake = ops.stop_gradient(ops.convert_to_tensor(self.theta))
        logits = self.critic(real), self.critic(fake)
        value = ops.mean(self.gan_loss.discriminator(*logits))
        for term in self.terms:
            if term.has_value:
                penalty = term(self.critic, real, fake, seed=0)
                value = value + term.weight * ops.mean(penalty)
        return value, None

    def alternating_step(self, real, labels=None):
        """The generator's turn, then the discriminator's."""
        for player in ("generator", "discriminator"):
            variable = self.theta if player == "generator" else self.psi
            objective = getattr(self, f"{player}_objective")
            _, (gradient,) = backend.value_and_grad(
                lambda objective=objective: objective(real), [variable]
            )
            with backend.no_gradients():
                variable.assign(variable - STEP * gradient)
                if player == "discriminator":
                    for term in self.terms:
                        term.after_update([variable])
        return {"theta": ops.mean(self.theta)}


def distance(method, steps):
    """|(theta, psi)| after some steps.

    Args:
        method: A key of `METHODS`.
        steps: Int.

    Returns:
        Float.
    """
    loss, terms = METHODS[method]
    model = DiracGAN(loss(), terms)
    model.compile(optimizer="sgd", **backend.options_of_small_steps(steps))
    model.fit(np.zeros((steps, 1), "float32"), batch_size=1, verbose=0)
    return float(np.hypot(*(weight.item() for weight in model.get_weights())))


# |(theta, psi)| after 500 and 5,000 steps. The paper has no such table:
# these are the recursions, written out by hand in float64.
BY_HAND = {
    "gan": (1.42, 1.42),
    "nsgan": (0.28, 0.088),
    "wgan": (1.40, 1.39),
    "wgan_clip": (1.02, 1.01),
    "wgan_gp": (1.2, 1.4),
    "gan_r1_0.3": (2.3e-7, 0.0),
    "gan_r1_1": (7e-17, 0.0),
    "nsgan_r1_0.3": (1.5e-7, 0.0),
}


def _run(method, seed, steps):
    first, second = distance(method, max(1, steps // 10)), distance(method, steps)
    return {"after_a_tenth": first, "after_all": second}


TABLES = [
    Table(
        name="dirac_gan",
        title="Dirac-GAN, distance from the equilibrium; beside it, by hand",
        methods=tuple(METHODS),
        columns=("after_a_tenth", "after_all"),
        run=_run,
        steps=5000,
        quick_steps=500,
        published={
            method: {"after_a_tenth": first, "after_all": second}
            for method, (first, second) in BY_HAND.items()
        },
        seeded=False,
    )
]
