"""What every model has whose networks are trained against each other."""

import keras
import numpy as np

from keras_gans import backend
from keras_gans import distribution
from keras_gans.models.compiling import CompileMixin
from keras_gans.models.saving import SavingMixin
from keras_gans.models.step import AlternatingStep
from keras_gans.models.training import TrainingMixin


class AdversarialModel(
    backend.TrainStep,
    AlternatingStep,
    CompileMixin,
    TrainingMixin,
    SavingMixin,
    keras.Model,
):
    """The step, `fit`, `compile` and files; a family of models states its game.

    A family (`GAN`, which makes examples of latents; `TranslationModel`, which makes
    images of images; `ContextEncoder`) has `data_spec` and `condition`, for the two
    parts of its data, a `recipe()`, and `players()` with their objectives.
    """

    default_batch_size = 100
    takes_any_preset = False
    pac = 1

    def _init_training(self, seed):
        """Makes the state of training, once the networks are there.

        Args:
            seed: Optional int in 0..2**31 - 1, start of the random numbers of training
                and of the order of examples.

        Raises:
            ValueError: If `seed` is something else.
        """
        seed = self._init_config["seed"] = checked_seed(seed)
        if seed is not None:
            seed_layers(self, seed)
        distribution.initialize()
        if seed is None:  # processes that train together need the same one
            alone = distribution.process_count() == 1
            seed = int(np.random.default_rng().integers(2**31)) if alone else 0
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.images_seen = self.add_weight(
            shape=(), initializer="zeros", dtype="int32", trainable=False,
            name="images_seen",
        )  # fmt: skip
        backend.fix_random_states(self)
        self.built = True

    def _check_network(self, name, inputs, output=None):
        """Raises unless a network takes and gives images of these shapes."""
        network = getattr(self, name)
        check_shapes_are_known(name, network)
        taken = network.input_shape
        received = [*taken] if isinstance(taken, list) else [taken]
        expected = list(inputs)
        if output is not None:
            received, expected = [*received, network.output_shape], [*inputs, output]
        if len(received) != len(expected) or not all(map(_fits, received, expected)):
            raise ValueError(
                f"The {name} does not fit the images. Expected: from {inputs} to "
                f"{output or 'logits (h, w, 1)'}. Received: from {taken} to "
                f"{network.output_shape}."
            )


def check_shapes_are_known(name, network):
    """Raises unless a network tells the shapes of what it takes and gives.

    Args:
        name: String, of the argument.
        network: A `keras.Model`.
    """
    if network.built and hasattr(network, "input_shape"):
        return
    raise ValueError(
        f"Expected: a built {name}, functional or sequential, whose shapes are known. "
        f"Received: {network!r}. Begin it with `keras.Input(...)`; a network of your "
        "own class goes into one: with x = keras.Input(...), keras.Model(x, yours(x))."
    )


def seed_layers(model, seed):
    """Starts the random numbers of layers, such as noise, that have no seed of theirs.

    Args:
        model: A `keras.Model`.
        seed: Int >= 0, of all layers together.
    """
    rng = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        for generator in layer._seed_generators:
            if generator._initial_seed is None:
                generator.state.assign([int(rng.integers(2**31)), 0])


def average_of(network):
    """A copy of a network, for the average of its weights; it is not trained."""
    average = keras.models.clone_model(network)
    average.name = f"ema_{network.name}"  # which `summary` shows
    average.set_weights(network.get_weights())
    average.trainable = False
    return average


def checked_seed(seed):
    """A seed as Python's int, which all backends can count in int32; or None."""
    if seed is None:
        return None
    is_int = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if not is_int or not 0 <= seed < 2**31:
        raise ValueError(
            "Expected: `seed` as an int in 0..2**31 - 1, or None for another one each "
            f"time. Received: {seed!r}. Larger ones fit with `seed % 2**31`."
        )
    return int(seed)


class dtype_policy:
    """Makes networks under a dtype policy, whatever the global one."""

    def __init__(self, policy):
        self.policy = policy

    def __enter__(self):
        self.before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.policy)

    def __exit__(self, *_):
        keras.config.set_dtype_policy(self.before)


def _fits(received, expected):
    """Whether a network's `(None, H, W, C)`, sides maybe open, is that of images."""
    sizes = received[1:]
    return len(sizes) == 3 and all(
        size in (None, own) for size, own in zip(sizes, expected, strict=True)
    )
