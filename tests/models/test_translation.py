"""Models that make images of images: their data, objectives and use."""

import keras
import numpy as np
import pytest
from keras import layers
from keras import ops

import keras_gans as kg
from keras_gans.batches import ArrayBatches
from keras_gans.models.translation.networks import unet_generator
from tests.gan_test_case import QUICKEST
from tests.gan_test_case import Batches
from tests.gan_test_case import max_difference
from tests.gan_test_case import to_numpy

SMALL = {"width": 4, "discriminator_width": 4, "discriminator_layers": 2, "seed": 0}
A = np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), "uint8")
B = np.random.default_rng(1).integers(0, 256, (4, 16, 16, 3), "uint8")


def scaled(factor, channels=3, side=16):
    """A network that multiplies by a number."""
    x = inputs = keras.Input((side, side, channels))
    x = layers.Conv2D(
        channels,
        1,
        use_bias=False,
        kernel_initializer=keras.initializers.Constant(0.0),
    )(x)
    network = keras.Model(inputs, x)
    kernel = factor * np.eye(channels, dtype="float32")[None, None]
    network.set_weights([kernel])
    return network


def cycle_gan(**kwargs):
    keras.utils.set_random_seed(0)
    return kg.models.CycleGAN((16, 16, 3), blocks=1, **SMALL | kwargs)


def pix2pix(**kwargs):
    keras.utils.set_random_seed(0)
    return kg.models.Pix2Pix((16, 16, 3), **SMALL | kwargs)


# -------------------------------------------------------------------- the equations


def test_losses_of_cycle_gan_by_hand():
    """Of generators that multiply by 1/2 and 3, and discriminators by 1.

    Images are small, as sums of equal numbers one by one are off by their count.
    """
    model = kg.models.CycleGAN(
        (4, 4, 3),
        generator_b=scaled(0.5, side=4),
        generator_a=scaled(3.0, side=4),
        discriminator_b=scaled(1.0, side=4),
        discriminator_a=scaled(1.0, side=4),
        pool_size=0,
    )
    model.compile()
    a = np.full((2, 4, 4, 3), 0.4, "float32")
    b = np.full((2, 4, 4, 3), -0.2, "float32")
    tensors = [ops.convert_to_tensor(x) for x in (a, b)]
    value, logs, fakes = model.generator_objective(*tensors)
    # F(a) = .2, G(b) = -.6; back: .6 for .4, -.3 for -.2; F(b) = -.1, G(a) = 1.2.
    adversarial = 0.5 * (0.2 - 1) ** 2 + 0.5 * (-0.6 - 1) ** 2
    cycle, identity = 0.2 + 0.1, 0.1 + 0.8
    expected = 2 * adversarial + 10 * cycle + 5 * identity
    values = to_numpy([value, logs["g_loss"], logs["cycle"], logs["identity"]])
    assert values == pytest.approx([expected, adversarial, cycle, identity], rel=1e-5)
    value, logs = model.discriminator_objective(*tensors, fakes)
    real, fake = (-0.2, 0.4), (0.2, -0.6)
    expected = sum(0.5 * (r - 1) ** 2 + 0.5 * f**2 for r, f in zip(real, fake))  # noqa: B905
    values = to_numpy([value, logs["d_loss"], logs["d_real"], logs["d_fake"]])
    assert values == pytest.approx([expected, expected / 2, 0.1, -0.2], rel=1e-5)


