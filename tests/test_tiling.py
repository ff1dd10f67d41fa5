import numpy as np
import pytest

from keras_gans.tiling import apply_in_tiles


def images(*sides, count=2, channels=3, seed=0):
    shape = (count, *sides, channels)
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def box(x, radius):
    """Mean over a square, zeros outside of the image."""
    padded = np.pad(x, ((0, 0), (radius, radius), (radius, radius), (0, 0)))
    size = 2 * radius + 1
    shifted = [
        padded[:, i : i + x.shape[1], j : j + x.shape[2]]
        for i in range(size)
        for j in range(size)
    ]
    return np.mean(shifted, axis=0)


def repeated(x, scale):
    return x.repeat(scale, 1).repeat(scale, 2)


@pytest.mark.parametrize("sides", [(37, 53), (16, 16), (17, 100), (5, 3), (1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int32"])
def test_identity_is_exact(sides, dtype):
    x = (100 * images(*sides)).astype("int32").astype(dtype)
    for options in ({}, {"multiple": 4}, {"rim": 0}, {"overlap": 0}, {"overlap": 15}):
        if options == {"overlap": 15}:
            options["tile"] = (16, 20)
        y = apply_in_tiles(
            np.copy, x, **{"tile": 16, "overlap": 6} | options, verbose=0
        )
        assert y.dtype == x.dtype
        np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("multiple", [1, 2, 4])
def test_scale_and_other_channels(multiple):
    x = images(23, 38)
    y = apply_in_tiles(
        lambda t: repeated(t[..., :1], 2), x, 12, 4, scale=2, multiple=multiple,
        verbose=0,
    )  # fmt: skip
    np.testing.assert_array_equal(y, repeated(x[..., :1], 2))


@pytest.mark.parametrize(("overlap", "rim"), [(12, None), (7, 3), (6, 3), (15, 3)])
def test_local_filter_is_that_of_the_whole(overlap, rim):
    x = images(41, 60)
    y = apply_in_tiles(lambda t: box(t, 3), x, 16, overlap, rim=rim, verbose=0)
    np.testing.assert_allclose(y, box(x, 3), atol=1e-6)


def test_too_small_a_rim_shows():
    x = np.ones((1, 40, 40, 1), "float32")
    y = apply_in_tiles(lambda t: box(t, 3), x, 16, 6, rim=0, verbose=0)
    assert np.abs(y - box(x, 3)).max() > 0.05


def largest_step(image):
    return max(np.abs(np.diff(image, axis=axis)).max() for axis in (1, 2))


@pytest.mark.parametrize("scale", [1, 2])
def test_seams_are_ramps(scale):
    """Tiles that differ by 1: no two pixels differ by more than a step of the ramp."""
    seen = []

    def one_more(t):
        seen.append(t.shape)
        return np.full((1, scale * 20, scale * 20, 1), len(seen) % 2, "float32")

    x = np.zeros((1, 20, 75, 1), "float32")
    y = apply_in_tiles(one_more, x, 20, 8, rim=1, scale=scale, verbose=0)
    assert len(seen) == 6 and set(seen) == {(1, 20, 20, 1)}
    assert y.min() == 0.0 and y.max() == 1.0
    assert largest_step(y) == pytest.approx(1 / (6 * scale), rel=1e-5)
    seen.clear()
    hard = apply_in_tiles(one_more, x, 20, 8, rim=4, scale=scale, verbose=0)
    assert largest_step(hard) == 1.0


def test_tiles_are_alike_aligned_and_few():
    corners = []

    def look(t):
        corners.append(tuple(t[0, 0, 0]))
        assert t.shape == (1, 8, 16, 2)
        return t

    places = np.stack(np.meshgrid(range(30), range(50), indexing="ij"), -1)[None]
    y = apply_in_tiles(look, places, (8, 16), 3, multiple=4, verbose=0)
    np.testing.assert_array_equal(y, places)
    assert all(i % 4 == 0 and j % 4 == 0 for i, j in corners)
    # 30 rows become 32; 4 of 8 overlap: starts 0, 4, ..., 24; 52 columns: 0 to 36.
    assert sorted({i for i, _ in corners}) == [0, 4, 8, 12, 16, 20, 24]
    assert sorted({j for _, j in corners}) == [0, 12, 24, 36]


def test_small_images_are_reflected():
    seen = []
    x = np.arange(3.0).reshape(1, 1, 3, 1)
    y = apply_in_tiles(lambda t: seen.append(t) or t, x, 8, 2, verbose=0)
    assert y.shape == x.shape
    np.testing.assert_array_equal(seen[0][0, 5, :, 0], [0, 1, 2, 1, 0, 1, 2, 1])


def test_small_images_are_whole_where_any_size_is_taken():
    seen = []
    x = np.arange(60.0).reshape(1, 3, 20, 1)
    options = {"multiple": 2, "any_size": True, "verbose": 0}
    y = apply_in_tiles(lambda t: seen.append(t.shape) or t, x, 8, 2, **options)
    np.testing.assert_array_equal(y, x)
    assert seen == [(1, 4, 8, 1)] * 3


def test_memory_maps_and_progress(tmp_path, capsys):
    x = images(30, 30)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_array_equal(apply_in_tiles(np.copy, mapped, 16, 4), x)
    assert "9/9" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tile": 10, "multiple": 4}, r"multiples of 4. Received: \(10, 10\)"),
        ({"tile": (8,)}, "`tile` as an int or two"),
        ({"tile": 0}, "`tile` as an int"),
        ({"tile": 8, "overlap": 8}, "less than a tile, 8.*Received: 8"),
        ({"tile": 8, "overlap": 5, "multiple": 4}, "multiple of 4. Received: 5"),
        ({"overlap": -1}, "`overlap` as an int of at least 0. Received: -1"),
        ({"overlap": 6, "rim": 4}, "half of the overlap, 3. Received: 4"),
        ({"rim": 0.5}, "`rim` as an int of at least 0"),
        ({"scale": 0}, "`scale` as an int of at least 1. Received: 0"),
        ({"multiple": 1.5}, "`multiple` as an int"),
        ({"scale": 2}, r"return \(2, 32, 32, 'C'\).*Received: \(2, 16, 16, 3\)"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        apply_in_tiles(np.copy, images(20, 20), **{"tile": 16, "overlap": 4} | options)


def test_wrong_images():
    with pytest.raises(ValueError, match=r"\(N, H, W, C\).*Received: \(4, 4, 3\)"):
        apply_in_tiles(np.copy, images(4, 4)[0], 4, 1)
