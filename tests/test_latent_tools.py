import pathlib

import keras
import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from keras_gans import latent_tools
from tests.models.style_gan2.test_style_gan2 import SMALL
from tests.models.style_gan2.test_style_gan2 import lively


@pytest.fixture(scope="module")
def gan():
    gan = lively(kg.models.StyleGAN2(**SMALL | {"image_shape": (16, 16, 3)}))
    mean = gan.map_latents(gan.sample_latents(500, seed=0))[:, 0].mean(0)
    gan.ema_generator.get_layer("style_average").average.assign(mean)
    return gan


def test_style_mixing_grid(gan, tmp_path):
    grid = latent_tools.style_mixing_grid(
        gan, 2, 3, layers=[0, 1], seed=4, path=tmp_path / "a" / "mixing.png"
    )
    assert grid.shape == (3, 4, 16, 16, 3) and (grid[0, 0] == 255).all()
    styles = gan.map_latents(gan.sample_latents(5, 4), truncation_psi=0.7)
    assert (grid[1:, 0] == gan.synthesize(styles[:2])).all()
    assert (grid[0, 1:] == gan.synthesize(styles[2:])).all()
    mixed = styles[1].copy()
    mixed[:2] = styles[4][:2]
    assert (grid[2, 3] == gan.synthesize(mixed[None])[0]).all()
    assert (grid[2, 3] != grid[2, 0]).any() and (grid[2, 3] != grid[0, 3]).any()
    with Image.open(tmp_path / "a" / "mixing.png") as image:
        assert image.size == (4 * 17 + 1, 3 * 17 + 1)
    with pytest.raises(ValueError, match=r"of 0..5. Received: \[2, 9\]"):
        latent_tools.style_mixing_grid(gan, layers=[2, 9])


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
def test_interpolation_video(gan, suffix, tmp_path, capsys):
    path = latent_tools.interpolation_video(
        gan, tmp_path / f"film{suffix}", rows=1, columns=2, stops=2, frames=3
    )
    with Image.open(path) as film:
        assert film.n_frames == 6 and film.size == (2 * 17 + 1, 18)
        frames = []
        for i in range(6):
            film.seek(i)
            frames.append(np.asarray(film.convert("RGB"), "int32"))
    # There and back by the same way: frames 1 and 5, 2 and 4.
    far = np.abs(frames[0] - frames[3]).mean()
    assert far > 1.0 and np.abs(frames[1] - frames[5]).mean() < far / 2
    assert "6/6" in capsys.readouterr().out
    with pytest.raises(ValueError, match="ends in .webp, .gif or .mp4"):
        latent_tools.interpolation_video(gan, tmp_path / "film.avi")
    with pytest.raises(ValueError, match="Expected: `frames_per_second`"):
        latent_tools.interpolation_video(gan, tmp_path / "a.gif", frames_per_second=0)
    with pytest.raises(ValueError, match="Expected: `rows`"):
        latent_tools.interpolation_video(gan, tmp_path / "a.gif", rows=0)


def test_films_of_other_channels(tmp_path, monkeypatch):
    frames = []

    class Writer:
        def write_frames(self, path, size, fps, macro_block_size):
            assert macro_block_size == 2  # else it stretches them
            pathlib.Path(path).touch()
            while True:
                frame = yield
                if frame is not None:
                    frames.append((size, frame.shape))

    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", Writer())
    for channels in (1, 4):
        other = kg.models.StyleGAN2(**SMALL | {"image_shape": (16, 16, channels)})
        for suffix in (".webp", ".mp4"):
            path = latent_tools.interpolation_video(
                other,
                tmp_path / f"{channels}{suffix}",
                rows=1,
                columns=2,
                stops=2,
                frames=1,
            )
            assert path.exists()
        assert frames[-1] == ((34, 18), (18, 34, 3))


def test_film_without_its_package(gan, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match="pip install imageio-ffmpeg"):
        latent_tools.interpolation_video(gan, tmp_path / "film.mp4")


def test_sefa_directions(gan):
    directions = latent_tools.sefa_directions(gan, 3)
    np.testing.assert_allclose(directions @ directions.T, np.eye(3), atol=1e-5)
    synthesis = gan.ema_generator.get_layer("synthesis")
    readers = ["0_conv_1", "1_conv_0", "1_conv_1", "2_conv_0", "2_conv_1", "2_image"]
    maps = [synthesis.get_layer(f"stage_{name}").affine for name in readers]
    assert len(maps) == gan.num_styles
    kernels = [keras.ops.convert_to_numpy(a.kernel).astype("float64") for a in maps]
    matrix = np.concatenate([k / np.linalg.norm(k, axis=0) for k in kernels], axis=1)
    _, values, _ = np.linalg.svd(matrix)
    found = np.linalg.norm(directions @ matrix, axis=1)
    np.testing.assert_allclose(found, values[:3], rtol=1e-4)
    one = latent_tools.sefa_directions(gan, 1, layers=[2])
    matrix = kernels[2] / np.linalg.norm(kernels[2], axis=0)
    top = np.linalg.svd(matrix)[0][:, 0]
    assert abs(one[0] @ top) == pytest.approx(1.0, abs=1e-4)
    with pytest.raises(ValueError, match="in 1..5"):
        latent_tools.sefa_directions(gan, 6)
    with pytest.raises(ValueError, match=r"of 0..5. Received: \[9\]"):
        latent_tools.sefa_directions(gan, 1, layers=[9])


@pytest.mark.parametrize("space", ["w", "w+"])
def test_projection_finds_an_image_of_the_model(gan, space, capsys):
    # Of other images it may end in a local minimum, as the weights are random.
    styles = gan.map_latents(gan.sample_latents(1, seed=8))
    image = gan.synthesize(styles)[0]
    found = latent_tools.project(gan, image, steps=150, space=space, num_samples=200)
    assert found["styles"].shape == (6, 5) and len(found["losses"]) == 150
    assert (found["image"] == gan.synthesize(found["styles"][None])[0]).all()
    if space == "w":
        assert (found["styles"] == found["styles"][:1]).all()
    assert found["losses"][-1] < 0.2 * found["losses"][0]
    start = np.abs(gan.synthesize(gan.mean_style[None])[0].astype(int) - image).mean()
    assert np.abs(found["image"].astype(int) - image).mean() < 0.5 * start
    assert "150/150" in capsys.readouterr().out


def test_projection_by_features(gan):
    image = gan.generate(1, seed=3)[0]
    given = {"steps": 3, "num_samples": 50, "verbose": 0}
    found = latent_tools.project(gan, image, features="lenet_fashion_mnist", **given)
    assert np.isfinite(found["losses"]).all()
    with pytest.raises(ValueError, match=r"shape \(16, 16, 3\).*\(8, 16, 3\)"):
        latent_tools.project(gan, image[:8], **given)
    with pytest.raises(ValueError, match="'w' or 'w.'"):
        latent_tools.project(gan, image, space="z", **given)


def test_models_without_styles():
    gan = kg.models.GAN((8, 8, 1), latent_dim=4, hidden_units=8)
    for function in (latent_tools.style_mixing_grid, latent_tools.sefa_directions):
        with pytest.raises(ValueError, match="with styles.*Received: GAN"):
            function(gan)


def test_projection_of_no_steps(gan):
    image = np.zeros((16, 16, 3), "uint8")
    for wrong in ({"steps": 0}, {"num_samples": 0}):
        with pytest.raises(ValueError, match="of at least 1"):
            latent_tools.project(gan, image, **wrong)