def test_losses_of_pix2pix_by_hand():
    b, a = keras.Input((4, 4, 3)), keras.Input((4, 4, 3))
    discriminator = keras.Model([b, a], layers.Subtract()([b, a]))
    model = kg.models.Pix2Pix(
        (4, 4, 3), generator=scaled(0.5, side=4), discriminator=discriminator
    )
    model.compile(loss="least_squares")
    a = ops.convert_to_tensor(np.full((1, 4, 4, 3), 0.4, "float32"))
    b = ops.convert_to_tensor(np.full((1, 4, 4, 3), -0.2, "float32"))
    value, logs, fake = model.generator_objective(a, b)
    # G(a) = .2, of which D says .2 - .4.
    adversarial = 0.5 * (-0.2 - 1) ** 2
    values = to_numpy([value, logs["g_loss"], logs["l1"]])
    assert values == pytest.approx([adversarial + 40.0, adversarial, 0.4], rel=1e-5)
    value, logs = model.discriminator_objective(a, b, fake)
    expected = 0.5 * (-0.6 - 1) ** 2 + 0.5 * 0.2**2
    values = to_numpy([value, logs["d_real"], logs["d_fake"]])
    assert values == pytest.approx([expected, -0.6, -0.2], rel=1e-5)


@pytest.mark.parametrize("body", ["resnet", "residual_unet"])
def test_global_skip_is_trained_and_saved(body, tmp_path):
    """A generator whose last convolution is zero gives the image that it gets."""
    model = cycle_gan(body=body, halvings=1, global_skip=True)
    for network in (model.generator_b, model.ema_generator_b):
        last = network.get_layer("to_image")
        last.set_weights([0 * w for w in last.get_weights()])
    np.testing.assert_array_equal(model.translate(A), A)
    model.compile(**QUICKEST | {"generator_optimizer": keras.optimizers.Adam(0.01)})
    model.fit((A, B), batch_size=2, verbose=0)
    images = model.translate(A)
    assert (images != A).any()
    model.save_to_preset(tmp_path)
    again = kg.models.CycleGAN.from_preset(tmp_path)
    config = again.get_config()
    assert config["halvings"] == 1 and config["global_skip"] and config["body"] == body
    np.testing.assert_array_equal(again.translate(A), images)
    with pytest.raises(ValueError, match="`global_skip` of a resnet or"):
        cycle_gan(body="unet", global_skip=True)


def test_the_pool_holds_what_was_generated():
    model = cycle_gan(pool_size=3)
    model.compile(**QUICKEST)
    model.fit((A[:2], B[:2]), batch_size=1, verbose=0)
    count, images = to_numpy([model.pool_b.count, model.pool_b.images])
    assert count == 2 and np.abs(images[:2]).max() > 0 and (images[2] == 0).all()


def test_discriminators_see_images_of_the_pool():
    """Half of 32 generated ones, about, give way to those of a pool of 0.9."""
    networks = {
        f"{player}_{domain}": scaled(1.0, side=4)
        for player in ("generator", "discriminator")
        for domain in "ab"
    }
    model = kg.models.CycleGAN((4, 4, 3), pool_size=32, seed=0, **networks)
    model.compile(**QUICKEST)
    model.pool_b.images.assign(np.full((32, 4, 4, 3), 0.9, "float32"))
    model.pool_a.images.assign(np.full((32, 4, 4, 3), 0.9, "float32"))
    for pool in (model.pool_a, model.pool_b):
        pool.count.assign(32)
    x = ops.convert_to_tensor(np.full((32, 4, 4, 3), 0.1, "float32"))
    fakes = [x, x]
    _, logs = model.discriminator_objective(x, x, fakes)
    _, unpooled = model.discriminator_objective(x, x, fakes, training=False)
    seen, generated = to_numpy([logs["d_fake"], unpooled["d_fake"]])
    assert generated == pytest.approx(0.1, rel=1e-3)
    assert 0.3 < seen < 0.7
    assert (np.abs(to_numpy([model.pool_b.images])[0] - 0.1) < 1e-6).any()


def test_no_identity_between_domains_of_other_shapes():
    model = kg.models.CycleGAN((16, 16, 1), (16, 16, 3), blocks=1, **SMALL)
    model.compile(**QUICKEST)
    assert "identity" not in {m.name for m in model.metrics}
    model.fit((A[..., :1], B), batch_size=2, verbose=0)
    assert model.translate(A[..., :1], to="b").shape == (7, 16, 16, 3)
    assert model.translate(B, to="a").shape == (4, 16, 16, 1)
    with pytest.raises(ValueError, match="identity_weight=0"):
        model.compile(identity_weight=1.0)


