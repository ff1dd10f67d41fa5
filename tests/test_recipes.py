"""Every recipe's `main` runs, on tiny data."""

import importlib.util
import pathlib

import numpy as np
import pytest
from PIL import Image

import keras_gans as kg

RECIPES = pathlib.Path(__file__).parent.parent / "recipes"
TINY = ["--epochs", "1", "--num-images", "16", "--batch-size", "4"]
SMALL = [*TINY, "--width", "4"]
STYLES = ["--channel-base", "32", "--channel-max", "4", "--style-dim", "6"]
TRAININGS = {
    "train_gan_fashion_mnist": [*TINY, "--hidden-units", "8"],
    "train_biggan_emoji": SMALL,
    "train_biggan_fashion_mnist": [
        *SMALL,
        *("--discriminator-steps", "1", "--model", "BigGANDeep"),
    ],
    "train_dcgan_fashion_mnist": SMALL,
    "train_cgan_fashion_mnist": SMALL,
    "train_acgan_fashion_mnist": SMALL,
    "train_infogan_fashion_mnist": SMALL,
    # More images than the features of the distance that it measures.
    "train_r3gan_fashion_mnist": [*SMALL, "--num-images", "96", "--batch-size", "48"],
    "train_r3gan_emoji": [*SMALL, "--image-size", "16"],
    "train_sngan_fashion_mnist": SMALL,
    "train_stylegan2_emoji": [*TINY, *STYLES, "--image-size", "16"],
    "train_sagan_emoji": SMALL,
    "train_wgan_gp_fashion_mnist": ["--num-images", "40", *SMALL[:2], *SMALL[4:]],
}
JUDGED = {  # options, and rows of the table
    "sketch_to_photo": ([], ["identity", "pix2pix"]),
    "colorize": ([], ["identity", "mean color", "pix2pix"]),
    "inpaint": ([], ["mean fill", "context encoder"]),
    "super_resolution": (
        ["--scale", "2", "--blocks", "1", "--pretraining", "1"]
        + ["--perceptual-weight", "0"],
        ["nearest", "bicubic", "without D", "srgan"],
    ),
}
ON_ALL_BACKENDS = ("train_gan_fashion_mnist", "train_dcgan_fashion_mnist")


def load(name):
    spec = importlib.util.spec_from_file_location(name, RECIPES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.once
def test_quick_gives_way_to_what_is_asked_for(tmp_path):
    gan = load("train_dcgan_fashion_mnist").main(
        [*SMALL, "--quick", "--out", str(tmp_path)]
    )
    assert gan.get_config()["width"] == 4 and int(gan.images_seen) == 16


def test_every_recipe_is_short_and_tested():
    names = {path.stem for path in RECIPES.glob("*.py")}
    assert names == {
        *TRAININGS,
        "train_dcgan_your_folder",
        "train_stylegan2_your_folder",
        "style_mixing",
        "interpolation_video",
        "project_image",
        "augment_a_small_dataset",
        "translate_emoji_styles",
        *JUDGED,
        "sample",
        "resume",
        "translate",
        "upscale",
    }
    for path in RECIPES.glob("*.py"):
        assert len(path.read_text("utf-8").splitlines()) <= 120, path


# The contract trains every model on every backend; a recipe is the same on all.
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ON_ALL_BACKENDS else pytest.mark.once)
        for name in TRAININGS
    ],
)
def test_training_then_sampling(name, tmp_path):
    load(name).main([*TRAININGS[name], "--out", str(tmp_path)])
    assert list(tmp_path.glob("*.png"))
    picture = tmp_path / "samples" / "s.png"
    preset = str(tmp_path / "preset")
    images = load("sample").main([preset, "--num", "6", "--out", str(picture)])
    assert len(images) == 6
    with Image.open(picture) as image:
        assert min(image.size) > images.shape[1]


