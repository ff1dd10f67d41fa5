"""The doctor's report: `diagnosis.json`, and one page of curves."""

import json
import math
import textwrap

import numpy as np

from keras_gans.utils.files import atomic_path
from keras_gans.version import __version__

PAGE = "diagnosis.png"
DATA = "diagnosis.json"
MOST_RECORDS = 2000  # in the files; more are thinned out

BLUE, ORANGE, GREEN, GREY = "#1f6fb4", "#d9730d", "#2a8a3e", "#777777"
RED = "#c0182b"


def write(folder, diagnosis):
    """Writes both files; readers see the old one or the whole new one.

    Args:
        folder: A `pathlib.Path`.
        diagnosis: Dict; see `TrainingDoctor`.
    """
    records = diagnosis["records"]
    stride = -(-len(records) // MOST_RECORDS) or 1
    diagnosis = diagnosis | {"records": records[::-1][::stride][::-1]}
    content = {"keras_gans": __version__} | _finite(diagnosis)
    with atomic_path(folder / DATA) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False))
    with atomic_path(folder / PAGE) as temporary:
        draw(diagnosis).savefig(temporary)


def read(folder, diagnosis, images_seen):
    """Reads what was found before the training that is resumed was stopped.

    Args:
        folder: A `pathlib.Path`, perhaps of another training, or of none.
        diagnosis: Dict; that of this training.
        images_seen: Int, where the training goes on. What was found later is left out.

    Returns:
        Dict of "step", where the training goes on, and "records", "alarms" and
        "rollbacks"; None if there is nothing of this training.
    """
    try:
        before = json.loads((folder / DATA).read_text())
        if any(before[key] != diagnosis[key] for key in ("model", "loss", "seed")):
            return None
        records, alarms = (
            [entry for entry in before[kind] if entry["images"] <= images_seen]
            for kind in ("records", "alarms")
        )
        first, last = records[0], records[-1]
        images = last["images"] - first["images"]
        pace = (last["step"] - first["step"]) / images if images else 0.0
        step = last["step"] + round(pace * (images_seen - last["images"]))
        rollbacks = [r for r in before["rollbacks"] if r["step"] <= step]
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
    records = [
        {key: math.nan if v is None else v for key, v in record.items()}
        for record in records
    ]
    return {
        "step": step, "records": records, "alarms": alarms, "rollbacks": rollbacks
    }  # fmt: skip


def _finite(value):
    """The same with None for NaN and infinity, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def draw(diagnosis):
    """Draws the page.

    Args:
        diagnosis: Dict; see `TrainingDoctor`.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = _headline(diagnosis)
    header = 0.95 + 0.2 * len(lines)  # inches
    height = header + 11.6
    figure = Figure(figsize=(10.5, height), dpi=100)
    FigureCanvasAgg(figure)
    y = 1 - 0.32 / height
    for text, color, weight in lines:
        figure.text(0.06, y, text, color=color, weight=weight, fontsize=10.5)
        y -= 0.2 / height
    axes = figure.subplots(4, 2)
    figure.subplots_adjust(
        left=0.075, right=0.975, bottom=0.05, top=1 - header / height,
        hspace=0.5, wspace=0.2,
    )  # fmt: skip
    curves = {
        key: np.array([r.get(key, math.nan) for r in diagnosis["records"]], float)
        for key in {key for r in diagnosis["records"] for key in r}
    }
    for axis, panel in zip(axes.flat, PANELS, strict=True):
        panel(axis, curves, diagnosis)
        _finish(axis, diagnosis)
    return figure


def _headline(diagnosis):
    """The lines above the curves: (text, color, weight)."""
    alarms, records = diagnosis["alarms"], diagnosis["records"]
    step = records[-1]["step"] if records else 0
    count = "no alarm" if not alarms else f"{len(alarms)} alarm"
    count += "s" if len(alarms) > 1 else ""
    lines = [
        (
            f"{diagnosis['model']}, loss {diagnosis['loss']}, step {step}: {count}",
            RED if alarms else GREEN,
            "bold",
        )
    ]
    if not alarms:
        lines.append(("Nothing to complain of so far.", "black", "normal"))
    for number, alarm in enumerate(alarms, 1):
        title = f"({number}) step {alarm['step']}: {alarm['title']}"
        lines.append((title, RED, "bold"))
        text = f"{alarm['message']} What to change: {alarm['advice']}"
        lines += [(line, "black", "normal") for line in textwrap.wrap(text, 118)]
    for rollback in diagnosis["rollbacks"]:
        text = (
            f"Step {rollback['step']}: rolled back to step {rollback['to_step']} "
            f"({rollback['reason']}), with half the learning rates."
        )
        lines.append((text, ORANGE, "normal"))
    return lines


def _finish(axis, diagnosis):
    """Marks the alarms and rollbacks, in every panel at the same steps."""
    for number, alarm in enumerate(diagnosis["alarms"], 1):
        axis.axvline(alarm["step"], color=RED, linewidth=1.2, alpha=0.7)
        axis.annotate(
            f"({number})", (alarm["step"], 1), xycoords=("data", "axes fraction"),
            xytext=(2, -10 * (1 + (number - 1) % 4)), textcoords="offset points",
            color=RED, fontsize=8, weight="bold",
        )  # fmt: skip
    for rollback in diagnosis["rollbacks"]:
        axis.axvline(rollback["step"], color=ORANGE, linewidth=1.2, linestyle=":")
    axis.set_xlabel("steps", fontsize=8, labelpad=1)
    axis.tick_params(labelsize=8)
    axis.grid(color="0.92")
    axis.set_axisbelow(True)
    steps = [record["step"] for record in diagnosis["records"]] or [0]
    axis.set_xlim(steps[0], max(steps[-1], steps[0] + 1))
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=8, loc="best", framealpha=0.85)


