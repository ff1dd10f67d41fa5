"""What can be done with the styles of StyleGANs: mixing, moving, editing, projecting.

All functions take a model with styles, such as `kg.models.StyleGAN2`. N: styles, L:
layers that take one, S: size of one.
"""

import pathlib

import keras
import numpy as np
from keras import ops
from PIL import Image

from keras_gans import backend
from keras_gans.interpolation import lerp
from keras_gans.metrics import features as feature_extractors
from keras_gans.models.style import SYNTHESIS
from keras_gans.utils.files import atomic_path
from keras_gans.utils.image_grid import make_grid
from keras_gans.utils.image_grid import save_frames
from keras_gans.utils.image_grid import save_grid


def _check(gan):
    if not hasattr(gan, "map_latents"):
        raise ValueError(
            "Expected: a model with styles, such as StyleGAN2. Received: "
            f"{type(gan).__name__}. `kg.interpolation` has paths for all models."
        )


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
    _check(gan)
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
        frames_per_second: Number.
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
    _check(gan)
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
                str(temporary), (width, height), fps=frames_per_second
            )
            writer.send(None)
            for picture in pictures:
                colors = picture[:height, :width, :3]  # films have no alpha
                rgb = np.broadcast_to(colors, (height, width, 3))
                writer.send(np.ascontiguousarray(rgb))
            writer.close()

    return write


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
    _check(gan)
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


def project(
    gan,
    image,
    *,
    steps=500,
    space="w",
    features=None,
    labels=None,
    learning_rate=0.1,
    num_samples=2000,
    seed=0,
    verbose=1,
):
    """Finds the styles with which a model comes closest to an image.

    Styles begin at their mean and move by Adam, with noise that decreases over the
    first three quarters of the steps (Karras et al. 2020, arXiv:1912.04958, appendix
    D). Deviations: noise maps stay what they are; and the noise is a twentieth of the
    spread of one number of a style, theirs of a whole style, which ends further away.

    Args:
        gan: A model with styles.
        image: `(H, W, C)` of the model's size, uint8 or float in [-1, 1].
        steps: Int of at least 1.
        space: "w", one style for all layers, or "w+", one for each: closer to the
            image, and less like what the model makes.
        features: Optional: the distance is that of the maps of these features, as in
            `kg.metrics.PerceptualDistance`, plus a tenth of the pixels'; by default it
            is the mean square of the pixels, each halved size counting as much as the
            one before.
        labels: Optional, the image's class.
        learning_rate: Float, at its highest.
        num_samples: Int of at least 1, latents that tell how far styles spread.
        seed: Int, of the noise.
        verbose: Whether a progress bar is shown.

    Returns:
        Dict: `styles`, `(L, S)`; `image`, uint8 `(H, W, C)`; `losses`, `(steps,)`.

    Raises:
        ValueError: If the image is not of the model's size, or `space` is unknown.

    Example:

    ```python
    found = kg.latent_tools.project(gan, image, steps=300)
    ```
    """
    _check(gan)
    if space not in ("w", "w+"):
        raise ValueError(f"Expected: `space` of 'w' or 'w+'. Received: {space!r}.")
    if steps < 1 or num_samples < 1:
        raise ValueError(
            "Expected: `steps` and `num_samples` of at least 1. Received: "
            f"{steps} and {num_samples}."
        )
    image = np.asarray(image)
    if image.shape != gan.data_spec.shape:
        raise ValueError(
            f"Expected: an image of shape {gan.data_spec.shape}, as the model makes. "
            f"Received: {image.shape}. Resize it."
        )
    gan.data_spec.check(image[None], "image", lenient=True)
    target = gan.data_spec.to_network(ops.convert_to_tensor(image[None]))
    loss = _pixel_loss(target) if features is None else _map_loss(target, features)
    latents = gan.sample_latents(num_samples, seed)
    mapped = gan.map_latents(latents, labels)[:, 0]
    mean = mapped.mean(axis=0)
    spread = np.sqrt(np.mean(np.sum((mapped - mean) ** 2, axis=1)))
    depth = gan.num_styles
    shape = (1, depth if space == "w+" else 1, gan.style_dim)
    synthesis = gan.ema_generator.get_layer(SYNTHESIS)

    def value_and_gradient(inputs):
        def value(styles):
            styles = ops.broadcast_to(styles, (1, depth, gan.style_dim))
            images = ops.cast(synthesis(styles, training=False), "float32")
            return ops.reshape(loss(images), (1,))

        return backend.input_gradients(value, inputs["styles"])

    run = backend.compiled(value_and_gradient, gan.ema_generator.variables)
    styles = keras.Variable(np.broadcast_to(mean, shape).astype("float32"))
    adam = keras.optimizers.Adam(learning_rate)
    adam.build([styles])
    rng, losses = np.random.default_rng(seed), []
    best, closest = np.inf, None
    progress = keras.utils.Progbar(steps, verbose=verbose)
    for step in range(steps):
        t = step / steps
        ramp = min(1.0, (1.0 - t) / 0.25)
        rate = 0.5 - 0.5 * np.cos(ramp * np.pi)
        adam.learning_rate = learning_rate * rate * min(1.0, (t + 1.0 / steps) / 0.05)
        strength = 0.05 * spread / np.sqrt(gan.style_dim) * max(0.0, 1 - t / 0.75) ** 2
        noise = (strength * rng.standard_normal(shape)).astype("float32")
        with backend.no_gradients():
            noisy = ops.convert_to_tensor(styles) + ops.convert_to_tensor(noise)
        values, gradients = run({"styles": noisy})
        with backend.no_gradients():
            losses.append(float(ops.convert_to_numpy(ops.stop_gradient(values))[0]))
            if losses[-1] < best:
                best, closest = losses[-1], ops.convert_to_numpy(noisy)
            adam.apply([ops.stop_gradient(gradients)], [styles])
        progress.update(step + 1, [("loss", losses[-1])])
    found = np.broadcast_to(closest, (1, depth, gan.style_dim)).astype("float32")
    return {
        "styles": found[0],
        "image": gan.synthesize(found)[0],
        "losses": np.array(losses),
    }


