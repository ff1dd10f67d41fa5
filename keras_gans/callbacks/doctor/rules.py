"""When figures mean a sickness, and what to say then.

Each threshold was set between what sick and healthy runs showed: those of
`python -m benchmarks.doctor_runs`, which prints the table. Where a healthy run could
come near for a moment, as all GANs do early on, a rule waits for `LASTING` probes.
"""

import collections
import math

Sickness = collections.namedtuple("Sickness", "title message advice")

LASTING = 3  # probes in a row: at least 60 steps, and 100 at the default pace

# Discriminator too strong: its loss, from 0 for a perfect one to 1 for a draw. The
# paper's DCGAN stays near 0.15; where it lasts below 0.02 samples stay noise.
WON = 0.02
WON_AFTER = 150  # steps: every discriminator wins at first, before G has moved
SURE_RANKING = 0.98  # and it does rank real above fake

# Vanishing gradient: that of the generator, relative to the largest so far. Healthy
# ones fell by a factor of 10 at the most.
VANISHED = 1e-3

# Mode collapse: diversity relative to the best so far, which must have been at least
# `ONCE_DIVERSE`, or to that of real images if it was more: an untrained StyleGAN2's is
# 2.3 times that, and falls to 0.7. Healthy ones vary by a quarter.
LOST_DIVERSITY = 0.45
ONCE_DIVERSE = 0.2
# Or clusters: the nearest neighbours close, relative to the distance of any two.
# Healthy ones keep 0.2 at least, ...
NEAR_DUPLICATES = 0.12
CLUSTERED = 0.25  # ... which says something only if there is a distance at all.
# Or no beginning: samples still alike, long after the start.
ALIKE = 0.05
ALIKE_AFTER = 3000

# Constant generator: of what depends on the latents, an untrained generator shows
# 0.005 or more; here there is nothing but rounding.
CONSTANT = 1e-4

# Generator not updated: relative motion of its weights between two probes. Slow
# learning moves them by 1e-6.
STILL = 1e-9

# Memorising: how often a training example ranks above an unseen one. 1/2 if it does
# not; by chance, of 64 and 64, above 0.75 once in a million times. r_v is that of
# Karras et al. 2020, arXiv:2006.06676: 1 if unseen ones look like generated ones.
MEMORISED_RANKING = 0.75
MEMORISED_R_V = 0.1

# Labels flipped: how often real ranks above fake; 1/2 by chance.
FLIPPED = 0.15

# Divergence: the discriminator's loss, the upper quartile of the steps since the last
# probe, above that of a draw, which it would have by saying the same of all images.
# Healthy ones touch a draw from below.
WORSE_THAN_DRAW = 1.15
# Or its slope at the images: with any loss, healthy ones stayed below 10.
RUNAWAY_SLOPE = 100.0

