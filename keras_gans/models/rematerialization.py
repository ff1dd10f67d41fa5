"""Where a network is cut whose activations are computed again.

Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", arXiv:1604.06174. Of
each segment the inputs alone are kept; the backward pass runs a segment again before it
differentiates it. Keras' own `RematScope` does so layer by layer, which keeps what each
of them gives, and assigns the state of layers twice.
"""

import itertools

import numpy as np

from keras_gans.utils.functional import functional_of
from keras_gans.utils.functional import levels_of


def segments_of(network):
    """Cuts a functional network into segments.

    What is kept at the cuts and what the largest segment has are together about as
    small as they can be, counted in elements of the layers' outputs.

    Args:
        network: A functional network.

    Returns:
        List of `(nodes, inputs, outputs)`: the calls of layers, in the order in which
        they run, and the symbolic tensors by which the segments hang together.
    """
    levels = levels_of(network)
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
        any(functional_of(node.operation) is not None for node in nodes)
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
        nodes = [node for level in levels[first:end] for node in level]
        used = {
            id(x): x
            for node in nodes
            for x in node.input_tensors
            if made_at[id(x)] < first
        }
        found.append((nodes, list(used.values()), crossing(end, first)))
    return found


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
