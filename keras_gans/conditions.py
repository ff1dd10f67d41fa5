"""What a conditional model is asked for: classes, or several attributes at once.

Networks see one form of every condition, float32 `(B, K)`: the one-hot vector of a
class, a mixture of classes, or the attributes as they are. An embedding of classes is
so a dense layer without bias.

K: size of a condition, N: examples.
"""

import numpy as np
from keras import ops

from keras_gans.utils.checks import whole_number


class Condition:
    """Checks the labels of users, and converts them to what the networks see.

    Args:
        size: Int, K.
    """

    def __init__(self, size):
        self.size = size

    def check(self, labels, count):
        """Raises unless `labels` (NumPy, or None) are right for `count` examples."""
        raise NotImplementedError

    def as_array(self, labels, count):
        """Checks the labels of training, and returns them as an array."""
        raise NotImplementedError

    def for_samples(self, labels, count):
        """Labels `(N, ...)` of samples: None for the default, one for all, or N."""
        raise NotImplementedError

    def to_network(self, labels):
        """Converts labels `(B, ...)` to float32 `(B, K)`."""
        raise NotImplementedError


class Classes(Condition):
    """One class an example, an int in 0..K - 1."""

    def check(self, labels, count):
        """Raises unless `labels` are one class index per example."""
        check_labels(labels, self.size, count)

    def as_array(self, labels, count):
        """Int32 `(N,)`."""
        labels = None if labels is None else np.asarray(labels)
        self.check(labels, count)
        return labels.reshape(-1).astype("int32")

    def for_samples(self, labels, count):
        """Ints `(N,)`, by turns where nothing is asked for; or mixtures `(N, K)`."""
        if labels is None:
            labels = np.arange(count) % self.size
        labels = np.asarray(labels)
        if np.issubdtype(labels.dtype, np.floating) and labels.ndim:
            labels = np.broadcast_to(labels, (count, labels.shape[-1]))
            self._check_mixtures(labels, count)
            return labels.astype("float32")
        if labels.ndim == 0:
            labels = np.broadcast_to(labels, (count,))
        return self.as_array(labels, count)

    def _check_mixtures(self, labels, count):
        sums = labels.sum(axis=-1)
        shares = labels.shape[1] == self.size and np.allclose(sums, 1.0, atol=1e-3)
        shares = shares and labels.min() >= 0.0
        if not shares:
            raise ValueError(
                f"Expected: integer labels ({count},), or float shares of the classes "
                f"({count}, {self.size}), at least 0, that sum to 1. Received: "
                f"{labels.dtype} of shape {labels.shape} with values of at least "
                f"{labels.min():.4g} and sums in {sums.min():.4g}..{sums.max():.4g}."
            )

    def to_network(self, labels):
        """One-hot vectors of ints `(B,)` or `(B, 1)`; mixtures stay."""
        labels = ops.convert_to_tensor(labels)
        if "float" in str(labels.dtype):
            return ops.cast(labels, "float32")
        labels = ops.reshape(ops.cast(labels, "int32"), (-1,))
        return ops.one_hot(labels, self.size, dtype="float32")


class Attributes(Condition):
    """K numbers an example, such as 1 for what it has and 0 for what it has not."""

    def check(self, labels, count):
        """Raises unless `labels` are K finite numbers per example."""
        expected = f"Expected: {count} rows of {self.size} finite numbers, attributes."
        if labels is None:
            raise ValueError(
                f"Labels are missing: the model has num_attributes={self.size}. "
                f"{expected} Received: None. Pass them as `fit(images, attributes)`."
            )
        if labels.shape != (count, self.size):
            raise ValueError(
                f"Attributes have the wrong shape. {expected} Received: "
                f"{labels.shape}. For one class per example use `num_classes`."
            )
        if labels.dtype.kind not in "biuf":
            raise ValueError(
                f"Attributes have the wrong dtype. {expected} Received: {labels.dtype}."
            )
        bad = ~np.isfinite(labels).all(axis=1)
        if bad.any():
            raise ValueError(
                f"Attributes have NaN or infinite values. {expected} Received: "
                f"{int(bad.sum())} rows with such values."
            )

    def as_array(self, labels, count):
        """Float32 `(N, K)`."""
        labels = None if labels is None else np.asarray(labels)
        self.check(labels, count)
        return labels.astype("float32")

    def for_samples(self, labels, count):
        """Float32 `(N, K)`; one attribute after the other by default."""
        if labels is None:
            labels = np.eye(self.size)[np.arange(count) % self.size]
        labels = np.asarray(labels)
        if labels.ndim == 1 and len(labels) == self.size:
            labels = np.broadcast_to(labels, (count, self.size))
        return self.as_array(labels, count)

    def to_network(self, labels):
        """The attributes as they are."""
        return ops.cast(ops.convert_to_tensor(labels), "float32")


def make_condition(num_classes=None, num_attributes=None):
    """The condition of a model, from the arguments of its constructor.

    Args:
        num_classes: Optional int >= 1.
        num_attributes: Optional int >= 1.

    Returns:
        A `Condition`, or None.

    Raises:
        ValueError: If both are given, or one is no positive int.
    """
    if num_classes is not None and num_attributes is not None:
        raise ValueError(
            "Expected: `num_classes` or `num_attributes`, not both. Received: "
            f"num_classes={num_classes}, num_attributes={num_attributes}. Append the "
            "one-hot vectors of the classes to the attributes."
        )
    if num_classes is not None:
        return Classes(whole_number(num_classes, "num_classes"))
    if num_attributes is not None:
        return Attributes(whole_number(num_attributes, "num_attributes"))
    return None


def check_labels(labels, num_classes, num_examples):
    """Raises if `labels` are not one class index per example.

    Args:
        labels: NumPy array of ints, `(N,)` or `(N, 1)`, in 0..num_classes - 1, or None.
        num_classes: Int, the number of classes of the model.
        num_examples: Int, N.

    Raises:
        ValueError: With what was expected and what was received.
    """
    expected = (
        f"Expected: {num_examples} integer labels in 0..{num_classes - 1}, one per "
        "example."
    )
    if labels is None:
        raise ValueError(
            f"Labels are missing: the model has num_classes={num_classes}. {expected} "
            "Received: None. Pass them as `fit(images, labels)`."
        )
    if labels.ndim == 2 and labels.shape[1] == num_classes and num_classes > 1:
        raise ValueError(
            f"Labels seem to be one-hot. {expected} Received: shape {labels.shape}. "
            "Convert them with `labels.argmax(axis=1)`."
        )
    if labels.shape not in ((num_examples,), (num_examples, 1)):
        raise ValueError(
            f"Labels have the wrong shape. {expected} Received: {labels.shape}."
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"Labels have the wrong dtype. {expected} Received: {labels.dtype}. "
            "Convert them with `.astype('int32')`."
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        raise ValueError(
            f"Labels are out of range. {expected} Received: values in {low}..{high}."
        )
