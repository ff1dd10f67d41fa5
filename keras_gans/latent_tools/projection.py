"""The styles of a given image."""

import keras
import numpy as np
from keras import ops

from keras_gans import backend
from keras_gans.latent_tools.check import check_styles
from keras_gans.metrics import features as feature_extractors
from keras_gans.models.style import SYNTHESIS


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
    check_styles(gan)
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
