import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import backend
from keras_gans.augment import ada_color
from keras_gans.augment import ada_geometry
from keras_gans.augment.ada import Strengths

NOTHING = dict.fromkeys(Strengths._fields, 0.0)


def numpy(x):
    with backend.no_gradients():
        return np.array(ops.convert_to_numpy(x), "float64")


def images(count=4, side=16, channels=3, seed=0):
    """Smooth images, which resampling keeps."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(-1, 1, (count, side // 4 + 2, side // 4 + 2, channels))
    fine = coarse.repeat(4, 1).repeat(4, 2)
    for _ in range(6):
        fine = (fine + np.roll(fine, 1, 1) + np.roll(fine, -1, 1)) / 3
        fine = (fine + np.roll(fine, 1, 2) + np.roll(fine, -1, 2)) / 3
    return fine[:, 4 : 4 + side, 4 : 4 + side].astype("float32")


def geometry(count, **amounts):
    zeros = np.zeros(count, "float32")
    values = dict.fromkeys(ada_geometry.Amounts._fields, zeros)
    values |= {"xint": np.zeros((count, 2), "f4"), "xfrac": np.zeros((count, 2), "f4")}
    given = {k: np.asarray(v, "float32") for k, v in amounts.items()}
    return ada_geometry.Amounts(
        **{k: ops.convert_to_tensor(v) for k, v in (values | given).items()}
    )


def transformed(x, **amounts):
    amounts = geometry(len(x), **amounts)
    return numpy(ada_geometry.transform(ops.convert_to_tensor(x), amounts))


def test_nothing_happens_with_p_0():
    x = np.random.default_rng(0).uniform(-1, 1, (4, 16, 24, 3)).astype("float32")
    y = numpy(kg.augment.ADA(p=0.0)(x, 0))
    np.testing.assert_allclose(y, x, atol=1e-5)


def test_whole_pixels_are_exact():
    x = np.random.default_rng(0).uniform(-1, 1, (4, 16, 24, 2)).astype("float32")
    moved = transformed(x, xint=[[2 / 24, -1 / 16]] * 4)
    np.testing.assert_allclose(moved[:, :-1, 2:], x[:, 1:, :-2], atol=1e-5)


def test_flips_and_turns():
    x = images(side=32)
    inner = (slice(2, -2), slice(2, -2))
    flipped = transformed(x, xflip=[0, 1, 0, 1])
    np.testing.assert_allclose(flipped[0], x[0], atol=1e-5)
    np.testing.assert_allclose(flipped[1][inner], x[1, :, ::-1][inner], atol=0.02)
    turned = transformed(x, quarters=[0, 1, 2, 3])
    np.testing.assert_allclose(turned[2][inner], np.rot90(x[2], 2)[inner], atol=0.02)
    # Which way round a quarter goes is no matter, as both are as probable.
    ways = [
        [np.abs(turned[i] - np.rot90(x[i], k))[inner].max() < 0.02 for k in (1, 3)]
        for i in (1, 3)
    ]
    assert sorted(ways) == [[False, True], [True, False]]


def test_scale_rotation_and_fractions_of_pixels():
    side = 32
    place = (np.arange(side) + 0.5 - side / 2) / 8.0
    x_axis, y_axis = place[None, :], place[:, None]

    def bump(x, y):
        return np.exp(-((x - 0.4) ** 2) - (y + 0.3) ** 2)[None, :, :, None]

    given = bump(x_axis, y_axis).astype("float32")
    for amounts, expected in (
        ({"scale": [1.0]}, bump(x_axis / 2, y_axis / 2)),
        ({"aniso": [0.5]}, bump(x_axis / 2**0.5, y_axis * 2**0.5)),
        ({"xfrac": [[1.5 / side, 0.0]]}, bump(x_axis - 1.5 / 8, y_axis)),
    ):
        inner = (slice(None), slice(8, -8), slice(8, -8))
        np.testing.assert_allclose(
            transformed(given, **amounts)[inner], expected[inner], atol=0.01
        )
    angle = 0.7
    cosine, sine = np.cos(angle), np.sin(angle)
    turned = transformed(given, rotate=[angle])[:, 8:-8, 8:-8]
    ways = [
        bump(cosine * x_axis + s * y_axis, -s * x_axis + cosine * y_axis)
        for s in (sine, -sine)
    ]
    errors = [np.abs(turned - way[:, 8:-8, 8:-8]).max() for way in ways]
    assert min(errors) < 0.01 < max(errors)
    both = transformed(given, rotate=[angle], rotate_after=[-angle])
    np.testing.assert_allclose(both[:, 8:-8, 8:-8], given[:, 8:-8, 8:-8], atol=0.01)


def color(count, **amounts):
    zeros = np.zeros(count, "float32")
    values = dict.fromkeys(ada_color.Amounts._fields, zeros)
    given = {k: np.asarray(v, "float32") for k, v in amounts.items()}
    return ada_color.Amounts(
        **{k: ops.convert_to_tensor(v) for k, v in (values | given).items()}
    )


def recolored(x, **amounts):
    return numpy(ada_color.recolor(ops.convert_to_tensor(x), color(len(x), **amounts)))


def test_colors():
    x = np.random.default_rng(0).uniform(-1, 1, (2, 4, 4, 3)).astype("float32")
    grey = x.mean(-1, keepdims=True)
    close = {"atol": 1e-5}
    np.testing.assert_allclose(recolored(x), x, **close)
    np.testing.assert_allclose(
        recolored(x, brightness=[0.3, 0])[0], x[0] + 0.3, **close
    )
    np.testing.assert_allclose(recolored(x, contrast=[1, 1]), 2 * x, **close)
    np.testing.assert_allclose(recolored(x, lumaflip=[1, 1]), x - 2 * grey, **close)
    third = recolored(x, hue=[2 * np.pi / 3] * 2)
    assert min(np.abs(third - np.roll(x, k, -1)).max() for k in (1, 2)) < 1e-5
    stronger = recolored(x, saturation=[1, 1])
    np.testing.assert_allclose(stronger, grey + 2 * (x - grey), **close)
    # Brightness comes first.
    both = recolored(x, brightness=[0.3] * 2, contrast=[1] * 2)
    np.testing.assert_allclose(both, 2 * (x + 0.3), **close)


def test_colors_of_grey_images_and_of_alpha():
    x = np.random.default_rng(0).uniform(-1, 1, (2, 4, 4, 1)).astype("float32")
    amounts = {"hue": [1, 1], "saturation": [1, 1], "contrast": [1, 0]}
    expected = x * np.reshape([2.0, 1.0], (2, 1, 1, 1))
    np.testing.assert_allclose(recolored(x, **amounts), expected, atol=1e-5)
    rgba = np.random.default_rng(0).uniform(-1, 1, (2, 4, 4, 4)).astype("float32")
    changed = recolored(rgba, **amounts)
    np.testing.assert_array_equal(changed[..., 3], rgba[..., 3])
    np.testing.assert_allclose(changed[..., :3], recolored(rgba[..., :3], **amounts))
    with pytest.raises(ValueError, match="1, 3 or 4 channels.*Received: 2"):
        recolored(rgba[..., :2])
    with pytest.raises(ValueError, match="at least 8 x 8.*Received: 4 x 4"):
        transformed(rgba)


def test_one_table_gives_the_same_everywhere():
    """Compared with NumPy's numbers of one backend."""
    ada = kg.augment.ADA()
    rng = np.random.default_rng(5)
    uniform, gaussian = rng.uniform(size=(6, 20)), rng.normal(size=(6, 7))
    y = numpy(ada.apply(images(6), uniform, gaussian, 0.8))
    with np.load("tests/golden/ada.npz") as golden:
        np.testing.assert_allclose(y, golden["images"], atol=1e-4)
    assert all(np.abs(y[i] - images(6)[i]).max() > 0.05 for i in range(6))


