"""Presets: folders that hold a model, its weights and a card that says what they are.

* `config.json`: class and configuration of the model, size and SHA-256 of its weights,
  and the metadata that `presets()` lists.
* `model.weights.h5`: the weights of all networks, without the optimizers' state; of
  averaged networks only where they are not what is averaged.
* `README.md`: the card.
* `samples.png`: a grid of samples (optional).

Nothing in them is code: a configuration names registered classes, and a `lambda` is
refused when saving and when loading.
"""

import contextlib
import dataclasses
import difflib
import os
import pathlib

import keras

from keras_gans import backend
from keras_gans import distribution
from keras_gans import preset_files
from keras_gans import zoo
from keras_gans.preset_files import CARD
from keras_gans.preset_files import CONFIG
from keras_gans.preset_files import FILES
from keras_gans.preset_files import WEIGHTS
from keras_gans.version import __version__

NETWORKS = ("generator", "discriminator")  # attributes of models; of two domains, too


@dataclasses.dataclass(frozen=True, repr=False)
class Preset:
    """What is known of a preset without building its model.

    Attributes:
        name: Name of the preset: the name of its folder.
        path: Folder of the preset.
        model: Name of the class it was saved from, e.g. `"DCGAN"`.
        description: One line on what it is.
        data: What it was trained on.
        licence: Licence of the weights, `"unspecified"` if nobody said.
        metrics: Dict, name of each metric -> value.
    """

    name: str
    path: pathlib.Path
    model: str
    description: str = ""
    data: str = ""
    licence: str = "unspecified"
    metrics: dict = dataclasses.field(default_factory=dict)

    @property
    def card(self):
        """Text of the card, Markdown; empty if the preset has none."""
        card = self.path / CARD
        return card.read_text(encoding="utf-8") if card.is_file() else ""

    def __repr__(self):
        facts = {
            "": self.description,
            "data: ": self.data,
            "licence: ": self.licence,
            "metrics: ": _listed(self.metrics),
        }
        line = "; ".join(label + fact for label, fact in facts.items() if fact)
        return f"<{self.model} preset {self.name!r}; {line}>"


def presets():
    """Lists the presets of the zoo.

    Returns:
        Dict, name -> `Preset`, in the order of the names; empty if no zoo is installed.

    Example:

    ```python
    import keras_gans as kg

    for preset in kg.presets().values():
        print(preset)
        print(preset.card)
    ```
    """
    return {name: _describe(folder) for name, folder in _zoo_folders().items()}


def load_preset(model_cls, preset, **kwargs):
    """Builds the model of a preset and loads its weights.

    Args:
        model_cls: Class that the model must be an instance of.
        preset: Name of a zoo preset, path of a preset folder or `"hf://user/repo"`. A
            name of the zoo wins over a folder of that name: write `"./name"`.
        **kwargs: Override entries of the model's configuration, e.g.
            `dtype="mixed_bfloat16"`. With `seed` random numbers begin anew.

    Returns:
        The model, not compiled: `compile()` sets the recipe of the paper.

    Raises:
        ValueError: If there is no such preset, if it is not one of `model_cls`, is
            incomplete, damaged, newer than this keras_gans or carries code, or if its
            weights do not fit the model.
        ImportError: If `hf://` is asked for without `huggingface_hub`.

    Example:

    ```python
    import keras_gans as kg

    gan = kg.models.GAN.from_preset("dcgan_fashion_mnist_32")
    images = gan.generate(16, seed=0)
    ```
    """
    folder = _resolve(preset)
    config = preset_files.read_config(folder)
    model_config = config["model"]
    _check_class(model_cls, model_config, preset)
    _refuse_code(model_config, f"preset {str(preset)!r}")
    preset_files.check_weights(folder / WEIGHTS, config["weights"])

    settings = model_config["config"]
    unknown = sorted(set(kwargs) - set(settings))
    if unknown:
        raise ValueError(
            f"Expected overrides of the configuration of preset {str(preset)!r}: "
            f"{', '.join(settings)}. Received: {', '.join(unknown)}."
        )
    overrides = keras.saving.serialize_keras_object(kwargs)
    model_config = {**model_config, "config": {**settings, **overrides}}
    model = keras.saving.deserialize_keras_object(model_config, safe_mode=True)
    skip = preset_files.not_saved(model)
    has_averages = config["weights"].get("averages", True)
    if not has_averages:
        skip += [average for _, average in model.averaged()]
    seed = kwargs.get("seed")
    is_new = seed is not None and hasattr(model, "take_seed")
    kept = model._random_states_kept() if is_new else contextlib.nullcontext()
    try:
        with kept:
            keras.saving.load_weights(model, folder / WEIGHTS, objects_to_skip=skip)
    except (ValueError, KeyError, OSError) as error:
        advice = (
            f"It was built with {kwargs}: drop what changes its networks."
            if kwargs
            else f"They were saved by keras_gans {config['keras_gans']} and this is "
            f"{__version__}: install that version if the networks have changed."
        )
        reason = str(error).partition("\n\nList of objects")[0]
        raise ValueError(
            f"Expected weights in preset {str(preset)!r} that fit its model. {advice} "
            f"Received from Keras: {reason}"
        ) from error
    if is_new:
        model.take_seed(seed)
    if not has_averages:
        preset_files.repeat_averages(model)
    return model


