"""Trains presets side by side on one device, for as long as is given.

    KERAS_BACKEND=jax python -m zoo.train stylegan2_emoji_64 r3gan_emoji_64 \
        --seconds 480 --out runs/zoo

Each preset is a process that runs its recipe; nothing has to be decided on the way. A
recipe whose rates do not depend on the number of epochs trains until the time is over.
One whose rates do takes two runs: the first measures how long a step takes while all
the others train too, and the second has as many epochs as the rest of the time allows.
What follows the names and options goes to every recipe, such as `--num-images 500`.

In the folder of a preset: `preset/`, pictures, `log.txt`, and `command.txt`, by which
the recipe alone would train the same; where time ran out within the last epoch, the
log says so, and that epoch is not whole. Backups are left out, which would take a good
part of the time where an epoch takes a second.
"""

import argparse
import importlib
import json
import os
import pathlib
import subprocess
import sys
import time
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[1]
WARM_UP_STEPS = 10
GRACE = 90.0  # seconds, to save in after the end


class Training(NamedTuple):
    """What a preset is trained with.

    `scheduled`: whether rates depend on the number of epochs; `fits`: how many `fit`s
    the recipe makes, of which the last one has the time that is left.
    """

    recipe: str
    arguments: tuple = ()
    scheduled: bool = False
    fits: int = 1


TRAININGS = {
    "stylegan2_emoji_64": Training("train_stylegan2_emoji"),
    "stylegan_emoji_64": Training("train_stylegan2_emoji", ("--model", "StyleGAN")),
    "r3gan_fashion_mnist_32": Training(
        "train_r3gan_fashion_mnist",
        ("--width", "128", "--batch-size", "128", "--rate", "5e-4"),
        scheduled=True,
    ),
    "r3gan_emoji_64": Training("train_r3gan_emoji", ("--width", "192"), scheduled=True),
    "cyclegan_emoji_noto2twemoji_64": Training(
        "translate_emoji_styles",
        ("--width", "24", "--batch-size", "8"),
        scheduled=True,
    ),
    "srgan_emoji_x4": Training(
        "super_resolution",
        ("--width", "64", "--batch-size", "64", "--pretraining", "60")
        + ("--pretraining-rate", "4e-4"),
        fits=2,
    ),
    "biggan_deep_fashion_mnist_32": Training(
        "train_biggan_fashion_mnist",
        ("--model", "BigGANDeep", "--width", "24", "--discriminator-steps", "1"),
    ),
}


class Again(Exception):
    """The recipe is to start again, with as many epochs as it says."""


def limited_fit(fit, training, deadline, pause, is_probe, warm, all_warm, say):
    """`fit` of a model, with an end that is given in time.

    Args:
        fit: The function.
        training: The `Training`.
        deadline: Float, seconds since the epoch.
        pause: Float, seconds between two measurements of a step.
        is_probe: Whether to measure, and then raise `Again`.
        warm: Callable, called once the step is compiled.
        all_warm: Callable; whether the other trainings have come as far.
        say: Callable that writes a line of the log.
    """
    import keras

    from keras_gans.callbacks import BackupAndRestore

    count = iter(range(1, training.fits + 1))

    class Limit(keras.callbacks.Callback):
        epochs = 0  # whole ones

        def __init__(self, is_last):
            super().__init__()
            self.is_last, self.steps, self.shown = is_last, 0, 0.0
            self.together = False  # whether the others trained too since `begin`

        def on_train_batch_end(self, batch, logs=None):
            self.steps += 1
            soon = time.time() < min(self.shown + pause, deadline)
            if self.steps < WARM_UP_STEPS or self.steps > WARM_UP_STEPS and soon:
                return
            # Reading the logs waits for the step.
            values = {k: round(float(v), 3) for k, v in (logs or {}).items()}
            now = time.time()
            if self.steps <= WARM_UP_STEPS:
                warm()
                self.begin, self.first = now, self.steps
                self.compiling = now - self.start
                self.shown = now
            elif self.steps > self.first:
                seconds = (now - self.begin) / (self.steps - self.first)
                say(f"step {self.steps}, {1e3 * seconds:.1f} ms: {values}")
                self.shown = now
                if is_probe and self.is_last and (all_warm() or now > deadline):
                    if self.together:
                        left = deadline - now - self.compiling
                        raise Again(int(left / seconds / self.params["steps"]))
                    self.together = True
                self.begin, self.first = now, self.steps
            if now > deadline:
                say("stopped within an epoch")
                self.model.stop_training = True

        def on_epoch_begin(self, epoch, logs=None):
            self.start_of_epoch = time.time()
            if epoch == 0:
                self.start = self.start_of_epoch

        def on_epoch_end(self, epoch, logs=None):
            now = time.time()
            say(f"epoch {epoch + 1} of {self.params['epochs']}")
            Limit.epochs = epoch + 1
            took = 0.0 if is_probe else now - self.start_of_epoch
            if self.is_last and now + took > deadline:
                self.model.stop_training = True

    def run(model, *args, callbacks=(), **kwargs):
        is_last = next(count) == training.fits
        kept = [c for c in callbacks if not isinstance(c, BackupAndRestore)]
        options = kwargs | {"callbacks": [*kept, Limit(is_last)], "verbose": 0}
        return fit(model, *args, **options)

    return run, lambda: Limit.epochs


