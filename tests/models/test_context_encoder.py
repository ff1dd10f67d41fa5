"""Context encoders: their holes, objectives and use."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops
from PIL import Image

import keras_gans as kg
from keras_gans.models.context_encoder.masks import random_rectangles
from tests.gan_test_case import QUICKEST
from tests.gan_test_case import max_difference
from tests.gan_test_case import to_numpy

SMALL = {"width": 4, "discriminator_width": 4, "seed": 0}
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 16, 24, 3), "uint8")
MASK = np.zeros((16, 24), bool)
MASK[4:8, 6:18] = True


def encoder(**kwargs):
    keras.utils.set_random_seed(0)
    return kg.models.ContextEncoder((16, 24, 3), **SMALL | kwargs)


def by_hand(kernel):
    """Networks for `(16, 24, 1)`: G weighs image and hole, D averages."""
    inputs, images = keras.Input((16, 24, 2)), keras.Input((16, 24, 1))
    convolution = layers.Conv2D(1, 1, use_bias=False)
    generator = keras.Model(inputs, convolution(inputs))
    convolution.set_weights([np.reshape(kernel, (1, 1, 2, 1)).astype("float32")])
    ones = keras.initializers.Constant(1.0)
    x = layers.Conv2D(1, 1, use_bias=False, kernel_initializer=ones)(images)
    discriminator = keras.Model(images, layers.GlobalAveragePooling2D()(x))
    return {"generator": generator, "discriminator": discriminator}


def test_losses_by_hand():
    model = kg.models.ContextEncoder((16, 24, 1), mask=MASK, **by_hand([9.0, 0.7]))
    model.compile(loss="least_squares", l2_weight=2.0, adversarial_weight=0.5)
    real = ops.convert_to_tensor(np.full((2, 16, 24, 1), -0.2, "float32"))
    value, logs, fake = model.generator_objective(real)
    # The hole, an eighth of the image, becomes .7: G sees 0 there, and that it is one.
    filled = np.where(MASK, 0.7, -0.2)
    np.testing.assert_allclose(to_numpy([fake])[0][0, ..., 0], filled, rtol=1e-6)
    score = 0.7 / 8 - 0.2 * 7 / 8
    expected = [0.9**2, 0.5 * (score - 1) ** 2]
    assert to_numpy([logs["l2"], logs["g_loss"]]) == pytest.approx(expected, rel=1e-5)
    total = np.dot([2.0, 0.5], expected)
    assert to_numpy([value]) == pytest.approx([total], rel=1e-5)
    value, logs = model.discriminator_objective(real, None, fake)
    expected = 0.5 * (-0.2 - 1) ** 2 + 0.5 * score**2
    values = to_numpy([value, logs["d_real"], logs["d_fake"]])
    assert values == pytest.approx([expected, -0.2, score], rel=1e-5, abs=1e-6)


def test_random_holes():
    """Rectangles of all sizes and places asked for, and no others."""
    seed = keras.random.SeedGenerator(0)
    masks = to_numpy([random_rectangles(500, (16, 24), (0.25, 0.5), seed)])[0][..., 0]
    assert masks.shape == (500, 16, 24) and set(np.unique(masks)) == {0.0, 1.0}
    rows, columns = masks.max(axis=2), masks.max(axis=1)
    heights, widths = rows.sum(axis=1), columns.sum(axis=1)
    assert (masks.sum(axis=(1, 2)) == heights * widths).all()
    assert set(heights) == set(range(4, 9)) and set(widths) == set(range(6, 13))
    assert (rows.sum(axis=0) > 0).all() and (columns.sum(axis=0) > 0).all()
    assert (masks == rows[:, :, None] * columns[:, None]).all()
    small = to_numpy([random_rectangles(50, (16, 24), (0.01, 0.01), seed)])[0]
    assert (small.sum(axis=(1, 2, 3)) == 1).all()
    whole = to_numpy([random_rectangles(3, (16, 24), (1.0, 1.0), seed)])[0]
    assert (whole == 1).all()


def test_known_pixels_stay():
    model = encoder()
    masks = np.random.default_rng(1).integers(0, 2, (5, 16, 24))
    whole = model.inpaint(IMAGES, masks, batch_size=2)
    assert whole.dtype == np.uint8
    assert (whole == IMAGES)[masks == 0].all()
    assert (whole != IMAGES)[masks == 1].mean() > 0.9
    # What is in the holes is not looked at.
    damaged = np.where(masks[..., None] == 1, 77, IMAGES).astype("uint8")
    assert (model.inpaint(damaged, masks[..., None], batch_size=5) == whole).all()
    floats = IMAGES / np.float32(127.5) - 1
    assert (model.inpaint(floats, masks > 0) == whole).all()
    one = model.inpaint(IMAGES, MASK)
    assert (one == model.inpaint(IMAGES, np.stack([MASK] * 5))).all()
    assert (model.inpaint(IMAGES, 0 * MASK) == IMAGES).all()


def test_it_learns_a_color(tmp_path):
    """Of images of one color each; labels are not looked at."""
    colors = np.random.default_rng(0).integers(0, 256, (64, 1, 1, 3), "uint8")
    images = np.broadcast_to(colors, (64, 16, 24, 3))
    model = encoder(mask=MASK)
    model.compile()
    history = model.fit(
        images, np.arange(64), batch_size=16, epochs=8, validation_data=images[:8],
        verbose=0,
    ).history  # fmt: skip
    assert history["l2"][-1] < 0.5 * history["l2"][0]
    assert np.isfinite(history["val_l2"]).all()
    folder = model.save_to_preset(tmp_path / "preset")
    again = kg.models.ContextEncoder.from_preset(folder)
    assert max_difference(to_numpy(model.weights), to_numpy(again.weights)) == 0
    assert (again.mask[..., 0] == MASK).all()
    assert "gan.inpaint" in (folder / "README.md").read_text("utf-8")


def test_wrong_arguments(tmp_path):
    with pytest.raises(ValueError, match=r"shares of a side.*\(0.5, 0.25\)"):
        encoder(hole=(0.5, 0.25))
    with pytest.raises(ValueError, match=r"`mask` of shape \(H, W\) = \(16, 24\)"):
        encoder(mask=np.ones((16, 16)))
    with pytest.raises(ValueError, match="with a hole. Received: all 0"):
        encoder(mask=0 * MASK)
    with pytest.raises(ValueError, match="generator does not fit"):
        kg.models.ContextEncoder((16, 24, 3), **by_hand([1.0, 1.0]))
    model = encoder()
    with pytest.raises(ValueError, match=r"`masks` of shape.*\(5, 16, 24\).*\(4,"):
        model.inpaint(IMAGES, np.ones((4, 16, 24)))
    with pytest.raises(ValueError, match="l2_weight.*-1"):
        model.compile(l2_weight=-1.0)
    model.compile()
    for callback, use in (
        (kg.callbacks.SampleGrid(tmp_path), "of latents. Received: ContextEncoder"),
        (kg.callbacks.TranslationGrid(tmp_path, IMAGES, IMAGES), "`InpaintingGrid`"),
    ):
        with pytest.raises(ValueError, match=use):
            model.fit(IMAGES, callbacks=[callback], verbose=0)


def test_grid_of_filled_holes(tmp_path):
    model = encoder()
    model.compile(**QUICKEST)
    for masks in (MASK, np.stack([MASK] * 5)):
        grid = kg.callbacks.InpaintingGrid(tmp_path, IMAGES, masks, rows=2)
        model.fit(IMAGES[:4], batch_size=2, verbose=0, callbacks=[grid])
    with Image.open(tmp_path / "epoch_0002.png") as picture:
        shown = np.asarray(picture)
    assert shown.shape == (2 * 17 + 1, 3 * 25 + 1, 3)
    holes, filled, whole = (shown[1:17, 1 + 25 * i : 25 + 25 * i] for i in range(3))
    assert (whole == IMAGES[0]).all() and (shown[18:34, 51:75] == IMAGES[4]).all()
    assert (holes == np.where(MASK[..., None], 127, IMAGES[0])).all()
    assert (filled == model.inpaint(IMAGES[:1], MASK)[0]).all()


def test_grid_that_does_not_fit(tmp_path):
    model = encoder()
    model.compile(**QUICKEST)
    for images, masks, match in [
        (IMAGES[:, :8], MASK, "images"),
        (IMAGES, MASK[:8], "masks"),
        (IMAGES, np.stack([MASK] * 4), "masks"),
    ]:
        grid = kg.callbacks.InpaintingGrid(tmp_path, images, masks)
        with pytest.raises(ValueError, match=match):
            model.fit(IMAGES, verbose=0, callbacks=[grid])
    bright = np.abs((IMAGES / 127.5 - 1.0).astype("float32"))
    grid = kg.callbacks.InpaintingGrid(tmp_path, bright, MASK)
    with pytest.warns(UserWarning, match="all are bright"):
        model.fit(IMAGES, verbose=0, callbacks=[grid])
    gan = kg.models.GAN((8, 8, 1), latent_dim=2, hidden_units=2)
    gan.compile(**QUICKEST)
    with pytest.raises(ValueError, match="Received: GAN: use `SampleGrid`"):
        grid = kg.callbacks.InpaintingGrid(tmp_path, IMAGES, MASK)
        gan.fit(np.zeros((8, 8, 8, 1), "uint8"), verbose=0, callbacks=[grid])


def test_holes_may_be_marked_by_nan():
    model = encoder()
    images = (IMAGES / 127.5 - 1.0).astype("float32")
    expected = model.inpaint(images, MASK)
    images[:, MASK] = np.nan
    np.testing.assert_array_equal(model.inpaint(images, MASK), expected)
    masks = np.broadcast_to(MASK[None, ..., None], (5, 16, 24, 1)).astype("float32")
    assert np.isfinite(to_numpy(model([images, masks]))).all()


@pytest.mark.parametrize("hole", [0.1, (0.1, 0.2, 0.3)])
def test_a_hole_has_two_sizes(hole):
    with pytest.raises(ValueError, match=r"`hole` as \(least, most\)"):
        encoder(hole=hole)
