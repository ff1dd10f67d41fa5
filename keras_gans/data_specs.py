"""What a model is trained on: checks of the user's data, conversions to and from it."""

import warnings

import keras
import numpy as np
from keras import ops

FEW = 16


def is_few(images):
    """Whether they are so few that all of them may well be bright; see `check`."""
    return len(images) <= FEW


class DataSpec:
    """Declares one example of the training data.

    A model owns one spec and asks it three things: is this array what I am trained on
    (`check`), what do the networks see of it (`to_network`), and what does the user get
    of a network's output (`to_user`).

    Args:
        shape: Tuple of ints, the shape of one example without the batch axis.
    """

    kind = "examples"

    def __init__(self, shape):
        self.shape = tuple(int(n) for n in shape)

    def packed(self, size):
        """Returns the spec of `size` examples joined along the last axis."""
        *rest, last = self.shape
        shape = [*rest, size * last]
        return type(self).from_config(self.get_config() | {"shape": shape})

    def check(self, array, name="x", lenient=False):
        """Raises if `array` (NumPy, batch first) is not data of this spec.

        Args:
            array: NumPy array.
            name: What to call it in the error.
            lenient: Whether images without a value below 0, as if they were in 0..1,
                are warned of in place of an error: a few may be bright.

        Raises:
            ValueError: With what was expected and what was received.
        """
        if array.ndim != len(self.shape) + 1 or array.shape[1:] != self.shape:
            raise ValueError(
                f"`{name}` has the wrong shape. Expected: (batch, "
                f"{', '.join(map(str, self.shape))}), {self.kind} of the shape the "
                f"model was made for. Received: {array.shape}. {self._shape_advice()}"
            )
        if not len(array):
            raise ValueError(
                f"`{name}` is empty. Expected: at least one of the {self.kind}. "
                f"Received: shape {array.shape}."
            )
        self._check_values(array, name, lenient)

    def _shape_advice(self):
        return "Reshape the data, or make the model for its shape."

    def _check_values(self, array, name, lenient):
        if not np.issubdtype(array.dtype, np.floating):
            raise ValueError(
                f"`{name}` has the wrong dtype. Expected: floats. "
                f"Received: {array.dtype}. Convert it with `.astype('float32')`."
            )
        self._check_finite(array, name)

    @staticmethod
    def _check_finite(array, name):
        bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
        if bad.any():
            raise ValueError(
                f"`{name}` has NaN or infinite values. Expected: finite numbers. "
                f"Received: {int(bad.sum())} of {len(array)} examples with such "
                f"values, the first at index {int(bad.argmax())}. Drop or repair them."
            )

    def to_network(self, x):
        """Converts a batch, as the user passes it, to what the networks see."""
        return ops.cast(x, "float32")

    def to_user(self, x):
        """Converts a NumPy batch of a network's outputs to what the user gets."""
        return np.asarray(x, "float32")

    def get_config(self):
        """Returns the arguments that make this spec again."""
        return {"shape": list(self.shape)}

    @classmethod
    def from_config(cls, config):
        """Makes a spec from `get_config()`."""
        return cls(**config)

    def __repr__(self):
        return f"{type(self).__name__}({self.shape})"


@keras.saving.register_keras_serializable("keras_gans")
class Images(DataSpec):
    """Images, channels last: uint8 in 0..255 or float in [-1, 1].

    The networks see float32 in [-1, 1]; the user gets uint8. uint8 images are
    converted inside the training step, so that a quarter of the bytes are copied to
    the device.

    Args:
        shape: `(H, W, C)` of one image.

    Raises:
        ValueError: If `shape` is not three positive ints.
    """

    kind = "images"

    def __init__(self, shape):
        super().__init__(shape)
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ValueError(
                "Expected: `image_shape` as (height, width, channels), for instance "
                f"(32, 32, 3). Received: {tuple(shape)}."
            )

    def _shape_advice(self):
        return (
            "Load images with `image_size=`, or make the model with "
            "`image_shape=images.shape[1:]`."
        )

    def _check_values(self, array, name, lenient):
        if array.dtype == np.uint8:
            return
        expected = "Expected: uint8 in 0..255, or floats in [-1, 1]."
        if not np.issubdtype(array.dtype, np.floating):
            raise ValueError(
                f"`{name}` has the wrong dtype. {expected} Received: {array.dtype}. "
                "Convert values in 0..255 with `.astype('uint8')`."
            )
        self._check_finite(array, name)
        low, high = float(array.min()), float(array.max())
        received = f"Received: {array.dtype} in [{low:.4g}, {high:.4g}]."
        if high > 1.001 or low < -1.001:
            raise ValueError(
                f"`{name}` has the wrong range. {expected} {received} Convert values "
                "in 0..255 with `.astype('uint8')`."
            )
        if low >= 0.0:
            wrong = (
                f"{expected} {received} Convert values in 0..1 with `images * 2 - 1`."
            )
            if not lenient:
                raise ValueError(f"`{name}` has the wrong range. {wrong}")
            message = f"`{name}` may have the wrong range: all are bright. {wrong}"
            warnings.warn(message, UserWarning, stacklevel=2)

    def to_network(self, x):
        """Converts `(B, H, W, C)` uint8 to float32 in [-1, 1]; floats stay."""
        is_uint8 = keras.backend.standardize_dtype(x.dtype) == "uint8"
        x = ops.cast(x, "float32")
        return x / 127.5 - 1.0 if is_uint8 else x

    def to_user(self, x):
        """Converts `(B, H, W, C)` float in [-1, 1] to uint8, rounded."""
        x = (np.asarray(x, "float32") + 1.0) * 127.5
        return np.clip(np.rint(x), 0, 255).astype("uint8")


@keras.saving.register_keras_serializable("keras_gans")
class Vectors(DataSpec):
    """Vectors of floats, such as points of the plane, passed as they are.

    Args:
        shape: `(D,)`, or the int D.
    """

    kind = "vectors"

    def __init__(self, shape):
        super().__init__((shape,) if isinstance(shape, int | np.integer) else shape)
