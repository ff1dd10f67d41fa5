"""The benchmarks run and report what they promise; how fast is not tested here."""

import os
import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

from benchmarks import data
from benchmarks import doctor_recipes
from benchmarks import growth
from benchmarks import half_precision
from benchmarks import memory
from benchmarks import peers
from benchmarks import report
from benchmarks.__main__ import parse

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
