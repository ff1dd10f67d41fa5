"""A folder of images, as people have them, to arrays."""

import collections
import os
import pathlib
import warnings
from concurrent import futures

import keras
import numpy as np
from PIL import Image
from PIL import UnidentifiedImageError

from keras_gans.datasets import images
from keras_gans.datasets.lazy import LazyImages

EXTENSIONS = frozenset(
    ".avif .bmp .gif .jfif .jp2 .jpe .jpeg .jpg .pbm .pgm .png .pnm .ppm .tga .tif "
    ".tiff .webp".split()
)
PHOTOGRAPHS = frozenset(
    ".arw .cr2 .cr3 .dng .heic .heif .jxl .nef .orf .raf .raw .rw2".split()
)  # what Pillow does not read, though someone may take it for images
_LISTED = 20  # file names in one message


def from_directory(
    path,
    image_size,
    *,
    channels=3,
    crop="center",
    background="white",
    labels="inferred",
    lazy=False,
    progress=True,
):
    """Loads the images of a folder and of its sub-folders, all made one size.

    Takes pictures of any size and any mode that Pillow reads: grey, palette, with
    transparency, CMYK, 16 bits. The EXIF orientation is applied, colour profiles are
    not; of an animation the first frame is taken. Hidden files and folders and files
    that are no images by their extension are passed over. Images that cannot be read
    are left out, and a warning names them. Images are sorted by path.

    Args:
        path: The folder.
        image_size: Pixels: an int for square images, or (height, width).
        channels: 1 (grey), 3 (RGB) or 4 (RGBA: transparency is kept).
        crop: `"center"` cuts what exceeds the aspect ratio of `image_size`, `"none"`
            squeezes each picture whole into it.
        background: Colour put behind transparent pixels, as in HTML; unused if
            `channels` is 4.
        labels: `"inferred"`: the class is the sub-folder of `path`, whose names
            `directory_class_names(path)` lists; without sub-folders there are no
            labels. `None`: no labels, whatever the sub-folders.
        lazy: Whether to read each image when it is needed, as is right for folders that
            do not fit in memory. One that turns out not to be readable is replaced by
            the next one of its folder, and a warning names it.
        progress: Whether to show a progress bar.

    Returns:
        `(images, labels)`: uint8 array (N, H, W, C), values 0..255, or a `LazyImages`
        of that shape; and int32 array (N,), or `None` if there are no labels.

    Raises:
        NotADirectoryError: If `path` is not a folder.
        ValueError: If it holds no readable image, if images lie both in sub-folders
            and beside them and `labels` is `"inferred"`, or if an argument is wrong.

    Example:

    ```python
    import pathlib
    import numpy as np
    from PIL import Image
    import keras_gans as kg

    pathlib.Path("photos").mkdir(exist_ok=True)
    Image.fromarray(np.zeros((48, 80, 3), "uint8")).save("photos/black.png")
    images, labels = kg.datasets.from_directory("photos", image_size=32)
    print(images.shape, labels)  # (1, 32, 32, 3) None
    ```
    """
    size = images.parse_size(image_size)
    images.check_options(channels, crop, background)
    if labels not in ("inferred", None):
        raise ValueError(
            "`labels` is wrong. Expected: 'inferred' (by sub-folder) or None. "
            f"Received: {labels!r}."
        )
    path = pathlib.Path(path)
    files = _image_files(path)
    class_names = _class_names(path, files) if labels == "inferred" else ()

    reader = _Reader(path, files, size, channels, crop, background)
    Image.init()  # loads all of Pillow's readers: it must not happen in two threads
    if lazy:
        data = LazyImages(reader, (len(files), *size, channels))
        return data, _labels(files, class_names)
    data = np.empty((len(files), *size, channels), "uint8")
    loaded, unreadable, small = [], [], []
    bar = keras.utils.Progbar(len(files), unit_name="image") if progress else None
    for file, (image, info) in zip(
        files, _in_threads(reader.attempt, files), strict=True
    ):
        if image is None:
            unreadable.append(f"{_printable(file)} ({_reason(info)})")
        else:
            width, height = info
            if height < size[0] or width < size[1]:
                small.append(f"{_printable(file)} ({height}x{width})")
            data[len(loaded)] = image
            loaded.append(file)
        if bar:
            bar.add(1)
    if not loaded:
        raise ValueError(
            f"No image could be read. Expected: images in {path}. Received: "
            f"{len(files)} unreadable files: {_shorten(unreadable)}."
        )
    if unreadable:
        warnings.warn(
            f"{len(unreadable)} of {len(files)} images in {path} could not be read and "
            f"are left out: {_shorten(unreadable)}.",
            stacklevel=2,
        )
    if small:
        warnings.warn(
            f"{len(small)} of {len(loaded)} images in {path} are smaller than "
            f"{size[0]}x{size[1]} pixels (height x width) and were enlarged: "
            f"{_shorten(small)}.",
            stacklevel=2,
        )
    return data[: len(loaded)], _labels(loaded, class_names)