def save_preset(model, folder, card=None, metadata=None, samples=None, overwrite=False):
    """Writes a model as a preset that `from_preset` loads, whole or not at all.

    Of processes that train together, the first one writes.

    Args:
        model: Keras model of a registered class, built.
        folder: Folder to write, in one step at the end.
        card: Text of the card, Markdown. Default: one made from the model and
            `metadata`.
        metadata: Dict of what `presets()` shows: strings `"description"`, `"data"` and
            `"licence"`, a dict `"metrics"` (name -> value), and anything else that
            JSON can hold.
        samples: Path of a PNG to take along.
        overwrite: Replace the files of a preset that is there already, its card and
            samples included. Other files in the folder stay.

    Returns:
        The folder as a `pathlib.Path`.

    Raises:
        FileExistsError: If a preset is there and `overwrite` is false, or if anything
            else but an empty folder is there.
        ValueError: If the class of the model is not registered, if the model is not
            built, or if its configuration carries code.

    Example:

    ```python
    import keras_gans as kg

    gan = kg.models.DCGAN(image_shape=(32, 32, 1))
    gan.save_to_preset("my_dcgan", metadata={"licence": "CC0-1.0"})
    kg.models.DCGAN.from_preset("my_dcgan")
    ```
    """
    folder = pathlib.Path(folder).expanduser().resolve()
    if not distribution.is_first_process():
        return folder
    preset_files.check_target(folder, overwrite)
    backend.sync_state(model)  # The optimizer's configuration reads variables too.
    model_config = _serialize(model)
    metadata = metadata or {}
    if samples is not None:
        samples = pathlib.Path(samples).read_bytes()
    if card is None:
        card = _default_card(model, folder.name, metadata)
    preset_files.write(folder, model, model_config, metadata, card, samples)
    return folder


def _zoo_folders():
    """Name -> folder of every preset of the zoo."""
    root = zoo.path()
    configs = sorted((root / "weights").glob(f"*/{CONFIG}")) if root else []
    return {config.parent.name: config.parent for config in configs}


def _describe(folder):
    config = preset_files.read_config(folder)
    shown = ("description", "data", "licence", "metrics")
    metadata = {k: v for k, v in config["metadata"].items() if k in shown}
    return Preset(folder.name, folder, config["model"]["class_name"], **metadata)


def _resolve(preset):
    """The folder of a zoo name, a path or a `hf://` address."""
    if str(preset).startswith("hf://"):
        return _download(str(preset))
    zoo_folders = _zoo_folders()
    if isinstance(preset, str) and preset in zoo_folders:
        return zoo_folders[preset]
    folder = pathlib.Path(preset).expanduser()
    if (folder / CONFIG).is_file():
        return folder
    if folder.is_dir():
        raise ValueError(
            f"Expected a preset folder, which has a {CONFIG}: `save_to_preset` writes "
            f"them. Received: {folder}, with {sorted(os.listdir(folder)) or 'nothing'}."
        )
    near = difflib.get_close_matches(str(preset), zoo_folders, n=3)
    meant = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    names = (
        f"The zoo has: {', '.join(zoo_folders)}."
        if zoo_folders
        else "No zoo is installed: pip install 'keras-gans[zoo]', or run in a checkout."
    )
    raise ValueError(
        "Expected the name of a zoo preset, a preset folder or hf://user/repo. "
        f"Received: {str(preset)!r}.{meant} {names}"
    )


