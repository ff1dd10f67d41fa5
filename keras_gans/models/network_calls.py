"""How the layers of a network are called in training.

Keras' functional networks call one layer after the other. Here they do so with less
between the layers, where that takes time, and in segments, of which little is kept,
where it is asked for.
"""

import inspect

import keras

from keras_gans import backend
from keras_gans.models.rematerialization import segments_of
from keras_gans.utils.functional import functional_of
from keras_gans.utils.functional import levels_of

# `Rescaling`, a layer for pipelines of data too, looks first whether it is in one.
_KERAS_CALLS = (keras.Layer.__call__, keras.layers.Rescaling.__call__)


def set_up(network, rematerialize=False, direct=True):
    """Sets how the layers of a network, and of networks in it, are called.

    Args:
        network: A functional or sequential `keras.Model`.
        rematerialize: Bool, whether activations are computed again for gradients.
        direct: Bool, whether layers may be called past Keras, and so past hooks that
            torch has on them, on a backend where that saves time.

    Raises:
        ValueError: If there are masks, which do not come along to be computed again.
    """
    functional = functional_of(network)
    direct = direct and backend.is_eager() and _is_of_one_dtype(functional)
    nodes = [node for level in levels_of(functional) for node in level]
    if rematerialize and any(_has_mask(node) for node in nodes):
        raise ValueError(
            "Expected: networks without masks for `rematerialize=True`. Received: "
            f"{network.name!r}, which has some. Leave masking out, or use "
            "`micro_batches` to save memory."
        )
    for layer in functional.layers:
        if functional_of(layer) is not None:
            set_up(layer, rematerialize, direct)
        elif hasattr(layer, "rematerialize"):  # parts of it by itself
            layer.rematerialize = rematerialize
    own = functional.__dict__.get("call")
    if isinstance(own, _Call):
        del functional.__dict__["call"]
    elif own is not None:  # someone else's, who has reasons
        return
    if rematerialize or direct:
        functional.call = _Call(functional, rematerialize, direct)


class _Call:
    """`call` of a functional network.

    Args:
        network: The network.
        rematerialize: Bool.
        direct: Bool.
    """

    def __init__(self, network, rematerialize, direct):
        self.network, self.rematerialize, self.direct = network, rematerialize, direct
        self.segments = None  # made when first needed: layers may still be set up

    def __call__(self, inputs, training=None, mask=None):
        network = self.network
        is_for_inference = self.rematerialize and not training
        if training is None or mask is not None or is_for_inference:
            return type(network).call(network, inputs, training=training, mask=mask)
        if self.segments is None:
            self.segments = self._cut()
        values = {
            id(x): keras.ops.convert_to_tensor(value)
            for x, value in zip(network.inputs, keras.tree.flatten(inputs), strict=True)
        }
        for segment in self.segments:
            segment.run(values, training)
        outputs = [values[id(x)] for x in network.outputs]
        struct = keras.tree.pack_sequence_as(network._outputs_struct, outputs)
        return struct[0] if isinstance(struct, list) and len(struct) == 1 else struct

    def _cut(self):
        if not self.rematerialize:
            nodes = [node for level in levels_of(self.network) for node in level]
            return [_Segment(nodes, self.direct)]
        return [
            _Segment(nodes, self.direct)
            if any(functional_of(node.operation) is not None for node in nodes)
            else _Rematerialized(nodes, self.direct, inputs, outputs)
            for nodes, inputs, outputs in segments_of(self.network)
        ]


class _Segment:
    """Calls of some layers, one after the other.

    Args:
        nodes: Keras' nodes, each the call of an operation.
        direct: Bool, whether past Keras.
    """

    def __init__(self, nodes, direct):
        self.steps = []
        for node in nodes:
            function, takes_training = _function_of(node, direct)
            given = [id(x) for x in node.outputs]
            fill_in = _filler_of(node.arguments)
            self.steps.append((function, fill_in, takes_training, given))

    def run(self, values, training):
        """Adds what the layers give to `values`, by the `id` of the symbolic tensor."""
        for function, fill_in, takes_training, given in self.steps:
            args, kwargs = fill_in(values)
            if takes_training:
                kwargs = kwargs | {"training": training}
            outputs = function(*args, **kwargs)
            flat = [outputs] if len(given) == 1 else keras.tree.flatten(outputs)
            for key, output in zip(given, flat, strict=True):
                values[key] = output


class _Rematerialized(_Segment):
    """Likewise, of which only the inputs are kept to be differentiated.

    Args:
        nodes: Keras' nodes.
        direct: Bool.
        inputs: Symbolic tensors.
        outputs: Symbolic tensors.
    """

    def __init__(self, nodes, direct, inputs, outputs):
        super().__init__(nodes, direct)
        self.inputs, self.outputs = (
            [id(x) for x in ends] for ends in (inputs, outputs)
        )
        found = {
            id(variable): variable
            for node in nodes
            for variable in getattr(node.operation, "variables", ())
        }
        self.variables = list(found.values())

    def run(self, values, training):
        """Adds its outputs to `values`, by the `id` of the symbolic tensor."""
        run = super().run

        def fn(*tensors):
            own = dict(zip(self.inputs, tensors, strict=True))
            run(own, training)
            return [own[key] for key in self.outputs]

        tensors = [values[key] for key in self.inputs]
        outputs = backend.rematerialized(fn, tensors, self.variables)
        values.update(zip(self.outputs, outputs, strict=True))


def _function_of(node, direct):
    """What is called for a node, and whether it is told that the network trains.

    That is a layer's `call`, where Keras' own way to it would add nothing: to a single
    layer, without masks, that regularizes no activations.
    """
    operation = node.operation
    if not isinstance(operation, keras.Layer):
        return operation, False
    if (
        not direct
        or type(operation).__call__ not in _KERAS_CALLS
        or functional_of(operation) is None
        and operation._layers
        and not getattr(operation, "calls_parts_itself", False)
        or operation.activity_regularizer is not None
        or _has_mask(node)
    ):
        return operation, True
    parameters = inspect.signature(operation.call).parameters
    return operation.call, "training" in parameters


def _filler_of(arguments):
    """A function from values to the arguments of a call.

    Keras' own takes its time where it is not a single tensor.
    """
    if not arguments.kwargs and len(arguments.args) == 1:
        (taken,) = arguments.args
        if isinstance(taken, keras.KerasTensor):
            key = id(taken)
            return lambda values: ((values[key],), {})
        if type(taken) is list and all(isinstance(x, keras.KerasTensor) for x in taken):
            keys = [id(x) for x in taken]
            return lambda values: (([values[key] for key in keys],), {})
    return arguments.fill_in


def _is_of_one_dtype(network):
    """Whether nothing has to be cast: by Keras before a layer, and by scopes."""
    dtypes = {
        dtype
        for layer in network._flatten_layers()
        for dtype in (layer.compute_dtype, layer.variable_dtype)
    }
    return len(dtypes) == 1


def _has_mask(node):
    """Whether a tensor that a node takes or gives has a mask."""
    tensors = [*node.input_tensors, *node.outputs]
    return any(getattr(x, "_keras_mask", None) is not None for x in tensors)
