"""The benchmarks run and report what they promise; how fast is not tested here."""

import os
import pathlib
import re
import subprocess
import sys
import types

import keras
import numpy as np
import pytest
from keras import ops

from benchmarks import data
from benchmarks import doctor_recipes
from benchmarks import fit_models
from benchmarks import games
from benchmarks import growth
from benchmarks import half_precision
from benchmarks import loops
from benchmarks import memory
from benchmarks import peak_memory
from benchmarks import peers
from benchmarks import report
from benchmarks.__main__ import parse
from keras_gans.penalties import path_length

ROOT = pathlib.Path(__file__).resolve().parents[1]
BACKEND = keras.config.backend()
NUMBER = re.compile(r"^-?\d+\.\d+$")


@pytest.fixture(scope="module")
def output():
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--backends", BACKEND],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": BACKEND},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def rows(output):
    """Cells of the tables' rows by the second cell, `fit / ...` or what was timed."""
    lines = [line for line in output.splitlines() if line.startswith("| " + BACKEND)]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[1]: row for row in cells}


@pytest.mark.once
def test_ratios_and_times_are_reported(output):
    found = rows(output)
    missing = {"pytorch", "torch_fidelity"} if BACKEND == "jax" else set()
    if peers.torch_fidelity("version") is None:
        missing.add("torch_fidelity")
    expected = {name for name, _, below, _ in report.RATIOS if below not in missing}
    expected |= {name for key, name in report.TIMES.items() if key not in missing}
    assert set(found) == expected
    for row in found.values():
        assert NUMBER.match(row[2]), row


@pytest.mark.once
def test_goals_are_reported(output):
    found = rows(output)
    for name, _, _, goals in report.RATIOS:
        if BACKEND in goals and name in found:
            *_, goal, met = found[name]
            assert goal == f"<= {goals[BACKEND]:.2f}"
            assert met in ("yes", "no")


@pytest.mark.once
def test_conditions_are_reported(output):
    head = output.split("|")[0]
    assert f"keras {keras.__version__}" in head
    assert re.search(r"\d{4}-\d\d-\d\d; \d+ cores", head)


def test_ratio_is_the_median_of_pairs():
    seconds = {"fit": [0.2, 0.3, 0.9], "loop": [0.1, 0.3, 0.3]}
    seconds |= {"fit starts": [0.5]}
    seconds |= {"generate": [1.0], "sample": [2.0]}
    seconds |= {"features": [1.0], "torch_fidelity": [1.0]}
    seconds |= {"import keras": [2.0], "import keras_gans": [3.0]}
    measured = {"versions": {}, "parameters": 1000, "seconds": seconds}
    found = rows(report.markdown({BACKEND: measured}, parse(["--quick"])))
    ratio = found["`fit` / hand-written loop on the same backend"]
    assert ratio[2:] == ["2.000", "1.000 to 3.000", "<= 1.03", "no"]
    assert found["`fit`, a step"][2] == "300.0"
    assert found["the difference of the two"][2] == "1000.0"


@pytest.mark.once
def test_memory_of_parts():
    sizes = "--image-size 32 --batch-size 64 --width 2 --steps 2"
    whole, parts = memory.main(["--parts", "1", "8", *sizes.split()])
    assert (whole["parts"], parts["parts"]) == (1, 8)
    assert 0 < parts["memory"] < whole["memory"]
    assert parts["seconds"] > 0


@pytest.mark.once
def test_memory_beside_plain_pytorch():
    sizes = "--side 64 --batch-size 32 --width 8 --steps 2 --rounds 1"
    found = peak_memory.main(["--backends", "torch", *sizes.split()])
    assert found.keys() == {"pytorch", "torch"}
    assert found["pytorch"] > 0
    assert found["torch"]["loop"] > 0
    assert found["torch"]["fit"] > 0


@pytest.mark.once
def test_memory_of_rematerialized_steps():
    sizes = "--image-size 64 --batch-size 4 --width 8 --steps 2 --parts 1"
    kept, again = memory.main(["--rematerialize", "no", "yes", *sizes.split()])
    assert (kept["rematerialize"], again["rematerialize"]) == ("no", "yes")
    assert 0 < again["memory"] < 0.8 * kept["memory"]


@pytest.mark.once
@pytest.mark.parametrize("recipe", ["gan", "cgan"])
def test_half_precision(recipe, tmp_path):
    found = half_precision.main(
        ["--num-images=500", "--num-samples=200", "--epochs=1", f"--out={tmp_path}"]
        + [f"--recipe={recipe}", "--seeds=0", "--dtypes", "float32", "mixed_bfloat16"]
    )
    assert found.keys() == {"float32", "mixed_bfloat16"}
    assert all(np.isfinite(value) for (value,) in found.values())
    assert found["float32"] != found["mixed_bfloat16"]


