"""Sampling: `generate`, and what the averaged generator needs for it."""

import keras
import numpy as np

from keras_gans import backend
from keras_gans.utils.checks import whole_number
from keras_gans.utils.prediction import predict
from keras_gans.utils.random import sample_latents


def whole_batches(count, batch_size):
    """Rows that make whole batches only: backends compile anew for each size.

    Args:
        count: Int, examples.
        batch_size: Int, at most.

    Returns:
        Int array of rows, the first ones again where the last batch is filled up; and
        the size of the batches.

    Raises:
        ValueError: If `batch_size` is no int of at least 1.
    """
    whole_number(batch_size, "batch_size", meaning="the examples made at a time")
    batch_size = min(batch_size, count)
    return np.arange(-(-count // batch_size) * batch_size) % count, batch_size


class SamplingMixin:
    """Samples of a model with an `ema_generator`."""

    def call(self, inputs, training=False):
        """Generates from latents (and labels) with the averaged generator.

        Args:
            inputs: Latents `(B, Z)`, or `[latents, labels]` if conditional: class
                indices `(B,)`, shares of the classes `(B, K)` or attributes `(B, K)`.
            training: Passed to the generator.

        Returns:
            Float32 examples; images in [-1, 1].
        """
        if self.condition is not None:
            latents, labels = inputs
            # Keras takes no arrays and tensors in one list.
            latents = keras.ops.convert_to_tensor(latents)
            inputs = [latents, self.condition.to_network(labels)]
        return self.ema_generator(inputs, training=training)

    def sample_latents(self, num_samples, seed=None, truncation=None):
        """Draws latents with NumPy: the same for one seed on every backend.

        Args:
            num_samples: Int, N.
            seed: Optional int.
            truncation: Optional float > 0: numbers of a larger magnitude are drawn
                again (Brock et al. 2019, arXiv:1809.11096, section 3.1). The smaller,
                the better the single sample, and the more alike are all.

        Returns:
            Float32 array `(N, Z)`.

        Raises:
            ValueError: If `truncation` is not positive, or latents are uniform.
        """
        shape = (num_samples, self.latent_dim)
        return sample_latents(shape, self.latent_distribution, seed, truncation)

    def generate(
        self,
        num_samples=None,
        *,
        seed=None,
        labels=None,
        latents=None,
        truncation=None,
        batch_size=64,
    ):
        """Generates examples with the averaged generator.

        Args:
            num_samples: Int, N. May be left out with `latents`.
            seed: Optional int; one seed gives the same examples on every backend.
            labels: For conditional models: ints `(N,)`, one int for all, or shares of
                the classes, float `(N, K)` or `(K,)`; attributes `(N, K)` or `(K,)`
                where the model has these. Without them classes (or single attributes)
                take turns.
            latents: Optional `(N, Z)` in place of random ones.
            truncation: Optional float > 0; see `sample_latents`.
            batch_size: Int, examples generated at a time.

        Returns:
            uint8 `(N, H, W, C)` for images; float32 for vectors.

        Raises:
            ValueError: If the arguments do not fit together.

        Example:

        ```python
        images = gan.generate(64, seed=0)
        ```
        """
        latents = self._latents(num_samples, seed, latents, truncation)
        count = len(latents)
        inputs = [latents, *self._asked(labels, count)]
        rows, batch_size = whole_batches(count, batch_size)
        inputs = [array[rows] for array in inputs]
        return predict(self, inputs, batch_size, convert=self.data_spec.to_user)[:count]

    def _latents(self, num_samples, seed, latents, truncation):
        """What `generate` begins with, checked: float32 `(N, Z)`."""
        if latents is None:
            if not isinstance(num_samples, int | np.integer) or num_samples < 1:
                raise ValueError(
                    "Expected: `num_samples` as an int of at least 1. "
                    f"Received: {num_samples!r}."
                )
            latents = self.sample_latents(num_samples, seed, truncation=truncation)
        elif truncation is not None:
            raise ValueError(
                "Expected: `truncation` only with random latents. Received: "
                f"truncation={truncation} with `latents`."
            )
        latents = np.asarray(latents, "float32")
        is_right = latents.ndim == 2 and latents.shape[1] == self.latent_dim
        if not is_right or not len(latents):
            raise ValueError(
                f"Expected: `latents` of shape (N, {self.latent_dim}), at least one. "
                f"Received: {latents.shape}."
            )
        if num_samples is not None and num_samples != len(latents):
            raise ValueError(
                f"Expected: `latents` for {num_samples} samples. "
                f"Received: {len(latents)}."
            )
        return latents

    def _asked(self, labels, count):
        """The condition of samples, in a list; an empty one without conditions."""
        if self.condition is not None:
            return [self.condition.for_samples(labels, count)]
        if labels is not None:
            raise ValueError(
                "Expected: no `labels`, since this model is unconditional. "
                f"Received: labels={labels!r}."
            )
        return []

    def standing_statistics(
        self, num_batches=100, batch_size=64, *, seed=0, labels=None, truncation=None
    ):
        """Estimates the averaged generator's batch statistics anew, for sampling.

        Batch normalization then uses means and variances over many batches of the
        weights that are sampled, not the moving ones of training (Brock et al. 2019,
        arXiv:1809.11096, section 3 and appendix B, 100 batches). The next training
        step puts those of training back.

        Args:
            num_batches: Int >= 1.
            batch_size: Int, best that of training.
            seed: Int, of the latents.
            labels: As in `generate`, the same for each batch.
            truncation: As in `generate`, if samples will be truncated.

        Returns:
            Number of layers with statistics; 0 if the generator has none.

        Raises:
            ValueError: If a number is no int of at least 1.
        """
        whole_number(
            num_batches, "num_batches", meaning="whose statistics are averaged"
        )
        whole_number(batch_size, "batch_size", meaning="the examples of each batch")
        backend.sync_state(self)
        normalizations = [
            layer
            for layer in self.ema_generator._flatten_layers()
            if isinstance(layer, keras.layers.BatchNormalization)
        ]
        if not normalizations:
            return 0
        latents = self.sample_latents(
            num_batches * batch_size, seed, truncation=truncation
        )
        moving = [
            (variable, layer.momentum)
            for layer in normalizations
            for variable in (layer.moving_mean, layer.moving_variance)
        ]
        others = {id(variable) for variable, _ in moving}
        others = [
            (variable, np.array(keras.ops.convert_to_numpy(variable.value)))
            for variable in self.ema_generator.non_trainable_variables
            if id(variable) not in others
        ]
        sums = [np.zeros(variable.shape, "float64") for variable, _ in moving]
        # A moving value that starts at 0 is (1 - momentum) times the batch's after one
        # pass; layers are frozen with the averaged generator, and set free for it.
        self.ema_generator.trainable = True
        try:
            for i in range(num_batches):
                for variable, _ in moving:
                    variable.assign(np.zeros(variable.shape, "float32"))
                inputs = keras.ops.convert_to_tensor(
                    latents[i * batch_size : (i + 1) * batch_size]
                )
                if self.condition is not None:
                    asked = self.condition.for_samples(labels, batch_size)
                    inputs = [inputs, self.condition.to_network(asked)]
                with backend.no_gradients():
                    self.ema_generator(inputs, training=True)
                for total, (variable, momentum) in zip(sums, moving, strict=True):
                    value = keras.ops.convert_to_numpy(variable.value)
                    total += np.asarray(value, "float64") / (1.0 - momentum)
        finally:
            self.ema_generator.trainable = False
        for total, (variable, _) in zip(sums, moving, strict=True):
            variable.assign((total / num_batches).astype("float32"))
        for variable, value in others:  # such as vectors of spectral normalization
            variable.assign(value)
        return len(normalizations)