@pytest.mark.parametrize("name", Strengths._fields)
def test_each_change_happens_as_often_as_asked(name):
    ada = kg.augment.ADA(p=0.5, **NOTHING | {name: 1.0})
    x = images(1, 8).repeat(400, 0)
    changed = np.abs(numpy(ada(x, 3)) - x).max((1, 2, 3)) > 1e-3
    # Half of the flips and a quarter of the turns are by nothing.
    share = {"xflip": 0.5, "lumaflip": 0.5, "rotate90": 0.75}.get(name, 1.0)
    low, high = (0.35, 0.65) if name != "xint" else (0.2, 0.65)  # some by 0 pixels
    assert low * share < changed.mean() < high * share


def test_gradients_flow_through_also_twice():
    ada = kg.augment.ADA(p=1.0)
    x = ops.convert_to_tensor(images(2, 8))

    def norm(x):
        _, gradient = backend.input_gradients(
            lambda x: ops.sum(ops.square(ada(x, 1)), (1, 2, 3)), x
        )
        return ops.sum(ops.square(gradient), (1, 2, 3))

    _, second = backend.input_gradients(norm, x)
    direction = images(2, 8, seed=4)
    small = 1e-2
    with_more, with_less = (
        numpy(norm(ops.convert_to_tensor(numpy(x).astype("f4") + s * direction)))
        for s in (small, -small)
    )
    by_differences = (with_more - with_less) / (2 * small)
    np.testing.assert_allclose(
        (numpy(second) * direction).sum((1, 2, 3)), by_differences, rtol=0.02
    )


