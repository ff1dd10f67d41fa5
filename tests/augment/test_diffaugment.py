"""DiffAugment: what each policy does, gradients, seeds, serialization."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gans import augment
from keras_gans import backend
from keras_gans.augment import DiffAugment


def apply(policy, images, seed=0):
    if isinstance(seed, int):
        seed = keras.random.SeedGenerator(seed)
    return ops.convert_to_numpy(DiffAugment(policy)(images, seed))


def random_images(shape=(64, 16, 24, 3), seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_shape_and_dtype(channels):
    images = random_images((5, 16, 24, channels))
    outputs = apply("color,translation,cutout", images)
    assert outputs.shape == images.shape
    assert outputs.dtype == "float32"
    assert np.all(np.isfinite(outputs))
    half = DiffAugment()(ops.cast(images, "bfloat16"), keras.random.SeedGenerator(0))
    assert keras.backend.standardize_dtype(half.dtype) == "bfloat16"


def test_color_of_one_channel_is_affine():
    """x -> a x + b: brightness U(-.5, .5), contrast U(.5, 1.5) around the mean."""
    images = random_images((256, 8, 8, 1))
    outputs = apply("color", images)
    brightness = outputs.mean((1, 2, 3)) - images.mean((1, 2, 3))
    contrast = outputs.std((1, 2, 3)) / images.std((1, 2, 3))
    centered = images - images.mean((1, 2, 3), keepdims=True)
    want = centered * contrast[:, None, None, None]
    want += outputs.mean((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(outputs, want, atol=1e-5)
    assert -0.5 <= brightness.min() < -0.45 and 0.45 < brightness.max() <= 0.5
    assert 0.499 <= contrast.min() < 0.55 and 1.45 < contrast.max() <= 1.501
    assert abs(np.corrcoef(brightness, contrast)[0, 1]) < 0.25


def test_color_of_three_channels():
    images = random_images((256, 8, 8, 3))
    outputs = apply("color", images)

    def gray_and_chroma(x):
        gray = x.mean(3, keepdims=True)
        return gray, x - gray

    gray, chroma = gray_and_chroma(images)
    new_gray, new_chroma = gray_and_chroma(outputs)
    contrast = new_gray.std((1, 2, 3)) / gray.std((1, 2, 3))
    scale = (new_chroma / chroma).reshape(256, -1)
    # One scale an image, the product of contrast and saturation of U(0, 2).
    np.testing.assert_allclose(
        new_chroma, chroma * np.median(scale, 1)[:, None, None, None], atol=1e-4
    )
    saturation = np.median(scale, 1) / contrast
    assert -1e-4 <= saturation.min() < 0.1 and 1.9 < saturation.max() <= 2.001


def test_translation_moves_whole_images_and_fills_with_zeros():
    images = random_images((128, 16, 24, 2))
    outputs = apply("translation", images)
    seen = set()
    for image, output in zip(images, outputs, strict=True):
        padded = np.pad(image, ((2, 2), (3, 3), (0, 0)))  # 1/8 of 16 and 24
        matches = [
            (i, j)
            for i in range(5)
            for j in range(7)
            if np.array_equal(output, padded[i : i + 16, j : j + 24])
        ]
        assert len(matches) == 1
        seen.add(matches[0])
    assert {i for i, _ in seen} == set(range(5))
    assert {j for _, j in seen} == set(range(7))
    assert len(seen) > 25


def test_cutout_zeroes_one_box():
    images = random_images((1024, 16, 24, 2)) + 2.0  # no zeros before
    outputs = apply("cutout", images)
    kept = outputs != 0.0
    np.testing.assert_array_equal(outputs[kept], images[kept])
    heights, widths, ends = set(), set(), set()
    for cut in ~kept:
        assert np.array_equal(cut[..., 0], cut[..., 1])
        rows = np.flatnonzero(cut[..., 0].any(1))
        columns = np.flatnonzero(cut[..., 0].any(0))
        box = np.ix_(rows, columns)
        assert cut[..., 0][box].all() and cut[..., 0].sum() == len(rows) * len(columns)
        assert len(rows) == rows[-1] - rows[0] + 1
        heights.add(len(rows))
        widths.add(len(columns))
        ends |= {("top", rows[0]), ("bottom", rows[-1])}
        ends |= {("left", columns[0]), ("right", columns[-1])}
    # Half the size, or what is left of it at an edge: half of the half and more.
    assert max(heights) == 8 and min(heights) >= 4
    assert max(widths) == 12 and min(widths) >= 6
    # The center takes each place from edge to edge.
    want = {("top", i) for i in range(13)} | {("bottom", i) for i in range(3, 16)}
    want |= {("left", i) for i in range(19)} | {("right", i) for i in range(5, 24)}
    assert ends == want


def test_images_differ_from_each_other():
    images = np.repeat(random_images((1, 16, 16, 3)), 8, axis=0)
    for policy in ("color", "translation", "cutout"):
        outputs = apply(policy, images)
        assert len({output.tobytes() for output in outputs}) > 4


def test_seeds():
    images = random_images((8, 16, 16, 3))
    seed = keras.random.SeedGenerator(1)
    policy = "color,translation,cutout"
    first, second = apply(policy, images, seed), apply(policy, images, seed)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, apply(policy, images, seed=1))
    # An int draws the same each time, but not the same numbers for all functions.
    fixed = [ops.convert_to_numpy(DiffAugment()(images, 5)) for _ in range(2)]
    np.testing.assert_array_equal(*fixed)
    color = ops.convert_to_numpy(DiffAugment("color")(images[..., :1], 5))
    brightness = color.mean((1, 2, 3)) - images[..., :1].mean((1, 2, 3))
    contrast = color.std((1, 2, 3)) / images[..., :1].std((1, 2, 3))
    assert abs(np.corrcoef(brightness, contrast)[0, 1]) < 0.9


def test_policy_order_and_subset():
    images = random_images((8, 16, 16, 1))
    # Cutout last leaves zeros, cutout first does not.
    assert np.any(apply("color,cutout", images) == 0.0)
    assert not np.any(apply("cutout,color", images) == 0.0)


def test_gradient_is_the_transpose():
    """The map is linear but for brightness: <T(x) - T(0), y> = <x, grad <T(.), y>>."""
    images = random_images((4, 8, 8, 3))
    weights = ops.convert_to_tensor(random_images((4, 8, 8, 3), seed=1))
    augmented = DiffAugment()

    def product(x):
        return ops.sum(ops.multiply(augmented(x, 3), weights), axis=(1, 2, 3))

    values, gradients = backend.input_gradients(product, ops.convert_to_tensor(images))
    at_zero = ops.convert_to_numpy(product(np.zeros_like(images)))
    got = np.sum(ops.convert_to_numpy(gradients) * images, (1, 2, 3))
    np.testing.assert_allclose(
        got, ops.convert_to_numpy(values) - at_zero, rtol=1e-4, atol=1e-4
    )
    assert np.any(ops.convert_to_numpy(gradients) != 0.0)


def test_second_derivative():
    """A gradient penalty sees the augmentation: d/dw sum |grad_x (w T(x))^2 / 2|^2."""
    images = random_images((2, 8, 8, 1))
    w = keras.Variable(1.0)
    augmented = DiffAugment("translation,cutout")

    def objective():
        def critic(x):
            return 0.5 * ops.sum(ops.square(w * augmented(x, 3)), axis=(1, 2, 3))

        _, gradients = backend.input_gradients(critic, ops.convert_to_tensor(images))
        return ops.sum(ops.square(gradients)), None

    (value, _), (gradient,) = backend.value_and_grad(objective, [w])
    # T is a selection of pixels: the sum is w^4 sum T(x)^2.
    want = np.sum(ops.convert_to_numpy(augmented(images, 3)) ** 2)
    np.testing.assert_allclose(ops.convert_to_numpy(value), want, rtol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), 4 * want, rtol=1e-5)


def test_unknown_batch_size():
    """In `predict`, TensorFlow traces with B unknown."""
    seed = keras.random.SeedGenerator(0)

    @keras.saving.register_keras_serializable("test_diffaugment")
    class Augmented(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.seed_generator = seed

        def call(self, x):
            return DiffAugment()(x, self.seed_generator)

    model = keras.Sequential([keras.layers.Input((8, 8, 3)), Augmented()])
    model.compile()
    outputs = model.predict(random_images((5, 8, 8, 3)), batch_size=2, verbose=0)
    assert outputs.shape == (5, 8, 8, 3)


@pytest.mark.parametrize("policy", ["colour", "", "color,,cutout", "color;cutout"])
def test_unknown_policy(policy):
    with pytest.raises(ValueError, match="'color', 'translation', 'cutout'.*Received"):
        DiffAugment(policy)


@pytest.mark.parametrize("shape", [(4, 2), (8, 8, 3)])
def test_refuses_what_is_no_batch_of_images(shape):
    with pytest.raises(ValueError, match="Received"):
        DiffAugment()(np.zeros(shape, "float32"), 0)


def test_refuses_uint8():
    with pytest.raises(ValueError, match="Received: dtype uint8"):
        DiffAugment()(np.zeros((1, 8, 8, 3), "uint8"), 0)


def test_serialization_and_get():
    augmented = DiffAugment(" translation, cutout")
    assert augmented.policy == "translation,cutout"
    config = keras.saving.serialize_keras_object(augmented)
    again = augment.get(config)
    assert type(again) is DiffAugment and again.policy == "translation,cutout"
    assert augment.get(again) is again
    assert type(augment.get("diffaugment")) is DiffAugment
    assert augment.get(None) is None
    with pytest.raises(ValueError, match="Did you mean 'diffaugment'"):
        augment.get("DiffAug")
    with pytest.raises(ValueError, match="Received: 3"):
        augment.get(3)
