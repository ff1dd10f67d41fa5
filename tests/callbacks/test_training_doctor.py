import json
import math
import re

import keras
import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from benchmarks import doctor_runs
from keras_gans import distribution
from keras_gans.callbacks import training_doctor
from keras_gans.callbacks.doctor import report
from keras_gans.callbacks.doctor import rules
from keras_gans.callbacks.doctor.equilibrium import find_equilibrium
from keras_gans.callbacks.doctor.probe import distances
from keras_gans.callbacks.doctor.probe import ranking
from keras_gans.callbacks.doctor.rollback import Rollback
from keras_gans.callbacks.doctor.step_logs import StepLogs
from tests.callbacks.stand_in import assert_same
from tests.callbacks.stand_in import state
from tests.callbacks.stand_in import warns

SHAPE = (16, 16, 1)
SMALL = {"image_shape": SHAPE, "latent_dim": 8, "seed": 5}


def images(count=64, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *SHAPE), "uint8")


def make(cls=kg.models.GAN, compiled=None, **kwargs):
    keras.utils.set_random_seed(3)
    sizes = {"hidden_units": 20} if cls is kg.models.GAN else {"width": 4}
    model = cls(**SMALL | sizes | kwargs)
    model.compile(**compiled or {})
    return model


def doctor(**kwargs):
    return kg.callbacks.TrainingDoctor(**{"out": None, "verbose": 0} | kwargs)


@pytest.fixture
def often(monkeypatch):
    """Probes after every other step, whose time is not looked at."""
    monkeypatch.setattr(training_doctor, "INTERVAL", (2, 2))
    monkeypatch.setattr(training_doctor, "EARLY_INTERVAL", 2)
    monkeypatch.setattr(training_doctor, "SHORT_RUN", 20)


# -------------------------------------------------------------------- leaves no trace


@pytest.mark.parametrize(
    ("cls", "compiled"),
    [
        (kg.models.GAN, {"instance_noise": 0.1}),  # dropout
        pytest.param(
            kg.models.DCGAN,  # batch normalization
            {"augment": "diffaugment", "penalties": [kg.penalties.R1(every=2)]},
            marks=pytest.mark.once,
        ),
    ],
)
def test_training_is_not_changed(cls, compiled, often):
    def train(callbacks):
        model = make(cls, dict(compiled))
        history = model.fit(
            images(), batch_size=8, epochs=2, callbacks=callbacks, verbose=0
        )
        return state(model), history.history

    watching = doctor(validation_images=images(9, seed=1))
    watched, logs = train([watching])
    alone, expected = train([])
    assert [r["step"] for r in watching.records] == [*range(0, 16, 2)]
    assert_same(watched, alone)
    assert logs == expected


# -------------------------------------------------------------------- what it measures


def test_values_of_steps_come_back_from_running_means():
    values = np.random.default_rng(0).standard_normal(12)
    means = np.cumsum(values) / np.arange(1, 13)
    logs = StepLogs()
    for batch in (1, 0, 2, 3):  # threads may take notes in another order
        logs.note(batch, {"d_loss": float(means[batch])})
    first = logs.collect()
    for batch in range(4, 12):
        logs.note(batch, {"d_loss": float(means[batch])})
    second = logs.collect()
    np.testing.assert_allclose([v["d_loss"] for v in first + second], values)
    assert logs.batches == 12 and logs.collect() == []


def test_values_of_executions_of_several_steps():
    logs = StepLogs()
    logs.note(2, {"d_loss": 1.0})
    logs.note(5, {"d_loss": 2.0})  # the mean of 6 steps: the last three had 3
    assert [v["d_loss"] for v in logs.collect()] == [1.0, 3.0]


def test_means_that_begin_anew():
    logs = StepLogs()
    logs.note(3, {"d_loss": math.nan})
    assert logs.bad[0] == "d_loss" and logs.bad[2] == 3
    logs.restart(5)
    logs.note(4, {"d_loss": math.nan})  # late
    logs.note(5, {"d_loss": 1.0})
    logs.note(6, {"d_loss": 2.0})
    assert logs.bad is None
    assert [v["d_loss"] for v in logs.collect()] == [1.0, 3.0]


