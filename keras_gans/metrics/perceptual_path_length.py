"""How smoothly images change along paths between latents."""

import keras
import numpy as np
from keras import ops

from keras_gans import backend
from keras_gans.interpolation import lerp
from keras_gans.interpolation import slerp
from keras_gans.metrics.perceptual_distance import PerceptualDistance
from keras_gans.utils.prediction import predict_batch

BATCH = 64


@keras.saving.register_keras_serializable("keras_gans")
class PerceptualPathLength(keras.metrics.Metric):
    r"""Perceptual path length of StyleGAN (Karras et al. 2019, arXiv:1812.04948).

        E[ d(G(p(t)), G(p(t + epsilon))) / epsilon^2 ],    t ~ U(0, 1),

    where p is a path between two random latents: in z on a great circle for normal
    latents, straight for uniform ones; in w, StyleGAN's intermediate space, straight.
    The lowest and the highest percent of the values are left out, as the authors do.
    Low is smooth; a collapsed generator is the smoothest, so read it beside a measure
    of diversity. Images are not rounded to uint8, which would round most steps to 0.

    Values compare for one distance alone. With StyleGAN's, LPIPS on VGG, they do so
    with the literature.

    Args:
        features: As in `PerceptualDistance`, the distance that is used by default.
        num_samples: Int, N, paths.
        space: "z", or "w", the styles of models that have these, such as StyleGAN2.
        epsilon: Float, the step.
        sampling: "full", t ~ U(0, 1), or "end", t = 0.
        distance: Optional callable from two arrays of images, float `(B, H, W, C)` in
            [-1, 1], to `(B,)`, in place of features.
        seed: Int, of the latents.
        name: Optional name. Defaults to `ppl_<space>_<features>_<N>`.

    Raises:
        ValueError: If `space`, `sampling` or `epsilon` is none of these.

    Example:

    ```python
    metric = kg.metrics.PerceptualPathLength("efficientnet_lite0", num_samples=1000)
    metric.update_state(gan)
    metric.result()
    ```
    """

    higher_is_better = False

    def __init__(
        self,
        features="efficientnet_lite0",
        num_samples=10_000,
        *,
        space="z",
        epsilon=1e-4,
        sampling="full",
        distance=None,
        seed=0,
        name=None,
    ):
        for argument, value, known in (
            ("space", space, ("z", "w")),
            ("sampling", sampling, ("full", "end")),
        ):
            if value not in known:
                raise ValueError(
                    f"Expected: `{argument}` as one of {known}. Received: {value!r}."
                )
        if not 0.0 < epsilon < 1.0:
            raise ValueError(
                f"Expected: `epsilon` between 0 and 1. Received: {epsilon!r}."
            )
        if not isinstance(num_samples, int | np.integer) or num_samples < 1:
            raise ValueError(
                f"Expected: `num_samples` as an int >= 1. Received: {num_samples!r}."
            )
        self._own_distance = distance
        self.distance = distance or PerceptualDistance(features, quantize=False)
        if name is None:
            what = getattr(self.distance, "name", None)
            what = what or getattr(self.distance, "__name__", "distance")
            what = what.removeprefix("perceptual_distance_")
            what = what.removesuffix("_unquantized")  # always so
            count = num_samples
            count = f"{count // 1000}k" if count % 1000 == 0 else count
            name = f"ppl_{space}_{what}_{count}"
        super().__init__(name=name)
        self._features = features
        self.num_samples, self.space = int(num_samples), space
        self.epsilon, self.sampling, self.seed = float(epsilon), sampling, seed
        self._values = []

    def update_state(self, model):
        """Measures `num_samples` paths of a model.

        Args:
            model: A `keras_gans.models.GAN`. Its averaged generator is measured; labels
                of a conditional model are drawn, one a path.

        Raises:
            ValueError: If there is no w space, or distances are not finite.
        """
        self.check_model(model)
        backend.sync_state(model)
        rng = np.random.default_rng(self.seed)
        seeds = [int(s) for s in rng.integers(2**31, size=2)]
        ends = [model.sample_latents(self.num_samples, seed) for seed in seeds]
        t = rng.random(self.num_samples) if self.sampling == "full" else 0.0
        t = np.broadcast_to(t, self.num_samples)
        labels = shares = None
        condition = getattr(model, "condition", None)
        if condition is not None:
            if model.num_classes is not None:
                labels = rng.integers(model.num_classes, size=self.num_samples)
            labels = condition.for_samples(labels, self.num_samples)
            shares = ops.convert_to_numpy(condition.to_network(labels))
        render, ends, interpolate = self._space(model, ends, labels)
        found = []
        for start in range(0, self.num_samples, BATCH):
            # Whole batches only: backends compile anew for each size.
            rows = np.arange(start, start + BATCH) % self.num_samples
            paths = []
            for step in (0.0, self.epsilon):
                place = interpolate(*(end[rows] for end in ends), t[rows] + step)
                inputs = [place.astype("float32")]
                if shares is not None:
                    inputs.append(shares[rows])
                paths.append(np.clip(render(inputs), -1.0, 1.0))
            values = np.asarray(self.distance(*paths), "float64") / self.epsilon**2
            found.append(values[: self.num_samples - start])
        found = np.concatenate(found)
        if not np.isfinite(found).all():
            raise ValueError(
                "Expected: finite distances. Received: NaN or infinite ones. Has the "
                "generator diverged?"
            )
        self._values.append(found)

    def check_model(self, model):
        """Raises unless the model has the space in which paths are to lead."""
        if self.space == "w" and not hasattr(model, "map_latents"):
            raise ValueError(
                "space='w' needs a model with styles, such as StyleGAN2. Received: "
                f"{type(model).__name__}. Use space='z'."
            )

    def _space(self, model, ends, labels):
        """How to make images, between which places, and along which paths."""

        def network(function):
            def render(inputs):
                return np.asarray(predict_batch(function, inputs), "float32")

            return render

        if self.space == "z":
            straight = model.latent_distribution != "normal"
            return network(model.ema_generator), ends, lerp if straight else slerp
        ends = [model.map_latents(z, labels) for z in ends]  # (N, L, S)
        synthesis = network(model.ema_generator.get_layer("synthesis"))
        return (lambda inputs: synthesis(inputs[:1])), ends, lerp

    def result(self):
        """Returns the mean of the values within the 1st and the 99th percentile.

        Raises:
            ValueError: If nothing was measured.
        """
        if not self._values:
            raise ValueError(
                "Expected: measured paths. Received: none. Call `update_state(model)`."
            )
        values = np.concatenate(self._values)
        low = np.percentile(values, 1, method="lower")
        high = np.percentile(values, 99, method="higher")
        return float(values[(values >= low) & (values <= high)].mean())

    def reset_state(self):
        """Forgets what was measured."""
        self._values = []

    def get_config(self):
        """Returns the arguments.

        Raises:
            ValueError: If features or distance are not given by name.
        """
        if self._own_distance is not None or not isinstance(self._features, str):
            raise ValueError(
                "A configuration cannot carry the distance. Expected: `features` by "
                "name. Make the metric again where you load."
            )
        return {
            "features": self._features,
            "num_samples": self.num_samples,
            "space": self.space,
            "epsilon": self.epsilon,
            "sampling": self.sampling,
            "seed": self.seed,
            "name": self.name,
        }