SICKNESSES = {
    "nan": Sickness(
        "not a number",
        "`{log}` was {value} at batch {batch} of the epoch: a number overflowed, and "
        "whatever it touches is lost.",
        "smaller learning rates (a tenth), clipped gradients (`clipnorm=1.0` of both "
        "optimizers), the dtype policy 'float32'; or TrainingDoctor(rollback=True).",
    ),
    "divergence": Sickness(
        "training diverges",
        "The discriminator's loss exceeds {high:.3g} in a quarter of the steps; by "
        "saying the same of all images it would have {draw:.3g}. The norm of its "
        "gradient at the images is {slope:.3g}. "
        "The players overshoot each other, or the discriminator knows no bounds.",
        "smaller learning rates (a tenth; first that of the generator if only its is "
        "unusual), beta_1 = 0 or 0.5 in Adam, a penalty on the discriminator's "
        "gradient (penalties=['r1']; with the Wasserstein loss 'gradient_penalty').",
    ),
    "discriminator_too_strong": Sickness(
        "the discriminator is too strong",
        "It is right on {accuracy:.0%} of all images, and its loss {d_loss:.2g} lies "
        "close to the least there is, {floor:.2g} (a draw: {draw:.3g}), so the "
        "generator's loss of {g_loss:.3g} tells it little about where to go.",
        "a smaller learning rate for the discriminator or a larger one for the "
        "generator, fewer `discriminator_steps`, a smaller discriminator; or what "
        "weakens it: penalties=['r1'], DiffAugment, `instance_noise`.",
    ),
    "vanishing_gradient": Sickness(
        "the generator's gradient vanishes",
        "Its norm fell from {largest:.2g} to {gradient:.2g}: the generator has "
        "nothing to learn from.",
        "another loss if it is 'minimax' ('non_saturating', 'hinge'), and a weaker "
        "discriminator: a smaller learning rate, penalties=['r1'], fewer "
        "`discriminator_steps`.",
    ),
    "generator_not_updated": Sickness(
        "the generator does not learn",
        "Its weights moved by {update:.1g} of their size in {steps} steps, although "
        "the gradient has a norm of {gradient:.2g}.",
        "check the generator's learning rate (is it 0, or decayed to it?), and that "
        "its layers are trainable.",
    ),
    "constant_generator": Sickness(
        "the generator ignores its latents",
        "Samples from different latents differ by {diversity:.1g} of what real images "
        "do: they are all the same.",
        "check that the generator's output depends on its input: no layer that "
        "multiplies it by zero, no dead ReLUs, no saturated tanh at the end; then "
        "smaller learning rates.",
    ),
    "mode_collapse": Sickness(
        "mode collapse begins",
        "Samples are {diversity:.2f} times as far from each other as real images are, "
        "the nearest two {nearest:.2f} times; the best so far was {best:.2f}.",
        "a smaller learning rate for the generator, more `discriminator_steps`, "
        "a loss that compares pairs ('relativistic_pairing' with penalties=['r1', "
        "'r2']) or WGAN-GP, and what shows the discriminator several samples at once: "
        "minibatch standard deviation, pac=2.",
    ),
    "memorising": Sickness(
        "the discriminator memorises the training images",
        "It ranks training images above unseen ones {ranking:.0%} of the time (50% "
        "would be fair); r_v is {r_v:.2f}, where 1 means that unseen images look "
        "generated to it.",
        "more images, augment=DiffAugment() (or ADA), a smaller discriminator, a "
        "stronger 'r1' penalty; or stop earlier.",
    ),
    "labels_flipped": Sickness(
        "real and fake are swapped",
        "The discriminator ranks real images above fakes only {ranking:.0%} of the "
        "time: D(real) is {real:.3g}, D(fake) {fake:.3g} in logits. Higher should "
        "mean more real.",
        "check the sign of the discriminator's loss and the order of its arguments, "
        "loss.discriminator(real_logits, fake_logits), and that the real images are "
        "what you mean them to be.",
    ),
}

# A sickness that explains others: those are not told after it, nor with it.
EXPLAINS = {
    "labels_flipped": ("vanishing_gradient", "mode_collapse"),
    "constant_generator": ("discriminator_too_strong", "mode_collapse"),
    "generator_not_updated": ("discriminator_too_strong",),
    "vanishing_gradient": ("discriminator_too_strong",),
}


class Patient:
    """The figures so far, and what they mean.

    Args:
        equilibrium: Of the loss; see `equilibrium.py`.
    """

    def __init__(self, equilibrium):
        self.equilibrium = equilibrium
        self._known = set()
        self.forget()

    def forget(self):
        """Begins anew, as after a rollback; sicknesses named stay named."""
        self._records = []

    def remember(self, records, names):
        """Takes up figures, and names of sicknesses, of before the training stopped."""
        self._records += records
        self._known.update(names)

    def is_wild(self):
        """Whether the newest figures are no state to go back to."""
        last = self._records[-1:]
        return nan(last, self.equilibrium) is not None or _runs_away(
            last, self.equilibrium
        )

    def examine(self, record):
        """Adds the figures of a probe.

        Args:
            record: Dict of "step" and figures; see `Probe`.

        Returns:
            List of `(name, figures)` of the sicknesses that it shows.
        """
        self._records.append(record)
        found = []
        for name, rule in RULES.items():
            figures = rule(self._records, self.equilibrium)
            explained = any(name in EXPLAINS.get(known, ()) for known in self._known)
            if figures is not None and not explained:
                self._known.add(name)
                found.append((name, figures))
        return found


def _last(records, count=LASTING):
    """The last records of trained steps, or None if there are not as many."""
    trained = [record for record in records if record["step"] > 0]
    return trained[-count:] if len(trained) >= count else None


def _all_below(records, key, limit):
    """Whether all values are there, finite, and below a limit."""
    return all(record.get(key, math.nan) < limit for record in records)


