"""What the doctor measures on the networks, without leaving a trace in them."""

import numpy as np
from keras import ops

from keras_gans import backend
from keras_gans.datasets.lazy import LazyImages
from keras_gans.models.step import variables_of

PROBED = 64  # real and generated examples in a probe
DIFFERENTIATED = 16  # of them in the objectives, the dearest part
WATCHED = 64  # numbers of each weight whose motion stands for that of all
SEED = (20_14, 6)  # of the latents, the same ones in every probe


class Probe:
    """Both networks, seen on fixed real examples and fixed latents.

    All is measured as the networks are in training, with batch statistics, dropout,
    augmentation and noise, since that is the game they play. Whatever they assign
    meanwhile (moving averages, spectral norms, states of random numbers) is dropped:
    `backend.compiled` sees to it.

    Args:
        model: A compiled GAN.
        middle: Float, the logit between real and generated; see `equilibrium.py`.
        real: `(N, ...)`, training examples as the user passes them.
        labels: Optional `(N,)`.
        unseen: Optional `(N, ...)`, examples that are not trained on.
        unseen_labels: Optional `(N,)`.
    """

    def __init__(
        self, model, middle, real, labels=None, unseen=None, unseen_labels=None
    ):
        self.model = model
        self.middle = middle
        self.inputs = {"real": real, "unseen": unseen}
        self.inputs |= {"labels": labels, "unseen_labels": unseen_labels}
        self.inputs = {k: v for k, v in self.inputs.items() if v is not None}
        self._real_distances = None
        self._weights = None
        variables = [*model.variables, *model.optimizer.variables]
        self._run = backend.compiled(self._measure, variables)

    def warm_up(self):
        """Compiles."""
        self._run(self.inputs)

    def __call__(self):
        """Measures.

        Returns:
            Dict of floats.
        """
        raw = self._run(self.inputs)
        raw = {name: ops.convert_to_numpy(value) for name, value in raw.items()}
        return self._summary({k: np.array(v, "float64") for k, v in raw.items()})

    def _measure(self, inputs):
        """The part that is compiled: tensors in, a dict of tensors out."""
        model = self.model
        state = model.seed_generator.state
        state.assign(ops.cast(ops.convert_to_tensor(SEED), state.dtype))
        real = model.data_spec.to_network(inputs["real"])
        labels = model._labels(inputs.get("labels"))
        with backend.no_gradients():
            latents = model.draw_latents(ops.shape(real)[0])
            fake = model.generate_from(latents, labels, training=True)
            out = {"fake": fake, "real": real}
            if labels is not None:  # the same labels, other latents
                others = ops.roll(latents, 1, axis=0)
                out["others"] = model.generate_from(others, labels, training=True)
            for name, examples in (("real", real), ("fake", fake)):
                logits, gradients = self._slopes(examples, labels)
                out[f"{name}_logits"], out[f"{name}_slopes"] = logits, gradients
            if "unseen" in inputs:
                unseen = model.data_spec.to_network(inputs["unseen"])
                logits = model.discriminate(
                    unseen, model._labels(inputs.get("unseen_labels"))
                )
                out["unseen_logits"] = _per_example(logits)
            few = min(DIFFERENTIATED, real.shape[0])
            few_labels = None if labels is None else labels[:few]
            for player in model.players():
                out[f"{player.name}_gradient"] = self._gradient_norm(
                    player, real[:few], few_labels
                )
            out |= self._generator_weights()
        return out

    def _slopes(self, examples, labels):
        """Logits, and the norm of each one's gradient in its example."""

        def logits(examples):
            return _per_example(self.model.discriminate(examples, labels))

        values, gradients = backend.input_gradients(logits, examples)
        squares = ops.square(ops.cast(gradients, "float32"))
        return values, ops.sqrt(ops.sum(squares, tuple(range(1, len(squares.shape)))))

    def _gradient_norm(self, player, real, labels):
        """Norm of the gradient of the player's objective in all its weights."""

        def objective():
            value, _ = player.objective(real, labels)
            return value, None

        _, gradients = backend.value_and_grad(objective, variables_of(player))
        squares = [ops.sum(ops.square(ops.cast(g, "float32"))) for g in gradients]
        return ops.sqrt(sum(squares, ops.zeros((), "float32")))

    def _generator_weights(self):
        """Some of the generator's weights, and the distance of its average."""
        model = self.model
        some, distance, size = [], 0.0, 1e-20
        pairs = zip(model.generator.weights, model.ema_generator.weights, strict=True)
        pairs = [p for p in pairs if "float" in str(p[0].dtype)]  # no random states
        # Of a frozen generator all, which then stay what they are.
        for weight, average in [p for p in pairs if p[0].trainable] or pairs:
            weight = ops.reshape(ops.cast(weight, "float32"), (-1,))
            average = ops.reshape(ops.cast(average, "float32"), (-1,))
            some.append(weight[:: max(1, weight.shape[0] // WATCHED)])
            distance += ops.sum(ops.square(weight - average))
            size += ops.sum(ops.square(weight))
        return {
            "weights": ops.concatenate(some),
            "ema_distance": ops.sqrt(distance / size),
        }

    def _summary(self, raw):
        """The figures that rules and curves are made of."""
        real, fake = raw["real_logits"], raw["fake_logits"]
        if self._real_distances is None:
            self._real_distances = distances(raw["real"])
        spread, nearest = distances(raw["fake"])
        real_spread, real_nearest = self._real_distances
        figures = {
            "real_logit": real.mean(),
            "fake_logit": fake.mean(),
            "accuracy": (np.mean(real > self.middle) + np.mean(fake < self.middle)) / 2,
            "ranking": ranking(real, fake),
            "r_t": np.sign(real - self.middle).mean(),
            "d_gradient": raw["discriminator_gradient"],
            "g_gradient": raw["generator_gradient"],
            "real_slope": raw["real_slopes"].mean(),
            "fake_slope": raw["fake_slopes"].mean(),
            "diversity": spread / max(real_spread, 1e-12),
            "nearest": nearest / max(real_nearest, 1e-12),
            "by_latents": spread / max(real_spread, 1e-12),
            "ema_distance": raw["ema_distance"],
            "update": np.nan,
        }
        if "others" in raw:
            squares = np.square(raw["others"] - raw["fake"])
            apart = np.sqrt(squares.reshape(len(squares), -1).sum(axis=1).mean())
            figures["by_latents"] = apart / max(real_spread, 1e-12)
        if self._weights is not None:
            motion = np.linalg.norm(raw["weights"] - self._weights)
            figures["update"] = motion / max(np.linalg.norm(self._weights), 1e-20)
        self._weights = raw["weights"]
        if "unseen_logits" in raw:
            unseen = raw["unseen_logits"]
            # Karras et al. 2020, arXiv:2006.06676, equation 1.
            apart = real.mean() - fake.mean()
            figures["r_v"] = (real.mean() - unseen.mean()) / (apart or np.nan)
            figures["train_over_unseen"] = ranking(real, unseen)
        return {name: float(value) for name, value in figures.items()}


def _per_example(logits):
    logits = ops.cast(logits, "float32")
    axes = tuple(range(1, len(logits.shape)))
    return ops.mean(logits, axis=axes) if axes else logits


def ranking(higher, lower):
    """How often a value of one sample lies above one of another; ties count half.

    The area under the ROC curve, P(h > l) + P(h = l) / 2: 1 if all do, 1/2 by chance.
    It asks for no threshold, so it means the same for every loss.

    Args:
        higher: `(N,)`.
        lower: `(M,)`.

    Returns:
        Float in [0, 1]; NaN if a value is.
    """
    difference = higher[:, None] - lower[None]
    if not np.isfinite(difference).all():
        return float("nan")
    return float(np.mean((np.sign(difference) + 1) / 2))


def distances(examples):
    """Distances between examples, in the space of their own values.

    Args:
        examples: `(N, ...)`.

    Returns:
        The root mean square over all pairs, and the mean distance to the nearest.
    """
    x = examples.reshape(len(examples), -1)
    if len(x) < 2:
        return float("nan"), float("nan")
    x = x - x.mean(axis=0)  # or float32 lost what makes similar examples differ
    norms = np.sum(x * x, axis=1)
    squares = np.maximum(norms[:, None] + norms[None] - 2 * x @ x.T, 0)
    np.fill_diagonal(squares, np.inf)
    nearest = np.sqrt(squares.min(axis=1)).mean()
    np.fill_diagonal(squares, 0)
    return np.sqrt(squares.sum() / (len(x) * (len(x) - 1))), nearest


def some_of(model, examples, labels, name):
    """Examples and labels for a probe: a power of two, as minibatch layers want groups.

    Args:
        model: A compiled GAN.
        examples: `(N, ...)`, an array or `LazyImages`.
        labels: Optional `(N,)`.
        name: What to call the examples in errors.

    Returns:
        The examples, and the labels as the model takes them; None if it takes none.

    Raises:
        ValueError: If they are no data of the model.
    """
    count = 2 ** int(np.log2(min(PROBED, len(examples))))
    # Evenly spread, since data are often sorted.
    rows = np.linspace(0, len(examples) - 1, count).round().astype(int)
    if not isinstance(examples, LazyImages):
        examples = np.asarray(examples)
    examples = examples[rows]
    model.data_spec.check(examples, name)
    if model.condition is None:
        return examples, None
    labels = None if labels is None else np.asarray(labels)[rows]
    return examples, model.condition.as_array(labels, count)