# -------------------------------------------------------------------- the data


def test_unpaired_domains_have_orders_of_their_own():
    x, y = np.arange(7), np.arange(4)
    batches = ArrayBatches((x, y), 2, True, seed=0, aligned=False)
    assert len(batches) == 3  # the longest of the two is seen once
    seen = [np.concatenate(part) for part in zip(*batches, strict=True)]
    assert len(set(seen[0])) == 6 and sorted(seen[1][:4]) == [0, 1, 2, 3]
    again = ArrayBatches((x, y), 2, True, seed=0, aligned=False)
    assert all(
        (a == b).all()
        for a, b in zip(
            seen, map(np.concatenate, zip(*again, strict=True)), strict=True
        )
    )  # noqa: E501
    again.set_epoch(1)
    assert not (again[0][0] == batches[0][0]).all()


def test_forms_of_data_agree():
    weights = []
    for data in (((A[:4], B), None), (A[:4], B), (Batches(A[:4], 2, B), None)):
        model = cycle_gan(
            generator_b=scaled(0.5),
            generator_a=scaled(0.5),
            discriminator_b=scaled(0.1),
            discriminator_a=scaled(0.1),
        )
        model.compile(**QUICKEST)
        given = {} if isinstance(data[0], Batches) else {"batch_size": 2}
        model.fit(*data, shuffle=False, verbose=0, **given)
        weights.append(to_numpy(model.weights))
    assert max_difference(weights[0], weights[1]) == 0
    assert max_difference(weights[0], weights[2]) == 0
    (kernel,) = to_numpy(model.generator_b.weights)
    assert abs(kernel[0, 0, 0, 0] - 0.5) > 1e-5  # it was trained


@pytest.mark.parametrize("domains", [(A[:3], A), (A, A[:3])])
def test_batches_are_as_asked_for_though_a_domain_is_small(domains):
    model = cycle_gan()
    model.compile(**QUICKEST)
    model.fit(domains, batch_size=6, verbose=0)
    assert int(model.images_seen) == 6


def test_validation_of_domains_of_different_lengths():
    model = cycle_gan()
    model.compile(**QUICKEST)
    history = model.fit(
        (A, B), batch_size=2, validation_data=(A[:3], B[:2]), verbose=0
    ).history
    assert np.isfinite(history["val_cycle"]).all()
    arguments = {"batch_size": 2, "return_dict": True, "verbose": 0}
    found = model.evaluate((A[:3], B[:2]), **arguments)
    assert found["cycle"] == pytest.approx(history["val_cycle"][0], rel=1e-3)


def test_what_several_devices_evaluate(monkeypatch):
    monkeypatch.setattr(kg.backend, "replicas_of", lambda model: 2)
    model = cycle_gan()
    checked = model._checked_validation((A[:3], B), 1)  # batches of 2: of all images
    assert [len(part) for part in checked.arrays] == [3, 4]
    assert [len(checked[i][0]) for i in range(len(checked))] == [2, 2]
    assert len(model._in_batches(A, B, 3)[0][0]) == 4


def test_the_last_batch_counts_as_its_examples():
    model = pix2pix()
    model.compile(**QUICKEST)
    arguments = {"verbose": 0, "return_dict": True}
    alone = [model.evaluate(A[i : i + 1], A[i : i + 1], **arguments) for i in range(3)]
    found = model.evaluate(A[:3], A[:3], batch_size=2, **arguments)
    assert found["l1"] == pytest.approx(np.mean([x["l1"] for x in alone]), rel=1e-4)
    assert abs(alone[2]["l1"] - found["l1"]) > 1e-4  # each image has its own


