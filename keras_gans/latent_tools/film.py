"""Films of images that turn into each other."""

import pathlib

import keras
import numpy as np
from PIL import Image

from keras_gans.interpolation import lerp
from keras_gans.latent_tools.check import check_styles
from keras_gans.utils.checks import number
from keras_gans.utils.checks import whole_number
from keras_gans.utils.files import atomic_path
from keras_gans.utils.image_grid import make_grid
from keras_gans.utils.image_grid import save_frames


def interpolation_video(
    gan,
    path,
    *,
    rows=2,
    columns=4,
    stops=5,
    frames=24,
    frames_per_second=24,
    seed=0,
    labels=None,
    truncation_psi=0.7,
    verbose=1,
):
    """A film of images on their way through styles, from which it comes back.

    Args:
        gan: A model with styles.
        path: Path of the film, of type .webp, .gif, or .mp4, which needs the package
            imageio-ffmpeg.
        rows: Int, of the grid of images.
        columns: Int, of the grid of images.
        stops: Int >= 2, styles that each image passes.
        frames: Int, from one stop to the next.
        frames_per_second: Number, 1 to 1,000.
        seed: Int, of the latents.
        labels: Optional, one class for all.
        truncation_psi: As in `generate`.
        verbose: Whether a progress bar is shown.

    Returns:
        The path.

    Raises:
        ValueError: If the model has no styles, or the type of the film is unknown.
        ImportError: If imageio-ffmpeg is missing for .mp4.

    Example:

    ```python
    kg.latent_tools.interpolation_video(gan, "morph.webp")
    ```
    """
    check_styles(gan)
    rows, columns = whole_number(rows, "rows"), whole_number(columns, "columns")
    frames_per_second = number(frames_per_second, "frames_per_second", 1.0, 1000.0)
    path = pathlib.Path(path)
    if path.suffix not in (".webp", ".gif", ".mp4") or stops < 2 or frames < 1:
        raise ValueError(
            "Expected: a path that ends in .webp, .gif or .mp4, at least 2 stops and 1 "
            f"frame. Received: {path.name!r}, {stops} and {frames}."
        )
    write_film = _film_writer() if path.suffix == ".mp4" else None
    count = rows * columns
    latents = gan.sample_latents(stops * count, seed)
    styles = gan.map_latents(latents, labels, truncation_psi)
    styles = styles.reshape(stops, count, *styles.shape[1:])
    progress = keras.utils.Progbar(stops * frames, verbose=verbose, unit_name="frame")
    pictures = []
    for stop in range(stops):
        ends = styles[stop], styles[(stop + 1) % stops]
        for frame in range(frames):
            # Slow at the stops, fast between them.
            share = (1.0 - np.cos(np.pi * frame / frames)) / 2.0
            images = gan.synthesize(lerp(*ends, np.full(count, share)))
            pictures.append(make_grid(images, columns))
            progress.update(len(pictures))
    path.parent.mkdir(parents=True, exist_ok=True)
    if write_film is not None:
        write_film(path, pictures, frames_per_second)
    else:
        shown = [
            Image.fromarray(p[..., 0] if p.shape[-1] == 1 else p) for p in pictures
        ]
        save_frames(shown, path, [round(1000 / frames_per_second)] * len(shown))
    return path


def _film_writer():
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise ImportError(
            "Expected: the package imageio-ffmpeg, which writes .mp4. Received: none. "
            "Run `pip install imageio-ffmpeg`, or write .webp."
        ) from error

    def write(path, pictures, frames_per_second):
        # Sides of films are even.
        height, width = (side // 2 * 2 for side in pictures[0].shape[:2])
        with atomic_path(path) as temporary:
            writer = imageio_ffmpeg.write_frames(
                str(temporary),
                (width, height),
                fps=frames_per_second,
                macro_block_size=2,  # else frames are stretched to multiples of 16
            )
            writer.send(None)
            for picture in pictures:
                colors = picture[:height, :width, :3]  # films have no alpha
                rgb = np.broadcast_to(colors, (height, width, 3))
                writer.send(np.ascontiguousarray(rgb))
            writer.close()

    return write
