"""Feature matching: Salimans et al. 2016, arXiv:1606.03498, section 3.1."""

import keras
from keras import ops

from keras_gans import backend
from keras_gans.utils.functional import functional_of
from keras_gans.utils.functional import levels_of


@keras.saving.register_keras_serializable("keras_gans")
class FeatureMatching:
    r"""The generator matches the mean features of an inner layer of the discriminator.

        G:  weight * |mean f(x) - mean f(G(z))|^2 + adversarial_weight * (its loss)

    (Salimans et al. 2016, "Improved Techniques for Training GANs", arXiv:1606.03498,
    section 3.1, where the adversarial loss is left out; the discriminator is trained as
    ever.) Features are flattened and the square is the mean over them, not the sum, so
    that `weight` does not depend on the layer's size. Logged as `feature_matching`,
    unweighted.

    Args:
        layer: Name of a layer of the discriminator, whose output f is. None: what the
            last layer with weights is fed with.
        weight: Float >= 0.
        adversarial_weight: Float >= 0, of the generator's own loss.

    Raises:
        ValueError: If a weight is out of range.

    Example:

    ```python
    gan.compile(feature_matching=kg.objectives.FeatureMatching())
    ```
    """

    def __init__(self, layer=None, weight=1.0, adversarial_weight=0.0):
        for name, value in {
            "weight": weight,
            "adversarial_weight": adversarial_weight,
        }.items():
            if not 0.0 <= value < float("inf"):
                raise ValueError(
                    f"Expected: `{name}` of feature matching as a finite number >= 0. "
                    f"Received: {value!r}."
                )
        self.layer = layer
        self.weight = float(weight)
        self.adversarial_weight = float(adversarial_weight)

    def network(self, discriminator):
        """The discriminator as a network with one more output: "features".

        Args:
            discriminator: A functional or sequential Keras model. Its layers are
                shared, not copied.

        Returns:
            A `keras.Model` whose output is a dict: "features", "logits", and what else
            the discriminator gives.

        Raises:
            ValueError: If the discriminator has no such layer, or its layers cannot be
                looked into.
        """
        if getattr(discriminator, "inputs", None) is None:
            raise ValueError(
                "Expected: for feature matching, a discriminator made as keras."
                "Sequential or keras.Model(inputs, outputs), whose layers can be "
                f"looked into. Received: {type(discriminator).__name__}."
            )
        # The calls of the layers in this network: in another they may have been, too.
        levels = levels_of(functional_of(discriminator))
        calls = {node.operation.name: node for nodes in levels for node in nodes}
        reached = _reached_from(discriminator.inputs[0], levels)
        if self.layer is None:
            # Not a layer of the condition, which knows nothing of the images.
            with_weights = [
                layer.name
                for layer in discriminator.layers
                if layer.trainable_weights and layer.name in reached
            ]
            features = calls[with_weights[-1]].input_tensors
        elif self.layer in calls:
            features = calls[self.layer].outputs
            if self.layer not in reached:
                raise ValueError(
                    "Expected: for feature matching, a layer that sees the images. "
                    f"Received: {self.layer!r}, which sees the condition alone."
                )
        else:
            raise ValueError(
                "Expected: for feature matching, the name of a layer of the "
                f"discriminator, one of {list(calls)}. Received: {self.layer!r}."
            )
        if len(features) > 1:
            raise ValueError(
                "Expected: for feature matching, features that are one tensor. "
                f"Received: {len(features)} of them. Name another `layer`."
            )
        inputs = discriminator.inputs
        inputs = inputs[0] if len(inputs) == 1 else inputs
        outputs = {"logits": discriminator.outputs[0]}
        if len(discriminator.outputs) > 1:
            outputs = discriminator.output
        return keras.Model(inputs, outputs | {"features": features[0]})

    def __call__(self, real_features, fake_features):
        """Mean over the features of |mean f(x) - mean f(G(z))|^2.

        Args:
            real_features: `(B, ...)`.
            fake_features: `(B, ...)`.

        Returns:
            Float32 scalar.
        """
        real = _mean(real_features)
        fake = _mean(fake_features)
        return ops.mean(ops.square(ops.stop_gradient(real) - fake))

    def combine(self, loss, distance):
        """The generator's objective of its loss and of the features' distance."""
        return self.adversarial_weight * loss + self.weight * distance

    def get_config(self):
        """Returns the arguments."""
        return {
            "layer": self.layer,
            "weight": self.weight,
            "adversarial_weight": self.adversarial_weight,
        }

    @classmethod
    def from_config(cls, config):
        """Makes the option again."""
        return cls(**config)


def _reached_from(tensor, levels):
    """Names of the operations that a tensor has an influence on."""
    tensors, names = {id(tensor)}, set()
    for node in (node for nodes in levels for node in nodes):
        if any(id(x) in tensors for x in node.input_tensors):
            tensors |= {id(x) for x in node.outputs}
            names.add(node.operation.name)
    return names


def _mean(features):
    """Over the batch, of all replicas."""
    mean = ops.mean(ops.cast(features, "float32"), axis=0)
    return backend.mean_over_replicas(mean)
