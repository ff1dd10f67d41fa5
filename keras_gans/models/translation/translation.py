"""What models have in common that make images of images.

They are trained on two domains: images A, `x` of `fit`, and images B, its `y`, which
belong together (pix2pix) or do not (CycleGAN).

H, W: sides of an image, N: images.
"""

from math import prod
from operator import ge

import keras
import numpy as np
from keras import ops

from keras_gans import backend
from keras_gans.batches import ArrayBatches
from keras_gans.conditions import Condition
from keras_gans.data_specs import Images
from keras_gans.datasets.lazy import LazyImages
from keras_gans.layers import BatchStatisticsNormalization
from keras_gans.layers.permanent_dropout import restart_noise
from keras_gans.losses import L1
from keras_gans.models.adversarial import AdversarialModel
from keras_gans.models.sampling import whole_batches
from keras_gans.tiling import apply_in_tiles
from keras_gans.utils.checks import whole_number
from keras_gans.utils.prediction import predict


class Domain(Condition):
    """The second domain, in the place where a GAN has its labels.

    Args:
        spec: What its images are.
        aligned: Whether they belong to those of the first, one by one.
    """

    def __init__(self, spec, aligned):
        super().__init__(spec.shape)
        self.spec = spec
        self.aligned = aligned

    def as_array(self, labels, count, lenient=False):
        """Checks images `(N, H, W, C)`, and returns them as an array."""
        if labels is None:
            raise ValueError(
                "Expected: images of two domains, `fit(images_a, images_b)`. Received: "
                "those of one."
            )
        images = labels if isinstance(labels, LazyImages) else np.asarray(labels)
        self.spec.check(images, "y", lenient)
        if self.aligned and len(images) != count:
            raise ValueError(
                "Expected: pairs, as many images in `y` as in `x`. Received: "
                f"{count} and {len(images)}."
            )
        return images.astype("float32") if images.dtype == np.float64 else images

    def to_network(self, labels):
        """Float32 in [-1, 1], as the networks see them."""
        return self.spec.to_network(labels)