def test_a_bright_first_batch_is_evaluated():
    a, b = (x.astype("float32") / 127.5 - 1.0 for x in (A, B))
    a[:2] = np.abs(a[:2])
    model = cycle_gan()
    model.compile(**QUICKEST)
    losses = model.evaluate((a, b), batch_size=2, verbose=0)  # a warning would raise
    assert np.isfinite(losses).all()


def test_a_schedule_of_steps_counts_the_larger_domain():
    model = cycle_gan()
    model.compile(**QUICKEST)
    schedule = kg.callbacks.DiscriminatorSteps({1: 2})
    model.fit((A[:2], B), batch_size=2, epochs=2, callbacks=[schedule], verbose=0)
    updates = {
        name: int(ops.convert_to_numpy(player.iterations))
        for name, player in model.optimizer.players.items()
    }
    assert updates == {"generator": 4, "discriminator": 6}


def test_wrong_data(tmp_path):
    model = pix2pix()
    model.compile(**QUICKEST)
    with pytest.raises(ValueError, match="two domains.*Received: those of one"):
        model.fit(A)
    with pytest.raises(ValueError, match="as many images in `y`.*7 and 4"):
        model.fit(A, B)
    with pytest.raises(ValueError, match="`y` has the wrong shape"):
        model.fit(A, A[:, :8])
    with pytest.raises(ValueError, match=r"`y` has the wrong range.*\[0, 1\]"):
        model.fit(A, (A / 255.0).astype("float32"))
    with pytest.raises(ValueError, match="l1_weight.*-1"):
        model.compile(l1_weight=-1.0)
    with pytest.raises(ValueError, match="generator_b does not fit"):
        cycle_gan(generator_b=scaled(1.0, channels=1))
    with pytest.raises(ValueError, match="'residual_unet'.*'vit'"):
        cycle_gan(body="vit")
    with pytest.raises(ValueError, match="CycleGAN.*use `TranslationGrid`"):
        model = cycle_gan()
        model.compile(**QUICKEST)
        model.fit((A, B), callbacks=[kg.callbacks.SampleGrid(tmp_path)], verbose=0)


# -------------------------------------------------------------------- its use


def test_translations():
    model = cycle_gan(generator_b=scaled(0.5), generator_a=scaled(-1.0))
    half = model.translate(A)
    assert half.dtype == np.uint8
    np.testing.assert_allclose(half, 127.5 + (A - 127.5) / 2, atol=0.51)
    np.testing.assert_allclose(model.translate(B, to="a"), 255.0 - B, atol=0.51)
    there, back = model.cycle(B, of="b")
    np.testing.assert_allclose(there, 255.0 - B, atol=0.51)
    np.testing.assert_allclose(back, 127.5 + (127.5 - B) / 2, atol=1.01)
    floats = A.astype("float32") / 127.5 - 1.0
    assert (model.translate(floats) == half).all()
    with pytest.raises(ValueError, match="'b' or 'a'.*Received: 'c'"):
        model.translate(A, to="c")
    with pytest.raises(ValueError, match="'b', a domain.*Received: 'a'"):
        pix2pix().translate(A, to="a")


def test_larger_images_are_translated_in_tiles():
    model = cycle_gan(generator_b=scaled(0.5))
    large = np.random.default_rng(0).integers(0, 256, (2, 37, 50, 3), "uint8")
    made = model.translate(large)
    np.testing.assert_allclose(made, 127.5 + (large - 127.5) / 2, atol=0.51)
    # Tiles that are bright all over look like images in [0, 1], which none is.
    bright = np.ones((1, 40, 40, 3), "float32")
    bright[0, 0, 0] = -1.0
    assert (model.translate(bright)[0, 20:, 20:] == 191).all()
    with pytest.raises(ValueError, match="wrong shape"):
        model.translate(large[:, :8])