def _pixel_loss(target):
    """The mean square of the pixels, summed over halved sizes down to 8."""

    def pyramid(images):
        yield images
        while min(images.shape[1:3]) >= 16:
            images = ops.average_pool(images, 2, 2)
            yield images

    def loss(images):
        pairs = zip(pyramid(images), pyramid(target), strict=True)
        return sum(ops.mean(ops.square(x - y)) for x, y in pairs)

    return loss


def _map_loss(target, features):
    """A perceptual distance, and a tenth of the pixels'."""
    extractor = feature_extractors.get(features)
    network = extractor.maps_network()
    if network is None:
        raise ValueError(
            f"Expected: features with maps, such as 'efficientnet_lite0'. Received: "
            f"{features!r}."
        )
    size, channels = extractor.input_shape[:2], extractor.input_shape[2]

    def unit_maps(images):
        if images.shape[-1] != channels:
            images = ops.mean(images, axis=-1, keepdims=True)
            images = ops.repeat(images, channels, axis=-1)
        if None not in size and tuple(images.shape[1:3]) != tuple(size):
            images = ops.image.resize(images, size, "bilinear")
        maps = network(extractor.normalize((images + 1.0) * 127.5), training=False)
        return [
            x / (ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True)) + 1e-6)
            for x in maps
        ]

    with backend.no_gradients():
        wanted = [ops.stop_gradient(maps) for maps in unit_maps(target)]
    pixels = _pixel_loss(target)

    def loss(images):
        pairs = zip(unit_maps(images), wanted, strict=True)
        distance = sum(ops.mean(ops.sum(ops.square(x - y), axis=-1)) for x, y in pairs)
        return distance + 0.1 * pixels(images)

    return loss
