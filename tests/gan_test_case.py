"""What every variant must do, checked on whichever backend runs."""

import keras
import numpy as np
from keras import ops

import keras_gans as kg
from keras_gans import backend
from keras_gans.models.step import variables_of
from keras_gans.models.translation import TranslationModel

ON_JAX = keras.config.backend() == "jax"
# How a few steps of small networks take the least time, for `compile`.
QUICKEST = {"run_eagerly": not ON_JAX}


def to_numpy(variables):
    with backend.no_gradients():
        return [np.array(ops.convert_to_numpy(v), dtype="float64") for v in variables]


def max_difference(first, second):
    return max(
        (np.abs(a - b).max() for a, b in zip(first, second, strict=True) if a.size),
        default=0.0,
    )


def trained_dcgan(dtype, **options):
    """A small DCGAN after two steps, with these options of `compile`."""
    keras.utils.set_random_seed(3)
    gan = kg.models.DCGAN((16, 16, 1), latent_dim=4, width=4, seed=0, dtype=dtype)
    gan.compile(**options)
    images = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 1), "uint8")
    gan.fit(images, batch_size=4, verbose=0)
    return gan


class Batches(keras.utils.PyDataset):
    """Batches in a fixed order, the last one partial."""

    def __init__(self, images, batch_size, labels=None):
        super().__init__()
        self.images, self.labels, self.batch_size = images, labels, batch_size

    def __len__(self):
        return -(-len(self.images) // self.batch_size)

    def __getitem__(self, index):
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        if self.labels is None:
            return self.images[rows]
        return self.images[rows], self.labels[rows]


class GANTestCase:
    """Derive from it, and call `run_gan_test` for a variant."""

    def run_gan_test(
        self, cls, init_kwargs, images, tmp_path, batch_size=4, deep=False, **options
    ):
        """Runs the contract of a variant.

        Args:
            cls: The variant.
            init_kwargs: Of a small one; a seed is added.
            images: At least 4 * discriminator_steps * batch_size + 1 examples.
            tmp_path: Folder for files.
            batch_size: Int.
            deep: Whether the networks are so deep that on JAX only compiled steps run,
                and their gradients are looked at on the other backends.
            **options: Of `compile`, in place of the paper's.
        """

        def make():
            keras.utils.set_random_seed(3)
            return cls(seed=5, **init_kwargs)

        def compiled(**kwargs):
            model = make()
            model.compile(**options, **kwargs)
            return model

        model = compiled()
        self.labels = self.labels_of(model, len(images))
        two_steps = images[: 2 * model.discriminator_steps * batch_size]
        self.check_config(model)
        self.check_fit(model, two_steps, batch_size)
        # The rest runs as is quickest: TensorFlow traces a step of deep networks for
        # half a minute, JAX takes longer for its operations one by one, and as long to
        # compile a step for each form of the batch.
        if not ON_JAX:
            model = compiled(run_eagerly=True)
        if not deep:
            eager = compiled(run_eagerly=True) if ON_JAX else model
            self.check_fit(eager, two_steps, batch_size)
        self.check_partial_batch(model, images, batch_size)
        self.check_resume(model, two_steps, batch_size, tmp_path)
        self.check_bfloat16(cls, init_kwargs, two_steps, batch_size, options | QUICKEST)
        if not (ON_JAX and deep):
            adam = {
                f"{player}_optimizer": keras.optimizers.Adam(1e-2)
                for player in ("generator", "discriminator")
            }  # moves every weight, however small its gradient
            model.compile(**options, **adam)
            self.check_players(model, images[:batch_size])

    def labels_of(self, model, count):
        """What goes with the images into `fit`."""
        if model.condition is None:
            return None
        if isinstance(model, TranslationModel):
            shape = (count, *model.data_spec_b.shape)
            return np.random.default_rng(1).integers(0, 256, shape, "uint8")
        return model.condition.for_samples(None, count)

    def samples_of(self, model, images):
        """What the averaged generators make."""
        if isinstance(model, kg.models.ContextEncoder):
            height, width, _ = model.data_spec.shape
            masks = np.random.default_rng(2).integers(0, 2, (3, height, width))
            return model.inpaint(images[:3], masks)
        if isinstance(model, TranslationModel):
            given = {"a": self.labels, "b": images}
            made = [model.translate(given[to][:3], to) for to in model.directions()]
            return np.concatenate(made, axis=-1)
        return model.generate(3, seed=1)

    def check_fit(self, model, images, batch_size):
        def averages():
            return to_numpy([w for _, n in model.averaged() for w in n.weights])

        before = averages()
        history = self.fit(model, images, batch_size).history
        assert all(np.isfinite(v).all() for v in history.values()), history
        after = averages()
        assert max_difference(before, after) > 0, "EMA does not move"
        if isinstance(model, kg.models.StyleGAN2):
            assert np.abs(model.mean_style).max() > 0, "the mean style does not move"
        assert int(model.images_seen) == len(images)

    def fit(self, model, images, batch_size, **kwargs):
        labels = None if self.labels is None else self.labels[: len(images)]
        return model.fit(images, labels, batch_size=batch_size, verbose=0, **kwargs)

    def check_config(self, model):
        config = model.get_config()
        again = type(model).from_config(config)
        assert again.get_config() == config
        shapes = [w.shape for w in model.weights]
        assert [w.shape for w in again.weights] == shapes

    def check_players(self, model, images):
        """Each update changes its own networks only, with finite gradients."""
        real = model.data_spec.to_network(ops.convert_to_tensor(images))
        labels = None
        if model.condition is not None:
            labels = model.condition.to_network(self.labels[: len(images)])
        still = set()
        if isinstance(model.loss, kg.losses.Wasserstein | kg.losses.Hinge):
            # Adding a constant to the critic changes nothing (within the margin).
            still |= {
                id(v)
                for v in model.discriminator.trainable_variables
                if v.name == "bias" and v.shape == (1,)
            }
        everything = [
            v
            for player in model.players()
            for network in player.networks
            for v in network.trainable_variables
        ]

        def play(_):
            """Gradients and new values of everything, player by player."""
            found = []
            for player in model.players():
                variables = variables_of(player)
                _, gradients = backend.value_and_grad(
                    lambda objective=player.objective: objective(real, labels)[:2],
                    variables,
                )
                model._update(player, real, labels)
                values = [ops.copy(ops.convert_to_tensor(v)) for v in everything]
                found.append((gradients, values))
            return found

        if ON_JAX:
            play = backend.compiled(
                play, [*model.variables, *model.optimizer.variables]
            )
        before = to_numpy(everything)
        for player, (gradients, values) in zip(model.players(), play({}), strict=True):
            variables = variables_of(player)
            for variable, gradient in zip(variables, to_numpy(gradients), strict=True):
                assert np.isfinite(gradient).all(), variable.path
                assert id(variable) in still or np.abs(gradient).max() > 0, (
                    f"no gradient: {variable.path}"
                )
            after, own = to_numpy(values), {id(v) for v in variables}
            for variable, old, new in zip(everything, before, after, strict=True):
                moved = np.abs(new - old).max() > 0
                if id(variable) not in own:
                    assert not moved, f"{player.name} moves {variable.path}"
                else:
                    assert id(variable) in still or moved, f"still: {variable.path}"
            before = after

    def check_partial_batch(self, model, images, batch_size):
        steps = model.discriminator_steps
        count = batch_size * steps + steps + batch_size // 2
        batches = Batches(images[:count], batch_size, self.labels)
        history = model.fit(batches, shuffle=False, verbose=0)
        assert all(np.isfinite(v).all() for v in history.history.values())

    def check_bfloat16(self, cls, init_kwargs, images, batch_size, options):
        model = cls(dtype="mixed_bfloat16", seed=0, **init_kwargs)
        assert model.averaged()[0][0].layers[0].compute_dtype == "bfloat16"
        model.compile(**options)
        history = self.fit(model, images, batch_size).history
        assert all(np.isfinite(v).all() for v in history.values())
        assert all(w.dtype == "float32" for w in model.trainable_weights)
        again = cls.from_config(model.get_config())
        assert again.averaged()[0][0].layers[0].compute_dtype == "bfloat16"

    def check_resume(self, model, images, batch_size, tmp_path):
        """save -> load -> fit is bit for bit what an uninterrupted fit is."""
        path = tmp_path / "model.keras"
        model.save(path)
        loaded = keras.saving.load_model(path)
        assert loaded.get_compile_config() == model.get_compile_config()
        samples, loaded_samples = (self.samples_of(m, images) for m in (model, loaded))
        assert (samples == loaded_samples).all()
        for one in (model, loaded):
            self.fit(one, images, batch_size, initial_epoch=1, epochs=2)
        state, loaded_state = (
            to_numpy([*m.variables, *m.optimizer.variables]) for m in (model, loaded)
        )
        assert max_difference(state, loaded_state) == 0
