"""Distances in the feature maps of a network, to train with."""

import keras
from keras import ops

from keras_gans.losses.reconstruction import ReconstructionLoss
from keras_gans.metrics import features as feature_extractors

TINY = 1e-10  # added to squared lengths: a map is 0 where nothing is active


@keras.saving.register_keras_serializable("keras_gans")
class Perceptual(ReconstructionLoss):
    r"""How far apart images look to a network (Zhang et al. 2018, arXiv:1801.03924).

        sum_l 1 / (h_l w_l) sum_{h, w} |u_l(x)_{hw} - u_l(y)_{hw}|^2,

    where u_l are the feature maps of depth l, scaled to length 1 over channels at each
    place: `keras_gans.metrics.PerceptualDistance` without rounding to uint8, so that it
    can be differentiated. Image loss networks are due to Johnson et al. 2016
    (arXiv:1603.08155). It is not LPIPS, whose channels have learned weights.

    The network is not trained. Images are resized to its size bilinearly, whatever the
    metric of these features does.

    Args:
        features: A name of `keras_gans.metrics.features` that has maps:
            "efficientnet_lite0", "inception_v3_fid" or "lenet_fashion_mnist"; or a
            Keras model from images in [-1, 1], float32, to its maps.
        layers: Optional list, which maps count: ints, or of a model names of its
            layers. None for all.

    Raises:
        ValueError: If the features have no maps, or no such ones.

    Example:

    ```python
    loss = Perceptual("efficientnet_lite0", layers=[1, 2, 3])
    loss(images, targets)  # float32 (B,)
    ```
    """

    def __init__(self, features="efficientnet_lite0", layers=None):
        self.features = features
        self.layers = None if layers is None else list(layers)
        self._extractor = None
        if isinstance(features, keras.Model):
            network = features
        else:
            if not isinstance(features, feature_extractors.FeatureExtractor):
                features = feature_extractors.get(features, quantize=False)
            self._extractor = features
            network = features.maps_network()
        if network is None:
            raise ValueError(
                f"Expected: features with maps. Received: {features.name!r}, which has "
                "none. Give a Keras model whose outputs are maps."
            )
        self._network = _chosen(network, self.layers)

    def call(self, images, targets):
        """The sum over depths."""
        pairs = zip(self._maps(images), self._maps(targets), strict=True)
        return sum(_distance(x, y) for x, y in pairs)

    def _maps(self, images):
        """The maps `(B, h, w, c)` of images `(B, H, W, C)`."""
        if self._extractor is not None:
            images = self._preprocess(images)
        maps = self._network(images, training=False)
        return [ops.cast(m, "float32") for m in keras.tree.flatten(maps)]

    def _preprocess(self, images):
        """What the extractor does with NumPy, differentiable."""
        *size, channels = self._extractor.input_shape
        if images.shape[-1] == 1 and channels == 3:
            images = ops.repeat(images, 3, axis=-1)
        pixels = (images + 1.0) * 127.5
        if self._extractor.resize == "none":
            pixels = self._extractor.to_input_size(pixels)
        else:
            pixels = ops.image.resize(
                pixels, size, "bilinear", data_format="channels_last"
            )
        return self._extractor.normalize(pixels)

    def get_config(self):
        """Returns the arguments.

        Raises:
            ValueError: If the features are not given by name.
        """
        if not isinstance(self.features, str):
            raise ValueError(
                "A configuration cannot carry the network of a perceptual loss. "
                "Expected: `features` by name. Received: "
                f"{type(self.features).__name__}. Make the loss again where you load."
            )
        return {"features": self.features, "layers": self.layers}


def _chosen(network, layers):
    """A model with the maps of some depths.

    Raises:
        ValueError: If there are no such ones.
    """
    maps = network.outputs
    by_name = {layer.name: layer for layer in network.layers}
    if layers is not None:
        chosen = []
        for key in layers:
            if isinstance(key, str) and key in by_name:
                chosen.append(by_name[key].output)
            elif isinstance(key, int) and 0 <= key < len(maps):
                chosen.append(maps[key])
            else:
                raise ValueError(
                    f"Expected: `layers` as ints below {len(maps)}, the number of "
                    f"maps, or names of layers. Received: {key!r}."
                )
        maps = chosen
    if not maps or any(len(m.shape) != 4 for m in maps):
        raise ValueError(
            "Expected: maps (B, h, w, c). Received: shapes "
            f"{[tuple(m.shape) for m in maps]}."
        )
    return keras.Model(network.inputs[0], list(maps))


def _distance(x, y):
    """One depth's share, `(B,)`."""
    squares = ops.sum(ops.square(_unit(x) - _unit(y)), axis=-1)  # (B, h, w)
    return ops.mean(squares, axis=(1, 2))


def _unit(maps):
    """Maps `(B, h, w, c)` of length 1 at each place, or 0 where nothing is active."""
    squares = ops.sum(ops.square(maps), axis=-1, keepdims=True)
    return maps * ops.rsqrt(squares + TINY)
