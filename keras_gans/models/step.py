"""The alternating step, written once for every backend and variant."""

import collections

import keras
from keras import ops

from keras_gans import backend
from keras_gans.utils import random

Player = collections.namedtuple("Player", "name networks objective steps")
Player.__doc__ = """One side of the game.

`networks` are the ones it updates, with the optimizer of its `name`;
`objective(real, labels)` returns the scalar to minimise and a dict of logs, and may
return, as a third, tensors to show to the players after it, whose objectives get them
as a third argument, in their update on the same rows; `steps` is how many updates it
makes in one alternating step.
"""


class AlternatingStep:
    """One turn of every player on one batch, the averages of generators, the logs.

    What it needs of a model: `players()`, `averaged()`, `optimizer.players`,
    `data_spec`, `condition`, `ema_half_life`, `micro_batches` and `images_seen`. The
    code is in the stateful style (read variables, compute, assign); `backend.TrainStep`
    makes each backend's `train_step` of it.
    """

    term_names = ()  # logs of a variant's further terms, beside those of every GAN
    penalties = ()
    balance = None
    micro_batches = 1
    device_arrays = None  # of a `fit` whose data stay on the device

    def alternating_step(self, x, y=None):
        """One turn of every player on one batch; the backend makes `train_step` of it.

        Args:
            x: `(k * B, ...)` examples; the discriminator's k updates see k slices. With
                `device_arrays` their rows there.
            y: Optional labels of them, `(k * B,)` or `(k * B, K)`, or what else the
                model's `condition` makes of the second part of its data.

        Returns:
            Dict of logs, means over the epoch so far.
        """
        if self.device_arrays is not None and self.device_arrays.is_loaded:
            x = self.device_arrays.rows(0, x)
            y = None if y is None else self.device_arrays.rows(1, y)
        real = self.data_spec.to_network(x)
        labels = self._labels(y)
        slices = max(player.steps for player in self.players())
        parts = slices * self.micro_batches
        batch_size = ops.shape(real)[0] // parts * self.micro_batches
        shown = ()
        for player in self.players():
            for i in range(player.steps):
                rows = slice(i * batch_size, (i + 1) * batch_size)
                batch = real[rows], None if labels is None else labels[rows]
                shown = (
                    self._update(player, *batch, *(shown if i == 0 else ())) or shown
                )
        with backend.no_gradients():
            self._update_ema(batch_size)
            seen = ops.cast(slices * batch_size * backend.num_replicas(), "int32")
            self.images_seen.assign_add(seen)
        return self.get_metrics_result()

    def _update(self, player, real, labels, *shown):
        """One update of a player; returns what it shows to those after it."""
        optimizer = self.optimizer.players[player.name]
        variables = variables_of(player)
        share = backend.num_replicas() * self.micro_batches  # gradients are summed

        def turn(real, labels, *shown):
            def objective():
                value, logs, *shows = player.objective(real, labels, *shown)
                for network in player.networks:  # regularizers of its layers
                    value = value + sum(network.losses)
                return optimizer.scale_loss(value) / share, (logs, tuple(shows))

            (_, (logs, shows)), gradients = backend.value_and_grad(objective, variables)
            return gradients, logs, shows

        if self.micro_batches == 1:
            gradients, logs, shows = turn(real, labels, *shown)
        else:
            gradients, logs, shows = self._of_parts(turn, real, labels, *shown)
        if self.balance is None:
            backend.apply_gradients(optimizer, gradients, variables)
        else:
            active = self.balance.active(player.name)
            backend.apply_gradients_if(active, optimizer, gradients, variables)
            logs[f"{player.name[0]}_active"] = ops.cast(active, "float32")
        with backend.no_gradients():
            if player.name == "discriminator":
                for penalty in self.penalties:
                    penalty.after_update(variables)
            self._track(logs)
        return shows

    def _of_parts(self, turn, real, labels, *shown):
        """What a turn gives when it takes one part of the batch after the other."""
        count, labeled = self.micro_batches, labels is not None
        states = self._random_states()
        before = [ops.copy(state) for state in states]

        def one(index, real, *rest):
            labels, rows = (rest[0], rest[1:]) if labeled else (None, rest)
            rows = keras.tree.pack_sequence_as(shown, rows)
            # All draw the numbers of the whole batch, and each takes its rows.
            for state, value in zip(states, before, strict=True):
                state.assign(value)
            with random.part(index, count):
                gradients, logs, shows = turn(real, labels, *rows)
            logs = {
                name: [ops.cast(v, "float32") / count for v in keras.tree.flatten(log)]
                for name, log in logs.items()
            }
            return (gradients, logs), shows

        tensors = [real, *([labels] if labeled else []), *keras.tree.flatten(shown)]
        (gradients, logs), shows = backend.sum_over_parts(one, tensors, count)
        logs = {name: v[0] if len(v) == 1 else tuple(v) for name, v in logs.items()}
        return gradients, logs, shows

    def averaged(self):
        """Pairs of a network and its average, which is what samples are made with."""
        return [(self.generator, self.ema_generator)]

    def _update_ema(self, batch_size):
        """Ema <- beta ema + (1 - beta) w, beta = 2^(-images / half life)."""
        rate = 1.0
        if self.ema_half_life is not None:
            images = ops.cast(batch_size * backend.num_replicas(), "float32")
            half_life = self.ema_half_life
            if callable(half_life):
                half_life = ops.maximum(half_life(self.images_seen), 1e-8)
            rate = 1.0 - ops.power(0.5, images / half_life)
        pairs = [
            pair
            for network, average in self.averaged()
            for pair in zip(network.weights, average.weights, strict=True)
        ]
        moved = [pair for pair in pairs if pair[0].trainable]
        if self.ema_half_life is None:
            moved = []
        backend.move_averages([a for _, a in moved], [w for w, _ in moved], rate)
        for weight, average in pairs:
            if not (moved and weight.trainable):
                # A copy: of one buffer for two variables, JAX would free both.
                average.assign(ops.copy(weight))

    def evaluation_step(self, x, y=None):
        """Losses on one batch, networks in inference mode, nothing updated."""
        real, labels = self.data_spec.to_network(x), self._labels(y)
        count = ops.cast(ops.shape(real)[0], "float32")  # the last batch may be smaller
        for player in self.players():
            logs = player.objective(real, labels, training=False)[1]
            self._track({name: (value, count) for name, value in logs.items()})
        return self.get_metrics_result()

    def _labels(self, y):
        """Labels as the networks see them, `(B, K)`."""
        if self.condition is None or y is None:
            return None
        return self.condition.to_network(y)

    def log_names(self):
        """Names of all logs."""
        return ["d_loss", "g_loss", "d_real", "d_fake", *self.term_names]

    def _make_trackers(self):
        names = self.log_names()
        # Not tracked by Keras, or each `compile` would add to the model's state.
        trackers = {name: keras.metrics.Mean(name=name) for name in names}
        object.__setattr__(self, "_trackers", trackers)

    @property
    def metrics(self):
        """The running means behind the logs."""
        return list(getattr(self, "_trackers", {}).values())

    def _track(self, logs):
        pairs = [v if isinstance(v, tuple) else (v, None) for v in logs.values()]
        values = backend.mean_logs([value for value, _ in pairs])
        for name, value, (_, weight) in zip(logs, values, pairs, strict=True):
            self._trackers[name].update_state(value, sample_weight=weight)


def variables_of(player):
    """The trainable variables of a player's networks."""
    return [v for network in player.networks for v in network.trainable_variables]