@pytest.mark.once
@pytest.mark.parametrize("source", ["--images", "--folder"])
def test_images_read_bit_by_bit(source):
    sizes = "--latency 0.1 --batches 2"
    memory_of_epochs, seconds = data.main([source, "2000", *sizes.split()])
    assert len(memory_of_epochs) == 3
    assert min(memory_of_epochs) > 0
    assert seconds.keys() == {"reading alone", "steps alone", "both"}


@pytest.mark.once
def test_doctor_of_recipes(capsys):
    command = doctor_recipes.command_of("cgan_fashion_mnist_28")
    assert command == "train_cgan_fashion_mnist --width 64 --epochs 33"
    small = f"{command} --width 2 --num-images 200 --batch-size 10"
    translation = "translate_emoji_styles --image-size 16 --width 2 --num-images 8"
    doctor_recipes.main([small, translation, "--steps", "30"])
    lines = capsys.readouterr().out.splitlines()
    (row,) = [line for line in lines if "train_" in line or "translate_" in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[0] == f"`{small}`" and 0 < int(cells[2]) <= 30 and int(cells[3]) > 0


@pytest.mark.once
def test_growth(tmp_path):
    sizes = ["--points", "2", "--steps", "1", "--out", str(tmp_path)]
    rows = growth.main(["--backends", BACKEND, "--axes", "replicas", *sizes])
    assert [row["replicas"] for row in rows] == [1, 2]
    assert all(row["seconds"] > 0 and row["megabytes"] > 0 for row in rows)
    assert len((tmp_path / "growth.csv").read_text().splitlines()) == 3
    assert (tmp_path / "growth.png").stat().st_size > 1000
    straight = [{"width": x, "seconds": 3.0 * x**2} for x in (1, 2, 4)]
    assert growth.slope(straight, "width", "seconds") == pytest.approx(2.0)


@pytest.mark.once
def test_fit_of_four_models_beside_loops_written_by_hand(capfd):
    arguments = ["--quick", "--rounds", "1", "--steps", "4"]
    fit_models.main([*arguments, "--backends", BACKEND])
    found = rows(capfd.readouterr().out)
    assert set(found) == set(fit_models.SETUPS)
    assert all(NUMBER.match(row[2]) for row in found.values())


def rows_of_waves(shape):
    """Numbers as if drawn, of which the first rows are the same for more rows."""
    shape = tuple(shape)
    phases = np.arange(shape[0])[:, None] * 2.1 + np.arange(np.prod(shape[1:])) * 0.7
    return ops.convert_to_tensor(np.sin(phases**1.3).reshape(shape).astype("float32"))


def without_chance(player):
    """A player with waves for draws, and with plain gradient descent."""

    def objective(tools, *rest):
        return player.objective(
            types.SimpleNamespace(**vars(tools) | {"normal": rows_of_waves}), *rest
        )

    optimizer = keras.optimizers.SGD(0.05)
    return player._replace(objective=objective, optimizer=optimizer)


@pytest.mark.once  # compiling the loops takes minutes on the others
@pytest.mark.parametrize("name", sorted(fit_models.SETUPS))
def test_the_loops_make_the_updates_of_fit(name, monkeypatch):
    gan, other, batch_size = fit_models.models(name, tiny=True)
    for model in (gan, other):
        model.style_mixing = 0.0
    monkeypatch.setattr(
        gan,
        "draw_latents",
        lambda count: rows_of_waves((int(count), gan.latent_dim)),
        raising=False,
    )
    draws = types.SimpleNamespace(normal=lambda shape, seed: rows_of_waves(shape))
    monkeypatch.setattr(path_length, "random", draws)
    setup = fit_models.SETUPS[name]
    game = getattr(games, setup.game)(other, batch_size)
    game = game._replace(players=[without_chance(p) for p in game.players])
    recipe = gan.recipe()
    if "penalties" in recipe and name == "stylegan2":  # gamma depends on the batch
        recipe = gan.recipe(batch_size)
    recipe["generator_optimizer"] = keras.optimizers.SGD(0.05)
    recipe["discriminator_optimizer"] = keras.optimizers.SGD(0.05)
    gan.compile(**recipe)
    arrays = fit_models.data(gan, batch_size * game.updates, setup.classes)
    fit = fit_models.fit_of(gan)
    before = [network.get_weights() for network in networks_of(gan.players())]
    fit(*arrays, batch_size=batch_size, shuffle=False, verbose=0)
    loops.make_epoch(game, 0.5)([tuple(arrays)])
    networks = zip(
        before, networks_of(gan.players()), networks_of(game.players), strict=True
    )
    for old, network, same in networks:
        for o, a, b, w in zip(
            old, network.get_weights(), same.get_weights(), network.weights, strict=True
        ):
            scale = max(np.abs(a - o).max(), 1e-3)
            np.testing.assert_allclose(a, b, atol=2e-3 * scale, err_msg=w.path)


def networks_of(players):
    """Networks of all players, by name."""
    networks = [network for player in players for network in player.networks]
    return sorted(networks, key=lambda network: network.name)
