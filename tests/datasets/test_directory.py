import os
import warnings

import numpy as np
import pytest
from PIL import Image

import keras_gans as kg
from keras_gans.datasets.images import normalize

RED, BLUE = (200, 30, 40), (20, 60, 220)


def picture(height, width, top=RED, bottom=BLUE):
    """Upper half one colour, lower half another."""
    array = np.empty((height, width, 3), "uint8")
    array[: height // 2] = top
    array[height // 2 :] = bottom
    return Image.fromarray(array)


def load(path, image_size=16, **options):
    return kg.datasets.from_directory(path, image_size, progress=False, **options)


def assert_two_halves(image, top=RED, bottom=BLUE, atol=6):
    height = len(image)
    np.testing.assert_allclose(
        image[: height // 2 - 2].mean(axis=(0, 1)), np.broadcast_to(top, 3), atol=atol
    )
    np.testing.assert_allclose(
        image[height // 2 + 2 :].mean(axis=(0, 1)),
        np.broadcast_to(bottom, 3),
        atol=atol,
    )


@pytest.mark.parametrize(
    "mode, extension",
    [
        ("RGB", "png"),
        ("RGB", "jpg"),
        ("RGB", "JPEG"),
        ("RGB", "webp"),
        ("RGB", "bmp"),
        ("RGB", "ppm"),
        ("P", "png"),
        ("P", "gif"),
        ("RGBA", "png"),
        ("RGBA", "tiff"),
        ("CMYK", "tif"),
        ("CMYK", "jpg"),
        ("YCbCr", "jpg"),
    ],
)
def test_color_modes(tmp_path, mode, extension):
    picture(40, 40).convert(mode).save(tmp_path / f"a.{extension}")
    images, labels = load(tmp_path)
    assert images.shape == (1, 16, 16, 3)
    assert images.dtype == np.uint8
    assert labels is None
    assert_two_halves(images[0], atol=40 if mode in ("CMYK", "P") else 12)


def grey(values, mode=None):
    image = Image.fromarray(values)
    return image.convert(mode) if mode else image


@pytest.mark.parametrize(
    "name, values, mode",
    [
        ("a.png", np.uint8(100), None),
        ("a.png", np.uint16(100 * 257), None),
        ("a.tif", np.uint16(100 * 257), None),
        ("a.tif", np.int32(100 * 257), None),
        ("a.png", np.uint8(100), "LA"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_grey_modes(tmp_path, name, values, mode, channels):
    grey(np.full((20, 20), values), mode).save(tmp_path / name)
    images, _ = load(tmp_path, channels=channels)
    assert images.shape == (1, 16, 16, channels)
    assert (images[..., :3] == 100).all()
    assert channels != 4 or (images[..., 3] == 255).all()


def test_sixteen_bits_keep_their_gradient(tmp_path):
    ramp = np.linspace(0, 65535, 256).astype("uint16")
    grey(np.tile(ramp, (256, 1))).save(tmp_path / "ramp.png")
    images, _ = load(tmp_path, 256, channels=1)
    np.testing.assert_allclose(images[0, 0, :, 0], np.arange(256), atol=1)


def test_black_and_white_mode(tmp_path):
    Image.fromarray(np.eye(16, dtype="uint8") * 255).convert("1").save(
        tmp_path / "a.png"
    )
    images, _ = load(tmp_path, channels=1)
    np.testing.assert_array_equal(images[0, ..., 0], np.eye(16) * 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, orientation):
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = picture(48, 24)
    if orientation in stored:
        image = image.transpose(stored[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.jpg", exif=exif, quality=95)
    images, _ = load(tmp_path, (48, 24))  # no warning: large enough when upright
    assert_two_halves(images[0])


def test_broken_exif_is_passed_over(tmp_path):
    picture(16, 16).save(tmp_path / "a.png", exif=b"Exif\0\0no TIFF header")
    images, _ = load(tmp_path, (16, 16))
    assert_two_halves(images[0])


def test_grey_of_lab():
    lab = Image.new("LAB", (4, 6), (255, 128, 128))
    grey, color = (np.asarray(normalize(lab, channels)) for channels in (1, 3))
    assert grey.shape == (6, 4)
    assert abs(grey.astype(int) - color[..., 0]).max() <= 1


def test_transparency_is_put_on_the_background_or_kept(tmp_path):
    array = np.zeros((16, 16, 4), "uint8")
    array[:8] = (*RED, 255)  # the lower half is transparent black
    Image.fromarray(array).save(tmp_path / "a.png")
    assert_two_halves(load(tmp_path)[0][0], bottom=255, atol=0)
    assert_two_halves(load(tmp_path, background="#102030")[0][0], bottom=(16, 32, 48))
    grey_image = load(tmp_path, channels=1)[0][0]
    assert grey_image[-1, 0, 0] == 255
    kept, _ = load(tmp_path, channels=4)
    np.testing.assert_array_equal(kept[0, ..., 3], array[..., 3])
    assert_two_halves(kept[0, :8, :, :3], bottom=RED)


def test_palette_with_a_transparent_color(tmp_path):
    image = picture(16, 16).quantize(4)
    index = image.getpixel((0, 15))
    image.save(tmp_path / "a.png", transparency=index)
    assert_two_halves(load(tmp_path)[0][0], bottom=255, atol=8)


def test_crop_keeps_the_middle_and_none_squeezes(tmp_path):
    array = np.full((20, 60, 3), 255, "uint8")
    array[:, 20:40] = 0  # a black square between two white ones
    Image.fromarray(array).save(tmp_path / "a.png")
    cropped, _ = load(tmp_path, 12)
    assert cropped.max() < 20  # Lanczos looks a little beyond the cut
    squeezed, _ = load(tmp_path, 12, crop="none")
    assert squeezed[0, :, 5:7].max() < 20
    assert squeezed[0, :, :3].min() > 235
    wide, _ = load(tmp_path, (10, 30))
    assert wide.shape == (1, 10, 30, 3)
    assert wide[0, :, :8].min() > 235


def test_unreadable_images_are_named_and_left_out(tmp_path):
    picture(64, 64).save(tmp_path / "good.png")
    picture(64, 64).save(tmp_path / "zürich 東京 🙂.png")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.jpg").write_bytes(b"")
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), "uint8")
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    content = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "whole.jpg").unlink()
    (tmp_path / "cut.jpg").write_bytes(content[: len(content) // 2])
    Image.fromarray(np.ones((20, 20), "float32")).save(tmp_path / "float.tif")
    with pytest.warns(UserWarning) as caught:
        images, _ = load(tmp_path)
    assert len(images) == 2
    assert_two_halves(images[0])
    assert_two_halves(images[1])
    (message,) = [str(warning.message) for warning in caught]
    assert "4 of 6 images" in message
    for name in ("text.png (not an image)", "empty.jpg", "cut.jpg", "float.tif"):
        assert name in message
    assert "mode F" in message
    assert "東京" not in message
    assert caught[0].filename == __file__  # points at the caller


def test_none_readable_is_an_error(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"text\.png \(not an image\)"):
        load(tmp_path)


def test_a_long_list_of_unreadable_files_is_cut(tmp_path):
    picture(16, 16).save(tmp_path / "good.png")
    for i in range(30):
        (tmp_path / f"bad{i:02}.png").write_text("")
    with pytest.warns(UserWarning, match="bad19.png .* and 10 more"):
        load(tmp_path)


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(NotADirectoryError, match="nowhere"):
        load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="no images.*0 other files: none"):
        load(tmp_path)
    (tmp_path / "a.heic").write_text("")
    with pytest.raises(ValueError, match=r"\.png.*1 other files: a\.heic"):
        load(tmp_path)
    with pytest.raises(NotADirectoryError, match="heic"):
        load(tmp_path / "a.heic")


def test_hidden_and_other_files_are_passed_over(tmp_path):
    for folder in (".git", "__MACOSX", "cats"):
        (tmp_path / folder).mkdir()
        picture(16, 16).save(tmp_path / folder / "a.png")
    picture(16, 16).save(tmp_path / "cats" / "._a.png")
    (tmp_path / "cats" / "notes.txt").write_text("hi")
    (tmp_path / "Thumbs.db").write_text("hi")
    images, labels = load(tmp_path)
    assert len(images) == 1
    assert labels.tolist() == [0]
    assert kg.datasets.directory_class_names(tmp_path) == ("cats",)


def test_photographs_that_cannot_be_read_are_counted(tmp_path):
    picture(16, 16).save(tmp_path / "a.png")
    for name in ("b.HEIC", "c.heic", "d.nef", "notes.txt"):
        (tmp_path / name).write_text("x")
    with pytest.warns(RuntimeWarning, match="passed over.*: 2 .heic, 1 .nef. Convert"):
        images, _ = load(tmp_path)
    assert len(images) == 1


def make_classes(path):
    """dogs/: 10, 30; cats/: 20 and, deeper, 40; colours say which is which."""
    for name, value in [
        ("dogs/b.png", 30),
        ("cats/a.png", 20),
        ("dogs/a.png", 10),
        ("cats/deep/er/a.png", 40),
    ]:
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        grey(np.full((16, 16), value, "uint8")).save(file)


def test_classes_are_the_sub_folders_and_the_order_is_by_path(tmp_path):
    make_classes(tmp_path)
    images, labels = load(tmp_path, channels=1)
    assert images[:, 0, 0, 0].tolist() == [20, 40, 10, 30]
    assert labels.tolist() == [0, 0, 1, 1]
    assert labels.dtype == np.int32
    assert kg.datasets.directory_class_names(tmp_path) == ("cats", "dogs")
    assert load(tmp_path, labels=None)[1] is None


def test_labels_stay_with_their_images_when_some_are_unreadable(tmp_path):
    make_classes(tmp_path)
    (tmp_path / "cats" / "a.png").write_text("broken")
    with pytest.warns(UserWarning, match="cats/a.png"):
        images, labels = load(tmp_path, channels=1)
    assert images[:, 0, 0, 0].tolist() == [40, 10, 30]
    assert labels.tolist() == [0, 1, 1]


def test_images_beside_sub_folders_have_no_clear_class(tmp_path):
    make_classes(tmp_path)
    picture(16, 16).save(tmp_path / "stray.png")
    with pytest.raises(ValueError, match=r"stray\.png.*labels=None"):
        load(tmp_path)
    images, labels = load(tmp_path, labels=None)
    assert len(images) == 5
    assert labels is None


def test_linked_folders_are_followed_but_not_in_circles(tmp_path):
    make_classes(tmp_path / "data")
    (tmp_path / "set").mkdir()
    os.symlink(tmp_path / "data" / "dogs", tmp_path / "set" / "dogs")
    os.symlink(tmp_path / "set", tmp_path / "data" / "dogs" / "circle")
    images, labels = load(tmp_path / "set")
    assert len(images) == 2
    assert labels.tolist() == [0, 0]


def test_a_folder_linked_twice_is_read_twice(tmp_path):
    make_classes(tmp_path / "data")
    for name in ("train", "test"):
        (tmp_path / "set" / name).mkdir(parents=True)
        os.symlink(tmp_path / "data" / "dogs", tmp_path / "set" / name / "dogs")
    images, labels = load(tmp_path / "set")
    assert len(images) == 4
    assert labels.tolist() == [0, 0, 1, 1]


def test_enlarging_is_warned_of_once_with_counts(tmp_path):
    picture(8, 40).save(tmp_path / "low.png")
    picture(40, 8).save(tmp_path / "narrow.png")
    picture(16, 16).save(tmp_path / "right.png")
    with pytest.warns(UserWarning) as caught:
        images, _ = load(tmp_path)
    assert len(images) == 3
    (message,) = [str(warning.message) for warning in caught]
    assert "2 of 3 images" in message
    assert "low.png (8x40), narrow.png (40x8)" in message


def test_many_images_in_order_with_a_progress_bar(tmp_path, capsys):
    for i in range(300):  # more than one block of the thread pool
        grey(np.full((4, 4), i % 256, "uint8")).save(tmp_path / f"{i:04}.png")
    images, _ = kg.datasets.from_directory(tmp_path, 4, channels=1)
    np.testing.assert_array_equal(images[:, 0, 0, 0], np.arange(300) % 256)
    assert "300/300" in capsys.readouterr().out
    again, _ = load(tmp_path, 4, channels=1)
    np.testing.assert_array_equal(images, again)
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    "options, message",
    [
        ({"channels": 2}, "1 .grey."),
        ({"crop": "middle"}, r"\['center', 'none'\]"),
        ({"background": "transparentish"}, "background"),
        ({"background": None}, "background"),
        ({"labels": "all"}, "inferred"),
        ({"image_size": None}, "image_size"),
        ({"image_size": (-1, 4)}, "image_size"),
    ],
)
def test_wrong_options_are_explained_before_anything_is_read(options, message):
    with pytest.raises(ValueError, match=message):
        load("/does/not/matter", **options)


def test_a_name_that_is_not_utf_8_can_be_reported(tmp_path):
    picture(16, 16).save(tmp_path / "good.png")
    try:
        with open(os.fsencode(tmp_path) + b"/bad\xff.png", "wb"):
            pass
    except OSError:
        pytest.skip("this file system wants UTF-8")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load(tmp_path)
    str(caught[0].message).encode()  # can be printed
    assert r"bad\udcff.png" in str(caught[0].message)


def test_a_folder_that_cannot_be_listed_is_told_of(tmp_path, monkeypatch):
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        picture(20, 20).save(tmp_path / name / "1.png")
    scandir = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("cats"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.warns(UserWarning, match="cannot be listed: .*cats .Permission denied"):
        assert kg.datasets.directory_class_names(tmp_path) == ("dogs",)
