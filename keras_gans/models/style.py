r"""What models with styles share: mapping, mixing, truncation, and sampling with them.

Karras et al. 2019, arXiv:1812.04948. The generator is a mapping network from latents z
(and a condition) to style vectors w, and a synthesis network from one w a layer to
images. In training a share of the images is made of two latents: w of the first up to a
random layer, of the second from there on. For sampling styles are drawn to their mean,

    w' = w_mean + psi (w - w_mean),

in all layers or the first ones ("truncation", appendix B).

B: batch, Z: latent size, S: style size, L: layers that take a style.
"""

import warnings

import keras
import numpy as np
from keras import layers
from keras import ops

from keras_gans import backend
from keras_gans.layers import EqualizedDense
from keras_gans.layers import PixelNormalization
from keras_gans.layers import ScaledLeakyReLU
from keras_gans.models.sampling import whole_batches
from keras_gans.utils import random
from keras_gans.utils.checks import number
from keras_gans.utils.checks import whole_number
from keras_gans.utils.prediction import predict_batch

MAPPING, SYNTHESIS, AVERAGE = "mapping", "synthesis", "style_average"
"""Names of the generator's parts."""


@keras.saving.register_keras_serializable("keras_gans")
class StyleAverage(layers.Layer):
    """Hands styles on, and keeps their moving average over training.

    Args:
        decay: Float, share of the old average that each batch leaves; 0.995 in
            StyleGAN.
        **kwargs: Of `keras.layers.Layer`.
    """

    def __init__(self, decay=0.995, **kwargs):
        super().__init__(**kwargs)
        self.decay = float(decay)

    def build(self, input_shape):
        """Makes the average."""
        self.average = self.add_weight(
            shape=(input_shape[-1],),
            initializer="zeros",
            trainable=False,
            # Half precision has no digits for what a batch adds to an average, and on
            # torch an assignment to what autocast made of a weight is lost.
            dtype="float32",
            autocast=False,
            aggregation="mean",
            name="average",
        )

    def call(self, w, training=False):
        """Returns `(B, S)` as they are."""
        if training:
            mean = ops.stop_gradient(ops.mean(ops.cast(w, "float32"), axis=0))
            mean = backend.mean_over_replicas(mean)
            old = ops.convert_to_tensor(self.average)
            self.average.assign(mean + self.decay * (old - mean))
        return w

    def compute_output_shape(self, input_shape):
        """Returns the shape of the inputs."""
        return input_shape

    def get_config(self):
        """Returns the arguments."""
        return super().get_config() | {"decay": self.decay}


def mapping_network(
    latent_dim, condition_size, style_dim, depth, lr_multiplier=0.01, name=MAPPING
):
    """Latents (and condition) -> dense layers -> styles.

    Args:
        latent_dim: Int, Z; 0 for a network of the condition alone.
        condition_size: Optional int, K.
        style_dim: Int, S; also the size of the condition's embedding.
        depth: Int, dense layers.
        lr_multiplier: Float, see `EqualizedDense`.
        name: Of the network.

    Returns:
        A `keras.Model` from `(B, Z)`, `[(B, Z), (B, K)]` or `(B, K)` to `(B, S)`.
    """
    inputs, parts = [], []
    if latent_dim:
        inputs.append(keras.Input((latent_dim,)))
        parts.append(PixelNormalization(name="normalize_latents")(inputs[0]))
    if condition_size is not None:
        inputs.append(keras.Input((condition_size,)))
        embedding = EqualizedDense(style_dim, name="embedding")(inputs[-1])
        parts.append(PixelNormalization(name="normalize_embedding")(embedding))
    x = parts[0] if len(parts) == 1 else layers.Concatenate()(parts)
    for i in range(depth):
        x = EqualizedDense(style_dim, lr_multiplier=lr_multiplier, name=f"dense_{i}")(x)
        x = ScaledLeakyReLU(name=f"activation_{i}")(x)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], x, name=name)


