"""What a metric keeps of features: their mean and covariance, or all of them."""

import numpy as np


class FeatureStatistics:
    """Mean and covariance of features that come in batches, in float64.

    Batches are merged by the pairwise update of Chan et al. 1979, stable whatever the
    mean. As long as there are not more samples than features, the samples themselves
    are kept: they are smaller than the covariance, which has no full rank.

    Example:

    ```python
    statistics = FeatureStatistics()
    for batch in batches:
        statistics.update(batch)
    statistics.mean, statistics.covariance  # (D,), (D, D)
    ```
    """

    kind = "statistics"

    def __init__(self):
        self.count = 0
        self._waiting = []  # batches that are not in `_mean` and `_scatter` yet
        self._folded, self._mean, self._scatter = 0, None, None

    @property
    def dim(self):
        """D, the number of features; None before the first batch."""
        if self._waiting:
            return self._waiting[0].shape[1]
        return None if self._mean is None else len(self._mean)

    def update(self, features):
        """Takes a batch.

        Args:
            features: `(B, D)`, finite.

        Raises:
            ValueError: If they are not, or if D differs from before.
        """
        features = check_features(features, self.dim)
        self._waiting.append(features.astype("float64"))
        self.count += len(features)
        if self.count - self._folded > features.shape[1]:
            self._fold()

    def _fold(self):
        rows = np.concatenate(self._waiting)
        self._waiting = []
        mean = rows.mean(axis=0)
        rows -= mean
        self._merge(len(rows), mean, rows.T @ rows)

    def _merge(self, count, mean, scatter):
        """Adds `count` samples of this mean and sum of squared deviations."""
        if not self._folded:
            self._folded, self._mean, self._scatter = count, mean, scatter
            return
        total = self._folded + count
        delta = mean - self._mean
        weight = self._folded * (count / total)
        self._scatter += scatter
        self._scatter += weight * np.outer(delta, delta)
        self._mean = self._mean + delta * (count / total)
        self._folded = total

    @property
    def rows(self):
        """All samples `(N, D)` if N <= D, else None."""
        if self._folded or not self.count:
            return None
        return np.concatenate(self._waiting)

    @property
    def mean(self):
        """Float64 `(D,)`."""
        self._check_count(1)
        rows = self.rows
        if rows is not None:
            return rows.mean(axis=0)
        if self._waiting:
            self._fold()
        return self._mean

    @property
    def covariance(self):
        """Float64 `(D, D)`, with N - 1 in the denominator."""
        self._check_count(2)
        rows = self.rows
        if rows is not None:
            rows -= rows.mean(axis=0)
            return rows.T @ rows / (self.count - 1)
        if self._waiting:
            self._fold()
        return self._scatter / (self.count - 1)

    def _check_count(self, least):
        if self.count < least:
            raise ValueError(
                f"Expected: at least {least} samples. Received: {self.count}. Call "
                "`update_state` with images first."
            )

    def arrays(self):
        """Returns all there is, as a dict of arrays, for a file."""
        rows = self.rows
        if rows is not None:
            return {"rows": rows}
        return {
            "count": np.array(self.count),
            "mean": self.mean,
            "covariance": self.covariance,
        }

    @classmethod
    def from_arrays(cls, arrays):
        """Makes the statistics again."""
        statistics = cls()
        if "rows" in arrays:
            statistics.update(arrays["rows"])
        else:
            count = int(arrays["count"])
            scatter = arrays["covariance"] * (count - 1)
            statistics._merge(count, arrays["mean"], scatter)
            statistics.count = count
        return statistics


class FeatureRows:
    """All features, as they came, for metrics that compare samples with samples."""

    kind = "features"

    def __init__(self):
        self.count = 0
        self._batches = []

    @property
    def dim(self):
        """D, the number of features; None before the first batch."""
        return self._batches[0].shape[1] if self._batches else None

    def update(self, features):
        """Takes a batch `(B, D)`, finite; raises ValueError if it is not."""
        features = check_features(features, self.dim)
        self._batches.append(features.copy())
        self.count += len(features)

    @property
    def rows(self):
        """All samples, `(N, D)`."""
        if not self._batches:
            raise ValueError(
                "Expected: samples. Received: none. Call `update_state` with images "
                "first."
            )
        if len(self._batches) > 1:
            self._batches = [np.concatenate(self._batches)]
        return self._batches[0]

    def arrays(self):
        """Returns all there is, as a dict of arrays, for a file."""
        return {"rows": self.rows}

    @classmethod
    def from_arrays(cls, arrays):
        """Makes it again."""
        made = cls()
        made.update(arrays["rows"])
        return made


def check_features(features, dim=None):
    """Returns features as a NumPy array; raises if they are no finite `(B, D)`.

    Args:
        features: Array.
        dim: Optional int, the D that is expected.

    Returns:
        Float array `(B, D)`.

    Raises:
        ValueError: With what was expected and what was received.
    """
    features = np.asarray(features)
    if features.ndim != 2 or 0 in features.shape:
        raise ValueError(
            "Expected: features (B, D), a vector a sample. Received: shape "
            f"{features.shape}. Pool maps to vectors first."
        )
    if dim is not None and features.shape[1] != dim:
        raise ValueError(
            f"Expected: {dim} features a sample, as before. Received: "
            f"{features.shape[1]}. Use one extractor for all samples."
        )
    if not np.issubdtype(features.dtype, np.floating):
        features = features.astype("float64")
    bad = ~np.isfinite(features).all(axis=1)
    if bad.any():
        raise ValueError(
            f"Expected: finite features. Received: NaN or infinite ones in "
            f"{int(bad.sum())} of {len(bad)} samples, first at index "
            f"{int(bad.argmax())}. Look at these samples: the generator may have "
            "diverged."
        )
    return features
