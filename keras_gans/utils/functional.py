"""What a functional network is made of."""

import keras
from keras.src.models.functional import Functional


def functional_of(layer):
    """The functional network that runs where a layer is one, else None."""
    if isinstance(layer, keras.Sequential):
        return layer._functional
    return layer if isinstance(layer, Functional) else None


def levels_of(network):
    """Calls of a network's layers in their order, in groups of one depth."""
    depths = sorted(network._nodes_by_depth, reverse=True)
    levels = [
        [n for n in network._nodes_by_depth[depth] if n.operation and not n.is_input]
        for depth in depths
    ]
    return [nodes for nodes in levels if nodes]
