"""Networks that keep few activations in training and compute the others again.

Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", arXiv:1604.06174. A
network is cut into segments, of which the inputs alone are kept; the backward pass runs
a segment again before it differentiates it. Keras' own `RematScope` does so layer by
layer, which keeps the output of each, and assigns the state of layers twice.
"""

import functools
import itertools

import keras
import numpy as np
from keras.src.models.functional import Functional
from keras.src.models.functional import operation_fn

from keras_gans import backend


def rematerialize(network):
    """Makes a functional or sequential network keep little in training.

    Args:
        network: A functional `keras.Model`, which may be made of others, or a built
            `keras.Sequential`.
    """
    functional = _functional_of(network)
    for layer in functional.layers:
        if _functional_of(layer) is not None:
            rematerialize(layer)
    functional.call = _InSegments(functional)


def keep_everything(network):
    """Undoes `rematerialize`."""
    functional = _functional_of(network)
    for layer in functional.layers:
        if _functional_of(layer) is not None:
            keep_everything(layer)
    functional.__dict__.pop("call", None)


def _functional_of(layer):
    """The functional network that runs, or None if it is another layer."""
    if isinstance(layer, keras.Sequential):
        return layer._functional
    return layer if isinstance(layer, Functional) else None


class _InSegments:
    """`call` of a functional network; in training, segment by segment."""

    def __init__(self, network):
        self.network, self.segments = network, None

    def __call__(self, inputs, training=None, mask=None):
        network = self.network
        if not training:
            return type(network).call(network, inputs, training=training, mask=mask)
        if self.segments is None:
            self.segments = [_Segment(*found) for found in segments_of(network)]
        with_training = functools.partial(operation_fn, training=training)
        values = {
            id(x): keras.ops.convert_to_tensor(value)
            for x, value in zip(network.inputs, keras.tree.flatten(inputs), strict=True)
        }
        for segment in self.segments:
            segment.run(values, with_training)
        found = [values[id(x)] for x in network.outputs]
        struct = keras.tree.pack_sequence_as(network._outputs_struct, found)
        return struct[0] if isinstance(struct, list) and len(struct) == 1 else struct


class _Segment:
    """A part of a network, of which the inputs alone are kept.

    Args:
        inputs: Symbolic tensors.
        outputs: Symbolic tensors.
        is_network: Whether it is a network itself, which has segments of its own.
    """

    def __init__(self, inputs, outputs, is_network):
        self.function, self.is_network = keras.Function(inputs, outputs), is_network
        found = {
            id(variable): variable
            for operation in self.function.operations
            for variable in getattr(operation, "variables", ())
        }
        self.variables = list(found.values())

    def run(self, values, with_training):
        """Adds its outputs to `values`, by the `id` of the symbolic tensor."""

        def fn(*tensors):
            outputs = self.function._run_through_graph(tensors, with_training)
            return keras.tree.flatten(outputs)

        tensors = [values[id(x)] for x in self.function.inputs]
        if self.is_network:
            outputs = fn(*tensors)
        else:
            outputs = backend.rematerialized(fn, tensors, self.variables)
        for x, value in zip(self.function.outputs, outputs, strict=True):
            values[id(x)] = value


def segments_of(network):
    """Cuts a functional network into segments.

    What is kept at the cuts and what the largest segment has are together about as
    small as they can be, counted in elements of the layers' outputs.

    Returns:
        List of `(inputs, outputs, is_network)`, symbolic tensors by which the segments
        hang together, in the order in which they run.
    """
    levels = _levels(network)
    last_use = {id(x): len(levels) for x in network.outputs}
    made_at = {id(x): -1 for x in network.inputs}
    tensors = {id(x): x for x in network.inputs}
    for i, nodes in enumerate(levels):
        for node in nodes:
            for x in node.outputs:
                made_at[id(x)], tensors[id(x)] = i, x
            for x in node.input_tensors:
                last_use[id(x)] = max(last_use.get(id(x), 0), i)

    def crossing(cut, first=0):
        """What was made from the level `first` on and is needed from `cut` on."""
        return [
            x
            for key, x in tensors.items()
            if first <= made_at[key] < cut <= last_use.get(key, -1)
        ]

    sizes = [sum(_size(x) for node in nodes for x in node.outputs) for nodes in levels]
    kept = [sum(map(_size, crossing(cut))) for cut in range(len(levels))]
    is_network = [
        any(_functional_of(node.operation) is not None for node in nodes)
        for nodes in levels
    ]
    cuts, start = [0], 0
    for whole, run in itertools.groupby(is_network):
        end = start + len(list(run))
        inner = (
            range(1, end - start)
            if whole
            else best_cuts(sizes[start:end], kept[start:end])
        )
        cuts += [start + cut for cut in inner] + [end]
        start = end
    found = []
    for first, end in itertools.pairwise(cuts):
        used = {
            id(x): x
            for nodes in levels[first:end]
            for node in nodes
            for x in node.input_tensors
            if made_at[id(x)] < first
        }
        # A part that depends on constants alone has to begin somewhere.
        inputs = list(used.values()) or network.inputs[:1]
        found.append((inputs, crossing(end, first), is_network[first]))
    return found


def _levels(network):
    """Nodes of a network in the order in which they run, in groups of one depth."""
    depths = sorted(network._nodes_by_depth, reverse=True)
    levels = [
        [n for n in network._nodes_by_depth[depth] if n.operation and not n.is_input]
        for depth in depths
    ]
    return [nodes for nodes in levels if nodes]


def _size(x):
    """Elements of one example of a symbolic tensor."""
    return int(np.prod([side or 1 for side in x.shape]))


def best_cuts(sizes, kept):
    """Where to cut a chain, so that all that is kept and one segment are small.

    Args:
        sizes: What the levels of the chain make.
        kept: What is kept where it is cut before the level.

    Returns:
        List of the levels before which to cut, without the first.
    """
    ends = np.concatenate([[0], np.cumsum(sizes)])
    best = None
    for limit in np.geomspace(max(sizes), ends[-1], 16) * (1 + 1e-9):
        # The least that is kept with segments of at most `limit`, by their end.
        least, back = [0], [0]
        for end in range(1, len(sizes) + 1):
            first = int(np.searchsorted(ends, ends[end] - limit))
            before = min(range(first, end), key=lambda i: least[i] + kept[i] * (i > 0))
            least.append(least[before] + kept[before] * (before > 0))
            back.append(before)
        cuts, end = [], len(sizes)
        while back[end] > 0:
            end = back[end]
            cuts.insert(0, end)
        edges = [0, *cuts, len(sizes)]
        largest = max(ends[b] - ends[a] for a, b in itertools.pairwise(edges))
        if best is None or least[-1] + largest < best[0]:
            best = (least[-1] + largest, cuts)
    return best[1]
