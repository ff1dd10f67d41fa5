"""Short forms of `MetricMonitor`."""

from keras_gans.callbacks.metric_monitor import MetricMonitor


class FrechetDistance(MetricMonitor):
    """Measures the Frechet distance while a GAN trains; see `MetricMonitor`.

    Args:
        real_images: `(N, H, W, C)`, uint8 or float in [-1, 1].
        features: As in `keras_gans.metrics.FrechetDistance`.
        num_samples: Int, how many real and generated images to compare.
        **kwargs: As in `MetricMonitor`.

    Example:

    ```python
    distance = kg.callbacks.FrechetDistance(images, features="lenet_fashion_mnist")
    gan.fit(images, callbacks=[distance])  # logs fd_lenet_fashion_mnist_10k
    ```
    """

    def __init__(
        self, real_images, features="lenet_fashion_mnist", num_samples=10_000, **kwargs
    ):
        super().__init__(real_images, ("fd",), features, num_samples, **kwargs)


class FID(FrechetDistance):
    """The Frechet distance of the Inception features, the FID, while a GAN trains.

    Args:
        real_images: `(N, H, W, C)`, uint8 or float in [-1, 1].
        num_samples: Int, how many real and generated images to compare.
        **kwargs: As in `MetricMonitor`.

    Example:

    ```python
    gan.fit(images, callbacks=[kg.callbacks.FID(images, 10_000)])  # logs fid_10k
    ```
    """

    def __init__(self, real_images, num_samples=10_000, **kwargs):
        super().__init__(real_images, "inception_v3_fid", num_samples, **kwargs)
