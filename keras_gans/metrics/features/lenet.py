"""Features of a small classifier of Fashion-MNIST, which comes with the zoo.

Two convolutions and two dense layers in the manner of LeNet-5 (LeCun et al. 1998,
"Gradient-based learning applied to document recognition"), with its 84 units before the
last layer, which are the features. `zoo/train_lenet.py` trained it.
"""

import functools
import json

import keras
from keras import layers

from keras_gans import preset_files
from keras_gans import zoo
from keras_gans.layers import Conv2D
from keras_gans.metrics.features.extractor import FeatureExtractor

NAME = "lenet_fashion_mnist"


def lenet(image_shape=(28, 28, 1), num_classes=10, dropout=0.3, name="lenet"):
    """Builds the network, with random weights.

    Args:
        image_shape: `(H, W, C)`, H and W at least 4.
        num_classes: Int, K.
        dropout: Float, share of the units left out before each dense layer.
        name: Name of the model.

    Returns:
        Keras model from images in [-1, 1], float32 `(B, H, W, C)`, to a dict of
        "features" `(B, 84)` and "logits" `(B, K)`.
    """

    def conv(filters, x):
        x = Conv2D(filters, 3, padding="same", activation="relu", dtype="float32")(x)
        return layers.MaxPooling2D(dtype="float32")(x)

    images = keras.Input(image_shape, dtype="float32")
    x = conv(32, images)
    x = conv(64, x)
    x = layers.Flatten(dtype="float32")(x)
    x = layers.Dropout(dropout, dtype="float32")(x)
    features = layers.Dense(84, activation="elu", dtype="float32", name="features")(x)
    x = layers.Dropout(dropout, dtype="float32")(features)
    logits = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(images, {"features": features, "logits": logits}, name=name)


class LeNetFashionMNIST(FeatureExtractor):
    """The 84 units before the last layer of a classifier of Fashion-MNIST.

    Takes grey images of 28 x 28 pixels, and of 32 x 32, of which it takes off the
    border of 2 that `kg.datasets.load("fashion_mnist", image_size=32)` puts around
    them. Its "probabilities" are of the ten classes, in the data set's order.

    Args:
        resize: None, or "tf1", "torch" or "clean", to resize any image to 28 x 28.
        quantize: As in `FeatureExtractor`.

    Raises:
        FileNotFoundError: If the zoo is not installed.
    """

    def __init__(self, resize=None, quantize=True):
        super().__init__(_load(), name=NAME, resize=resize, quantize=quantize)

    def to_input_size(self, pixels):
        """Takes the border off images of 32 x 32, unless a resize was asked for."""
        if self.resize == "none" and pixels.shape[1:3] == (32, 32):
            return pixels[:, 2:30, 2:30]
        return super().to_input_size(pixels)

    def maps_network(self):
        """Both convolutions, after their ReLU: 28 x 28 x 32 and 14 x 14 x 64."""
        return _maps()


@functools.cache
def _load():
    folder = zoo.path()
    folder = folder / "classifiers" / NAME if folder else None
    if folder is None or not folder.is_dir():
        raise FileNotFoundError(
            f"Expected: the features {NAME!r}, which are part of the zoo. Received: "
            f"{f'no {folder}' if folder else 'no zoo'}. Install it with "
            "`pip install keras-gans[zoo]`, or run in a checkout."
        )
    config = json.loads((folder / preset_files.CONFIG).read_text("utf-8"))
    weights = folder / preset_files.WEIGHTS
    preset_files.check_weights(weights, config["weights"])
    model = lenet(name=NAME)
    model.load_weights(weights)
    model.trainable = False
    return model


@functools.cache
def _maps():
    model = _load()
    convolutions = [x for x in model.layers if isinstance(x, Conv2D)]
    return keras.Model(model.input, [layer.output for layer in convolutions])
