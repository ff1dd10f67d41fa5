import numpy as np
import pytest
from PIL import Image

from keras_gans.utils.image_grid import make_grid
from keras_gans.utils.image_grid import picture_path
from keras_gans.utils.image_grid import read_text
from keras_gans.utils.image_grid import save_animation
from keras_gans.utils.image_grid import save_grid
from keras_gans.utils.image_grid import save_image
from keras_gans.utils.image_grid import scatter_plot


def random_images(n, height, width, channels):
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (n, height, width, channels), "uint8")


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_each_image_is_in_its_place(channels):
    images = random_images(5, 4, 6, channels)
    grid = make_grid(images, columns=3)
    assert grid.shape == (2 * 5 + 1, 3 * 7 + 1, channels)
    background = np.ones(grid.shape[:2], bool)
    for i, image in enumerate(images):
        top, left = 1 + i // 3 * 5, 1 + i % 3 * 7
        np.testing.assert_array_equal(grid[top : top + 4, left : left + 6], image)
        background[top : top + 4, left : left + 6] = False
    assert (grid[background] == 255).all()


def test_columns_default_to_a_square():
    assert make_grid(random_images(9, 2, 2, 1), padding=0).shape == (6, 6, 1)


@pytest.mark.parametrize("shape", [(4, 8, 8), (4, 8, 8, 2), (0, 8, 8, 3)])
def test_wrong_shapes(shape):
    with pytest.raises(ValueError, match="Received: "):
        make_grid(np.zeros(shape, "uint8"))


def test_floats_are_refused():
    with pytest.raises(ValueError, match="Received: float64"):
        make_grid(np.zeros((4, 8, 8, 1)))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_is_lossless_and_carries_text(tmp_path, channels):
    image = random_images(1, 9, 7, channels)[0]
    save_image(image, tmp_path / "a.png", {"images_seen": "12"})
    with Image.open(tmp_path / "a.png") as read:
        np.testing.assert_array_equal(np.asarray(read).reshape(image.shape), image)
    assert read_text(tmp_path / "a.png", "images_seen") == "12"
    assert read_text(tmp_path / "a.png", "other") is None
    assert read_text(tmp_path / "missing.png", "images_seen") is None


def test_save_grid(tmp_path):
    save_grid(random_images(4, 5, 5, 3), tmp_path / "a.png", columns=4)
    with Image.open(tmp_path / "a.png") as read:
        assert read.size == (25, 7)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_scatter_plot_frames_the_real_points():
    rng = np.random.default_rng(0)
    real = rng.uniform(-4, 4, (100, 2))
    near, far = scatter_plot(real / 4, real), scatter_plot(real * 100, real)
    assert near.shape == far.shape == (480, 480, 3) and near.dtype == np.uint8
    is_blue = (near[..., 2] > 150) & (near[..., 0] < 80)
    rows, columns = np.nonzero(is_blue)
    # A quarter of the real points' range: the middle of the axes.
    assert 0.35 < columns.min() / 480 < columns.max() / 480 < 0.7
    assert 0.3 < rows.min() / 480 < rows.max() / 480 < 0.65


def test_scatter_plot_of_one_place_or_of_nan():
    scatter_plot(np.zeros((5, 3)))
    scatter_plot(np.full((5, 2), np.nan))


@pytest.mark.parametrize("suffix", ["webp", "gif"])
def test_animation(tmp_path, suffix):
    paths = []
    for i in range(7):
        paths.append(tmp_path / f"{i}.png")
        save_image(np.full((20, 30, 3), 30 * i, "uint8"), paths[-1])
    save_image(np.zeros((5, 5, 3), "uint8"), paths[0])  # of another size
    out = tmp_path / f"a.{suffix}"
    save_animation(paths, out, max_frames=4, max_side=15, hold=900)
    with Image.open(out) as animation:
        assert animation.n_frames == 4
        assert animation.size == (15, 10)
        levels, durations = [], []
        for frame in range(4):
            animation.seek(frame)
            animation.load()
            levels.append(float(np.asarray(animation.convert("RGB")).mean()))
            durations.append(animation.info["duration"])
    # Pictures 1 to 6, evenly: 1, 3, 4, 6.
    np.testing.assert_allclose(levels, [30, 90, 120, 180], atol=3)
    assert durations == [120, 120, 120, 900]


@pytest.mark.parametrize("name", ["a", "a.tmp", "a.txt", "a.psd", "folder/"])
def test_paths_of_no_picture(name, tmp_path):
    with pytest.raises(ValueError, match="format as the suffix.*Received: .*a|folder"):
        save_grid(np.zeros((1, 4, 4, 3), "uint8"), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_transparency_needs_a_format_that_has_it(tmp_path):
    image = np.zeros((4, 4, 4), "uint8")
    save_image(image, tmp_path / "a.png")
    with pytest.raises(ValueError, match="such as .png or .webp. Received: .*a.jpg"):
        save_image(image, tmp_path / "a.jpg")


@pytest.mark.parametrize("name", ["a.png", "a.JPG", "a.webp"])
def test_paths_of_pictures(name):
    assert picture_path(name).name == name