class _Reader:
    """Reads images of a folder by number.

    Args:
        path: The folder.
        files: Sorted list of paths relative to it.
        size: (H, W).
        channels: See `from_directory`.
        crop: See `from_directory`.
        background: See `from_directory`.
    """

    def __init__(self, path, files, size, channels, crop, background):
        self.path, self.files, self.size = path, files, size
        self.channels, self.crop, self.background = channels, crop, background
        self.unreadable = set()

    def attempt(self, file):
        """The image and the (width, height) it had, or None and the error."""
        try:
            with Image.open(self.path / file) as picture:
                picture = images.normalize(picture, self.channels, self.background)
            return images.fit(picture, self.size, self.crop), picture.size
        except Exception as error:  # Pillow raises anything on broken files
            return None, error

    def __call__(self, index):
        """The image, or else the next one of its folder that can be read."""
        for i in self._candidates(index):
            if i in self.unreadable:
                continue
            image, info = self.attempt(self.files[i])
            if image is not None:
                return image
            self.unreadable.add(i)
            warnings.warn(
                f"{_printable(self.files[i])} in {self.path} cannot be read "
                f"({_reason(info)}); the next image of its folder takes its place.",
                stacklevel=2,
            )
        raise ValueError(
            f"No image could be read in the folder of {_printable(self.files[index])}. "
            f"Expected: images in {self.path}. Received: unreadable files."
        )

    def _candidates(self, index):
        """Numbers of the image and of those beside it: after it, then before it."""
        folder = os.path.dirname(self.files[index])
        for numbers in (range(index, len(self.files)), range(index - 1, -1, -1)):
            for i in numbers:
                if os.path.dirname(self.files[i]) != folder:
                    break
                yield i


def _labels(files, class_names):
    if not class_names:
        return None
    indices = {name: i for i, name in enumerate(class_names)}
    return np.array([indices[_folder(file)] for file in files], "int32")


def directory_class_names(path):
    """Returns what the labels of `from_directory` mean: the names of the sub-folders.

    Args:
        path: The folder.

    Returns:
        A tuple of the names of the sub-folders with images in them, sorted; label i
        means item i. Empty if there are no such sub-folders.

    Raises:
        NotADirectoryError: If `path` is not a folder.
        ValueError: If it holds no images, or has images both in sub-folders and
            beside them.

    Example:

    ```python
    import pathlib
    import numpy as np
    from PIL import Image
    import keras_gans as kg

    for name in ("cats", "dogs"):
        pathlib.Path("pets", name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((32, 32), "uint8")).save(f"pets/{name}/1.png")
    print(kg.datasets.directory_class_names("pets"))  # ('cats', 'dogs')
    ```
    """
    path = pathlib.Path(path)
    return _class_names(path, _image_files(path))


def _tell_of_folder(error):
    warnings.warn(
        f"Left out a folder that cannot be listed: {error.filename} "
        f"({error.strerror}). If it is a class, labels begin without it.",
        UserWarning,
        stacklevel=2,
    )


def _image_files(path):
    """Sorted paths, relative to `path`, of what is an image by its extension."""
    if not path.is_dir():
        raise NotADirectoryError(
            f"There is no such folder. Expected: a folder of images. Received: {path}."
        )
    files, others, above = [], [], {os.fspath(path): {os.path.realpath(path)}}
    walk = os.walk(path, followlinks=True, onerror=_tell_of_folder)
    for folder, sub_folders, names in walk:
        ancestors, inner = above.pop(folder), filter(_visible, sorted(sub_folders))
        sub_folders.clear()
        for name in inner:  # links may go round in circles
            real = os.path.realpath(os.path.join(folder, name))
            if real not in ancestors:
                above[os.path.join(folder, name)] = ancestors | {real}
                sub_folders.append(name)
        below = os.path.relpath(folder, path)
        for name in filter(_visible, names):
            file = name if below == os.curdir else os.path.join(below, name)
            is_image = os.path.splitext(name)[1].lower() in EXTENSIONS
            (files if is_image else others).append(file)
    if not files:
        found = _shorten([_printable(file) for file in sorted(others)]) or "none"
        raise ValueError(
            f"There are no images in {path}. Expected: files that end in one of "
            f"{' '.join(sorted(EXTENSIONS))}. Received: {len(others)} other files"
            f": {found}."
        )
    _tell_photographs(path, others)
    return sorted(files, key=lambda file: file.split(os.sep))


def _tell_photographs(path, files):
    """Warns of photographs that are passed over, by their extensions."""
    kinds = collections.Counter(os.path.splitext(file)[1].lower() for file in files)
    found = [f"{kinds[kind]} {kind}" for kind in sorted(PHOTOGRAPHS) if kinds[kind]]
    if found:
        warnings.warn(
            f"Photographs in {path} were passed over, as Pillow does not read them: "
            f"{', '.join(found)}. Convert them to JPEG or PNG to have them too.",
            RuntimeWarning,
            stacklevel=4,
        )


def _visible(name):
    return not name.startswith((".", "__MACOSX"))


def _class_names(path, files):
    folders = sorted({_folder(file) for file in files} - {""})
    beside = [_printable(file) for file in files if not _folder(file)]
    if folders and beside:
        raise ValueError(
            f"The classes of the images in {path} are not clear. Expected: every image "
            f"in a sub-folder, or none. Received: sub-folders {_shorten(folders)}, and "
            f"{len(beside)} images beside them: {_shorten(beside)}. Move these, or "
            "pass labels=None."
        )
    return tuple(folders)


def _folder(file):
    """The first folder of a path, which names the class; "" if there is none."""
    first, _, rest = file.partition(os.sep)
    return first if rest else ""


def _in_threads(function, items, block=256):
    """Maps in order, on all cores (Pillow lets go of the GIL), a block at a time."""
    with futures.ThreadPoolExecutor() as pool:
        for start in range(0, len(items), block):
            yield from pool.map(function, items[start : start + block])


def _printable(file):
    """The name, also if it is not valid UTF-8."""
    file = file.replace(os.sep, "/")
    return file.encode(errors="backslashreplace").decode()


def _reason(error):
    if isinstance(error, UnidentifiedImageError):
        return "not an image"  # Pillow's own message repeats the path
    return str(error) or type(error).__name__


def _shorten(names):
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
