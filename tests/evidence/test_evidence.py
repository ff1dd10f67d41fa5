"""The evidence command: rows that resume, and tables beside what was published."""

import numpy as np
import pytest

import keras_gans as kg
from keras_gans.evidence import __main__ as command
from keras_gans.evidence import gaussians
from keras_gans.evidence import plots
from keras_gans.evidence import stacked
from keras_gans.evidence.table import Table
from keras_gans.evidence.table import epochs_of


def make_table(run=None):
    calls = []

    def measure(method, seed, steps):
        calls.append((method, seed, steps))
        return {"modes": {"a": 10.0, "b": 20.0}[method] + seed}

    table = Table(
        name="letters", title="Letters", methods=("a", "b"), columns=("modes",),
        run=run or measure, steps=7, quick_steps=2,
        published={"a": {"modes": 9.5}, "c": {"modes": 3.0}},
    )  # fmt: skip
    return table, calls


def test_rows_are_kept_and_not_measured_twice(tmp_path):
    table, calls = make_table()
    for seed in (0, 2):
        assert table.measure("a", seed, 7, tmp_path, "typed") is not None
    assert table.measure("a", 0, 7, tmp_path, "typed") is None
    assert calls == [("a", 0, 7), ("a", 2, 7)]
    rows = table.read(tmp_path)
    assert [row["modes"] for row in rows] == ["10", "12"]
    assert rows[0]["command"] == "typed"
    mean, spread = table.summary(tmp_path)["a"]["modes"]
    assert (mean, spread) == (11.0, pytest.approx(2**0.5))


def test_an_empty_file_gets_its_header(tmp_path):
    table, _ = make_table()
    table.path(tmp_path).touch()
    table.measure("a", 0, 7, tmp_path, "")
    assert table.measure("a", 0, 7, tmp_path, "") is None
    assert [row["modes"] for row in table.read(tmp_path)] == ["10"]


def test_rows_of_another_process_stay(tmp_path):
    """That process measures while this one does."""

    def run(method, seed, steps):
        if method == "a":
            table.measure("b", seed, steps, tmp_path, "")
        return {"modes": 1.0}

    table, _ = make_table(run)
    table.measure("a", 0, 7, tmp_path, "")
    assert [row["method"] for row in table.read(tmp_path)] == ["b", "a"]


def test_steps_are_whole_epochs():
    assert epochs_of(3, 10) == (3, 1)
    assert epochs_of(20, 10) == (10, 2)
    for steps in (15, 0, -3):
        with pytest.raises(ValueError, match=f"multiple of .*Received: {steps}"):
            epochs_of(steps, 10)


def test_longer_runs_replace_shorter_ones(tmp_path):
    table, _ = make_table(lambda method, seed, steps: {"modes": float(steps)})
    for steps in (2, 7):
        table.measure("a", 0, steps, tmp_path, "")
    assert table.summary(tmp_path)["a"]["modes"][0] == 7.0


def test_text_has_measured_and_published(tmp_path):
    table, _ = make_table()
    for seed in (0, 2):
        table.measure("a", seed, 7, tmp_path, "")
    lines = [line.split() for line in table.text(tmp_path).splitlines()[3:]]
    assert lines[0] == ["a", "7", "2", "11", "+-", "1.4", "9.5"]
    assert lines[1] == ["b", "-", "-", "-", "-"]
    assert lines[2] == ["c", "-", "-", "-", "3"]


def test_plot(tmp_path):
    table, _ = make_table()
    assert plots.plot([table], tmp_path) is None
    table.measure("a", 0, 7, tmp_path, "")
    assert plots.plot([table], tmp_path).stat().st_size > 1000


