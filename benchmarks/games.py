"""What four models minimise, as one would write it by hand with `keras.ops`.

A game names the networks of a model and the objectives of their updates; the loops of
`benchmarks.loops` train it. Networks, and layers with a state such as CycleGAN's pool,
are the model's own; nothing else here is of keras_gans.

Objectives take `tools` first: `normal(shape)` and `uniform(shape)` draw numbers,
`gradient(fn, x)` is that of the sum of `fn(x)`, and within `no_gradients()` nothing is
recorded.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import keras
from keras import ops

SOFTPLUS = keras.ops.softplus


class Player(NamedTuple):
    """Networks that are updated together.

    Attributes:
        networks: List of `keras.Model`.
        optimizer: A Keras optimizer.
        objective: Callable `(tools, due, shown, *examples)`, with the set of lazy terms
            that are due and what the player before has shown; returns the loss and
            what it shows.
        updates: Int, one after the other, each on its part of a batch.
    """

    networks: list
    optimizer: keras.Optimizer
    objective: Callable
    updates: int = 1

    @property
    def weights(self):
        """What is trained."""
        return [v for network in self.networks for v in network.trainable_variables]


class Game(NamedTuple):
    """Players in the order of their turns.

    Attributes:
        players: List of `Player`.
        averaged: Pairs of a network and its moving average.
        prepare: Callable from a batch, as it is stored, to what objectives take.
        others: List of layers and variables, further state.
        every: Dict from the name of a lazy term to its updates per evaluation.
    """

    players: list
    averaged: list
    prepare: Callable
    others: list = ()
    every: dict = {}

    @property
    def updates(self):
        """Parts of a batch: the updates of who has most."""
        return max(player.updates for player in self.players)

    def build(self):
        """Makes the optimizers' variables."""
        for player in self.players:
            player.optimizer.build(player.weights)

    def variables(self):
        """All variables, each once."""
        owners = [network for player in self.players for network in player.networks]
        owners += [average for _, average in self.averaged]
        owners += [player.optimizer for player in self.players]
        owned = [v for owner in owners for v in owner.variables]
        for other in self.others:
            owned += getattr(other, "variables", [other])
        return list({id(v): v for v in owned}.values())

    def pairs(self, rate):
        """A weight, its average, and the share of the way that it goes."""
        return [
            (weight, average, rate if weight.trainable else 1.0)
            for network, mean in self.averaged
            for weight, average in zip(network.weights, mean.weights, strict=True)
        ]

    def play(self, batch, split, minimise):
        """One step: every player's updates, each on its part of the batch.

        Args:
            batch: Arrays or tensors, as they are stored.
            split: Callable `(x, n)` that cuts a tensor into n parts.
            minimise: Callable `(player, shown, part)` that makes an update; returns
                the loss and what the player shows to the next.

        Returns:
            The last loss of each player.
        """
        examples = [split(x, self.updates) for x in self.prepare(*batch)]
        parts, shown, losses = list(zip(*examples, strict=True)), (), []
        for player in self.players:
            for part in parts[: player.updates]:
                loss, shows = minimise(player, shown, part)
            losses.append(loss)
            shown = shows
        return losses

    def due(self, update):
        """Names of the lazy terms of the n-th update, from 0."""
        return frozenset(name for name, n in self.every.items() if update % n == 0)


def _adam(rate, beta_1, beta_2):
    return keras.optimizers.Adam(rate, beta_1=beta_1, beta_2=beta_2)


def _images(*batch):
    return [ops.cast(images, "float32") / 127.5 - 1.0 for images in batch]


def dcgan(model, batch_size):
    """DCGAN: the non-saturating loss."""
    generator, discriminator = model.generator, model.discriminator

    def fakes(tools):
        latents = tools.normal((batch_size, model.latent_dim))
        return generator(latents, training=True)

    def of_discriminator(tools, due, shown, real):
        with tools.no_gradients():
            fake = ops.stop_gradient(fakes(tools))
        losses = SOFTPLUS(-discriminator(real, training=True))
        losses = losses + SOFTPLUS(discriminator(fake, training=True))
        return ops.mean(losses), ()

    def of_generator(tools, due, shown, real):
        return ops.mean(SOFTPLUS(-discriminator(fakes(tools), training=True))), ()

    players = [
        Player([discriminator], _adam(2e-4, 0.5, 0.999), of_discriminator),
        Player([generator], _adam(2e-4, 0.5, 0.999), of_generator),
    ]
    return Game(players, [(generator, model.ema_generator)], _images)


def big_gan(model, batch_size):
    """BigGAN with classes: hinge losses, and orthogonal weights of the generator."""
    generator, discriminator = model.generator, model.discriminator

    def prepare(images, labels):
        return *_images(images), ops.one_hot(labels, model.num_classes)

    def fakes(tools, labels):
        latents = tools.normal((batch_size, model.latent_dim))
        return generator([latents, labels], training=True)

    def of_discriminator(tools, due, shown, real, labels):
        with tools.no_gradients():
            fake = ops.stop_gradient(fakes(tools, labels))
        losses = ops.relu(1.0 - discriminator([real, labels], training=True))
        losses = losses + ops.relu(1.0 + discriminator([fake, labels], training=True))
        return ops.mean(losses) + sum(discriminator.losses), ()

    def of_generator(tools, due, shown, real, labels):
        fake = fakes(tools, labels)
        loss = -ops.mean(discriminator([fake, labels], training=True))
        return loss + sum(generator.losses), ()

    updates = model.recipe()["discriminator_steps"]
    players = [
        Player([discriminator], _adam(2e-4, 0.0, 0.999), of_discriminator, updates),
        Player([generator], _adam(2e-4, 0.0, 0.999), of_generator),
    ]
    return Game(players, [(generator, model.ema_generator)], prepare)