def style_generator(mapping, synthesis):
    """The generator of a mapping and a synthesis network."""
    inputs = [keras.Input(tensor.shape[1:]) for tensor in mapping.inputs]
    inputs = inputs if len(inputs) > 1 else inputs[0]
    w = StyleAverage(name=AVERAGE)(mapping(inputs))
    ws = layers.RepeatVector(synthesis.inputs[0].shape[1], name="repeat")(w)
    return keras.Model(inputs, synthesis(ws), name="generator")


class StyleMixin:
    """Styles in training and sampling, for a model with a `style_generator`.

    Attributes:
        style_mixing: Share of the training images that are made of two latents.
    """

    style_mixing = 0.0

    @property
    def num_styles(self):
        """L, layers that take a style."""
        return self.generator.get_layer(SYNTHESIS).inputs[0].shape[1]

    @property
    def style_dim(self):
        """S, size of a style."""
        return self.generator.get_layer(SYNTHESIS).inputs[0].shape[2]

    # ---------------------------------------------------------------- in training

    def styles_of(self, latents, labels=None, training=True):
        """Styles of latents, mixed in training: `(B, L, S)`."""
        mapping = self.generator.get_layer(MAPPING)

        def styles(latents):
            inputs = latents if labels is None else [latents, labels]
            return mapping(inputs, training=training)

        average = self.generator.get_layer(AVERAGE)
        w = average(styles(latents), training=training)
        # Not `repeat`, whose gradient XLA cannot compile within `cond`.
        ws = ops.stack([w] * self.num_styles, axis=1)  # (B, L, S)
        if not training or self.style_mixing == 0.0:
            return ws
        count, depth = ops.shape(latents)[0], self.num_styles
        others = styles(self.draw_latents(count))
        draws = random.uniform((count, 2, 1, 1), self.seed_generator)
        # The first layer of the other latent, 1 to L - 1; L where nothing is mixed.
        first = 1.0 + ops.floor(draws[:, 0] * (depth - 1))
        first = ops.where(draws[:, 1] < self.style_mixing, first, float(depth))
        index = ops.reshape(ops.arange(depth, dtype="float32"), (1, depth, 1))
        return ops.where(index < first, ws, others[:, None])

    def generate_from(self, latents, labels=None, training=True):
        """Images of latents (and conditions `(B, K)`), by the generator in training."""
        if not training:
            return super().generate_from(latents, labels, training)
        ws = self.styles_of(latents, labels)
        images = self.generator.get_layer(SYNTHESIS)(ws, training=True)
        return ops.cast(images, "float32")

    def path(self, latents, labels=None):
        """Styles of latents, and the function from styles to images."""
        synthesis = self.generator.get_layer(SYNTHESIS)
        return self.styles_of(latents, labels), lambda ws: synthesis(ws, training=True)

    # ---------------------------------------------------------------- in sampling

    def map_latents(
        self, latents, labels=None, truncation_psi=1.0, truncation_cutoff=None
    ):
        """Styles of latents, by the averaged generator.

        Args:
            latents: `(N, Z)`.
            labels: As in `generate`.
            truncation_psi: Float, psi: 1 leaves styles as they are, 0 makes all of them
                the mean, which is the average image. Outside of [0, 1] styles are
                extrapolated, below 0 to the opposite of the sample: a warning says so.
            truncation_cutoff: Optional int, layers that are truncated, from the first;
                all if None.

        Returns:
            Float32 array `(N, L, S)`.

        Raises:
            ValueError: If the arguments do not fit the model.
        """
        latents = np.asarray(latents, "float32")
        if latents.ndim != 2 or latents.shape[1] != self.latent_dim:
            raise ValueError(
                f"Expected: `latents` of shape (N, {self.latent_dim}). "
                f"Received: {latents.shape}."
            )
        truncation_psi = number(
            truncation_psi, "truncation_psi", meaning="best in [0, 1]"
        )
        if not 0 <= truncation_psi <= 1:
            warnings.warn(
                f"truncation_psi={truncation_psi:g} is outside of [0, 1]: styles are "
                "extrapolated, to where the generator was not trained.",
                RuntimeWarning,
                stacklevel=2,
            )
        cutoff = self.num_styles
        if truncation_cutoff is not None:
            cutoff = whole_number(truncation_cutoff, "truncation_cutoff", least=0)
        if cutoff > self.num_styles:
            raise ValueError(
                f"Expected: `truncation_cutoff` in 0..{self.num_styles}, the layers "
                f"that take a style. Received: {truncation_cutoff!r}."
            )
        backend.sync_state(self)
        inputs = [ops.convert_to_tensor(latents)]
        for asked in self._asked(labels, len(latents)):
            inputs.append(self.condition.to_network(asked))
        mapping = self.ema_generator.get_layer(MAPPING)
        with backend.no_gradients():
            w = mapping(inputs if len(inputs) > 1 else inputs[0], training=False)
        w = ops.convert_to_numpy(ops.cast(w, "float32"))
        ws = np.repeat(w[:, None], self.num_styles, axis=1)
        mean = self.mean_style
        ws[:, :cutoff] = mean + truncation_psi * (ws[:, :cutoff] - mean)
        return ws

    @property
    def mean_style(self):
        """w_mean, the average style of training: float32 array `(S,)`."""
        average = self.ema_generator.get_layer(AVERAGE).average
        return np.asarray(ops.convert_to_numpy(average), "float32")

    def synthesize(self, styles, batch_size=64):
        """Images of styles, by the averaged generator.

        Args:
            styles: `(N, L, S)`, one style a layer; or `(N, S)`, one for all.
            batch_size: Int, images made at a time.

        Returns:
            uint8 `(N, H, W, C)`.

        Raises:
            ValueError: If the styles do not fit the model.
        """
        styles = np.asarray(styles, "float32")
        if styles.ndim == 2:
            styles = np.repeat(styles[:, None], self.num_styles, axis=1)
        expected = (self.num_styles, self.style_dim)
        if styles.ndim != 3 or styles.shape[1:] != expected or not len(styles):
            raise ValueError(
                f"Expected: styles of shape (N, {expected[0]}, {expected[1]}). "
                f"Received: {styles.shape}."
            )
        count = len(styles)
        rows, batch_size = whole_batches(count, batch_size)
        backend.sync_state(self)
        synthesis = self.ema_generator.get_layer(SYNTHESIS)
        batches = np.split(styles[rows], len(rows) // batch_size)
        outputs = [predict_batch(synthesis, batch) for batch in batches]
        return self.data_spec.to_user(np.concatenate(outputs)[:count])

    def generate(
        self,
        num_samples=None,
        *,
        seed=None,
        labels=None,
        latents=None,
        truncation=None,
        truncation_psi=1.0,
        truncation_cutoff=None,
        batch_size=64,
    ):
        """Generates images with the averaged generator.

        Args:
            num_samples: As in `GAN.generate`, like `seed`, `labels`, `latents`,
                `truncation` (of latents) and `batch_size`.
            seed: See `num_samples`.
            labels: See `num_samples`.
            latents: See `num_samples`.
            truncation: See `num_samples`.
            truncation_psi: Float, see `map_latents`; 0.7 is usual for pictures that
                are shown, 1 for those that are measured.
            truncation_cutoff: Optional int, see `map_latents`.
            batch_size: See `num_samples`.

        Returns:
            uint8 `(N, H, W, C)`.

        Raises:
            ValueError: If the arguments do not fit together.

        Example:

        ```python
        images = gan.generate(64, seed=0, truncation_psi=0.7)
        ```
        """
        if truncation_psi == 1.0 and truncation_cutoff is None:
            return super().generate(
                num_samples,
                seed=seed,
                labels=labels,
                latents=latents,
                truncation=truncation,
                batch_size=batch_size,
            )
        latents = self._latents(num_samples, seed, latents, truncation)
        styles = self.map_latents(latents, labels, truncation_psi, truncation_cutoff)
        return self.synthesize(styles, batch_size)