@pytest.mark.once
@pytest.mark.parametrize("name", ["train_r3gan_fashion_mnist", "train_r3gan_emoji"])
def test_a_preset_is_trained_on(name, tmp_path):
    recipe, options = load(name), TRAININGS[name]
    first = recipe.main([*options, "--out", str(tmp_path / "a")])
    options = [*options, "--preset", str(tmp_path / "a" / "preset"), "--rate", "0"]
    again = recipe.main([*options, "--width", "8", "--out", str(tmp_path / "b")])
    assert int(again.images_seen) == 2 * int(first.images_seen)
    for kept, weight in zip(
        first.generator.get_weights(), again.generator.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(kept, weight)
    if "fashion" in name:
        best = kg.models.R3GAN.from_preset(str(tmp_path / "b" / "best"))
        assert best.generate(2).shape == (2, 32, 32, 1)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "photos" / "more"
    folder.mkdir(parents=True)
    for i, size in enumerate([(20, 30), (40, 16), (16, 16), (33, 17)]):
        image = rng.integers(0, 256, (*size, 3), "uint8")
        Image.fromarray(image).save((folder.parent, folder)[i % 2] / f"{i}.png")
    return folder.parent


def test_your_folder(folder, tmp_path):
    gan = load("train_dcgan_your_folder").main(
        [str(folder), "--out", str(tmp_path / "run"), "--image-size", "16"]
        + ["--epochs", "1", "--width", "4", "--batch-size", "2"]
    )
    assert gan.generate(2).shape == (2, 16, 16, 3)


@pytest.mark.once
def test_your_folder_goes_on_when_it_was_done(folder, tmp_path, capsys):
    options = ["--image-size", "16", "--width", "4", "--batch-size", "2"]
    options += ["--out", str(tmp_path / "run")]
    recipe = load("train_dcgan_your_folder")
    first = recipe.main([str(folder), "--epochs", "1", *options])
    again = recipe.main([str(folder), "--epochs", "3", *options])
    assert "Resuming after epoch 1 of 3" in capsys.readouterr().out
    assert int(again.images_seen) == 3 * int(first.images_seen)


@pytest.mark.once
@pytest.mark.parametrize("style", ["dcgan", "stylegan2"])
def test_sample_grids_are_not_trained_on(folder, style, monkeypatch, capsys):
    """The usual place of results is in the folder, if one is there."""
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit):
        load(f"train_{style}_your_folder").main(["."])
    assert "is inside" in capsys.readouterr().err


@pytest.mark.once
@pytest.mark.parametrize("name", ["sample", "style_mixing", "project_image"])
def test_pictures_without_a_format(name, capsys):
    given = {"sample": [], "style_mixing": ["x"], "project_image": ["x", __file__]}
    with pytest.raises(SystemExit):
        load(name).main([*given[name], "--out", "picture"])
    error = " ".join(capsys.readouterr().err.split())
    assert "--out: Expected: the path of a picture" in error
    assert "Received: 'picture'" in error


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "preset", "message"),
    [
        ("sample", "pix2pix_emoji_edges_64", "Pix2Pix, which makes images of images"),
        ("style_mixing", "dcgan_fashion_mnist_32", "DCGAN, which has no styles"),
        ("translate", "dcgan_fashion_mnist_32", "`DCGAN.from_preset(...).generate"),
    ],
)
def test_presets_of_another_kind(name, preset, message, capsys):
    with pytest.raises(SystemExit):
        load(name).main([preset, *([__file__] if name == "translate" else [])])
    assert message in capsys.readouterr().err


@pytest.mark.once
def test_styles_of_your_folder(folder, tmp_path):
    """Trained, then mixed, filmed and projected."""
    load("train_stylegan2_your_folder").main(
        [str(folder), "--out", str(tmp_path / "run"), "--image-size", "16", *STYLES]
        + ["--kimg", "0.004", "--batch-size", "2", "--mirror"]
    )
    preset = str(tmp_path / "run" / "preset")
    grid = load("style_mixing").main(
        [preset, "--rows", "2", "--columns", "2", "--out", str(tmp_path / "mixing.png")]
    )
    assert grid.shape == (3, 3, 16, 16, 3) and (tmp_path / "mixing.png").exists()
    film = load("interpolation_video").main(
        [preset, "--out", str(tmp_path / "film.webp"), "--stops", "2", "--frames", "2"]
    )
    assert film.exists()
    found = load("project_image").main(
        [preset, str(folder / "0.png"), "--out", str(tmp_path / "found.png")]
        + ["--steps", "2"]
    )
    assert np.load(tmp_path / "found.npy").shape == found["styles"].shape


@pytest.mark.parametrize(
    ("left_out", "row"), [("--pretraining", "srgan"), ("--epochs", "without D")]
)
@pytest.mark.once
def test_super_resolution_in_one_phase(left_out, row, tmp_path):
    phases = {"--pretraining": "1", "--epochs": "1"} | {left_out: "0"}
    rows = load("super_resolution").main(
        ["--scale", "2", "--blocks", "1", "--width", "4", "--discriminator-width", "4"]
        + ["--perceptual-weight", "0", "--num-images", "4", "--image-size", "32"]
        + [*sum(phases.items(), ()), "--batch-size", "2", "--out", str(tmp_path)]
    )
    assert list(rows) == ["nearest", "bicubic", row]
    assert (tmp_path / "preset").exists()


@pytest.mark.parametrize("name", ["cyclegan", "pix2pix"])
@pytest.mark.once
def test_translate_emoji_styles(name, tmp_path):
    rows = load("translate_emoji_styles").main(
        ["--model", name, "--epochs", "1", "--num-images", "8", "--batch-size", "4"]
        + ["--width", "4", "--image-size", "16", "--out", str(tmp_path)]
    )
    assert list(rows) == ["identity", "color histogram", name]
    assert all(np.isfinite(list(row.values())).all() for row in rows.values())
    table = (tmp_path / "results.csv").read_text("utf-8").splitlines()
    assert table[0] == "method,ssim,psnr,perceptual,fd,kid" and len(table) == 4
    assert list(tmp_path.glob("images_*.png")) and (tmp_path / "preset").exists()