class TranslationModel(AdversarialModel):
    """Trained on two domains of images; translates from one to the other.

    A variant makes its networks, and states its recipe, its players and `directions`.
    """

    default_batch_size = 1
    num_classes = None
    takes_any_size = False  # whether `translate` takes images of any size as a whole
    usage = "images_b = gan.translate(images_a)"  # of a card

    def _set_domains(self, shape_a, shape_b, aligned):
        self.data_spec = Images(shape_a)
        self.data_spec_b = Images(shape_b or shape_a)
        self.condition = Domain(self.data_spec_b, aligned)
        self.data_are_aligned = aligned

    def directions(self):
        """Dict from a domain to what makes its images.

        Of each: the averaged network, the spec of what it takes and of what it gives.
        """
        raise NotImplementedError

    def get_config(self):
        """Returns the arguments; networks only where they were given."""
        serialize = keras.saving.serialize_keras_object
        own = {name: serialize(getattr(self, name)) for name in self._own_networks}
        return {
            "image_shape": list(self.data_spec.shape),
            "image_shape_b": list(self.data_spec_b.shape),
            "name": self.name,
            "dtype": serialize(self.dtype_policy),
            **own,
            **self._init_config,
        }

    # ---------------------------------------------------------------- training

    def fit(self, x=None, y=None, **kwargs):
        """Trains on images of two domains.

        Args:
            x: Images of domain A, `(N, H, W, C)`, uint8 or float in [-1, 1]; or a tuple
                of those of A and B; or a `tf.data.Dataset`, `keras.utils.PyDataset`,
                torch `DataLoader` or generator of `(a, b)` batches.
            y: Images of domain B. For paired models as many as in `x`; else their
                number may differ, and an epoch lasts as long as the larger set.
            **kwargs: As in `keras_gans.models.GAN.fit`.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: If the data are not what the model is made for.
        """
        return super().fit(*_two(x, y), **kwargs)

    def evaluate(self, x=None, y=None, batch_size=None, **kwargs):
        """Measures the losses on data, in inference mode; see `fit`.

        Of domains that do not belong together, images come again where the shorter one
        or the last batch has too few.
        """
        x, y = _two(x, y)
        if not self.data_are_aligned and y is not None:
            x, y = self._in_batches(*self._checked(x, y), batch_size), None
            batch_size = None
        return super().evaluate(x, y, batch_size=batch_size, **kwargs)

    def _checked_labels(self, y, count, lenient=False):
        return self.condition.as_array(y, count, lenient)

    def _checked_validation(self, data, batch_size):
        is_pair = isinstance(data, tuple) and len(data) == 2 and data[1] is not None
        if is_pair and not self.data_are_aligned:
            checked = self._checked(*data, "validation_data")
            return self._in_batches(*checked, batch_size)
        return super()._checked_validation(data, batch_size)

    def _in_batches(self, x, y, batch_size=None):
        """Batches of domains of different lengths, which Keras would refuse.

        All images are in them; where a domain has no more, it begins again.
        """
        size = self._shareable(batch_size or self.default_batch_size)
        steps = -(-max(len(x), len(y)) // size)
        return ArrayBatches((x, y), size, False, self.seed, aligned=False, steps=steps)

    # ---------------------------------------------------------------- use

    def translate(
        self,
        images,
        to="b",
        *,
        batch_size=None,
        seed=None,
        tile=None,
        overlap=None,
        verbose=0,
    ):
        """Makes images of the other domain, with the averaged generators.

        Images larger than the model is made for are cut into tiles, which are
        translated one by one and blended where they overlap.

        Args:
            images: `(N, H, W, C)` of the other domain, uint8 or float in [-1, 1].
            to: "b" for images of domain B, made of those of A; "a" for the way back,
                where the model has one.
            batch_size: Int, images or tiles at a time. If None 16, or of images larger
                than those of the training as many as have as many pixels, at least 1;
                1 where batches are normalized by their own statistics, so that an
                image's translation does not depend on what comes along, as the authors
                of pix2pix test.
            seed: Optional int, for other noise where dropout acts in inference, as in
                pix2pix: one seed, and one batch size, give the same images again. None
                leaves the noise as it is, the same in each call.
            tile: Optional int or `(h, w)`, sides of the tiles, where the generator
                takes images of any size. Default: what the model is made for.
            overlap: Optional int, pixels that tiles share; a quarter of a tile if None.
            verbose: 1 for a progress bar.

        Returns:
            uint8 `(N, H, W, C)`, H and W of the other domain.

        Raises:
            ValueError: If the model has no such direction, or the images do not fit.

        Example:

        ```python
        b = model.translate(a, to="b")
        ```
        """
        directions = self.directions()
        if to not in directions:
            raise ValueError(
                f"Expected: `to` of {' or '.join(map(repr, directions))}, a domain "
                f"that {type(self).__name__} translates to. Received: {to!r}."
            )
        network, source, target = directions[to]
        spec, scale = source, target.shape[0] // source.shape[0]
        images = np.asarray(images)
        sides = images.shape[1:3]
        fits = images.ndim == 4 and images.shape[3] == source.shape[2]
        if fits and (self.takes_any_size or all(map(ge, sides, source.shape))):
            source = Images(images.shape[1:])
        source.check(images, "images", lenient=True)
        usual, multiple = self._tiling(spec, sides)
        tile = _checked_tile(usual if tile is None else tile, network)
        is_one = all(map(ge, tile, sides))
        if is_one or overlap is None:
            overlap = 0 if is_one else min(tile) // 4
        backend.sync_state(self)
        if seed is not None:
            restart_noise(network, whole_number(seed, "seed", least=0))

        if batch_size is None:
            batch_size = _usual_batch_size(network, spec.shape, tile)

        def translate_tiles(tiles):
            rows, size = whole_batches(len(tiles), batch_size)
            shown = verbose if is_one else 0
            floats = _as_floats(tiles)[rows]
            made = predict(network, floats, size, shown, convert=target.to_user)
            return made[: len(tiles)]

        return apply_in_tiles(
            translate_tiles,
            images,
            tile,
            overlap,
            scale=scale,
            multiple=multiple,
            any_size=self.takes_any_size,
            verbose=0 if is_one else verbose,
        )

    def _tiling(self, source, sides):
        """The usual tile for images of these sides, and what divides its sides."""
        return source.shape[:2], 1

    def call(self, inputs, training=False):
        """Translates A to B with the averaged generator.

        Args:
            inputs: `(B, H, W, C)` float in [-1, 1].
            training: Passed to the generator.

        Returns:
            Float32 `(B, H, W, C)` in [-1, 1].
        """
        return self.directions()["b"][0](inputs, training=training)


def _usual_batch_size(network, shape, tile):
    layers = network._flatten_layers()
    if any(isinstance(layer, BatchStatisticsNormalization) for layer in layers):
        return 1
    return max(1, 16 * shape[0] * shape[1] // max(shape[0] * shape[1], prod(tile)))


def _two(x, y):
    """The images of both domains, of whatever form of arrays `fit` got."""
    is_pair = isinstance(x, tuple | list) and len(x) == 2
    if y is None and is_pair and all(np.ndim(part) == 4 for part in x):
        return tuple(x)
    return x, y


def _checked_tile(tile, network):
    """The sides of a tile.

    Raises:
        ValueError: If the network takes others.
    """
    tile = (tile, tile) if np.ndim(tile) == 0 else tuple(tile)
    taken = network.input_shape[1:3]
    if len(tile) != 2 or any(
        not isinstance(own, int | np.integer) or own < 1 or side not in (None, own)
        for side, own in zip(taken, tile, strict=True)
    ):
        raise ValueError(
            f"Expected: `tile` as the generator takes images, {taken}. Received: "
            f"{tile}."
        )
    return tile


def _as_floats(images):
    """`(N, H, W, C)`, uint8 or float -> float32 in [-1, 1]."""
    if images.dtype == np.uint8:
        return images.astype("float32") / 127.5 - 1.0
    return images.astype("float32")


def mean_l1(images, targets):
    """Mean absolute difference, a scalar."""
    return ops.mean(L1()(images, targets))
