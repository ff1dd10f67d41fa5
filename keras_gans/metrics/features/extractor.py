"""From images to feature vectors: quantized, resized and normalized in one stated way.

Every step before the network is NumPy on the host, so that one image gives the same
features (to 1e-4) on every backend.
"""

import hashlib
import json
import re
import uuid

import keras
import numpy as np

from keras_gans import backend
from keras_gans.data_specs import Images
from keras_gans.data_specs import is_few
from keras_gans.metrics.features.resize import MODES
from keras_gans.metrics.features.resize import resize as resize_images
from keras_gans.utils.checks import whole_number
from keras_gans.utils.prediction import predict_batch

_OUTPUTS = ("features", "logits", "probabilities")


class FeatureExtractor:
    """Features of images by a Keras model or a callable, and how they are made.

    Images become pixels in 0..255, rounded to integers as an image file would hold
    them, then are resized, normalized and given to the network. Extractors of networks
    that come with the package derive from this class.

    Args:
        network: Keras model or callable from float32 `(B, H, W, C)` in [-1, 1] to
            features `(B, D)`, or to a dict with "features" and, of a classifier,
            "logits" `(B, K)`. Called in inference mode.
        name: Optional name, for the names of metrics. Defaults to the network's.
        resize: "tf1", "torch", "clean" (see `resize.py`) or "none"; to the input size
            of the network. Defaults to the network's usual one.
        quantize: Whether floats are rounded to the 256 values of uint8 first, as for
            every published number.

    Attributes:
        name: The name, with the resize if it is not the network's usual one.
        batch_size: Images the network sees at a time, unless told otherwise.
        is_reproducible: Whether configuration and weights tell all of the features:
            those of a Keras model with layers of Keras and keras_gans alone, since a
            fingerprint sees no code. Other networks are extracted anew each time; an
            attribute `fingerprint`, a text of yours for each version, spares that.

    Raises:
        ValueError: If the resize is unknown, or if the network has no fixed input size
            to resize to.

    Example:

    ```python
    encoder = keras.Sequential([
        keras.Input((32, 32, 1)), layers.Conv2D(8, 3), layers.GlobalAveragePooling2D()
    ])
    extractor = FeatureExtractor(encoder, name="random_conv")
    features = extractor(images)  # float32 (N, 8)
    ```
    """

    default_resize = "none"
    batch_size = 64

    def __init__(self, network, name=None, resize=None, quantize=True):
        if resize not in (None, *MODES):
            raise ValueError(
                f"Expected: `resize` as one of {', '.join(map(repr, MODES))}. "
                f"Received: {resize!r}."
            )
        self.network = network
        self.resize = resize or self.default_resize
        self.quantize = bool(quantize)
        self.input_shape = _input_shape(network)  # (H, W, C), each maybe None
        if self.resize != "none" and None in self.input_shape[:2]:
            raise ValueError(
                f"resize={self.resize!r} needs a network with a fixed input size. "
                f"Received: {network!r}, whose input size is not known. Resize the "
                "images before, or make it a Keras model with `keras.Input((H, W, C))`."
            )
        self.name = _identifier(name or _default_name(network))
        if self.resize != self.default_resize:
            self.name += f"_{self.resize}"
        if not self.quantize:
            self.name += "_unquantized"
        self._own_fingerprint = getattr(network, "fingerprint", None)
        self.is_reproducible = self._own_fingerprint is not None or _is_known(self)
        if not self.is_reproducible:
            self._own_fingerprint = uuid.uuid4().hex

    def __call__(self, images):
        """Extracts the features.

        Args:
            images: `(B, H, W, C)`, uint8 or float in [-1, 1]; any B.

        Returns:
            Float32 array `(B, D)`.

        Raises:
            ValueError: If the images do not fit the network, or if what comes out is
                not one finite vector an image.
        """
        return self.extract(images)["features"]

    def extract(self, images, batch_size=None, outputs=("features",)):
        """Extracts the features, and more, of a whole array.

        The network sees batches of one size (the last is filled up), as backends
        compile anew for each size. Few images make one smaller batch, of a power of 2.

        Args:
            images: `(N, H, W, C)`, uint8 or float in [-1, 1].
            batch_size: Optional int, images the network sees at a time.
            outputs: Any of "features", "logits" and "probabilities", the softmax of
                logits.

        Returns:
            Dict of arrays: float32 `(N, D)` features, float32 `(N, K)` logits, float64
            `(N, K)` probabilities.

        Raises:
            ValueError: As for a call; or if the network has no such output.
        """
        unknown = [output for output in outputs if output not in _OUTPUTS]
        if unknown:
            raise ValueError(
                f"Expected: `outputs` among {', '.join(map(repr, _OUTPUTS))}. "
                f"Received: {unknown}."
            )
        wanted = {"logits" if o == "probabilities" else o for o in outputs}
        found = self._run_batches(self._run, images, batch_size)
        missing = wanted - set(found)
        if missing:
            raise ValueError(
                f"The features {self.name!r} have no classifier. Expected, for "
                f"{sorted(set(outputs) - {'features'})}: a network that returns a dict "
                f"with 'features' and 'logits'. Received: {sorted(found)} only."
            )
        if "probabilities" in outputs:
            found["probabilities"] = _softmax(found["logits"])
        return {output: found[output] for output in outputs}

    def maps(self, images, batch_size=None):
        """Feature maps of several depths, for perceptual distances.

        Args:
            images: `(N, H, W, C)`, uint8 or float in [-1, 1].
            batch_size: Optional int, images the network sees at a time.

        Returns:
            List of float32 arrays `(N, h, w, c)`.

        Raises:
            ValueError: If the network has none.
        """
        network = self.maps_network()
        if network is None:
            raise ValueError(
                f"The features {self.name!r} have no feature maps. Use those of "
                "'lenet_fashion_mnist', 'efficientnet_lite0' or 'inception_v3_fid'."
            )

        def run(batch):
            maps = predict_batch(network, batch)
            maps = maps if isinstance(maps, list | tuple) else [maps]
            return {str(i): np.asarray(m, "float32") for i, m in enumerate(maps)}

        return list(self._run_batches(run, images, batch_size).values())

    def maps_network(self):
        """The Keras model of the maps, or None; networks of the package have one."""
        return None

    @property
    def fingerprint(self):
        """SHA-256 in hex of all that the features depend on.

        For a network with an attribute `fingerprint` it is made of that; for one of
        code that is not Keras' or keras_gans', it is unlike any other extractor's.
        """
        digest = hashlib.sha256()
        facts = [type(self).__name__, self.name, self.resize, self.quantize]
        if self._own_fingerprint is not None:
            facts.append(str(self._own_fingerprint))
        else:
            facts.append(_architecture(self.network))
        digest.update(json.dumps(facts).encode())
        for weight in getattr(self.network, "weights", []):
            value = np.ascontiguousarray(keras.ops.convert_to_numpy(weight))
            digest.update(f"{value.dtype}{value.shape}".encode())
            digest.update(value.tobytes())
        return digest.hexdigest()

    def normalize(self, pixels):
        """Converts pixels in 0..255 to what the network sees; may work in place."""
        pixels /= 127.5
        pixels -= 1.0
        return pixels

    def to_input_size(self, pixels):
        """Brings pixels `(B, H, W, C)` in 0..255 to the input size."""
        size = self.input_shape[:2]
        if self.resize != "none":
            return resize_images(pixels, size, self.resize)
        fits = zip(pixels.shape[1:3], size, strict=True)
        if not all(wanted in (None, received) for received, wanted in fits):
            raise ValueError(
                f"Expected: images of {size} pixels for the features {self.name!r}. "
                f"Received: {pixels.shape[1:3]}. Resize them, or name a resize: 'tf1', "
                "'torch' or 'clean'."
            )
        return pixels

    def _preprocess(self, images):
        if images.dtype == np.uint8:
            pixels = images.astype("float32")
        else:
            pixels = (images.astype("float32") + 1.0) * 127.5
            if self.quantize:
                pixels = np.clip(np.rint(pixels), 0.0, 255.0)
        pixels = self.to_input_size(self._to_channels(pixels))
        return self.normalize(np.array(pixels, "float32", order="C"))

    def _to_channels(self, pixels):
        received, wanted = pixels.shape[-1], self.input_shape[2]
        if wanted in (None, received):
            return pixels
        if received == 1:
            return np.repeat(pixels, wanted, axis=-1)
        advice = {
            1: "Convert the images to grey, or use features for colour images.",
            3: "Drop or blend the alpha channel of RGBA images.",
        }.get(wanted, "Use features for these images.")
        raise ValueError(
            f"Expected: images of {wanted} channel{'s' if wanted > 1 else ''} for the "
            f"features {self.name!r}. Received: {received}. {advice}"
        )

    def _run_batches(self, run, images, batch_size):
        images = np.asarray(images)
        if images.ndim != 4:
            raise ValueError(
                "Expected: images (B, H, W, C), uint8 in 0..255 or floats in [-1, 1]. "
                f"Received: shape {images.shape}."
            )
        Images(images.shape[1:]).check(images, "images", lenient=is_few(images))
        batch_size = self.batch_size if batch_size is None else batch_size
        batch_size = whole_number(batch_size, "batch_size")
        count = len(images)
        size = min(batch_size, 1 << (count - 1).bit_length())
        parts = {}
        for start in range(0, count, size):
            batch = self._preprocess(images[start : start + size])
            filled = batch[np.arange(size) % len(batch)] if len(batch) < size else batch
            for key, value in run(filled).items():
                parts.setdefault(key, []).append(value[: len(batch)])
        return {key: np.concatenate(values) for key, values in parts.items()}

    def _run(self, batch):
        """One batch through the network; returns a dict of checked arrays."""
        if isinstance(self.network, keras.Model):
            outputs = predict_batch(self.network, batch)
        else:
            with backend.no_gradients():
                outputs = self.network(batch)
        if not isinstance(outputs, dict):
            outputs = {"features": outputs}
        if "features" not in outputs:
            raise ValueError(
                f"Expected: 'features' in the dict of the features {self.name!r}. "
                f"Received: {sorted(outputs)}."
            )
        return {
            key: self._checked(key, value, len(batch))
            for key, value in outputs.items()
            if key in _OUTPUTS
        }

    def _checked(self, key, value, count):
        if isinstance(value, list | tuple):
            raise ValueError(
                f"Expected: {key} (B, D), one array. Received, from {self.name!r}: "
                f"{len(value)} arrays. Choose one, or concatenate them."
            )
        value = np.asarray(keras.ops.convert_to_numpy(value))
        if value.ndim != 2 or len(value) != count:
            advice = (
                " Average maps over their pixels: keras.layers.GlobalAveragePooling2D."
                if value.ndim == 4
                else ""
            )
            raise ValueError(
                f"Expected: {key} of shape ({count}, D), one vector an image. "
                f"Received, from {self.name!r}: {value.shape}.{advice}"
            )
        if not np.issubdtype(value.dtype, np.number) or np.iscomplexobj(value):
            raise ValueError(
                f"Expected: {key} of real numbers. Received, from {self.name!r}: "
                f"dtype {value.dtype}."
            )
        value = value.astype("float32")
        bad = ~np.isfinite(value).all(axis=1)
        if bad.any():
            raise ValueError(
                f"Expected: finite {key}. Received, from {self.name!r}: NaN or "
                f"infinite values for {int(bad.sum())} of {count} images. Has the "
                "network diverged, or does it expect another range than [-1, 1]?"
            )
        return value


