"""How near images are to what they should be: one by one, and as a distribution."""

import warnings

import numpy as np

from keras_gans.metrics.frechet_distance import FrechetDistance
from keras_gans.metrics.image_similarity import PSNR
from keras_gans.metrics.image_similarity import SSIM
from keras_gans.metrics.kernel_distance import KernelDistance
from keras_gans.metrics.perceptual_distance import PerceptualDistance
from keras_gans.metrics.shared import SharedExtraction

BATCH = 64  # pairs of which SSIM's maps are in memory


def paired_scores(images, truth, features="efficientnet_lite0"):
    """Compares images with their truth.

    Args:
        images: uint8 `(N, H, W, C)`, what a model or a baseline made; N at least 4.
        truth: uint8 `(N, H, W, C)`, what it should have made.
        features: Of the perceptual, the Frechet and the kernel distance.

    Returns:
        Dict of floats: "ssim" and "psnr", in decibels, the higher the better; and the
        lower the better: "perceptual", the mean `PerceptualDistance`; "fd" and "kid",
        the `FrechetDistance` and the `KernelDistance` of all images to all of the
        truth. With fewer images than features "fd" is too large, by the more the fewer
        they are: compare it with that of as many others only.

    Raises:
        ValueError: If they are not as many images, of one size.

    Example:

    ```python
    kg.metrics.paired_scores(model.translate(test_a), test_b)
    ```
    """
    images, truth = np.asarray(images), np.asarray(truth)
    ssim, psnr = SSIM(), PSNR()
    if len(images) != len(truth):
        raise ValueError(
            f"Expected: as many images as there are true ones, {len(truth)}. Received: "
            f"{len(images)}."
        )
    for start in range(0, len(truth), BATCH):
        part = slice(start, start + BATCH)
        for metric in (ssim, psnr):
            metric.update_state(truth[part], images[part])
    distances = [
        kind(features=features, num_samples=len(truth))
        for kind in (FrechetDistance, KernelDistance)
    ]
    SharedExtraction(distances).update(truth, images)
    with warnings.catch_warnings():  # of few samples, as said above
        warnings.filterwarnings("ignore", r"(fd|fid)_.* samples of .* features")
        fd, kid = (next(iter(metric.values().values())) for metric in distances)
    return {
        "ssim": float(ssim.result()),
        "psnr": float(psnr.result()),
        "perceptual": float(PerceptualDistance(features)(images, truth).mean()),
        "fd": float(fd),
        "kid": float(kid),
    }