def test_presets(tmp_path):
    for model, cls in (
        (cycle_gan(), kg.models.CycleGAN),
        (pix2pix(), kg.models.Pix2Pix),
    ):
        folder = model.save_to_preset(tmp_path / cls.__name__)
        again = cls.from_preset(folder)
        assert max_difference(to_numpy(model.weights), to_numpy(again.weights)) == 0
        assert "gan.translate" in (folder / "README.md").read_text("utf-8")


def test_own_networks_come_back(tmp_path):
    model = cycle_gan(generator_b=scaled(0.5))
    model.compile(**QUICKEST)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert (again.translate(A) == model.translate(A)).all()


def test_grid_of_pairs_wants_pairs(tmp_path):
    model = pix2pix()
    model.compile(**QUICKEST)
    grid = kg.callbacks.TranslationGrid(tmp_path, A, B)
    with pytest.raises(ValueError, match="pairs, as many.*7 and 4"):
        model.fit(A, A, callbacks=[grid], verbose=0)


@pytest.mark.parametrize("make", [cycle_gan, pix2pix])
def test_grid_of_translations(make, tmp_path):
    model = make()
    model.compile(**QUICKEST)
    grid = kg.callbacks.TranslationGrid(tmp_path, A[:4], B, rows=3)
    model.fit(A[:4], B, batch_size=2, epochs=2, callbacks=[grid], verbose=0)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["animation.webp"] + [f"epoch_000{i}.png" for i in range(3)]
    from PIL import Image

    with Image.open(tmp_path / "epoch_0002.png") as picture:
        shown = np.asarray(picture)
    # Rows of 16 pixels and 1 between. Of CycleGAN, each way: input, output, and back;
    # of pix2pix: input, output, truth.
    width = 3 * 17 + 1
    assert shown.shape == (3 * 17 + 1, 2 * width + 8 if make is cycle_gan else width, 3)
    assert (shown[1:17, 1:17] == A[0]).all()
    if make is cycle_gan:
        assert (shown[1:17, 18:34] == model.translate(A[:1])[0]).all()
    else:  # whose dropout is noise
        assert (shown[1:17, 35:51] == B[0]).all()


# ------------------------------------------------------------------------- the steps


@pytest.mark.parametrize("make", [cycle_gan, pix2pix])
def test_more_updates_of_the_discriminator(make, tmp_path):
    model = make()
    model.compile(**QUICKEST)
    model.discriminator_steps = 2
    model.fit(A, A[::-1], batch_size=2, verbose=0)
    updates = {
        name: int(ops.convert_to_numpy(player.iterations))
        for name, player in model.optimizer.players.items()
    }
    assert updates == {"generator": 1, "discriminator": 2}
    assert model.images_seen == 4
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.discriminator_steps == 2


def test_batches_of_validation(monkeypatch):
    sizes = []
    in_batches = kg.models.CycleGAN._in_batches

    def spy(self, *args):
        batches = in_batches(self, *args)
        sizes.append([len(batches[i][0]) for i in range(len(batches))])
        return batches

    monkeypatch.setattr(kg.models.CycleGAN, "_in_batches", spy)
    model = cycle_gan()
    model.compile(**QUICKEST)
    validation = {"validation_data": (A, B), "validation_batch_size": 3}
    model.fit((A, B), batch_size=2, steps_per_epoch=1, verbose=0, **validation)
    assert sizes == [[3, 3, 3]]  # all 7 images of A


def test_dropout_has_the_seed_of_the_model():
    states = []
    for seed in (1, 1, 2):
        network = kg.models.Pix2Pix((16, 16, 3), **SMALL | {"seed": seed}).generator
        seeds = [layer.seed for layer in network.layers if hasattr(layer, "seed")]
        assert seeds and None not in seeds
        states.append(seeds)
    assert states[0] == states[1] != states[2]