def nan(records, equilibrium):
    """A figure of the newest probe that is not finite."""
    for key in ("real_logit", "fake_logit", "g_gradient", "d_gradient"):
        value = records[-1][key]
        if not math.isfinite(value):
            return {"log": key, "value": str(value), "batch": "the end"}
    return None


def labels_flipped(records, equilibrium):
    """D ranks fake above real, lastingly."""
    last = _last(records)
    if last is None or not _all_below(last, "ranking", FLIPPED):
        return None
    return {
        "ranking": last[-1]["ranking"],
        "real": last[-1]["real_logit"],
        "fake": last[-1]["fake_logit"],
    }


def constant_generator(records, equilibrium):
    """Samples do not depend on the latents, those of one label where there are some."""
    last = _last(records)
    if last is None or not _all_below(last, "by_latents", CONSTANT):
        return None
    return {"diversity": last[-1]["by_latents"]}


def generator_not_updated(records, equilibrium):
    """The generator's weights stay what they are."""
    last = _last(records)
    if last is None or not _all_below(last, "update", STILL):
        return None
    return {
        "update": last[-1]["update"],
        "steps": last[-1]["step"] - last[-2]["step"],
        "gradient": last[-1]["g_gradient"],
    }


def divergence(records, equilibrium):
    """The discriminator does worse than by saying nothing, by far."""
    last = _last(records, 2)
    if last is None or not all(_runs_away([r], equilibrium) for r in last):
        return None
    return {
        "high": last[-1]["d_loss_high"],
        "draw": equilibrium.d_loss,
        "slope": max(last[-1]["real_slope"], last[-1]["fake_slope"]),
    }


def _runs_away(last, equilibrium):
    (record,) = last
    slope = max(record["real_slope"], record["fake_slope"])
    bounded = equilibrium.d_floor is not None
    is_high = bounded and record["d_loss_high"] > WORSE_THAN_DRAW * equilibrium.d_loss
    return is_high or slope > RUNAWAY_SLOPE


def discriminator_too_strong(records, equilibrium):
    """The discriminator's loss lies at its floor, lastingly."""
    last = _last(records)
    floor, draw = equilibrium.d_floor, equilibrium.d_loss
    if last is None or floor is None or last[0]["step"] < WON_AFTER:
        return None
    is_won = _all_below(last, "d_loss", floor + WON * (draw - floor))
    if not is_won or not all(r["ranking"] > SURE_RANKING for r in last):
        return None
    return {
        "accuracy": last[-1]["accuracy"],
        "d_loss": last[-1]["d_loss"],
        "g_loss": last[-1]["g_loss"],
        "floor": floor,
        "draw": draw,
    }


def vanishing_gradient(records, equilibrium):
    """The generator's gradient is a small part of what it was."""
    last = _last(records)
    largest = max(record["g_gradient"] for record in records)
    if last is None or not _all_below(last, "g_gradient", VANISHED * largest):
        return None
    return {"largest": largest, "gradient": last[-1]["g_gradient"]}


def mode_collapse(records, equilibrium):
    """Samples become alike, or come in clusters, or have never been different."""
    last = _last(records)
    if last is None:
        return None
    best = max(record["diversity"] for record in records)
    least = LOST_DIVERSITY * min(best, 1.0)
    lost = best >= ONCE_DIVERSE and _all_below(last, "diversity", least)
    clustered = all(
        r["diversity"] > CLUSTERED and r["nearest"] < NEAR_DUPLICATES * r["diversity"]
        for r in last
    )
    alike = last[0]["step"] > ALIKE_AFTER and best < ALIKE
    if not (lost or clustered or alike):
        return None
    return {
        "diversity": last[-1]["diversity"],
        "nearest": last[-1]["nearest"],
        "best": best,
    }


def memorising(records, equilibrium):
    """The discriminator knows the training examples from unseen ones."""
    last = _last(records)
    if last is None or "r_v" not in last[-1]:
        return None
    knows = all(r["train_over_unseen"] > MEMORISED_RANKING for r in last)
    if not knows or not all(r["r_v"] > MEMORISED_R_V for r in last):
        return None
    return {"ranking": last[-1]["train_over_unseen"], "r_v": last[-1]["r_v"]}


RULES = {
    rule.__name__: rule
    for rule in (
        nan,
        labels_flipped,
        constant_generator,
        generator_not_updated,
        divergence,
        vanishing_gradient,
        discriminator_too_strong,
        mode_collapse,
        memorising,
    )
}
