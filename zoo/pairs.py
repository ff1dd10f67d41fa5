"""What the zoo's image-to-image presets do with emoji, and how they are judged.

Inputs are made of emoji as the recipes make them. Held-out emoji are the truth that the
model's images are compared with, and so are those of the recipe's baselines.
"""

import numpy as np
from PIL import Image

import keras_gans as kg
from keras_gans.layers import PermanentDropout
from keras_gans.metrics import paired_scores
from recipes.colorize import gray
from recipes.colorize import mean_colors
from recipes.colorize import with_gray
from recipes.inpaint import mean_fill
from recipes.inpaint import rectangles
from recipes.sketch_to_photo import edges
from recipes.super_resolution import resized
from recipes.translate_emoji_styles import match_colors

PASSES = 3
CHECK_COUNT = 64
SHOWN = 24
FIRST_SHOWN = 9  # of each so many: among the first is an obscene gesture
FEATURES = "efficientnet_lite0"


class Edges:
    """Emoji of their edges.

    Args:
        side: Int, pixels.
    """

    usage = "gan.translate(sketches)  # uint8 (N, 64, 64, 1) -> (N, 64, 64, 3)"
    recipe = "sketch_to_photo"

    def __init__(self, side=64):
        self.side = side

    def given(self, images):
        """What the model gets: a tuple of arrays, the first one to be looked at."""
        return (edges(images),)

    def made(self, gan, sketches):
        """What the model makes of it."""
        return gan.translate(sketches)

    def baselines(self, training, sketches):
        """What needs no model: dict, name -> images."""
        return {"identity": np.repeat(sketches, 3, axis=-1)}


class Colors(Edges):
    """Emoji of gray ones, whose gray they keep."""

    usage = "gan.translate(grays)  # uint8 (N, 64, 64, 1) -> (N, 64, 64, 3)"
    recipe = "colorize"

    def given(self, images):
        """Luma."""
        return (gray(images),)

    def made(self, gan, grays):
        """Colors, shifted to the given luma."""
        return with_gray(gan.translate(grays), grays)

    def baselines(self, training, grays):
        """No color, and the mean color of each gray."""
        means = mean_colors(gray(training), training)
        identity = np.repeat(grays, 3, axis=-1)
        return {"identity": identity, "mean color": means[grays[..., 0]]}


class Enlarged(Edges):
    """Emoji of 64 pixels of those of 16."""

    usage = "gan.translate(small)  # uint8 (N, H, W, 3) -> (N, 4 H, 4 W, 3)"
    recipe = "super_resolution"
    scale = 4

    def given(self, images):
        """Small images."""
        side = images.shape[1] // self.scale
        return (resized(images, side, Image.Resampling.BICUBIC),)

    def baselines(self, training, small):
        """Pixels repeated, and interpolated."""
        side = small.shape[1] * self.scale
        ways = Image.Resampling
        return {
            "nearest": resized(small, side, ways.NEAREST),
            "bicubic": resized(small, side, ways.BICUBIC),
        }


class Holes(Edges):
    """Emoji with a hole, filled."""

    usage = "gan.inpaint(images, masks)  # uint8 (N, 64, 64, 3), bool (N, 64, 64)"
    recipe = "inpaint"

    def given(self, images):
        """Images with holes of gray, and the holes."""
        masks = rectangles(len(images), images.shape[1], 0.25, 0.5)
        return np.where(masks[..., None], np.uint8(127), images), masks

    def made(self, gan, images, masks):
        """Whole images."""
        return gan.inpaint(images, masks)

    def baselines(self, training, images, masks):
        """Holes of each image's mean color."""
        return {"mean fill": mean_fill(images, masks)}


