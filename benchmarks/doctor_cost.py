"""What `TrainingDoctor` costs: the share of the time of `fit` that it takes.

    KERAS_BACKEND=tensorflow python -m benchmarks.doctor_cost

Times what the doctor does between two steps, in the thread of `fit`, and the steps,
both from step 10 on (compiling comes before) in the same run, so that a change of the
machine's speed meets both. The first probe, which compiles, is told apart. Goal: 0.02.
"""

import argparse
import os
import tempfile
import time

import keras
import numpy as np

import keras_gans as kg
from keras_gans import backend

WARM_UP_STEPS = 10


class TimedDoctor(kg.callbacks.TrainingDoctor):
    """Notes the time that it takes."""

    def on_train_begin(self, logs=None):
        """Begins to count."""
        self.start_seconds = self.seconds = 0.0
        self.begin = self.end = None
        super().on_train_begin(logs)

    def on_epoch_begin(self, epoch, logs=None):
        """Times the start."""
        begin = time.perf_counter()
        super().on_epoch_begin(epoch, logs)
        self.start_seconds += time.perf_counter() - begin

    def on_train_batch_begin(self, batch, logs=None):
        """Times a look, but not the steps before, which it would wait for."""
        if self._base + batch >= self._next:
            backend.sync_state(self.model)
            keras.ops.convert_to_numpy(self.model.images_seen)
        begin = time.perf_counter()
        super().on_train_batch_begin(batch, logs)
        end = time.perf_counter()
        if batch >= WARM_UP_STEPS:
            self.begin = self.begin or begin
            self.end = end
            self.seconds += end - begin


def main(argv=None):
    """Measures, and prints one row."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.doctor_cost", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--width", type=int, default=64, help="of the DCGAN")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=600)
    args = parser.parse_args(argv)
    shape = (32, 32, 1)
    count = args.steps * args.batch_size
    images = np.random.default_rng(0).integers(0, 256, (count, *shape), "uint8")
    model = kg.models.DCGAN(shape, width=args.width, seed=0)
    model.compile()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    with tempfile.TemporaryDirectory() as out:
        doctor = TimedDoctor(out=out, verbose=0)
        model.fit(images, batch_size=args.batch_size, callbacks=[doctor], verbose=0)
    seconds, steps = doctor.end - doctor.begin, args.steps - WARM_UP_STEPS
    share = doctor.seconds / (seconds - doctor.seconds)
    print("| Backend | Step, ms | Probes | Doctor / steps | At the start, s | Load |")
    print("|---|---:|---:|---:|---:|---:|")
    print(
        f"| {keras.config.backend()} | {1e3 * (seconds - doctor.seconds) / steps:.0f} "
        f"| {len(doctor.records) - 1} | {share:.4f} | {doctor.start_seconds:.1f} "
        f"| {load:.1f} |"
    )


if __name__ == "__main__":
    main()
