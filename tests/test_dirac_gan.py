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
import pytest
from keras import ops

from keras_gans import backend
from keras_gans import losses
from keras_gans import penalties

STEP = 0.2

# Loss, penalties, and the distance after 500 and 5,000 steps, which the recursions
# written out by hand in NumPy and float64 give too. CONVERGED is anything below 1e-5.
CONVERGED = 0.0
TABLE = {
    "gan": (losses.Minimax, [], 1.421, 1.420),
    "nsgan": (losses.NonSaturating, [], 0.2839, 0.08798),
    "wgan": (losses.Wasserstein, [], 1.398, 1.385),
    "wgan_clip": (losses.Wasserstein, [penalties.WeightClipping(1.0)], 1.024, 1.012),
    "wgan_gp": (losses.Wasserstein, [penalties.GradientPenalty(0.35)], 1.221, 1.437),
    "gan_r1_0.3": (losses.Minimax, [penalties.R1(0.3)], CONVERGED, CONVERGED),
    "gan_r1_1": (losses.Minimax, [penalties.R1(1.0)], CONVERGED, CONVERGED),
    "nsgan_r1_0.3": (losses.NonSaturating, [penalties.R1(0.3)], CONVERGED, CONVERGED),
    "rpgan": (losses.RelativisticPairing, [], 0.2839, 0.08798),
    "rpgan_r1_r2": (
        losses.RelativisticPairing,
        [penalties.R1(0.15), penalties.R2(0.15)],
        CONVERGED,
        CONVERGED,
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
        return ops.matmul(x, self.psi)

    def generator_objective(self, real):
        fake_logits = self.critic(ops.convert_to_tensor(self.theta))
        loss = self.gan_loss.generator(fake_logits, self.critic(real))
        return ops.mean(loss), None

    def discriminator_objective(self, real):
        fake = ops.stop_gradient(ops.convert_to_tensor(self.theta))
        logits = self.critic(real), self.critic(fake)
        value = ops.mean(self.gan_loss.discriminator(*logits))
        for term in self.terms:
            if term.has_value:
                penalty = term(self.critic, real, fake, seed=0)
                value = value + term.weight * ops.mean(penalty)
        return value, None

    def alternating_step(self, real, labels=None):
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


def check(name, steps, want):
    loss, terms, *_ = TABLE[name]
    model = DiracGAN(loss(), terms)
    model.compile(
        optimizer="sgd",
        steps_per_execution=1 if keras.config.backend() == "torch" else 100,
        jit_compile=keras.config.backend() == "jax",
    )
    model.fit(np.zeros((steps, 1), "float32"), batch_size=1, verbose=0)
    got = float(np.hypot(*(weight.item() for weight in model.get_weights())))
    if want == CONVERGED:
        assert got < 1e-5
    else:
        assert got == pytest.approx(want, rel=2e-3)


@pytest.mark.parametrize("name", TABLE)
def test_500_steps(name):
    check(name, 500, TABLE[name][2])


@pytest.mark.slow
@pytest.mark.parametrize("name", [k for k, row in TABLE.items() if row[3] != CONVERGED])
def test_5000_steps(name):
    check(name, 5000, TABLE[name][3])