def _download(address):
    """Fetches a preset from the Hugging Face Hub, or from its cache on this machine."""
    repo = address.removeprefix("hf://")
    if repo.count("/") != 1 or not all(repo.split("/")):
        raise ValueError(f"Expected hf://user/repo. Received: {address!r}.")
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError(
            f"{address} needs huggingface_hub: pip install 'keras-gans[hub]'."
        ) from error
    folder = huggingface_hub.snapshot_download(repo, allow_patterns=list(FILES))
    folder = pathlib.Path(folder)
    if not (folder / CONFIG).is_file():
        raise ValueError(
            f"Expected {CONFIG} at the top of {address}. Received: no such file. A "
            "preset on the Hub is the files that `save_to_preset` writes."
        )
    return folder


def _check_class(model_cls, model_config, preset):
    """Refuses a preset whose class is unknown or is no `model_cls`."""
    registered_name = model_config["registered_name"]
    cls = keras.saving.get_registered_object(registered_name)
    if cls is None:
        raise ValueError(
            "Expected a preset of a registered class. Received: "
            f"{str(preset)!r}, of the class {registered_name}. Import the module that "
            f"defines it first: {model_config['module']}."
        )
    takes_any = vars(model_cls).get("takes_any_preset")
    if cls is not model_cls and not takes_any:
        raise ValueError(
            f"{model_cls.__name__}.from_preset expects a preset of "
            f"{model_cls.__name__}. Received: {str(preset)!r}, a preset of "
            f"{cls.__name__}. Use {cls.__name__}.from_preset, or GAN.from_preset, "
            "which takes any."
        )


def _serialize(model):
    """The configuration of a model, without its compilation."""
    name = keras.saving.get_registered_name(type(model))
    if keras.saving.get_registered_object(name) is not type(model):
        raise ValueError(
            "Expected a model of a registered class, which others can load. Received: "
            f"{type(model).__name__}. Decorate it with "
            '@keras.saving.register_keras_serializable("your_package").'
        )
    if not model.built:
        raise ValueError(
            f"Expected a model with weights. Received: {model.name}, which is not "
            "built. Call `build` first."
        )
    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    _refuse_code(config, f"the configuration of {type(model).__name__}")
    return config


def _refuse_code(config, where):
    """Raises if a configuration carries code, whatever Keras' global setting allows."""
    if isinstance(config, dict):
        if config.get("class_name") == "__lambda__":
            raise ValueError(
                f"Presets carry no code. Received: a lambda in {where}. Use a named "
                "function with @keras.saving.register_keras_serializable()."
            )
        config = config.values()
    elif not isinstance(config, (list, tuple)):
        return
    for part in config:
        _refuse_code(part, where)


def networks_of(model):
    """Names of a model's networks, as attributes; of two domains, four."""
    names = (f"{name}{of}" for name in NETWORKS for of in ("", "_a", "_b"))
    return [name for name in names if hasattr(model, name)]


def _listed(value):
    """A dict on one line, as cards and representations show it; others as they are."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {entry}" for key, entry in value.items())
    return str(value)


def _default_card(model, name, metadata):
    counts = {
        part: f"{getattr(model, part).count_params():,}" for part in networks_of(model)
    }
    facts = {"class": f"`{type(model).__name__}` (keras_gans {__version__})"}
    if hasattr(model, "data_spec"):
        facts["data shape"] = tuple(model.data_spec.shape)
    facts["parameters"] = _listed(counts) or f"{model.count_params():,}"
    facts["licence"] = "unspecified"
    facts |= {key: fact for key, fact in metadata.items() if key != "description"}
    lines = [f"* {key.capitalize()}: {_listed(fact)}" for key, fact in facts.items()]
    description = metadata.get("description", "A preset of keras_gans.")
    usage = getattr(model, "usage", "samples = gan.generate(16, seed=0)")
    return "\n".join(
        [f"# {name}", "", description, "", *lines, "", "```python"]
        + ["import keras_gans as kg", ""]
        + [f'gan = kg.models.GAN.from_preset("{name}")  # a folder or hf://user/repo']
        + [usage, "```", ""]
    )
