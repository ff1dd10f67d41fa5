"""A callback that sees what ails a training, says it in plain words, and when."""

import math
import time
import warnings

import keras
import numpy as np
from keras.src.utils import io_utils

from keras_gans import backend
from keras_gans import distribution
from keras_gans.callbacks.doctor import report
from keras_gans.callbacks.doctor import rules
from keras_gans.callbacks.doctor.equilibrium import find_equilibrium
from keras_gans.callbacks.doctor.probe import Probe
from keras_gans.callbacks.doctor.probe import some_of
from keras_gans.callbacks.doctor.rollback import MOST
from keras_gans.callbacks.doctor.rollback import Rollback
from keras_gans.callbacks.doctor.step_logs import StepLogs
from keras_gans.callbacks.nan_guard import non_finite_weight
from keras_gans.utils.files import prepare_directory

COST = 0.015  # of the time of training, spent on probes; the rest of 2% is for luck
EARLY = 500  # steps in which sicknesses usually begin, ...
EARLY_INTERVAL = 50  # ... so that probes lie no further apart than this, ...
INTERVAL = (20, 1000)  # ... and these are the limits later
REPORT_SECONDS = 120  # at least, between reports at the end of epochs
SHORT_RUN = 20  # steps since the last probe that are worth another one at the end