def test_ranking():
    assert ranking(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert ranking(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == 0.0
    assert ranking(np.array([1.0, 1.0]), np.array([1.0])) == 0.5
    assert math.isnan(ranking(np.array([np.nan]), np.array([1.0])))


def test_distances():
    x = np.random.default_rng(0).standard_normal((20, 3, 2)) + 1000.0
    pairs = np.linalg.norm((x[:, None] - x[None]).reshape(20, 20, -1), axis=-1)
    spread, nearest = distances(x)
    others = pairs[~np.eye(20, dtype=bool)]
    np.testing.assert_allclose(spread, np.sqrt(np.mean(others**2)))
    np.fill_diagonal(pairs, np.inf)
    np.testing.assert_allclose(nearest, pairs.min(1).mean())
    assert distances(np.ones((4, 5))) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (kg.losses.NonSaturating(), (0, 2 * math.log(2), math.log(2), 0)),
        (kg.losses.Minimax(), (0, 2 * math.log(2), -math.log(2), 0)),
        (kg.losses.Hinge(), (0, 2, None, 0)),
        (kg.losses.LeastSquares(), (0.5, 0.25, 0.125, 0)),
        (kg.losses.Wasserstein(), (0, 0, None, None)),
        (kg.losses.RelativisticPairing(), (0, math.log(2), math.log(2), 0)),
        (kg.losses.RelativisticAverage(), (0, 2 * math.log(2), 2 * math.log(2), 0)),
    ],
)
def test_equilibria(loss, expected):
    for value, known in zip(find_equilibrium(loss), expected, strict=True):
        assert value is known or value == pytest.approx(known, abs=1e-4)


def test_equilibrium_of_smoothed_labels():
    # The discriminator's best loss is no longer 0: the entropy of a coin of 0.9.
    entropy = -0.9 * math.log(0.9) - 0.1 * math.log(0.1)
    found = find_equilibrium(kg.losses.NonSaturating(0.1))
    assert found.d_floor == pytest.approx(entropy, abs=5e-3)
    assert found.d_loss < 2 * math.log(2) and found.logit < 0


def test_figures(often):
    watching = doctor(validation_images=images(9, seed=1))
    model = make(kg.models.DCGAN)
    model.fit(images(), batch_size=8, callbacks=[watching], verbose=0)
    first, last = watching.records[0], watching.records[-1]
    assert math.isnan(first["update"]) and math.isnan(first["d_loss"])
    assert first["ema_distance"] == 0 < last["ema_distance"] < 1
    assert 0 < last["update"] < 1 and last["images"] == 8 * last["step"]
    assert all(math.isfinite(value) for value in last.values())


def test_gradients_and_slopes_of_a_linear_discriminator(often):
    """D(x) = w x + b: its slope is |w|, and the logits are what it says."""
    inputs = keras.Input(SHAPE)
    outputs = keras.layers.Dense(1)(keras.layers.Flatten()(inputs))
    discriminator = keras.Model(inputs, outputs)
    watching = doctor(images=images(8))
    keras.utils.set_random_seed(0)
    model = kg.models.GAN(**SMALL, hidden_units=8, discriminator=discriminator)
    model.compile(loss="wasserstein", penalties=[])
    kernel = keras.ops.convert_to_numpy(discriminator.trainable_variables[0])
    norm, kernel = float(np.linalg.norm(kernel)), np.array(kernel)
    model.fit(images(2), batch_size=2, callbacks=[watching], verbose=0)
    first = watching.records[0]
    assert first["real_slope"] == pytest.approx(norm, rel=1e-4)
    assert first["fake_slope"] == pytest.approx(norm, rel=1e-4)
    logits = (images(8) / 127.5 - 1).reshape(8, -1) @ kernel
    assert first["real_logit"] == pytest.approx(logits.mean(), abs=1e-4)


# -------------------------------------------------------------------- what it sees


