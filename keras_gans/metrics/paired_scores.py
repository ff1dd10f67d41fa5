"""How near images are to what they should be: one by one, and as a distribution."""

import numpy as np

from keras_gans.metrics.image_similarity import PSNR
from keras_gans.metrics.image_similarity import SSIM
from keras_gans.metrics.kernel_distance import KernelDistance
from keras_gans.metrics.perceptual_distance import PerceptualDistance


def paired_scores(images, truth, features="efficientnet_lite0"):
    """Compares images with their truth.

    Args:
        images: uint8 `(N, H, W, C)`, what a model or a baseline made; N at least 2.
        truth: uint8 `(N, H, W, C)`, what it should have made.
        features: Of the perceptual and the kernel distance.

    Returns:
        Dict of floats: "ssim" and "psnr", in decibels, the higher the better;
        "perceptual", the mean `PerceptualDistance`, and "kid", the `KernelDistance` of
        all images to all of the truth, the lower the better.

    Raises:
        ValueError: If they are not as many images, of one size.

    Example:

    ```python
    kg.metrics.paired_scores(model.translate(test_a), test_b)
    ```
    """
    images, truth = np.asarray(images), np.asarray(truth)
    ssim, psnr = SSIM(), PSNR()
    for metric in (ssim, psnr):
        metric.update_state(truth, images)
    kid = KernelDistance(truth, features, num_samples=len(truth))
    kid.update_state(fake_images=images)
    return {
        "ssim": float(ssim.result()),
        "psnr": float(psnr.result()),
        "perceptual": float(PerceptualDistance(features)(images, truth).mean()),
        "kid": float(next(iter(kid.values().values()))),
    }