class Styles(Edges):
    """Twemoji of Noto emoji; the truth is another style's drawing of the same."""

    recipe = "translate_emoji_styles"

    @property
    def usage(self):
        """How images are made."""
        shape = f"(N, {self.side}, {self.side}, 3)"
        return f'gan.translate(images, to="b")  # uint8 {shape}; "a": the way back'

    def given(self, images):
        """The images."""
        return (images,)

    def baselines(self, training, images):
        """Nothing done, and colors matched."""
        matched = match_colors(images, training, load("train", "twemoji", self.side))
        return {"identity": images, "color histogram": matched}


TASKS = {
    "cyclegan_emoji_noto2twemoji_32": Styles(32),
    "cyclegan_emoji_noto2twemoji_64": Styles(),
    "inpaint_emoji_64": Holes(),
    "pix2pix_emoji_colorize_64": Colors(),
    "pix2pix_emoji_edges_64": Edges(),
    "srgan_emoji_x4": Enlarged(),
}
"""By the names of presets."""


def load(split, style="noto", side=64):
    """Emoji, uint8 `(N, side, side, 3)`."""
    return kg.datasets.load("emoji", split=split, style=style, image_size=side)[0]


def truth_of(task):
    """Held-out emoji, as the model should make them."""
    style = "twemoji" if isinstance(task, Styles) else "noto"
    return load("test", style, task.side)


def picture(gan, name):
    """Images of the card: given, made, truth of held-out emoji, and so on."""
    task = TASKS[name]
    images = load("test", side=task.side)
    rows = FIRST_SHOWN + np.arange(SHOWN) * len(images) // SHOWN
    given = task.given(images)
    made = task.made(gan, *(part[rows] for part in given))
    first = given[0][rows]
    first = np.broadcast_to(first, (*first.shape[:3], 3))
    times = made.shape[1] // first.shape[1]
    first = first.repeat(times, axis=1).repeat(times, axis=2)
    triples = np.stack([first, made, truth_of(task)[rows]], axis=1)
    return triples.reshape(-1, *made.shape[1:])


def scores(gan, name, count=None):
    """The model's values on held-out emoji, or on the first `count` of them."""
    task = TASKS[name]
    given = [part[:count] for part in task.given(load("test", side=task.side))]
    truth = truth_of(task)[:count]
    return _named(paired_scores(task.made(gan, *given), truth, FEATURES), len(truth))


def measure(gan, name):
    """Measures a model and the baselines.

    Args:
        gan: The model.
        name: Of its preset.

    Returns:
        Dict of what a card says: protocol, values per pass, those of the baselines, and
        of fewer images.
    """
    task, truth = TASKS[name], truth_of(TASKS[name])
    is_random = any(
        isinstance(layer, PermanentDropout) for layer in gan._flatten_layers()
    )
    passes = [scores(gan, name) for _ in range(PASSES if is_random else 1)]
    training, test = (load(split, side=task.side) for split in ("train", "test"))
    baselines = task.baselines(training, *task.given(test))
    noise = " Means of three passes, as the model's dropout is its noise." * is_random
    return {
        "protocol": (
            f"{len(truth)} held-out emoji, beside what needs no model: structural "
            "similarity and PSNR in decibels, the higher the better; the lower the "
            f"better, in the features of `{FEATURES}` (ImageNet), the perceptual "
            "distance of pairs, and the Frechet and kernel distance of all images to "
            "all of the truth. So few images have a Frechet distance with a large "
            f"bias: compare it within the table.{noise}"
        ),
        "values": {key: [values[key] for values in passes] for key in passes[0]},
        "baselines": {
            key: _named(paired_scores(images, truth, FEATURES), len(truth))
            for key, images in baselines.items()
        },
        "check": scores(gan, name, CHECK_COUNT),
    }


def _named(values, count):
    """Values under names that say features and number of images."""
    return {
        "ssim": values["ssim"],
        "psnr": values["psnr"],
        f"perceptual_{FEATURES}": values["perceptual"],
        f"fd_{FEATURES}_{count}": values["fd"],
        f"kid_{FEATURES}_{count}": values["kid"],
    }