def records(count=12, every=50, **changed):
    """Figures of a healthy run, but for what is changed: values or functions of i."""
    healthy = {
        "real_logit": 2.0, "fake_logit": -2.0, "accuracy": 0.9, "ranking": 0.97,
        "r_t": 0.8, "d_gradient": 10.0, "g_gradient": 10.0, "real_slope": 2.0,
        "fake_slope": 3.0, "diversity": 0.8, "nearest": 0.8, "ema_distance": 0.1,
        "by_latents": 0.8,
        "update": 0.01, "d_loss": 0.4, "g_loss": 3.0, "d_real": 0.9, "d_fake": 0.1,
        "d_loss_high": 0.6, "r_v": 0.05, "train_over_unseen": 0.55,
    }  # fmt: skip
    return [
        {"step": i * every}
        | {
            key: changed[key](i) if callable(changed.get(key)) else changed.get(key, v)
            for key, v in healthy.items()
        }
        for i in range(count)
    ]


def named(records, loss="non_saturating"):
    """The sicknesses, and the steps at which they are named."""
    patient = rules.Patient(find_equilibrium(kg.losses.get(loss)))
    found = {}
    for record in records:
        for name, figures in patient.examine(record):
            rules.SICKNESSES[name].message.format(**figures)
            found.setdefault(name, record["step"])
    return found


def test_healthy_figures():
    assert named(records()) == {}


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("labels_flipped", {"ranking": 0.02}),
        ("constant_generator", {"by_latents": 1e-8, "d_loss": 1e-4, "ranking": 1.0}),
        ("generator_not_updated", {"update": 0.0, "d_loss": 1e-4, "ranking": 1.0}),
        ("divergence", {"d_loss_high": 1.7}),
        ("divergence", {"fake_slope": 1e4}),
        ("vanishing_gradient", {"g_gradient": lambda i: 10.0 ** (1 - i)}),
        ("discriminator_too_strong", {"d_loss": 0.01, "ranking": 1.0}),
        ("mode_collapse", {"diversity": lambda i: 0.8 if i < 6 else 0.2}),
        ("mode_collapse", {"diversity": 0.5, "nearest": 0.01}),
        ("memorising", {"r_v": 0.4, "train_over_unseen": 0.95}),
        ("nan", {"real_logit": math.nan}),
    ],
)
def test_each_sickness_is_named_within_500_steps(name, changed):
    found = named(records(**changed))
    assert list(found) == [name]
    assert found[name] <= 500


@pytest.mark.parametrize(
    "changed",
    [
        # Passing troubles: what healthy runs show for a probe or two.
        {"d_loss": lambda i: 0.01 if i in (4, 5) else 0.4, "ranking": 1.0},
        {"d_loss": lambda i: 0.001 if i < 3 else 0.2, "ranking": 1.0},
        {"d_loss_high": lambda i: 1.8 if i == 3 else 1.5},
        {"diversity": lambda i: 0.3 if i in (4, 5) else 0.9},
        {"diversity": lambda i: 0.01 + 0.005 * i},  # slow to begin
        {"diversity": lambda i: 2.3 if i == 0 else 0.7},  # an untrained StyleGAN2
        {"ranking": lambda i: 0.05 if i in (4, 5) else 0.9},
        {"train_over_unseen": 0.7},
        {"update": lambda i: math.nan if i == 0 else 1e-5},
    ],
)
def test_passing_troubles_are_not_named(changed):
    assert named(records(**changed)) == {}


def test_a_critic_is_not_too_strong():
    strong = records(d_loss=-30.0, ranking=1.0, accuracy=1.0, g_loss=20.0)
    assert named(strong, "wasserstein") == {}


def test_samples_that_never_become_different():
    alike = records(count=100, diversity=0.01, nearest=0.01)
    assert 3000 < named(alike)["mode_collapse"] < 3500


