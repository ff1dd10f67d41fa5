"""What generated images are compared by: features of networks, stated in full."""

import difflib

import keras

from keras_gans.metrics.features.efficientnet_lite import EfficientNetLite0
from keras_gans.metrics.features.extractor import FeatureExtractor
from keras_gans.metrics.features.inception_v3 import InceptionV3FID
from keras_gans.metrics.features.lenet import LeNetFashionMNIST

_NAMED = {
    "efficientnet_lite0": EfficientNetLite0,
    "inception_v3_fid": InceptionV3FID,
    "lenet_fashion_mnist": LeNetFashionMNIST,
}

__all__ = [
    "EfficientNetLite0",
    "FeatureExtractor",
    "InceptionV3FID",
    "LeNetFashionMNIST",
    "get",
]


def get(features, resize=None, quantize=True):
    """Makes a feature extractor out of whatever names one.

    Args:
        features: A name; a Keras model or a callable from float32 `(B, H, W, C)` in
            [-1, 1] to features `(B, D)`; or a `FeatureExtractor`.
        resize: "tf1", "torch", "clean" or "none", to the network's input size; None
            for its usual one. Another than the usual one is part of the name.
        quantize: Whether floats are rounded to the 256 values of uint8 first.

    Returns:
        The `FeatureExtractor`.

    Raises:
        ValueError: If there are no such features or no such resize.

    Example:

    ```python
    extractor = kg.metrics.features.get("lenet_fashion_mnist")
    features = extractor(images)  # float32 (N, D)
    ```
    """
    if isinstance(features, FeatureExtractor):
        if resize not in (None, features.resize) or bool(quantize) != features.quantize:
            raise ValueError(
                f"The features {features.name!r} are made already. Expected: no "
                f"`resize` or `quantize`. Received: resize={resize!r}, "
                f"quantize={quantize!r}. Make them with these arguments."
            )
        return features
    if isinstance(features, str) and features in _NAMED:
        return _NAMED[features](resize=resize, quantize=quantize)
    if isinstance(features, keras.Model) or (
        callable(features) and not isinstance(features, type)
    ):
        return FeatureExtractor(features, resize=resize, quantize=quantize)
    near = difflib.get_close_matches(str(features).lower(), _NAMED, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ValueError(
        "Expected: features as a keras_gans.metrics.features.FeatureExtractor, a Keras "
        f"model, a callable, or one of {', '.join(map(repr, _NAMED))}. "
        f"Received: {features!r}.{hint}"
    )