def test_p_follows_the_sign_of_real_logits():
    ada = kg.augment.ADA(target=0.6, speed=64, every=2)
    ada.build()
    sure, unsure = np.ones((8, 1), "float32"), -np.ones((8, 1), "float32")
    logs = ada.update(sure, 8)
    assert ada.current_p == 0.0
    logs = ada.update(sure, 8)  # two batches of 8: 16 of 64 images
    assert ada.current_p == pytest.approx(0.25)
    assert float(numpy(logs["ada_r"])) == 1.0
    ada.update(np.concatenate([sure, unsure]), 16)
    ada.update(np.concatenate([sure, sure]), 16)  # r = 0.5: below the target
    assert ada.current_p == 0.0
    fixed = kg.augment.ADA(p=0.4, every=1, fixed=True)
    fixed.build()
    fixed.variables[0].assign([0.9, 0.0, 0.0, 0.0])  # of a backup
    logs = fixed.update(sure, 8)
    assert fixed.current_p == 0.4
    assert float(numpy(logs["ada_p"])) == pytest.approx(0.4)
    images = np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 1)).astype("float32")
    never = kg.augment.ADA(p=0.0, fixed=True)
    never.build()
    never.variables[0].assign([0.9, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(numpy(never.call(images, 3)), images, atol=1e-6)


def test_p_follows_logits_that_say_something():
    """From the logit of a discriminator that cannot tell; or not at all."""
    gan = kg.models.DCGAN((16, 16, 1), width=2, seed=0)
    for loss in ("wasserstein", "relativistic_pairing"):
        with pytest.raises(ValueError, match="Expected: a loss whose logits say"):
            gan.compile(loss=loss, augment="ada")
        gan.compile(loss=loss, augment=kg.augment.ADA(p=0.3, fixed=True))
    judge = keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer="ones")
    discriminator = keras.Sequential(
        [keras.Input((16, 16, 1)), keras.layers.Flatten(), judge]
    )
    judge.bias.assign([0.4])  # less than 1/2: "generated"
    gan = kg.models.DCGAN((16, 16, 1), width=2, seed=0, discriminator=discriminator)
    ada = kg.augment.ADA(speed=100, every=1)
    gan.compile(loss="least_squares", augment=ada, run_eagerly=True)
    x = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 1), "uint8")
    history = gan.fit(x, batch_size=8, verbose=0).history
    assert history["ada_r"] == [-1.0]


def test_p_counts_images_also_where_packs_are_judged():
    gan = kg.models.DCGAN((16, 16, 1), width=2, seed=0, pac=2)
    ada = kg.augment.ADA(p=0.5, speed=100, every=1)
    gan.compile(augment=ada, run_eagerly=True)
    x = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 1), "uint8")
    gan.fit(x, batch_size=8, verbose=0)
    assert abs(ada.current_p - 0.5) == pytest.approx(0.08)  # 8 images, 4 packs


def test_training_adapts_saves_and_resumes(tmp_path):
    keras.utils.set_random_seed(0)
    gan = kg.models.DCGAN((16, 16, 1), width=2, seed=0)
    gan.compile(augment=kg.augment.ADA(speed=100, every=1, hue=0.0))
    x = np.random.default_rng(0).integers(0, 256, (24, 16, 16, 1), "uint8")
    history = gan.fit(x, batch_size=8, epochs=2, verbose=0).history
    assert np.isfinite(history["ada_p"]).all() and "ada_r" in history
    gan.save(tmp_path / "a.keras")
    again = keras.saving.load_model(tmp_path / "a.keras")
    assert again.augment.get_config() == gan.augment.get_config()
    assert again.augment.current_p == gan.augment.current_p
    for model in (gan, again):
        model.fit(x, batch_size=8, epochs=3, initial_epoch=2, verbose=0)
    assert again.augment.current_p == gan.augment.current_p
    assert (gan.generate(3, seed=0) == again.generate(3, seed=0)).all()


def test_arguments():
    with pytest.raises(ValueError, match="xflip, rotate90.*Received: cutout"):
        kg.augment.ADA(cutout=1.0)
    for name, wrong in (
        ("target", 1.0), ("speed", 0), ("every", 2.5), ("p", "0.5"), ("hue", -1)
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"Expected: `{name}`"):
            kg.augment.ADA(**{name: wrong})
    assert isinstance(kg.augment.get("ada"), kg.augment.ADA)