SICK = {
    "lr_x50": 60,
    "flipped": 300,
    "constant": 300,
    "no_update": 300,
    "strong_discriminator": 500,
    "saturating_loss": 300,
    "collapse": 400,
    "tiny_data": 450,
    "unbounded_critic": 300,
    "generator_lr_x100": 200,
}
ON_ALL_BACKENDS = ("lr_x50", "flipped")  # a rule sees numbers, of whichever backend


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ON_ALL_BACKENDS else pytest.mark.once)
        for name in SICK
    ],
)
def test_runs_made_sick_on_purpose(name, tmp_path):
    """At the doctor's own pace, within 500 steps."""
    seen = doctor_runs.train(name, SICK[name], tmp_path, until_named=True)
    expected = doctor_runs.RUNS[name].expected
    assert expected in [alarm["name"] for alarm in seen.alarms]
    assert (tmp_path / report.PAGE).exists()


@pytest.mark.once
@pytest.mark.slow
def test_a_healthy_run_has_no_alarm():
    seen = doctor_runs.train("healthy", 300)
    assert seen.alarms == [] and len(seen.records) >= 7


# -------------------------------------------------------------------- what it says


@pytest.mark.once
def test_alarms_are_told_once_with_figures_and_advice(often, capsys):
    flipped = {"loss": doctor_runs.Flipped(), "discriminator_optimizer": "adam"}
    watching = doctor(verbose=1)
    model = make(kg.models.DCGAN, flipped)
    model.fit(images(8 * 40), batch_size=8, callbacks=[watching], verbose=0)
    told = capsys.readouterr().out
    assert told.count("REAL AND FAKE ARE SWAPPED") == 1
    (alarm,) = [a for a in watching.alarms if a["name"] == "labels_flipped"]
    assert alarm["message"] in told and alarm["advice"] in told
    assert alarm["images"] == 8 * alarm["step"] > 0 and alarm["epoch"] == 1
    assert alarm["figures"]["ranking"] < rules.FLIPPED


def test_report(often, tmp_path):
    watching = doctor(out=tmp_path / "new" / "doctor")
    make().fit(images(), batch_size=8, epochs=2, callbacks=[watching], verbose=0)
    folder = tmp_path / "new" / "doctor"
    assert sorted(p.name for p in folder.iterdir()) == [report.DATA, report.PAGE]
    text = (folder / report.DATA).read_text()
    read = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert read["model"] == "GAN" and read["alarms"] == []
    assert read["equilibrium"]["d_loss"] == pytest.approx(2 * math.log(2))
    assert [r["step"] for r in read["records"]] == [*range(0, 16, 2)]
    assert read["records"][0]["d_loss"] is None  # no step yet
    with Image.open(folder / report.PAGE) as page:
        assert page.size[0] > 1000 and page.size[1] > 1200


def train_with_backup(folder, epochs, compiled=None, cls=kg.models.GAN, **kwargs):
    """Trains, or goes on; returns its doctor."""
    watching = doctor(out=folder / "doctor", **kwargs)
    backup = kg.callbacks.BackupAndRestore(folder / "backup", delete_checkpoint=False)
    make(cls, compiled).fit(
        images(), batch_size=8, epochs=epochs, callbacks=[watching, backup], verbose=0
    )
    return watching


def test_report_goes_on_with_a_resumed_training(often, tmp_path):
    train_with_backup(tmp_path, 1)
    first = json.loads((tmp_path / "doctor" / report.DATA).read_text())
    # As of a training killed after its backup: more was seen than is resumed.
    late = first["records"][-1] | {"step": 10, "images": 80}
    alarm = {"name": "late", "title": "", "step": 10, "epoch": 2, "images": 80}
    alarm |= {"message": "", "advice": "", "figures": {}}
    first["records"].append(late)
    first["alarms"] = [alarm, alarm | {"name": "nan", "step": 8, "images": 64}]
    (tmp_path / "doctor" / report.DATA).write_text(json.dumps(first))
    watching = train_with_backup(tmp_path, 3)
    assert [r["step"] for r in watching.records] == [*range(0, 24, 2)]
    assert all(r["images"] == 8 * r["step"] for r in watching.records)
    assert math.isnan(watching.records[0]["d_loss"])
    assert [alarm["name"] for alarm in watching.alarms] == ["nan"]
    written = json.loads((tmp_path / "doctor" / report.DATA).read_text())
    assert written["records"][:4] == first["records"][:4]
    assert len(written["records"]) == 12