class TrainingDoctor(keras.callbacks.Callback):
    """Watches a training, and says in plain words when it goes wrong.

    Every few steps it looks at both networks on the same real examples and the same
    latents: who is winning, are gradients left, do samples still differ, is the
    discriminator memorising. Each sickness is named once, when it begins, with its
    figures and with what to change: on the screen, in `alarms`, and in the folder:

    * `diagnosis.png`: one page of curves, with the alarms marked;
    * `diagnosis.json`: the same as data.

    It knows: NaN ("nan"), losses that run away ("divergence"), a discriminator that is
    too strong ("discriminator_too_strong"), a generator without gradient
    ("vanishing_gradient"), one whose weights do not move ("generator_not_updated"), one
    that makes the same whatever the latents ("constant_generator"), samples that become
    alike ("mode_collapse"), a discriminator that memorises ("memorising") and one that
    takes fakes for real ("labels_flipped").

    Nothing of the training changes: a `fit` with it gives the weights of one without.
    It spends about 1.5% of the time on probes, which lie 20 to 1000 steps apart; only
    in the first 500 steps it insists on one every 50, which for very small networks
    may cost more. Compiling the probe takes a few seconds at the start.

    Args:
        images: Examples to look at, `(N, ...)` as for `fit`; at most 64 of them are
            used. Defaults to some of those that `fit` trains on.
        labels: `(N,)`, their labels, for conditional models.
        validation_images: Examples that are *not* trained on, likewise. Defaults to
            some of the `validation_data` of `fit`. Without them memorising cannot be
            seen.
        validation_labels: `(N,)`, likewise.
        out: Folder of the report; None for none. The report of a training that is
            resumed goes on.
        rollback: Whether, on NaN and divergence, to put the last good state back and
            to go on with half the learning rates, at most 5 times. It takes the place
            of the guard in `fit` that stops training.
        verbose: 1 to print alarms, 0 not to.

    Attributes:
        alarms: List of dicts: "name", "step", "epoch", "images", "message", "advice",
            "figures".
        records: List of dicts, what was measured.
        rollbacks: List of dicts: "step", "to_step", "reason", "learning_rates".

    Raises:
        ValueError: If an argument is wrong.

    Example:

    ```python
    train, held_out = images[:-1000], images[-1000:]
    doctor = kg.callbacks.TrainingDoctor(
        validation_images=held_out, out="runs/dcgan/doctor"
    )
    gan.fit(train, epochs=20, callbacks=[doctor])
    print([alarm["name"] for alarm in doctor.alarms])
    ```
    """

    # What runs at the end of a batch, perhaps in another thread, only takes a note.
    async_safe = True

    def __init__(
        self,
        images=None,
        labels=None,
        *,
        validation_images=None,
        validation_labels=None,
        out="runs/doctor",
        rollback=False,
        verbose=1,
    ):
        super().__init__()
        for name, value in (
            ("images", images),
            ("validation_images", validation_images),
        ):
            if value is not None and len(value) < 2:
                raise ValueError(
                    f"Expected: `{name}` with at least 2 examples, better 64. "
                    f"Received: {len(value)}."
                )
        self._own = {
            "train": (images, labels),
            "unseen": (validation_images, validation_labels),
        }
        self._of_fit = {"train": (None, None), "unseen": (None, None)}
        self.out = out
        self.rollback = bool(rollback)
        self.verbose = verbose
        self.alarms, self.records, self.rollbacks = [], [], []

    @property
    def replaces_nan_guard(self):
        """Whether `fit` shall do without its `NaNGuard`."""
        return self.rollback

    def see_examples(self, kind, examples, labels=None):
        """Is told by `fit`, before training, what the data are.

        Args:
            kind: "train" or "unseen".
            examples: `(N, ...)`, some or all of them.
            labels: Optional `(N,)`.
        """
        self._of_fit[kind] = (examples, labels)

    # ---------------------------------------------------------------- when

    def on_train_begin(self, logs=None):
        """Checks what could fail hours later."""
        model = self.model
        if not hasattr(model, "discriminate") or not hasattr(model, "players"):
            raise ValueError(
                "Expected: TrainingDoctor in `fit` of a model of keras_gans, one that "
                "makes its examples of latents. "
                f"Received: {type(model).__name__}."
            )
        if self.rollback and distribution.process_count() > 1:
            raise ValueError(
                "Expected: `rollback=True` in training by one process. Received: "
                f"{distribution.process_count()} processes, which would go back to "
                "different states. Leave it out, and resume from a backup."
            )
        if self.out is not None:
            self._folder = prepare_directory(self.out, "out")
        self._data = {kind: self._examples(kind) for kind in ("train", "unseen")}
        self.alarms, self.records, self.rollbacks = [], [], []
        self.equilibrium = find_equilibrium(model.loss)
        self._patient = rules.Patient(self.equilibrium)
        self._logs, self._values = StepLogs(), []
        self._probe, self._copies = None, None
        self._base = self._step = self._next = 0
        self._batch = 0
        self._steps = self.params.get("steps")

    def on_epoch_begin(self, epoch, logs=None):
        """Makes the first probe, once all callbacks have begun and restored."""
        self._epoch = epoch
        self._base += self._batch
        self._batch = 0
        self._logs.restart(0)
        if self._probe is None:
            self._resume()
            self._probe = Probe(
                self.model, self.equilibrium.logit, *self._data["train"],
                *self._data["unseen"],
            )  # fmt: skip
            self._probe.warm_up()
            self._reported = self._probed_at = time.perf_counter()
            if self.rollback:
                self._copies = Rollback(self.model)
                if self.rollbacks:  # of the training that is resumed
                    self._copies.resume(len(self.rollbacks))
            self._examine()

    def on_train_batch_begin(self, batch, logs=None):
        """Looks at the model after the batch before, if it is time.

        (A callback that acts at the *end* of batches makes `fit` wait for each.)
        """
        self._batch = batch
        self._step = self._base + batch
        if self._logs.bad is not None:
            self._on_nan()
        elif self._step >= self._next:
            self._examine()

    def on_train_batch_end(self, batch, logs=None):
        """Takes a note of the logs."""
        if self._steps:  # an execution of several may reach beyond the epoch
            batch = min(batch, self._steps - 1)
        self._logs.note(batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        """Looks at what the epoch's last batches told, and writes the report."""
        self._collect()
        self._batch = self._logs.batches
        self._step = self._base + self._batch
        if self._logs.bad is None and self._copies is not None:
            # In place of `NaNGuard`: the last update may have spoilt the weights.
            name = non_finite_weight(self.model)
            if name is not None:
                self._logs.bad = (name, math.nan, self._batch - 1)
        if self._logs.bad is not None:
            self._on_nan()
        elif time.perf_counter() - self._reported > REPORT_SECONDS:
            self._report()

    def on_train_end(self, logs=None):
        """Looks a last time, and writes the report."""
        if self._probe is None:  # no epoch was trained
            return
        mended = self._copies is not None and not self._copies.is_empty
        healthy = not any(alarm["name"] == "nan" for alarm in self.alarms)
        if (healthy or mended) and self._step - self.records[-1]["step"] >= SHORT_RUN:
            self._examine()
        self._report()
        names = ", ".join(alarm["name"] for alarm in self.alarms)
        where = "" if self.out is None else f" The curves: {self._folder}/{report.PAGE}"
        self._say(
            f"TrainingDoctor: {names or 'nothing to complain of'}, "
            f"{self._step} steps.{where}"
        )
        self._probe = self._copies = None

    def _resume(self):
        """Goes on with the report of the training that is resumed, if it is one."""
        images = int(keras.ops.convert_to_numpy(self._seen()))
        if not images or self.out is None:
            return
        before = report.read(self._folder, self._diagnosis(), images)
        if before is not None:
            self._base = self._step = before.pop("step")
            vars(self).update(before)
            names = [alarm["name"] for alarm in self.alarms]
            # What was before the last rollback may be wild, and was forgotten then.
            since = max((r["step"] for r in self.rollbacks), default=-1)
            healthy = [r for r in self.records if r["step"] > since]
            self._patient.remember(healthy, names)

    # ---------------------------------------------------------------- what

    def _examine(self):
        """One probe: measures, judges, and plans the next one."""
        backend.sync_state(self.model)
        images = int(keras.ops.convert_to_numpy(self.model.images_seen))  # waits
        begin = time.perf_counter()
        steps = self._step - (self.records[-1]["step"] if self.records else 0)
        figures = self._probe()
        self._collect()
        if self._logs.bad is not None:
            return self._on_nan()
        record = {"step": self._step, "epoch": self._epoch + 1, "images": images}
        record |= figures | self._of_steps()
        self.records.append(record)
        found = self._patient.examine(record)
        if self._copies is not None and (
            self._copies.is_empty or not self._patient.is_wild()
        ):
            self._copies.keep(self._step)
        end = time.perf_counter()
        step_seconds = (begin - self._probed_at) / max(1, steps)
        self._plan(end - begin, step_seconds)
        self._probed_at = end
        for name, figures in found:
            self._alarm(name, figures)
        wild = [name for name, _ in found if name in ("nan", "divergence")]
        if wild and self._copies is not None:
            self._roll_back(wild[0])

    def _plan(self, probe_seconds, step_seconds):
        """Sets when the next probe is due, for the share `COST` of the time."""
        shortest, longest = INTERVAL
        interval = probe_seconds / (COST * max(step_seconds, 1e-6))
        if self._step < EARLY:
            longest = EARLY_INTERVAL
        self._next = self._step + int(min(max(interval, shortest), longest))

    def _collect(self):
        self._values += self._logs.collect()

    def _of_steps(self):
        """Medians over the steps since the last probe, as single steps are noisy."""
        names = ("d_loss", "g_loss", "d_real", "d_fake")
        values, self._values = self._values, []
        each = {n: [v[n] for v in values if n in v] or [math.nan] for n in names}
        figures = {name: float(np.median(each[name])) for name in names}
        return figures | {"d_loss_high": float(np.quantile(each["d_loss"], 0.75))}

    def _on_nan(self):
        name, value, batch = self._logs.bad
        self._logs.bad = None
        figures = {"log": name, "value": str(value), "batch": batch + 1}
        self._alarm("nan", figures)
        if self._copies is not None:
            self._roll_back("nan")

    def _roll_back(self, reason):
        if self._copies.is_empty:
            self.model.stop_training = True
            self._say("TrainingDoctor: stopped, without a finite state to go back to.")
            return
        if self._copies.count >= MOST:
            self._copies.restore()
            self.model.stop_training = True
            self._say(f"TrainingDoctor: stopped after {MOST} rollbacks.")
            return
        to_step, rates = self._copies.restore()
        self.rollbacks.append(
            {
                "step": self._step,
                "to_step": to_step,
                "reason": reason,
                "learning_rates": rates,
            }
        )
        self._logs.restart(self._batch)
        self._values = []
        self._patient.forget()
        listed = ", ".join(f"{name} {rate:.3g}" for name, rate in rates.items())
        self._say(
            f"TrainingDoctor: back to the state of step {to_step}, and on with "
            f"learning rates of {listed}."
        )

    def _alarm(self, name, figures):
        """Tells of a sickness, the first time only."""
        if any(alarm["name"] == name for alarm in self.alarms):
            return
        sickness = rules.SICKNESSES[name]
        message = sickness.message.format(**figures)
        images = int(keras.ops.convert_to_numpy(self._seen()))
        self.alarms.append(
            {
                "name": name,
                "title": sickness.title,
                "step": self._step,
                "epoch": self._epoch + 1,
                "images": images,
                "message": message,
                "advice": sickness.advice,
                "figures": figures,
            }
        )
        self._say(
            f"\nTrainingDoctor, step {self._step} (epoch {self._epoch + 1}): "
            f"{sickness.title.upper()}. {message} What to change: {sickness.advice}"
        )
        self._report()

    def _examples(self, kind):
        """Examples and labels of a probe, whichever the user or `fit` gave."""
        given = self._own[kind]
        examples, labels = given if given[0] is not None else self._of_fit[kind]
        self._of_fit[kind] = (None, None)
        if examples is None:
            if kind == "unseen":
                return None, None
            raise ValueError(
                "Expected: `images` to look at, TrainingDoctor(images). Received: none."
            )
        name = "images" if kind == "train" else "validation_images"
        return some_of(self.model, examples, labels, name)

    def _seen(self):
        backend.sync_state(self.model)
        return self.model.images_seen

    def _report(self):
        self._reported = time.perf_counter()
        if self.out is None or not distribution.is_first_process():
            return
        try:
            report.write(self._folder, self._diagnosis())
        except OSError as error:
            warnings.warn(
                f"The report in {self._folder} could not be written: {error}. "
                "Training goes on.",
                RuntimeWarning,
                stacklevel=2,
            )

    def _diagnosis(self):
        return {
            "model": type(self.model).__name__,
            "seed": self.model.seed,
            "loss": type(self.model.loss).__name__,
            "probabilistic": bool(self.model.loss.probabilistic),
            "equilibrium": self.equilibrium._asdict(),
            "alarms": self.alarms,
            "rollbacks": self.rollbacks,
            "records": self.records,
        }

    def _say(self, text):
        if self.verbose and distribution.is_first_process():
            io_utils.print_msg(text)