@pytest.mark.once
@pytest.mark.parametrize(
    ("preset", "options", "side"),
    [
        ("cyclegan_emoji_noto2twemoji_32", [], (32, 32)),
        ("cyclegan_emoji_noto2twemoji_32", ["--to", "a", "--own-size"], (48, 40)),
        ("pix2pix_emoji_edges_64", ["--seed", "1", "--threshold", "90"], (64, 64)),
        ("srgan_emoji_x4", [], (192, 160)),
        ("inpaint_emoji_64", ["--mask", "mask.png"], (64, 64)),
    ],
)
def test_translate(preset, options, side, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images, _ = kg.datasets.load("emoji", split="test", image_size=64)
    picture = Image.fromarray(images[0]).resize((40, 48))
    picture.convert("RGBA").save("picture.png")
    mask = np.zeros((48, 40), "uint8")
    mask[10:20, 10:20] = 255
    hole = np.stack([mask] * 4, -1)  # as of an image editor: white, on a clear layer
    Image.fromarray(hole).save("mask.png")
    made = load("translate").main([preset, "picture.png", *options])
    assert made.shape == (*side, 3) and made.std() > 5
    if "--mask" in options:
        kept = np.asarray(picture.resize((64, 64)))[:8].astype(int)
        assert abs(kept - made[:8]).mean() < 30
    with Image.open("translated.png") as image:
        np.testing.assert_array_equal(np.asarray(image), made)


@pytest.mark.once
@pytest.mark.parametrize(
    ("preset", "options", "message"),
    [
        ("inpaint_emoji_64", [], "fills holes: --mask hole.png"),
        ("srgan_emoji_x4", ["--mask", __file__], "has no use for a --mask"),
        ("srgan_emoji_x4", ["--to", "a"], "translates to b: --to a"),
    ],
)
def test_translate_what_cannot_be(preset, options, message, capsys):
    with pytest.raises(SystemExit):
        load("translate").main([preset, __file__, *options])
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", JUDGED)
@pytest.mark.once
def test_judged_by_the_truth(name, tmp_path):
    options, methods = JUDGED[name]
    rows = load(name).main(
        [*options, "--epochs", "1", "--num-images", "8", "--batch-size", "4"]
        + ["--width", "4", "--image-size", "16", "--out", str(tmp_path)]
    )
    assert list(rows) == methods
    assert all(np.isfinite(list(row.values())).all() for row in rows.values())
    table = (tmp_path / "results.csv").read_text("utf-8").splitlines()
    assert table[0] == "method,ssim,psnr,perceptual,fd,kid"
    assert len(table) == 1 + len(methods)
    assert list(tmp_path.rglob("*.png")) and (tmp_path / "preset").exists()


def test_resume(tmp_path):
    arguments = ["--epochs", "2", "--num-images", "256", "--width", "4"]
    assert load("resume").main([*arguments, "--out", str(tmp_path)]) == 0.0


@pytest.mark.once
def test_augment_a_small_dataset(tmp_path):
    rows = load("augment_a_small_dataset").main(
        ["--out", str(tmp_path), "--per-class", "2", "--seeds", "0", "1"]
        + ["--gan-steps", "2", "--batch-size", "4", "--width", "2"]
        + ["--samples", "20", "--steps", "2"]
    )
    assert np.shape(rows) == (2, 2) and np.min(rows) >= 0.0 and np.max(rows) <= 1.0
    table = (tmp_path / "results.csv").read_text("utf-8").splitlines()
    assert table[0] == "seed,without_samples,with_samples" and len(table) == 3


@pytest.mark.parametrize(("mode", "tile"), [("L", "0"), ("RGBA", "16")])
def test_upscale(mode, tile, tmp_path):
    """With a tiny network of the golden files, as a whole and in tiles."""
    pixels = np.random.default_rng(0).integers(0, 256, (21, 30, 4), "uint8")
    Image.fromarray(pixels).convert(mode).save(tmp_path / "picture.png")
    weights = RECIPES.parent / "tests" / "golden" / "rrdb_official_x2.pth"
    out = tmp_path / "more" / "big.png"
    large = load("upscale").main(
        [str(weights), str(tmp_path / "picture.png"), "--out", str(out)]
        + ["--tile", tile, "--overlap", "8"]
    )
    assert large.shape == (42, 60, 4 if mode == "RGBA" else 3)
    assert large.std() > 1
    with Image.open(out) as image:
        np.testing.assert_array_equal(np.asarray(image), large)