def train_one(name, seconds, out, peers, arguments):
    """Runs the recipe of a preset here."""
    from keras_gans.models.training import TrainingMixin

    training, start = TRAININGS[name], float(os.environ["ZOO_TRAIN_START"])
    folder, deadline = out / name, start + seconds
    folder.mkdir(parents=True, exist_ok=True)
    log = open(folder / "log.txt", "a")

    def say(text):
        print(f"{time.time() - start:.0f} s: {text}", file=log, flush=True)

    def all_warm():
        found = [(out / peer / "warm").exists() for peer in peers]
        return all(found) or time.time() > start + 0.3 * seconds

    sys.path.insert(0, str(ROOT / "recipes"))
    main = importlib.import_module(training.recipe).main
    fit, epochs, is_probe = TrainingMixin.fit, 100_000, training.scheduled
    while True:
        TrainingMixin.fit, epochs_done = limited_fit(
            fit,
            training,
            deadline,
            min(20.0, seconds / 20),
            is_probe,
            (folder / "warm").touch,
            all_warm,
            say,
        )
        options = [*training.arguments, *arguments, "--epochs"]
        say(f"{training.recipe} {options} {epochs}")
        try:
            main([*options, str(epochs), "--out", str(folder)])
            break
        except Again as again:
            epochs, is_probe = max(1, again.args[0]), False
    command = ["python", f"recipes/{training.recipe}.py", *options, str(epochs_done())]
    (folder / "command.txt").write_text(" ".join(command) + "\n")
    say("done")


def main(argv=None):
    """Trains presets side by side; returns the exit code of each by its name."""
    parser = argparse.ArgumentParser(
        prog="python -m zoo.train", description=__doc__.splitlines()[0]
    )
    parser.add_argument("names", nargs="+", choices=TRAININGS, metavar="NAME")
    parser.add_argument("--seconds", type=float, default=480.0, help="of all")
    parser.add_argument("--out", type=pathlib.Path, default="runs/zoo")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--peers", type=json.loads, help=argparse.SUPPRESS)
    args, arguments = parser.parse_known_args(argv)
    if args.here:
        return train_one(args.names[0], args.seconds, args.out, args.peers, arguments)
    args.out = args.out.resolve()  # trainings run in another folder
    start = time.time()
    environment = os.environ | {"ZOO_TRAIN_START": str(start)}
    # Of JAX, each process would take most of the memory of a GPU.
    environment.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    running = {}
    for name in args.names:
        (args.out / name).mkdir(parents=True, exist_ok=True)
        (args.out / name / "warm").unlink(missing_ok=True)
        command = [sys.executable, "-m", "zoo.train", "--here", name]
        command += ["--seconds", str(args.seconds), "--out", str(args.out)]
        command += ["--peers", json.dumps(args.names), *arguments]
        with open(args.out / name / "output.txt", "w") as output:
            running[name] = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=output, stderr=output
            )
    shown = start
    try:
        while any(process.poll() is None for process in running.values()):
            time.sleep(0.5)
            if time.time() - shown > 30.0:
                shown = time.time()
                for name in running:
                    last = _last_line(args.out / name / "log.txt")
                    print(f"{name}: {last}", flush=True)
            if time.time() > start + args.seconds + GRACE:
                break
    finally:  # after an interrupt, too
        for process in running.values():
            process.kill()
            process.wait()
    for name, process in running.items():
        print(f"{name}: {_last_line(args.out / name / 'log.txt')}")
        if process.returncode:
            print(_last_line(args.out / name / "output.txt"))
    return {name: process.returncode for name, process in running.items()}


def _last_line(path):
    lines = path.read_text().splitlines() if path.exists() else []
    return lines[-1] if lines else "nothing yet"


if __name__ == "__main__":
    codes = main()
    sys.exit(1 if codes and any(codes.values()) else 0)
