"""SRGAN: its objectives, its phases and its use."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import keras_gans as kg
from keras_gans.models.translation import translation
from tests.gan_test_case import QUICKEST
from tests.gan_test_case import max_difference
from tests.gan_test_case import to_numpy

SMALL = {"scale": 2, "width": 4, "blocks": 1, "discriminator_width": 4, "seed": 0}
A = np.random.default_rng(0).integers(0, 256, (4, 8, 10, 3), "uint8")
B = np.random.default_rng(1).integers(0, 256, (4, 16, 20, 3), "uint8")
NO_MAPS = {"perceptual_weight": 0.0}


def sr_gan(**kwargs):
    keras.utils.set_random_seed(0)
    return kg.models.SRGAN((8, 10, 3), **SMALL | kwargs)


def constant(kernel, inputs):
    return layers.Conv2D(
        1, 1, use_bias=False, kernel_initializer=keras.initializers.Constant(kernel)
    )(inputs)


def by_hand(sides=(None, None)):
    """Doubles sides and halves values; D averages; a map that is the image itself."""
    small, large = keras.Input((*sides, 1)), keras.Input((8, 8, 1))
    generator = keras.Model(small, layers.UpSampling2D(2)(constant(0.5, small)))
    average = layers.GlobalAveragePooling2D()(constant(1.0, large))
    return {
        "generator": generator,
        "discriminator": keras.Model(large, average),
    }


def test_losses_by_hand():
    model = kg.models.SRGAN((4, 4, 1), scale=2, **by_hand())
    model.compile(
        loss="least_squares",
        adversarial_weight=0.5,
        perceptual_weight=3.0,
        pixel_weight=2.0,
        perceptual_loss=kg.losses.Charbonnier(0.3),
        pixel_loss="l1",
    )
    a = ops.convert_to_tensor(np.full((2, 4, 4, 1), 0.4, "float32"))
    b = ops.convert_to_tensor(np.full((2, 8, 8, 1), -0.2, "float32"))
    value, logs, fake = model.generator_objective(a, b)
    # G(a) = .2, which is .4 from b; D says .2 of it, and -.2 of b.
    names = ["pixel", "perceptual", "g_loss"]
    expected = [0.4, 0.5, 0.5 * (0.2 - 1) ** 2]
    assert to_numpy([logs[n] for n in names]) == pytest.approx(expected, rel=1e-5)
    total = np.dot([2.0, 3.0, 0.5], expected)
    assert to_numpy([value]) == pytest.approx([total], rel=1e-5)
    value, logs = model.discriminator_objective(a, b, fake)
    expected = 0.5 * (-0.2 - 1) ** 2 + 0.5 * 0.2**2
    values = to_numpy([value, logs["d_real"], logs["d_fake"]])
    assert values == pytest.approx([expected, -0.2, 0.2], rel=1e-5)


def test_first_without_then_with_the_discriminator(tmp_path):
    """SRResNet: the discriminator stays as it is, and is not in the logs."""
    model = sr_gan()
    model.compile(adversarial_weight=0.0, **NO_MAPS, **QUICKEST)
    before = to_numpy(model.discriminator.weights)
    history = model.fit(A, B, batch_size=2, verbose=0).history
    assert {"pixel"} <= set(history) and not {"g_loss", "d_loss"} & set(history)
    assert max_difference(before, to_numpy(model.discriminator.weights)) == 0
    generator = to_numpy(model.generator.weights)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.adversarial_weight == 0.0
    again.compile(**NO_MAPS, **QUICKEST)
    assert max_difference(generator, to_numpy(again.generator.weights)) == 0
    history = again.fit(A, B, batch_size=2, verbose=0).history
    assert np.isfinite(history["d_loss"] + history["g_loss"]).all()
    assert max_difference(before, to_numpy(again.discriminator.weights)) > 0


@pytest.mark.parametrize("body", ["srresnet", "rrdb"])
def test_enlarges_images_of_any_size(body):
    """The sides of those of rrdb are padded to even ones."""
    model = sr_gan(body=body)
    images = np.random.default_rng(0).integers(0, 256, (3, 7, 13, 3), "uint8")
    large = model.translate(images, batch_size=2)
    assert large.shape == (3, 14, 26, 3) and large.dtype == np.uint8
    upscale = kg.models.super_resolution.upscale
    expected = upscale(model.generator, images, batch_size=2).astype(int)
    assert np.abs(large - expected).max() <= 1  # of rounding
    assert (model.translate(images / np.float32(127.5) - 1) == large).all()


def test_tiles():
    """Of a network that looks at single pixels they are the whole."""
    model = kg.models.SRGAN((4, 4, 1), scale=2, **by_hand())
    images = np.random.default_rng(0).integers(0, 256, (2, 9, 530, 1), "uint8")
    large = model.translate(images)  # in tiles by itself
    np.testing.assert_allclose(
        large[:, ::2, 1::2], 127.5 + (images - 127.5) / 2, atol=0.51
    )
    few = images[:, :, :30]
    tiles = model.translate(few, tile=(6, 16), overlap=4)
    assert (tiles == model.translate(few)).all()
    closed = kg.models.SRGAN((4, 4, 1), scale=2, **by_hand((4, 4)))
    assert (closed.translate(few) == model.translate(few)).all()
    with pytest.raises(ValueError, match=r"`tile` as the.*\(4, 4\).*\(8, 8\)"):
        closed.translate(few, tile=8)
    with pytest.raises(ValueError, match="wrong shape"):
        closed.translate(few[:, :3])


def test_large_images_are_enlarged_one_by_one(monkeypatch):
    sizes = []
    predict = translation.predict

    def noted(network, inputs, batch_size, *args, **kwargs):
        sizes.append(batch_size)
        return predict(network, inputs, batch_size, *args, **kwargs)

    monkeypatch.setattr(translation, "predict", noted)
    model = kg.models.SRGAN((4, 4, 1), scale=2, **by_hand())
    for side in (4, 8, 40):
        model.translate(np.zeros((20, side, side, 1), "uint8"))
    assert sizes == [16, 4, 1]


def test_grid(tmp_path):
    from PIL import Image

    model = sr_gan()
    model.compile(**NO_MAPS, **QUICKEST)
    grid = kg.callbacks.TranslationGrid(tmp_path, A, B, rows=2)
    model.fit(A, B, batch_size=2, callbacks=[grid], verbose=0)
    with Image.open(tmp_path / "epoch_0001.png") as picture:
        shown = np.asarray(picture)
    assert shown.shape == (2 * 17 + 1, 3 * 21 + 1, 3)  # pixels between
    assert (shown[1:17, 1:21] == A[0].repeat(2, 0).repeat(2, 1)).all()
    assert (shown[1:17, 43:63] == B[0]).all()


def test_presets(tmp_path):
    model = sr_gan(body="rrdb")
    folder = model.save_to_preset(tmp_path / "preset")
    again = kg.models.SRGAN.from_preset(folder)
    assert max_difference(to_numpy(model.weights), to_numpy(again.weights)) == 0
    assert "large = gan.translate" in (folder / "README.md").read_text("utf-8")


def test_a_perceptual_loss_without_a_name(tmp_path):
    """It acts, and the model is saved without its compilation."""
    inputs = keras.Input((16, 20, 3))
    network = keras.Model(inputs, layers.Conv2D(2, 3, activation="relu")(inputs))
    model = sr_gan()
    model.compile(perceptual_loss=network, pixel_weight=0.0, **QUICKEST)
    variables = len(model.variables)
    history = model.fit(A, B, batch_size=4, verbose=0).history
    assert history["perceptual"][0] > 0 and len(model.variables) == variables
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.save(tmp_path / "model.keras")
    said = [str(one.message) for one in caught if one.category is UserWarning]
    assert "as if not compiled. A configuration cannot carry" in said[0]
    assert not keras.saving.load_model(tmp_path / "model.keras").compiled


def test_wrong_arguments():
    with pytest.raises(ValueError, match="'srresnet' or 'rrdb'.*Received: 'vit'"):
        sr_gan(body="vit")
    with pytest.raises(ValueError, match="powers of two.*Received: 3"):
        sr_gan(scale=3)
    with pytest.raises(ValueError, match=r"Expected: \(16, 16, 1\).*\(8, 8, 1\)"):
        one = keras.Input((16, 16, 1))
        discriminator = keras.Model(one, layers.Flatten()(one))
        given = by_hand() | {"discriminator": discriminator}
        kg.models.SRGAN((4, 4, 1), scale=4, **given)
    model = sr_gan()
    with pytest.raises(ValueError, match="above 0.*Received: 0 and 0"):
        model.compile(perceptual_weight=0.0, pixel_weight=0.0)
    with pytest.raises(ValueError, match="'l1', 'l2'.*Received: 'l3'"):
        model.compile(pixel_loss="l3", **NO_MAPS)
    with pytest.raises(ValueError, match="adversarial_weight.*-1"):
        model.compile(adversarial_weight=-1.0, **NO_MAPS)
    model.compile(**NO_MAPS)
    with pytest.raises(ValueError, match="`y` has the wrong shape"):
        model.fit(A, A)
