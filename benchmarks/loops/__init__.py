"""Loops as one would write them by hand, one file a backend.

All train Keras networks with Keras optimizers, without a line of keras_gans:

* `make_epoch(game, ema_rate)` returns a callable that takes an iterable of batches,
  each a tuple of NumPy arrays, trains on them as `benchmarks.games` says, and returns
  the last losses as floats.
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