def test_the_command_measures_what_is_missing(tmp_path, monkeypatch, capsys):
    table, calls = make_table()
    monkeypatch.setattr(command, "TABLES", {"letters": table})
    arguments = ["letters", "--out", str(tmp_path), "--seeds", "0", "1"]
    command.main([*arguments, "--methods", "b"])
    command.main(arguments)
    assert calls == [("b", 0, 7), ("b", 1, 7), ("a", 0, 7), ("a", 1, 7)]
    command.main([*arguments, "--quick"])
    assert calls[4:] == [("a", 0, 2), ("b", 0, 2)]
    command.main([*arguments, "--print"])
    assert len(calls) == 6
    assert (tmp_path / "evidence.png").exists()
    assert "python -m keras_gans.evidence letters" in table.read(tmp_path)[0]["command"]
    capsys.readouterr()
    of_another_table = ["letters", "--methods", "gan"]
    for wrong in (["numbers"], ["letters", "--methods", "z"], of_another_table):
        with pytest.raises(SystemExit):
            command.main(wrong)
        assert "Expected" in capsys.readouterr().err


def test_published_methods_have_our_columns():
    for table in command.TABLES.values():
        for figures in table.published.values():
            assert set(figures) <= set(table.columns), table.name


@pytest.mark.once
@pytest.mark.parametrize("setup", list(gaussians.SETUPS))
def test_a_run_gives_the_figures_of_its_table(setup, monkeypatch):
    """Two steps of the method with the most options, tiny batches."""
    small = gaussians.SETUPS[setup]._replace(batch_size=8)
    monkeypatch.setitem(gaussians.SETUPS, setup, small)
    monkeypatch.setitem(
        gaussians.METHODS, "all", {"mbd": True, **gaussians.METHODS["pacgan2"]}
    )
    figures = gaussians.run("grid", setup, "all", seed=0, steps=2)
    assert set(figures) == {"modes", "high_quality", "reverse_kl"}
    assert 0 <= figures["modes"] <= 25


def test_rates_fall_until_the_end_of_training():
    """Of a critic, too, which makes several updates for one of the generator."""
    generator, critic = gaussians.SETUPS["ours"].optimizers(100, 5)
    for optimizer, updates in ((generator, 100), (critic, 500)):
        rate = optimizer._learning_rate
        assert float(rate(updates // 2)) == pytest.approx(1e-3)
        assert float(rate(updates)) == 0.0


def test_real_points_have_all_modes():
    points, _ = kg.datasets.load("gaussian_grid", num_samples=2500)
    figures = gaussians.modes_of(points, "gaussian_grid")
    assert figures["modes"] == 25
    assert figures["high_quality"] == pytest.approx(98.9, abs=1.0)


@pytest.mark.parametrize("name", list(stacked.SETS))
def test_stacks_are_three_images(name):
    size = stacked.SETS[name].size
    images = stacked.stacks(name, "train", 5, seed=0)
    assert images.shape == (5, size, size, 3)
    assert images.dtype == np.uint8
    single, _ = kg.datasets.load(name, "train", image_size=size)
    rows = np.random.default_rng(0).integers(len(single), size=(5, 3))
    np.testing.assert_array_equal(images[2, ..., 1], single[rows[2, 1], ..., 0])


@pytest.fixture
def few_stacks(monkeypatch):
    """Few samples of the set whose classifier need not be trained."""
    data = stacked.SETS["fashion_mnist"]._replace(num_samples=200)
    monkeypatch.setitem(stacked.SETS, "fashion_mnist", data)


def test_real_stacks_are_spread_over_the_modes(few_stacks):
    figures = stacked.run("fashion_mnist", "real", seed=0, steps=1)
    assert figures["high_quality"] > 50
    # Of 200 draws from 1,000 modes few fall together.
    good = 2 * figures["high_quality"]
    assert 0.75 * good < figures["modes"] <= good


def test_a_stack_s_run_gives_the_figures_of_its_table(few_stacks, tmp_path):
    """One step of `--quick`'s, through the command; then its row is there."""
    arguments = ["stacked_fashion_mnist", "--out", str(tmp_path), "--quick"]
    arguments += ["--methods", "pacgan2", "--steps", "1"]
    (text,) = command.main(arguments)
    (row,) = (line.split() for line in text.splitlines() if line[:3] == "pac")
    assert row[:3] == ["pacgan2", "1", "1"]
    assert 0 <= float(row[3]) <= 200
