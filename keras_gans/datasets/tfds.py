"""Image sets of TensorFlow Datasets as arrays."""

import importlib.util

import keras
import numpy as np
from PIL import Image

from keras_gans.datasets import images
from keras_gans.datasets.lazy import LazyImages


def from_tfds(
    name_or_builder,
    split="train",
    image_size=None,
    *,
    channels=None,
    crop="center",
    image_key=None,
    label_key=None,
    data_dir=None,
    lazy=False,
    progress=True,
):
    """Loads a split of an image set of TensorFlow Datasets (TFDS) into arrays.

    A set that is not on this machine yet is downloaded and prepared by TFDS, for which
    it needs TensorFlow, whatever the Keras backend. It is kept as ArrayRecord files,
    which are read without TensorFlow; a set that was prepared as TFRecord files before
    is read through `tf.data`.

    Args:
        name_or_builder: Name, as `tfds.load` takes it (`"cifar10"`, `"celeb_a"`), or a
            `tfds.core.DatasetBuilder`.
        split: As TFDS takes it: `"train"`, `"train[:10%]"` ...
        image_size: Pixels: an int for square images, or (height, width). `None`: the
            set's own size, if all its images have one.
        channels: 1 (grey), 3 (RGB) or 4 (RGBA). `None`: as many as the set has.
        crop: `"center"` cuts what exceeds the aspect ratio of `image_size`, `"none"`
            squeezes each picture whole into it.
        image_key: The feature to take the images from. `None`: `"image"`, or else the
            only image feature.
        label_key: The feature to take the labels from. `None`: `"label"`, or else the
            only class label, or else no labels.
        data_dir: Where TFDS keeps its data; `None`: its default. Unused if a builder
            is given.
        lazy: Whether to read each image when it is needed, as is right for sets that do
            not fit in memory, of ArrayRecord files. Labels are read at once.
        progress: Whether to show a progress bar.

    Returns:
        `(images, labels)`: uint8 array (N, H, W, C), values 0..255, or a `LazyImages`
        of that shape; and int32 array (N,), or `None` if there are no labels.

    Raises:
        ImportError: If tensorflow-datasets is not installed.
        ValueError: If the set has no such feature, or no single one that fits; if
            `image_size` is needed; if an argument is wrong; with `lazy`, if the set was
            prepared as other files than ArrayRecord.

    Example:

    ```python
    import keras_gans as kg

    images, labels = kg.datasets.from_tfds("cifar10", "train[:10%]")  # downloads
    print(images.shape)  # (5000, 32, 32, 3)
    ```
    """
    images.check_options(3 if channels is None else channels, crop, "white")
    size = None if image_size is None else images.parse_size(image_size)

    builder = _builder(name_or_builder, data_dir)
    features = builder.info.features
    image_key = _key(builder, "image", image_key, _is_image)
    label_key = _key(builder, "label", label_key, _is_label, required=False)
    own_size, own_channels = features[image_key].shape[:2], features[image_key].shape[2]
    channels = channels or own_channels or 3
    if size is None:
        size = own_size
        if None in size:
            raise ValueError(
                f"The images of {builder.name!r} have different sizes. Expected: "
                "`image_size`, a number of pixels or (height, width). Received: None."
            )

    def normal(example):
        image = example[image_key]
        # (H, W, 1) -> (H, W), as Pillow wants grey images
        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        return images.fit(images.normalize(picture, channels), size, crop)

    if lazy:
        source = _source(builder, split)
        data = LazyImages(lambda i: normal(source[i]), (len(source), *size, channels))
        return data, _labels(builder, split, label_key, progress)
    examples = _examples(builder, split)
    data = np.empty((len(examples), *size, channels), "uint8")
    labels = np.empty(len(examples), "int32") if label_key else None
    bar = keras.utils.Progbar(len(examples), unit_name="image") if progress else None
    for i, example in enumerate(examples):
        data[i] = normal(example)
        if label_key:
            labels[i] = example[label_key]
        if bar:
            bar.add(1)
    return data, labels


def _source(builder, split, **options):
    """The examples of a split by number."""
    found = {f.value for f in builder.info.available_file_formats()}
    if "array_record" not in found:
        raise ValueError(
            f"{builder.name!r} cannot be read one by one. Expected: with lazy=True, a "
            f"set prepared as ArrayRecord files. Received: {sorted(found)}. Prepare it "
            "in another data_dir with array_record installed, or pass "
            "builder.as_dataset(), batched, to `fit`."
        )
    return builder.as_data_source(split, **options)


def _labels(builder, split, key, progress):
    """All labels, with no image decoded."""
    if not key:
        return None
    from tensorflow_datasets import decode

    names = [k for k, f in builder.info.features.items() if _is_image(f)]
    decoders = {k: decode.SkipDecoding() for k in names}
    source = _source(builder, split, decoders=decoders)
    labels = np.empty(len(source), "int32")
    bar = keras.utils.Progbar(len(source), unit_name="label") if progress else None
    for i in range(len(source)):
        labels[i] = source[i][key]
        if bar:
            bar.add(1)
    return labels


def _builder(name_or_builder, data_dir):
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ImportError(
            "`from_tfds` needs tensorflow-datasets, which is not installed. "
            "Install it: pip install keras-gans[datasets]"
        ) from error
    builder = name_or_builder
    if not isinstance(builder, tfds.core.DatasetBuilder):
        builder = tfds.builder(builder, data_dir=data_dir)
    # Does nothing if the set is there already, in whichever format.
    has_array_record = importlib.util.find_spec("array_record") is not None
    builder.download_and_prepare(
        file_format="array_record" if has_array_record else None
    )
    return builder


def _examples(builder, split):
    """Returns an iterable of dicts of arrays that knows its length."""
    from tensorflow_datasets import as_numpy

    if "array_record" in {f.value for f in builder.info.available_file_formats()}:
        return builder.as_data_source(split)
    return as_numpy(builder.as_dataset(split=split))


def _is_image(feature):
    from tensorflow_datasets import features

    return isinstance(feature, features.Image) and feature.np_dtype == np.uint8


def _is_label(feature):
    from tensorflow_datasets import features

    return isinstance(feature, features.ClassLabel)


def _key(builder, usual, asked, fits, required=True):
    """Returns the key of the feature to use: as asked, the usual, or the only one."""
    fitting = [key for key, feature in builder.info.features.items() if fits(feature)]
    if asked in fitting:
        return asked
    if asked is None and usual in fitting:
        return usual
    if asked is None and len(fitting) == 1:
        return fitting[0]
    if asked is None and not required:
        return None
    raise ValueError(
        f"{builder.name!r} has no feature that is clearly the {usual}. Expected: "
        f"`{usual}_key`, one of {fitting or 'none: no feature fits'}. Received: "
        f"{usual}_key={asked!r}. Its features: {dict(builder.info.features.items())}."
    )