def _input_shape(network):
    shape = getattr(network, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4:
        return (None, None, None)
    return shape[1:]


def _default_name(network):
    name = getattr(network, "name", None) or getattr(network, "__name__", None)
    return name if isinstance(name, str) else type(network).__name__


def _is_known(extractor):
    """Whether all code that the features depend on is of Keras and of keras_gans."""
    if not isinstance(extractor.network, keras.Model):
        return False
    parts = [extractor, *extractor.network._flatten_layers()]
    packages = {type(part).__module__.partition(".")[0] for part in parts}
    return packages <= {"keras", "keras_gans"}


def _identifier(name):
    return re.sub(r"\W+", "_", name).strip("_") or "features"


def _architecture(model):
    """A Keras model's configuration, with layers numbered instead of named."""
    try:
        config = keras.saving.serialize_keras_object(model)
        config.pop("compile_config", None)
        text = json.dumps(config, default=str)
    except (NotImplementedError, TypeError, ValueError):
        return type(model).__qualname__  # a subclass without `get_config`
    # Keras makes names up, "conv2d_3", that differ from one session to the next.
    for i, layer in enumerate(model._flatten_layers(include_self=False)):
        text = text.replace(f'"{layer.name}"', f'"layer {i}"')
    return text


def _softmax(logits):
    logits = logits.astype("float64")
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
