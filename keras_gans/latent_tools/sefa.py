"""Directions in which styles change images most."""

import numpy as np
from keras import ops

from keras_gans import backend
from keras_gans.latent_tools.check import check_styles
from keras_gans.models.style import SYNTHESIS


def sefa_directions(gan, count=10, layers=None):
    """Directions in which styles change images most, in closed form.

    The eigenvectors of A^T A to the largest eigenvalues, A the affine maps of the
    layers one below the other (SeFa: Shen and Zhou 2021, arXiv:2007.06600, equation 8).
    Add multiples of one to styles: `gan.synthesize(styles + 3 * directions[0])`.

    Args:
        gan: A model with styles.
        count: Int, directions.
        layers: Which maps count, those that styles i of 0..L - 1 go into; all if None.
            Of StyleGAN2 the last is the map of the last image; those of the smaller
            images, whose styles go into a convolution too, do not count.

    Returns:
        Float32 array `(count, S)`, of length 1, the strongest first.

    Raises:
        ValueError: If the model has no styles, or not as many directions or layers.

    Example:

    ```python
    direction = kg.latent_tools.sefa_directions(gan)[0]
    styles = gan.map_latents(gan.sample_latents(1, seed=0), truncation_psi=0.7)
    images = gan.synthesize(styles + np.linspace(-3, 3, 7)[:, None, None] * direction)
    ```
    """
    check_styles(gan)
    if not 1 <= count <= gan.style_dim:
        raise ValueError(
            f"Expected: `count` in 1..{gan.style_dim}, the size of a style. "
            f"Received: {count!r}."
        )
    backend.sync_state(gan)
    synthesis = gan.ema_generator.get_layer(SYNTHESIS)
    styled = [layer for layer in synthesis.layers if hasattr(layer, "affine")]
    *inner, last = styled
    maps = [layer.affine for layer in inner if getattr(layer, "demodulate", True)]
    maps.append(last.affine)
    used = range(len(maps)) if layers is None else sorted(set(layers))
    if not used or min(used) < 0 or max(used) >= len(maps):
        raise ValueError(
            f"Expected: `layers` of 0..{len(maps) - 1}. Received: {layers!r}."
        )
    kernels = [ops.convert_to_numpy(maps[i].kernel) for i in used]
    kernels = [k / np.linalg.norm(k, axis=0, keepdims=True) for k in kernels]
    matrix = np.concatenate(kernels, axis=1).astype("float64")  # (S, features)
    _, vectors = np.linalg.eigh(matrix @ matrix.T)  # ascending
    return vectors[:, ::-1][:, :count].T.astype("float32")