def _title(axis, title, hint):
    axis.set_title(f"{title}\n", fontsize=10, loc="left", weight="bold")
    axis.text(0, 1.03, hint, transform=axis.transAxes, fontsize=8, color=GREY)


def _plot(axis, curves, key, label, color):
    """Draws one curve, over what is finite of it."""
    if key not in curves:
        return
    finite = np.isfinite(curves[key])
    style = "o-" if finite.sum() == 1 else "-"
    axis.plot(
        curves["step"][finite], curves[key][finite], style, label=label, color=color,
        linewidth=1.5, markersize=3,
    )  # fmt: skip


def _level(axis, value, label):
    if value is not None:
        axis.axhline(value, color=GREY, linewidth=1, linestyle="--", label=label)


def _losses(axis, curves, diagnosis):
    _title(axis, "Losses", "dashed: a draw. They do not tell how good the samples are")
    equilibrium = diagnosis["equilibrium"]
    _plot(axis, curves, "d_loss", "discriminator", BLUE)
    _plot(axis, curves, "g_loss", "generator", ORANGE)
    for key, color in (("d_loss", BLUE), ("g_loss", ORANGE)):
        if equilibrium[key] is not None:
            axis.axhline(equilibrium[key], color=color, linewidth=1, linestyle="--")
    drawn = [curves[k] for k in ("d_loss", "g_loss") if k in curves]
    values = np.abs(np.concatenate(drawn)) if drawn else np.zeros(1)
    values = values[np.isfinite(values)]
    if values.size and values.max() > 50 * max(np.median(values), 0.1):
        axis.set_yscale("symlog", linthresh=1.0)


def _opinions(axis, curves, diagnosis):
    if diagnosis["probabilistic"]:
        hint = "how real it calls them. The game is even where both meet, at 1/2"
        _title(axis, "What the discriminator says: D(real), D(fake)", hint)
        axis.set_ylim(-0.03, 1.03)
        _level(axis, 0.5, None)
    else:
        hint = "its mean logits; only their distance has a meaning with this loss"
        _title(axis, "What the discriminator says: D(real), D(fake)", hint)
    _plot(axis, curves, "d_real", "of real examples", GREEN)
    _plot(axis, curves, "d_fake", "of generated ones", ORANGE)


def _winner(axis, curves, diagnosis):
    hint = "1: it ranks every real above every fake; 1/2: it guesses; below: reversed"
    _title(axis, "Does the discriminator tell them apart?", hint)
    _level(axis, 0.5, None)
    _plot(axis, curves, "ranking", "real ranked above fake", BLUE)
    _plot(axis, curves, "accuracy", "right side of its threshold", GREEN)
    axis.set_ylim(-0.03, 1.03)


def _memory(axis, curves, diagnosis):
    hint = "r_v: 0 = unseen images look real to it, 1 = they look generated"
    _title(axis, "Does the discriminator memorise?", hint)
    _plot(axis, curves, "r_t", "r_t, mean sign of D(training image)", GREY)
    if "r_v" in curves:
        _plot(
            axis, curves | {"r_v": np.clip(curves["r_v"], -1, 1.5)}, "r_v", "r_v", RED
        )
        key = "train_over_unseen"
        _plot(axis, curves, key, "training ranked above unseen (1/2: no)", BLUE)
    else:
        text = "pass validation_images=\nto see whether it memorises"
        axis.text(
            0.5, 0.5, text, ha="center", va="center", transform=axis.transAxes,
            color=GREY, fontsize=10,
        )  # fmt: skip
    axis.set_ylim(-1.05, 1.55)


def _diversity(axis, curves, diagnosis):
    hint = (
        "distances between fakes, relative to those between real ones: 1 = as diverse"
    )
    _title(axis, "Are the samples different from each other?", hint)
    _level(axis, 1.0, None)
    _plot(axis, curves, "diversity", "any two", BLUE)
    _plot(axis, curves, "nearest", "nearest two", ORANGE)
    axis.set_ylim(bottom=0)


def _gradients(axis, curves, diagnosis):
    hint = "norm of the gradient of each player's loss in all its weights"
    _title(axis, "Do both players have something to learn from?", hint)
    _plot(axis, curves, "d_gradient", "discriminator", BLUE)
    _plot(axis, curves, "g_gradient", "generator", ORANGE)
    _log_scale(axis, curves, "d_gradient", "g_gradient")


def _slopes(axis, curves, diagnosis):
    hint = "norm of the gradient of D in its input; huge: it is too jagged to follow"
    _title(axis, "How steep is the discriminator?", hint)
    _plot(axis, curves, "real_slope", "at real examples", GREEN)
    _plot(axis, curves, "fake_slope", "at generated ones", ORANGE)
    _log_scale(axis, curves, "real_slope", "fake_slope")


def _motion(axis, curves, diagnosis):
    hint = "relative distances of weights; 0 = the generator does not learn"
    _title(axis, "Does the generator move?", hint)
    _plot(axis, curves, "update", "since the probe before", ORANGE)
    _plot(axis, curves, "ema_distance", "from its average, which is sampled", BLUE)
    axis.set_ylim(bottom=0)


def _log_scale(axis, curves, *keys):
    if any((curves[key] > 0).any() for key in keys if key in curves):
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter("")


PANELS = (
    _losses, _opinions, _winner, _memory, _diversity, _motion, _gradients, _slopes
)  # fmt: skip