@pytest.mark.filterwarnings("ignore:__array__")
def test_noise_of_translations_has_a_seed():
    model = pix2pix()
    weights = [10 * w for w in model.ema_generator.get_weights()]
    model.ema_generator.set_weights(weights)
    first = model.translate(A, seed=1)
    other = model.translate(A, seed=2)
    np.testing.assert_array_equal(model.translate(A), other)
    np.testing.assert_array_equal(model.translate(A, seed=1), first)
    assert (first != other).any()
    with pytest.raises(ValueError, match="`seed` as an int of at least 0"):
        model.translate(A, seed=-1)


def test_statistics_of_batches_are_those_of_one_image():
    """As the authors of pix2pix test; else an image's translation depends on others."""
    network = unet_generator(
        (16, 16, 3), 3, 4, dropout=False, normalization="test_batch"
    )
    network.set_weights([5 * w for w in network.get_weights()])
    model = pix2pix(generator=network)
    images = model.translate(A)
    for image, one in zip(images, A, strict=True):
        np.testing.assert_array_equal(model.translate(one[None])[0], image)
    assert (model.translate(A, batch_size=len(A)) != images).any()


def test_u_nets_of_cycle_gan_have_no_dropout():
    """As the authors' have; pix2pix' have."""
    for model, has_dropout in ((cycle_gan(body="unet"), False), (pix2pix(), True)):
        network = model.directions()["b"][0]
        network.set_weights([5 * w for w in network.get_weights()])
        images = [model.translate(A, seed=seed) for seed in (0, 1)]
        assert (images[0] != images[1]).any() == has_dropout


def test_a_bright_image_is_translated_with_a_warning():
    model = cycle_gan(generator_b=scaled(0.5))
    for images in (np.ones((1, 16, 16, 3), "float32"), np.ones((1, 40, 40, 3), "f4")):
        with pytest.warns(UserWarning, match="all are bright.*float32 in .1, 1."):
            made = model.translate(images)
        assert (made == 191).all()
    # Of arrays to train on it is an error still, however few they are.
    model.compile(**QUICKEST)
    with pytest.raises(ValueError, match="wrong range"):
        model.fit((images[:, :16, :16], B), verbose=0)
    batches = Batches(images[:, :16, :16], 1, images[:, :16, :16])
    with pytest.warns(UserWarning, match="all are bright"):
        model.fit(batches, verbose=0)


@pytest.mark.parametrize("tile", [0, -1, 16.0])
def test_no_such_tile(tile):
    with pytest.raises(ValueError, match="Expected: `tile`"):
        cycle_gan().translate(A, tile=tile)
    np.testing.assert_array_equal(
        cycle_gan().translate(A, tile=np.int64(16)), cycle_gan().translate(A)
    )


def test_metrics_of_images_alone_are_monitored():
    one = kg.callbacks.TranslationMonitor(
        A, A, kg.metrics.PairwiseDiversity(num_samples=7)
    )
    assert len(one.metrics) == 1
    with pytest.raises(ValueError, match="of images. Received: PerceptualPathLength"):
        kg.callbacks.TranslationMonitor(A, A, [kg.metrics.PerceptualPathLength()])


def test_channels_that_cannot_be_drawn(tmp_path):
    two = np.zeros((2, 16, 16, 2), "uint8")
    model = pix2pix(image_shape_b=(16, 16, 2))
    model.compile(**QUICKEST)
    grid = kg.callbacks.TranslationGrid(tmp_path, A[:2], two)
    with pytest.raises(ValueError, match="2 channels in domain b"):
        model.fit(A[:2], two, callbacks=[grid], verbose=0)


def test_features_of_other_channels():
    model = kg.models.SRGAN(
        (8, 8, 4), scale=2, width=4, blocks=1, discriminator_width=4
    )
    with pytest.raises(ValueError, match="1 or 3 channels.*Received: 4"):
        model.compile()
    model.compile(perceptual_weight=0.0, pixel_weight=1.0)
