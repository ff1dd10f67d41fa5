"""The zoo's trainings, begun again: does `TrainingDoctor` let healthy ones be?

    KERAS_BACKEND=tensorflow python -m benchmarks.doctor_recipes
    KERAS_BACKEND=tensorflow python -m benchmarks.doctor_recipes sagan_emoji_32 \
        "train_r3gan_fashion_mnist --epochs 8"

Runs the command on a preset's card, or one that is given, until 500 batches are
trained on, with held-out images for the doctor, and prints its alarms as Markdown: none
should be there. Presets that make no images of latents are left out.
"""

import argparse
import contextlib
import importlib
import io
import json
import pathlib
import shlex
import sys
import tempfile
import time

import keras

import keras_gans as kg
from benchmarks.doctor_runs import STEPS
from keras_gans.models.training import TrainingMixin

ROOT = pathlib.Path(__file__).resolve().parents[1]


class Enough(Exception):
    """Ends a recipe whose training was watched."""


class Limit(keras.callbacks.Callback):
    """Stops after a number of batches."""

    def __init__(self, steps):
        super().__init__()
        self.left = steps

    def on_train_batch_end(self, batch, logs=None):
        """Counts."""
        self.left -= 1
        if self.left <= 0:
            self.model.stop_training = True


def command_of(name):
    """What a preset was trained with, without `python recipes/`; None for others."""
    config = ROOT / "zoo" / "weights" / name / "config.json"
    if not config.exists():
        return None
    command = json.loads(config.read_text())["metadata"]["command"]
    return command.removeprefix("python recipes/").replace(".py", "", 1)


def watch(command, steps=STEPS):
    """Runs a recipe for some batches, under a doctor.

    Args:
        command: Str, the recipe's name and its options.
        steps: Int.

    Returns:
        The doctor, or None for models that make no images of latents.
    """
    recipe, *options = shlex.split(command)
    data = "emoji" if "emoji" in recipe else "fashion_mnist"
    fit, doctors = TrainingMixin.fit, []

    def watched(model, *args, callbacks=(), verbose=0, **kwargs):
        if not hasattr(model, "latent_dim"):
            raise Enough
        unseen, labels = kg.datasets.load(
            data, split="test", image_size=model.data_spec.shape[0]
        )
        doctors.append(
            kg.callbacks.TrainingDoctor(
                validation_images=unseen,
                validation_labels=labels if model.condition is not None else None,
                out=None,
                verbose=0,
            )
        )
        fit(model, *args, callbacks=[*doctors, Limit(steps)], verbose=0, **kwargs)
        raise Enough

    sys.path.insert(0, str(ROOT / "recipes"))
    TrainingMixin.fit = watched
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.redirect_stdout(io.StringIO()),
        ):
            importlib.import_module(recipe).main([*options, "--out", folder])
    except Enough:
        pass
    finally:
        TrainingMixin.fit = fit
        sys.path.remove(str(ROOT / "recipes"))
    return doctors[0] if doctors else None


def row(command, doctor):
    """One row of the table."""
    alarms = [f"{alarm['name']} at {alarm['step']}" for alarm in doctor.alarms]
    last, probes = doctor.records[-1]["step"], len(doctor.records)
    return f"| `{command}` | {', '.join(alarms) or 'none'} | {last} | {probes} |"


def main(argv=None):
    """Trains, and prints the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.doctor_recipes", description=__doc__.splitlines()[0]
    )
    presets = sorted(path.name for path in (ROOT / "zoo" / "weights").iterdir())
    parser.add_argument(
        "names", nargs="*", default=presets, help="presets, or commands in quotes"
    )
    parser.add_argument("--steps", type=int, default=STEPS)
    args = parser.parse_args(argv)
    print(f"Keras {keras.__version__}, {keras.config.backend()}, {time.strftime('%F')}")
    print("| Recipe | Alarms, at step | Steps | Probes |")
    print("|---|---|---:|---:|")
    for name in args.names:
        command = command_of(name) or name
        doctor = watch(command, args.steps)
        if doctor is not None:
            print(row(command, doctor), flush=True)
        keras.backend.clear_session()


if __name__ == "__main__":
    main()