@pytest.mark.once
@pytest.mark.parametrize("other", ["training", "loss", "seed", "later", "file"])
def test_report_of_another_training_is_not_gone_on_with(often, tmp_path, other):
    train_with_backup(tmp_path, 1)
    if other == "training":
        (tmp_path / "backup").rename(tmp_path / "old")
        expected = [*range(0, 16, 2)]
    else:
        expected = [*range(0, 8, 2)]  # of the second epoch
    if other == "file":
        (tmp_path / "doctor" / report.DATA).write_text("[1, 2")
    if other == "later":  # one that began where this one has not come to
        file = tmp_path / "doctor" / report.DATA
        written = json.loads(file.read_text())
        for record in written["records"]:
            record["images"] += 10_000
        file.write_text(json.dumps(written))
    if other == "seed":
        file = tmp_path / "doctor" / report.DATA
        file.write_text(file.read_text().replace('"seed": 5', '"seed": 6'))
    compiled = {"loss": "hinge"} if other == "loss" else None
    assert [r["step"] for r in train_with_backup(tmp_path, 2, compiled).records] == (
        expected
    )


@pytest.mark.once
def test_alarms_are_not_told_again_when_training_goes_on(often, tmp_path, capsys):
    flipped = {"loss": doctor_runs.Flipped(), "discriminator_optimizer": "adam"}
    for epochs in (5, 8):
        watching = train_with_backup(
            tmp_path, epochs, flipped, kg.models.DCGAN, verbose=1
        )
    assert [alarm["name"] for alarm in watching.alarms] == ["labels_flipped"]
    told = capsys.readouterr().out
    assert told.count("REAL AND FAKE ARE SWAPPED") == 1


def test_page_marks_the_alarms():
    alarm = {"step": 150, "title": "a title", "message": "m.", "advice": "a."}
    diagnosis = {
        "model": "DCGAN",
        "loss": "Hinge",
        "probabilistic": False,
        "equilibrium": find_equilibrium(kg.losses.Hinge())._asdict(),
        "alarms": [alarm, alarm | {"step": 300}],
        "rollbacks": [
            {"step": 150, "to_step": 50, "reason": "nan", "learning_rates": {}}
        ],
        "records": records(),
    }
    figure = report.draw(diagnosis)
    assert any("(2) step 300: a title" in text.get_text() for text in figure.texts)
    for axis in figure.axes:
        upright = [line.get_xdata()[0] for line in axis.lines if _is_upright(line)]
        assert {150, 300} <= set(upright)


def _is_upright(line):
    x = np.asarray(line.get_xdata())
    return len(x) == 2 and x[0] == x[1]


def test_a_long_training_keeps_its_files_small(tmp_path):
    many = records(count=report.MOST_RECORDS * 2 + 1)
    diagnosis = {
        "model": "GAN",
        "loss": "NonSaturating",
        "probabilistic": True,
        "equilibrium": find_equilibrium(kg.losses.NonSaturating())._asdict(),
        "alarms": [],
        "rollbacks": [],
        "records": many,
    }
    report.write(tmp_path, diagnosis)
    kept = json.loads((tmp_path / report.DATA).read_text())["records"]
    assert len(kept) <= report.MOST_RECORDS
    assert kept[-1]["step"] == many[-1]["step"]


@pytest.mark.once
def test_a_report_that_cannot_be_written_does_not_end_training(
    often, tmp_path, monkeypatch
):
    def full(*args):
        raise OSError("No space left on device")

    monkeypatch.setattr(report, "write", full)
    model, watching = make(), doctor(out=tmp_path)
    with warns("No space left.*Training goes on"):
        history = model.fit(images(16), batch_size=8, callbacks=[watching], verbose=0)
    assert len(history.epoch) == 1


