"""Loops as one would write them by hand, one file a backend.

All train the Keras networks of a model with two Keras optimizers, without a line of
keras_gans:

* `make_epoch(model, batch_size, ema_rate)` returns a callable that takes an iterable of
  uint8 batches, trains on them, and returns the last losses as floats.
* `make_sampler(generator)` returns a callable from latents to images in NumPy.
"""

import keras

if keras.config.backend() == "tensorflow":
    from benchmarks.loops.tensorflow import make_epoch
    from benchmarks.loops.tensorflow import make_sampler
elif keras.config.backend() == "jax":
    from benchmarks.loops.jax import make_epoch
    from benchmarks.loops.jax import make_sampler
else:
    from benchmarks.loops.torch import make_epoch
    from benchmarks.loops.torch import make_sampler

__all__ = ["make_epoch", "make_sampler"]