def style_gan2(model, batch_size):
    """StyleGAN2: R1 every 16th, path lengths of half a batch every 4th update."""
    generator, discriminator = model.generator, model.discriminator
    mapping, synthesis = (generator.get_layer(n) for n in ("mapping", "synthesis"))
    average, depth = generator.get_layer("style_average"), model.num_styles
    gamma = 0.0002 * math.prod(model.data_spec.shape[:2]) / batch_size
    mean_length = keras.Variable(0.0, trainable=False)

    def styles(tools, count):
        latents = tools.normal((2 * count, model.latent_dim))
        w, others = ops.split(mapping(latents, training=True), 2)
        w = average(w, training=True)
        draws = tools.uniform((count, 2, 1, 1))
        first = 1.0 + ops.floor(draws[:, 0] * (depth - 1))
        first = ops.where(draws[:, 1] < model.style_mixing, first, float(depth))
        index = ops.reshape(ops.arange(depth, dtype="float32"), (1, depth, 1))
        return ops.where(index < first, w[:, None], others[:, None])

    def fakes(tools):
        return synthesis(styles(tools, batch_size), training=True)

    def judge(images):
        return discriminator(images, training=True)

    def of_discriminator(tools, due, shown, real):
        with tools.no_gradients():
            fake = ops.stop_gradient(fakes(tools))
        loss = ops.mean(SOFTPLUS(-judge(real)) + SOFTPLUS(judge(fake)))
        if "r1" in due:
            squares = ops.square(tools.gradient(judge, real))
            loss = loss + 16 * gamma / 2 * ops.mean(ops.sum(squares, axis=(1, 2, 3)))
        return loss, ()

    def of_generator(tools, due, shown, real):
        loss = ops.mean(SOFTPLUS(-judge(fakes(tools))))
        if "path_length" not in due:
            return loss, ()

        def project(ws):
            images = synthesis(ws, training=True)
            noise = tools.normal(images.shape)
            return images * noise / math.sqrt(math.prod(images.shape[1:3]))

        slopes = tools.gradient(project, styles(tools, batch_size // 2))
        squares = ops.sum(ops.square(slopes), axis=2)
        lengths = ops.sqrt(ops.mean(squares, axis=1) + 1e-12)
        before = ops.convert_to_tensor(mean_length)
        mean = before + 0.01 * (ops.stop_gradient(ops.mean(lengths)) - before)
        mean_length.assign(mean)
        return loss + 4 * 2.0 * ops.mean(ops.square(lengths - mean)), ()

    players = [
        Player([discriminator], _adam(2.5e-3, 0.0, 0.99), of_discriminator),
        Player([generator], _adam(2.5e-3, 0.0, 0.99), of_generator),
    ]
    averaged, every = [(generator, model.ema_generator)], {"r1": 16, "path_length": 4}
    return Game(players, averaged, _images, [mean_length], every)


def cycle_gan(model, batch_size):
    """CycleGAN: least squares, cycles and identity; generators first."""
    to_b, to_a = model.generator_b, model.generator_a
    judge_b, judge_a = model.discriminator_b, model.discriminator_a

    def distance(x, y):
        return ops.mean(ops.abs(x - y))

    def of_generators(tools, due, shown, a, b):
        fake_b, fake_a = to_b(a, training=True), to_a(b, training=True)
        adversarial = ops.mean(ops.square(judge_b(fake_b, training=True) - 1.0))
        adversarial = adversarial + ops.mean(
            ops.square(judge_a(fake_a, training=True) - 1.0)
        )
        cycle = distance(to_a(fake_b, training=True), a)
        cycle = cycle + distance(to_b(fake_a, training=True), b)
        identity = distance(to_b(b, training=True), b)
        identity = identity + distance(to_a(a, training=True), a)
        loss = adversarial + 10.0 * cycle + 5.0 * identity
        return loss, (ops.stop_gradient(fake_b), ops.stop_gradient(fake_a))

    def of_discriminators(tools, due, shown, a, b):
        loss = 0.0
        for judge, pool, real, fake in (
            (judge_b, model.pool_b, b, shown[0]),
            (judge_a, model.pool_a, a, shown[1]),
        ):
            with tools.no_gradients():
                fake = pool(fake)
            squares = ops.square(judge(real, training=True) - 1.0)
            squares = squares + ops.square(judge(fake, training=True))
            loss = loss + ops.mean(squares) / 2
        return loss, ()

    players = [
        Player([to_b, to_a], _adam(2e-4, 0.5, 0.999), of_generators),
        Player([judge_b, judge_a], _adam(2e-4, 0.5, 0.999), of_discriminators),
    ]
    return Game(players, [], _images, [model.pool_b, model.pool_a])