# -------------------------------------------------------------------- NaN and rollback


class Poison(keras.callbacks.Callback):
    """Makes a weight NaN or huge before a batch."""

    def __init__(self, *steps, value=np.nan, index=0):
        super().__init__()
        self.steps, self.value, self.index, self.step = steps, value, index, 0

    def on_train_batch_begin(self, batch, logs=None):
        if self.step in self.steps:
            kg.backend.sync_state(self.model)
            weight = self.model.discriminator.trainable_variables[self.index]
            weight.assign(np.full(weight.shape, self.value))
        self.step += 1


def test_nan_is_named_and_the_guard_stops():
    model, watching = make(), doctor()
    with warns("Training stopped"):
        model.fit(images(), batch_size=8, callbacks=[watching, Poison(3)], verbose=0)
    (alarm,) = watching.alarms
    # Where steps run ahead of their logs, the fifth may be heard of first.
    assert alarm["name"] == "nan"
    assert re.search("was nan at batch [4-8] of", alarm["message"])
    assert 4 <= alarm["step"] <= 8
    assert model.stop_training and watching.rollbacks == []


@pytest.mark.parametrize("steps", [(5,), (7,), (5, 10)])
def test_rollback_from_nan(steps, often):
    """In mid-epoch, at its end, and twice."""
    adam = {
        f"{name}_optimizer": keras.optimizers.Adam(1e-3)
        for name in ("generator", "discriminator")
    }
    model, watching = make(compiled=adam), doctor(rollback=True)
    history = model.fit(
        images(), batch_size=8, epochs=3, callbacks=[watching, Poison(*steps)],
        verbose=0,
    )  # fmt: skip
    assert len(history.epoch) == 3 and not model.stop_training
    assert len(watching.rollbacks) == len(steps)
    assert [alarm["name"] for alarm in watching.alarms] == ["nan"]
    for rollback, step in zip(watching.rollbacks, steps, strict=True):
        assert rollback["reason"] == "nan"
        assert rollback["to_step"] <= step < rollback["step"]
    rate = 1e-3 * 0.5 ** len(steps)
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        assert float(optimizer.learning_rate) == pytest.approx(rate)
    assert all(np.isfinite(array).all() for array in state(model))
    assert np.isfinite(history.history["d_loss"][-1])


@pytest.mark.once
def test_rollback_of_float16():
    """Whose optimizers wrap those that have the rates, a schedule and a constant."""
    given = {"discriminator_optimizer": keras.optimizers.Adam(1e-3)}
    model = make(compiled=given, dtype="mixed_float16")
    model.fit(images(8), batch_size=8, verbose=0)
    rollback = Rollback(model)
    assert rollback.is_empty and rollback.keep(0) and not rollback.is_empty
    players = model.optimizer.players
    before = {name: float(players[name].learning_rate) for name in players}
    step, rates = rollback.restore()
    assert step == 0 and set(rates) == set(players)
    for name, optimizer in players.items():
        assert rates[name] == pytest.approx(before[name] / 2, rel=1e-4)
        assert float(optimizer.learning_rate) == pytest.approx(rates[name])


@pytest.mark.once
def test_rollback_without_a_good_state(often, monkeypatch):
    """A critic may be steep from the start; then its first state is what there is."""
    monkeypatch.setattr(rules.Patient, "is_wild", lambda self: True)
    model, watching = make(), doctor(rollback=True)
    model.fit(images(), batch_size=8, callbacks=[watching, Poison(3)], verbose=0)
    assert watching.rollbacks[0]["to_step"] == 0
    monkeypatch.setattr(Rollback, "keep", lambda self, step: False)
    model, watching = make(), doctor(rollback=True)
    model.fit(images(), batch_size=8, callbacks=[watching, Poison(3)], verbose=0)
    assert model.stop_training and watching.rollbacks == []


