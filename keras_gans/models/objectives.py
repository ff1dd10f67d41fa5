"""What the two players minimise, and what the discriminator is shown."""

import keras
from keras import ops

from keras_gans import backend
from keras_gans.balance import Balance
from keras_gans.models.pac import pack
from keras_gans.models.pac import unpack
from keras_gans.objectives import FeatureMatching
from keras_gans.objectives import TopK
from keras_gans.objectives import Unrolled
from keras_gans.utils import random
from keras_gans.utils.random import draw_latents


class Objectives:
    """The objectives of discriminator and generator.

    What they need of a model: the networks, `data_spec`, `pac`, `seed_generator`, the
    arguments of `compile` and `discriminator_optimizer`, `generator_optimizer`.
    """

    def _set_options(self, feature_matching, top_k, unrolled, balance):
        """Takes the options that `compile` was called with."""
        for name, value, expected in (
            ("feature_matching", feature_matching, FeatureMatching),
            ("top_k", top_k, TopK),
            ("unrolled", unrolled, Unrolled),
            ("balance", balance, Balance),
        ):
            if value is not None and not isinstance(value, expected):
                raise ValueError(
                    f"Expected: `{name}` as a {expected.__name__} object, or None. "
                    f"Received: {value!r}."
                )
            setattr(self, name, value)
        network = None
        if feature_matching is not None:
            network = feature_matching.network(self.discriminator)
        # Not tracked by Keras, as its layers are the discriminator's.
        object.__setattr__(self, "_feature_network", network)

    def _state_of_options(self):
        """Makes the variables of options that have any, in a fixed order."""
        options = [*self.penalties, *filter(None, (self.balance, self.augment))]
        for option in options:
            option.build()
        return [v for option in options for v in option.variables]

    def log_names(self):
        """Names of all logs: those of every GAN, of the variant, of the options."""
        names = super().log_names()
        names += [penalty.name for penalty in self.penalties if penalty.has_value]
        names += ["feature_matching"] if self.feature_matching is not None else []
        names += ["d_active", "g_active"] if self.balance is not None else []
        names += self.augment.log_names if self.augment is not None else []
        if len(set(names)) < len(names):
            raise ValueError(
                "Expected: penalties with different names. Received: "
                f"{[penalty.name for penalty in self.penalties]}."
            )
        return names

    def discriminator_objective(self, real, labels=None, training=True):
        """What the discriminator minimises: mean loss plus weighted mean penalties.

        Args:
            real: `(B, *data_spec.shape)`, as the networks see it.
            labels: Optional `(B,)`.
            training: Whether the networks train; penalties are left out if not.

        Returns:
            The scalar, and a dict of logs.
        """
        with backend.no_gradients():
            latents = self.draw_latents(ops.shape(real)[0])
            fake = self.generate_from(latents, labels, training)
        fake = ops.stop_gradient(fake)
        outputs, gradients = {}, {}
        differentiated = self._differentiated() if training else ()
        for name, examples in (("real", real), ("fake", fake)):
            if name in differentiated:
                logits, gradients[name] = backend.input_gradients(
                    lambda x: ops.cast(self.discriminate(x, labels), "float32"),
                    examples,
                )
                outputs[name] = {"logits": logits}
            else:
                outputs[name] = self.judge(examples, labels, training)
        loss, logs, logits = self._discriminator_loss(
            outputs["real"], outputs["fake"], labels, latents
        )
        if training:
            for penalty in self._penalties_of("discriminator"):
                penalty = penalty.of_batch(real)

                def mean(penalty=penalty):
                    if penalty.differentiates in gradients:
                        values = penalty.of_gradients(gradients[penalty.differentiates])
                        return ops.mean(values)
                    return self._mean_penalty(penalty, real, fake, labels, logits)

                loss = self._add_penalty(loss, logs, penalty, mean)
            with backend.no_gradients():
                seen = [ops.stop_gradient(outputs) for outputs in logits]
                if self.balance is not None:
                    self.balance.update(*seen)
                if self.augment is not None:
                    count = ops.shape(real)[0]
                    sure = seen[0] - (self.loss.undecided or 0.0)
                    logs.update(self.augment.update(sure, count))
        return loss, logs

    def _differentiated(self):
        """Of "real" and "fake", where each update needs gradients of the logits.

        They come with the logits that the loss takes: the discriminator is called once
        for both, where it gives logits alone and judges examples one by one.
        """
        output = getattr(self.discriminator, "output", None)
        if self.pac > 1 or not isinstance(output, keras.KerasTensor):
            return set()
        penalties = self._penalties_of("discriminator")
        return {p.differentiates for p in penalties if p.every == 1} - {None}

    def _discriminator_loss(self, real_outputs, fake_outputs, labels, latents):
        """Mean loss with the variant's terms, logs, and logits of real and fake."""
        logits = real_outputs["logits"], fake_outputs["logits"]
        loss, logs = discriminator_loss(self.loss, *logits)
        terms = self.discriminator_terms(real_outputs, fake_outputs, labels, latents)
        return _add_terms(loss, logs, terms), logs, logits

    def discriminator_terms(self, real_outputs, fake_outputs, labels, latents):
        """Further terms of the discriminator's objective; a variant states its own.

        Args:
            real_outputs: Dict of what the discriminator says of real examples.
            fake_outputs: Likewise of generated ones.
            labels: `(B, K)`, the condition of both, or None.
            latents: `(B, Z)` of the generated ones.

        Returns:
            Dict, name in the logs (one of `term_names`) -> `(weight, values (B,))`.
        """
        return {}

    def generator_terms(self, fake_outputs, labels, latents):
        """Further terms of the generator's objective; see `discriminator_terms`."""
        return {}

    def generator_objective(self, real, labels=None, training=True):
        """What the generator minimises.

        Args:
            real: `(B, *data_spec.shape)`, as the networks see it; relativistic losses
                and feature matching compare with it.
            labels: Optional `(B,)`.
            training: Whether the networks train.

        Returns:
            The scalar, and a dict of logs.
        """
        latents = self.draw_latents(ops.shape(real)[0])
        fake = self.generate_from(latents, labels, training)

        def objective():
            return self._generator_objective(real, fake, labels, latents, training)

        if not training or self.unrolled is None:
            return objective()

        def discriminator_loss():
            outputs = [self.judge(x, labels, training) for x in (real, fake)]
            return self._discriminator_loss(*outputs, labels, latents)[0]

        variables = self.discriminator.trainable_variables
        return self.unrolled(discriminator_loss, variables, objective)

    def _generator_objective(self, real, fake, labels, latents, training):
        real_logits = None
        outputs = self.judge(fake, labels, training, self._feature_network)
        fake_logits = outputs["logits"]
        if self.loss.relativistic:
            real_logits = self.discriminate(real, labels, training)
        losses = self.loss.generator(fake_logits, real_logits)
        if training and self.top_k is not None:
            updates = self.generator_optimizer.iterations
            loss = self.top_k(losses, fake_logits, updates)
        else:
            loss = ops.mean(losses)
        logs = {"g_loss": loss}
        if self.feature_matching is not None:
            real_outputs = self.judge(real, labels, training, self._feature_network)
            distance = self.feature_matching(
                real_outputs["features"], outputs["features"]
            )
            logs["feature_matching"] = distance
            loss = self.feature_matching.combine(loss, distance)
        terms = self.generator_terms(outputs, labels, latents)
        loss = _add_terms(loss, logs, terms)
        for penalty in self._penalties_of("generator") if training else ():
            loss = self._add_generator_penalty(
                loss, logs, penalty, ops.shape(real)[0], labels
            )
        return loss, logs

    def draw_latents(self, count):
        """Draws latents `(count, Z)` inside the step."""
        shape = count, self.latent_dim
        return draw_latents(shape, self.latent_distribution, self.seed_generator)

    def generate_from(self, latents, labels=None, training=True):
        """Examples of latents (and conditions `(B, K)`), by the generator in training.

        Returns:
            Float32 `(B, ...)`.
        """
        inputs = latents if labels is None else [latents, labels]
        return ops.cast(self.generator(inputs, training=training), "float32")

    def draw_fakes(self, count, labels=None, training=True):
        """Draws latents and generates `count` examples from them, inside the step."""
        return self.generate_from(self.draw_latents(count), labels, training)

    def judge(self, examples, labels=None, training=True, network=None):
        """What the discriminator says of examples, augmented and noisy in training.

        Args:
            examples: `(B, *data_spec.shape)`.
            labels: Optional `(B, K)`, conditions.
            training: Bool.
            network: Optional network in place of the discriminator.

        Returns:
            Dict of its outputs: "logits", and what else the variant's gives. With
            `pac=m` there is one logit for each m examples.
        """
        inputs = self._seen(examples, labels, training)
        outputs = (network or self.discriminator)(inputs, training=training)
        return outputs if isinstance(outputs, dict) else {"logits": outputs}

    def discriminate(self, examples, labels=None, training=True):
        """Logits of examples; see `judge`."""
        return self.judge(examples, labels, training)["logits"]

    def _seen(self, examples, labels, training):
        """What the discriminator gets of examples: augmented, noisy, packed."""
        if training and self.augment is not None:
            examples = self.augment(examples, self.seed_generator)
        if training and self.instance_noise is not None:
            noise = random.normal(ops.shape(examples), self.seed_generator)
            examples = examples + self._noise_stddev() * noise
        examples = pack(examples, self.pac)
        return [examples, labels] if self._judges_condition else examples

    def _noise_stddev(self):
        if callable(self.instance_noise):
            return self.instance_noise(self.discriminator_optimizer.iterations)
        return self.instance_noise

    def _penalties_of(self, player):
        """The penalties with a value that belong to a player's objective."""
        return [p for p in self.penalties if p.has_value and p.player == player]

    def _add_penalty(self, loss, logs, penalty, mean):
        """Adds a penalty to a loss, and it and its share of the updates to the logs.

        Args:
            loss: Scalar.
            logs: Dict, which gets the penalty's value.
            penalty: The `Penalty`.
            mean: Callable that evaluates its mean; only called where it is due.
        """
        value, due = self._where_due(penalty, mean, lambda: ops.zeros((), "float32"))
        return self._add_where_due(loss, logs, penalty, value, due)

    def _add_generator_penalty(self, loss, logs, penalty, count, labels):
        """Likewise a penalty of the generator, on new latents."""
        count = (count + penalty.batch_shrink - 1) // penalty.batch_shrink
        labels = None if labels is None else labels[:count]

        def measured():
            styles, generator = self.path(self.draw_latents(count), labels)
            return penalty.of_generator(generator, styles, self.seed_generator)

        values, due = self._where_due(
            penalty, measured, lambda: ops.zeros((count,), "float32")
        )
        value = ops.mean(penalty.of_measured(values, due))
        return self._add_where_due(loss, logs, penalty, value, due)

    def _where_due(self, penalty, evaluate, zeros):
        """What a penalty evaluates to, or zeros, and whether it is due."""
        if penalty.every == 1:
            return evaluate(), True
        updates = self.optimizer.players[penalty.player].iterations
        due = ops.equal(updates % penalty.every, 0)
        return backend.cond(due, evaluate, zeros), due

    def _add_where_due(self, loss, logs, penalty, value, due):
        share = ops.cast(due, "float32")
        logs[penalty.name] = (value, share)
        updates = self.optimizer.players[penalty.player].iterations
        return loss + penalty.weight_at(updates) * penalty.every * share * value

    def _mean_penalty(self, penalty, real, fake, labels, logits):
        """The mean of a penalty of the discriminator."""
        if penalty.uses_logits:
            values = penalty.of_logits(*logits)
        elif penalty.per_logit:
            # A pack is one sample: its gradient is that of all its examples.
            values = penalty(
                lambda packs: self.discriminate(unpack(packs, self.pac), labels),
                pack(real, self.pac),
                pack(fake, self.pac),
                self.seed_generator,
            )
        else:
            values = penalty(
                lambda examples: self.discriminate(examples, labels),
                real,
                fake,
                self.seed_generator,
            )
        return ops.cast(ops.mean(values), "float32")

    def path(self, latents, labels=None):
        """What the generator is regularized with respect to, and where it goes from.

        Args:
            latents: `(B, Z)`.
            labels: Optional `(B, K)`, conditions.

        Returns:
            The latents; styles, in models that have these; and a callable.
        """
        return latents, lambda latents: self.generate_from(latents, labels)


def discriminator_loss(loss, real_logits, fake_logits):
    """What a discriminator minimises without further terms.

    Args:
        loss: A `keras_gans.losses.Loss`.
        real_logits: `(B, ...)`, what the discriminator says of real examples.
        fake_logits: `(B, ...)`, likewise of generated ones.

    Returns:
        The mean loss, a scalar, and the logs: beside it the mean scores of both,
        probabilities where the loss has such.
    """
    value = ops.mean(loss.discriminator(real_logits, fake_logits))
    score = ops.sigmoid if loss.probabilistic else (lambda logits: logits)
    return value, {
        "d_loss": value,
        "d_real": ops.mean(score(real_logits)),
        "d_fake": ops.mean(score(fake_logits)),
    }


def _add_terms(loss, logs, terms):
    """Adds weighted means of terms to a loss, and the unweighted means to the logs."""
    for name, (weight, values) in terms.items():
        logs[name] = ops.mean(ops.cast(values, "float32"))
        loss = loss + weight * logs[name]
    return loss
