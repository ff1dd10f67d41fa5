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
        options = [*self.penalties, *([self.balance] if self.balance else [])]
        for option in options:
            option.build()
        return [v for option in options for v in option.variables]

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
            fake = self.draw_fakes(ops.shape(real)[0], labels, training)
        fake = ops.stop_gradient(fake)
        logits = self._logits(real, fake, labels, training)
        loss = ops.mean(self.loss.discriminator(*logits))
        score = ops.sigmoid if self.loss.probabilistic else (lambda logits: logits)
        real_logits, fake_logits = logits
        logs = {
            "d_loss": loss,
            "d_real": ops.mean(score(real_logits)),
            "d_fake": ops.mean(score(fake_logits)),
        }
        for penalty in self.penalties if training else ():
            if penalty.has_value:
                value, share = self._penalty(penalty, real, fake, labels, logits)
                loss = loss + penalty.weight * penalty.every * share * value
                logs[penalty.name] = (value, share)
        if training and self.balance is not None:
            with backend.no_gradients():
                self.balance.update(*map(ops.stop_gradient, logits))
        return loss, logs

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
        fake = self.draw_fakes(ops.shape(real)[0], labels, training)

        def objective():
            return self._generator_objective(real, fake, labels, training)

        if not training or self.unrolled is None:
            return objective()

        def discriminator_loss():
            logits = self._logits(real, fake, labels, training)
            return ops.mean(self.loss.discriminator(*logits))

        variables = self.discriminator.trainable_variables
        return self.unrolled(discriminator_loss, variables, objective)

    def _generator_objective(self, real, fake, labels, training):
        real_logits = None
        if self.feature_matching is None:
            fake_logits = self.discriminate(fake, labels, training)
        else:
            features, fake_logits = self._features(fake, labels, training)
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
            real_features, _ = self._features(real, labels, training)
            distance = self.feature_matching(real_features, features)
            logs["feature_matching"] = distance
            loss = self.feature_matching.combine(loss, distance)
        return loss, logs

    def draw_fakes(self, count, labels=None, training=True):
        """Draws latents and generates `count` examples from them, inside the step."""
        latents = draw_latents(
            (count, self.latent_dim), self.latent_distribution, self.seed_generator
        )
        inputs = latents if labels is None else [latents, labels]
        return ops.cast(self.generator(inputs, training=training), "float32")

    def discriminate(self, examples, labels=None, training=True):
        """Logits of examples, seen through augmentation and noise when training.

        With `pac=m` there is one logit for each m examples.
        """
        inputs = self._seen(examples, labels, training)
        return self.discriminator(inputs, training=training)

    def _features(self, examples, labels, training):
        """Features of an inner layer of the discriminator, and the logits."""
        inputs = self._seen(examples, labels, training)
        return self._feature_network(inputs, training=training)

    def _logits(self, real, fake, labels, training):
        return (
            self.discriminate(real, labels, training),
            self.discriminate(fake, labels, training),
        )

    def _seen(self, examples, labels, training):
        """What the discriminator gets of examples: augmented, noisy, packed."""
        if training and self.augment is not None:
            examples = self.augment(examples, self.seed_generator)
        if training and self.instance_noise is not None:
            noise = keras.random.normal(ops.shape(examples), seed=self.seed_generator)
            examples = examples + self._noise_stddev() * noise
        examples = pack(examples, self.pac)
        return examples if labels is None else [examples, labels]

    def _noise_stddev(self):
        if callable(self.instance_noise):
            return self.instance_noise(self.discriminator_optimizer.iterations)
        return self.instance_noise

    def _penalty(self, penalty, real, fake, labels, logits=None):
        """Mean penalty, and 1.0 where it is due, else 0.0 for both."""

        def mean():
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

        if penalty.every == 1:
            return mean(), 1.0
        due = ops.equal(self.discriminator_optimizer.iterations % penalty.every, 0)
        value = backend.cond(due, mean, lambda: ops.zeros((), "float32"))
        return value, ops.cast(due, "float32")