@pytest.mark.once
def test_rollback_slows_schedules_too(often):
    model, watching = make(), doctor(rollback=True)
    rate = float(model.generator_optimizer.learning_rate)
    assert not isinstance(model.generator_optimizer._learning_rate, keras.Variable)
    model.fit(images(), batch_size=8, callbacks=[watching, Poison(3)], verbose=0)
    assert len(watching.rollbacks) == 1
    slowed = float(model.generator_optimizer.learning_rate)
    assert slowed == pytest.approx(rate / 2, rel=1e-4)
    config = model.get_compile_config()
    again = make()
    again.compile_from_config(config)
    assert float(again.generator_optimizer.learning_rate) == pytest.approx(rate / 2)


@pytest.mark.once
def test_slowed_schedules_of_a_resumed_training():
    """A backup has variables alone; a second `fit` of the same model has them."""
    model = make()
    rate = float(model.generator_optimizer.learning_rate)
    for _ in range(2):
        Rollback(model).resume(2)
        slowed = float(model.generator_optimizer.learning_rate)
        assert slowed == pytest.approx(rate / 4, rel=1e-6)


def test_rollback_puts_the_state_back(often):
    """What is put back is the state of a step of the run, all of it."""
    model, watching = make(), doctor(rollback=True)
    reference = make()

    class See(keras.callbacks.Callback):
        states = {}

        def on_train_batch_begin(self, batch, logs=None):
            kg.backend.sync_state(self.model)
            self.states[batch] = state(self.model)

    reference.fit(images(), batch_size=8, callbacks=[See()], verbose=0)
    restored = []
    restore = training_doctor.Rollback.restore

    class Noted(training_doctor.Rollback):
        def restore(self):
            result = restore(self)
            restored.append((result[0], state(self.model)))
            return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_doctor, "Rollback", Noted)
        model.fit(images(), batch_size=8, callbacks=[watching, Poison(5)], verbose=0)
    ((step, values),) = restored
    assert step > 0
    assert_same(values, See.states[step])


@pytest.mark.once
def test_too_many_rollbacks_end_training(often):
    model, watching = make(), doctor(rollback=True)
    model.fit(
        images(), batch_size=8, epochs=9, verbose=0,
        callbacks=[watching, Poison(*range(3, 60))],
    )  # fmt: skip
    assert len(watching.rollbacks) == 5 and model.stop_training
    assert all(np.isfinite(array).all() for array in state(model))


@pytest.mark.once
def test_rollback_from_divergence(often):
    model = make(kg.models.DCGAN, {"loss": "hinge"})
    watching = doctor(rollback=True)
    model.fit(
        images(), batch_size=8, epochs=4, verbose=0,
        callbacks=[watching, Poison(*range(6, 32), value=100.0, index=-2)],
    )  # fmt: skip
    assert "divergence" in [alarm["name"] for alarm in watching.alarms]
    assert watching.rollbacks and watching.rollbacks[0]["reason"] == "divergence"
    assert watching.rollbacks[0]["to_step"] <= 6


# -------------------------------------------------------------------- what it is given


@pytest.mark.once
def test_data_in_batches(often):
    def batches():
        for i in range(7):
            yield images(8, seed=i)

    watching, model = doctor(), make()
    model.fit(batches(), steps_per_epoch=6, callbacks=[watching], verbose=0)
    assert int(model.images_seen) == 48  # none was lost
    assert watching.records[-1]["step"] == 4


@pytest.mark.once
def test_several_discriminator_steps_and_validation_data(often):
    watching = doctor()
    model = make(kg.models.WGAN)
    model.fit(
        images(160), batch_size=8, callbacks=[watching], validation_data=images(20, 1),
        verbose=0,
    )  # fmt: skip
    assert [r["step"] for r in watching.records] == [0, 2]
    assert math.isfinite(watching.records[-1]["r_v"])


