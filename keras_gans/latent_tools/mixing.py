"""Images with the styles of two."""

import pathlib

import numpy as np

from keras_gans.latent_tools.check import check_styles
from keras_gans.utils.checks import whole_number
from keras_gans.utils.image_grid import save_grid


def style_mixing_grid(
    gan,
    rows=4,
    columns=6,
    *,
    layers=None,
    seed=0,
    labels=None,
    truncation_psi=0.7,
    path=None,
):
    """Images with some styles of one latent and the others of another.

    The first row and the first column show the images of the latents alone; the others
    have the style of their row but in `layers`, where they have their column's
    (Karras et al. 2019, arXiv:1812.04948, figure 3).

    Args:
        gan: A model with styles.
        rows: Int, latents of rows.
        columns: Int, latents of columns.
        layers: Indices of the layers that get the column's style, of 0..L - 1; the
            first half, which has the coarse features, if None.
        seed: Int, of the latents.
        labels: Optional, one class for all.
        truncation_psi: As in `generate`.
        path: Optional path of a picture to write.

    Returns:
        uint8 `(rows + 1, columns + 1, H, W, C)`; the corner is white.

    Raises:
        ValueError: If the model has no styles, or not these layers.

    Example:

    ```python
    kg.latent_tools.style_mixing_grid(gan, path="mixing.png")
    ```
    """
    check_styles(gan)
    rows, columns = whole_number(rows, "rows"), whole_number(columns, "columns")
    half = range(gan.num_styles // 2)
    layers = sorted(set(half if layers is None else layers))
    if not layers or layers[0] < 0 or layers[-1] >= gan.num_styles:
        raise ValueError(
            f"Expected: `layers` of 0..{gan.num_styles - 1}. Received: {layers}."
        )
    latents = gan.sample_latents(rows + columns, seed)
    styles = gan.map_latents(latents, labels, truncation_psi)
    of_rows, of_columns = styles[:rows], styles[rows:]
    mixed = np.repeat(of_rows, columns, axis=0)  # row by row
    mixed[:, layers] = np.tile(of_columns, (rows, 1, 1))[:, layers]
    images = gan.synthesize(np.concatenate([styles, mixed]))
    grid = np.full((rows + 1, columns + 1, *images.shape[1:]), 255, "uint8")
    grid[1:, 0], grid[0, 1:] = images[:rows], images[rows : rows + columns]
    grid[1:, 1:] = images[rows + columns :].reshape(rows, columns, *images.shape[1:])
    if path is not None:
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_grid(grid.reshape(-1, *images.shape[1:]), path, columns=columns + 1)
    return grid