@pytest.mark.once
def test_conditional_model(often):
    def network(shape, outputs, share=1.0):
        x = keras.Input(shape)
        y = keras.Input((3,))
        h = keras.layers.Rescaling(share)(keras.layers.Flatten()(x))
        h = keras.layers.Concatenate()([h, y])
        h = keras.layers.Dense(int(np.prod(outputs)), "tanh")(h)
        return keras.Model([x, y], keras.layers.Reshape(outputs)(h))

    model = kg.models.GAN(
        **SMALL, num_classes=3, generator=network((8,), SHAPE),
        discriminator=network(SHAPE, (1,)),
    )  # fmt: skip
    model.compile()
    labels = np.arange(64) % 3
    watching = doctor()
    model.fit(images(), labels, batch_size=8, callbacks=[watching], verbose=0)
    assert len(watching.records) == 4
    assert watching.records[-1]["by_latents"] > 0.01
    constant = kg.models.GAN(
        **SMALL, num_classes=3, generator=network((8,), SHAPE, 0.0),
        discriminator=network(SHAPE, (1,)),
    )  # fmt: skip
    constant.compile()
    told = doctor()
    constant.fit(images(), labels, batch_size=8, callbacks=[told], verbose=0)
    assert told.records[-1]["by_latents"] < 1e-6 < told.records[-1]["diversity"]
    with pytest.raises(ValueError, match="Labels are missing"):
        model.fit(
            images(), labels, batch_size=8, callbacks=[doctor(images=images())],
            verbose=0,
        )  # fmt: skip


@pytest.mark.once
def test_packed_vectors(often):
    watching = doctor()
    model = kg.models.GAN(
        data_spec=kg.Vectors(2), latent_dim=4, hidden_units=10, pac=2, seed=0
    )
    model.compile()
    points = np.random.default_rng(0).standard_normal((64, 2)).astype("float32")
    model.fit(points, batch_size=8, callbacks=[watching], verbose=0)
    assert math.isfinite(watching.records[-1]["diversity"])


def test_bad_input(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="at least 2 examples.*Received: 1"):
        doctor(images=images(1))
    with pytest.raises(ValueError, match="wrong shape"):
        wrong = doctor(validation_images=np.zeros((4, 8, 8, 1), "uint8"))
        make().fit(images(8), batch_size=8, callbacks=[wrong], verbose=0)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="folder that can be written"):
        blocked = doctor(out=tmp_path / "file")
        make().fit(images(8), batch_size=8, callbacks=[blocked], verbose=0)
    with monkeypatch.context() as patched, pytest.raises(ValueError, match="2 proc"):
        patched.setattr(distribution, "process_count", lambda: 2)
        make().fit(images(8), callbacks=[doctor(rollback=True)], verbose=0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    with pytest.raises(ValueError, match="TrainingDoctor in `fit` of a model of"):
        model.fit(np.ones((4, 2)), np.ones(4), callbacks=[doctor()], verbose=0)


@pytest.mark.once
def test_a_frozen_generator_is_told_of(often):
    model, watching = make(), doctor()
    model.generator.trainable = False
    model.compile()
    model.fit(images(), batch_size=8, epochs=3, callbacks=[watching], verbose=0)
    assert "generator_not_updated" in [alarm["name"] for alarm in watching.alarms]
    assert watching.records[-1]["update"] == 0.0


@pytest.mark.once
def test_rollback_from_weights_that_the_last_update_spoilt(often):
    """Its loss was finite; callbacks that come later see good weights."""

    class Spoil(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 7 and not watching.rollbacks:
                weight = self.model.generator.trainable_variables[0]
                weight.assign(np.full(weight.shape, np.nan))

    seen = []
    model, watching = make(), doctor(rollback=True)
    look = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(
            all(np.isfinite(array).all() for array in state(model))
        )
    )
    model.fit(
        images(), batch_size=8, epochs=2, callbacks=[Spoil(), look, watching],
        verbose=0,
    )  # fmt: skip
    assert len(watching.rollbacks) == 1 and seen == [True, True]


@pytest.mark.skipif(
    keras.config.backend() == "torch", reason="it has no executions of several steps"
)
def test_steps_of_executions_that_reach_beyond_the_epoch(often):
    model, watching = make(compiled={"steps_per_execution": 5}), doctor()
    model.fit(images(), batch_size=8, epochs=2, callbacks=[watching], verbose=0)
    assert watching._step == 16
