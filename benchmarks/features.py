"""Features of the FID's Inception against torch-fidelity's, with random weights.

From uint8 images of 32 x 32 in memory to features and logits in memory: the resize to
299 x 299 is part of it.
"""

import pathlib
import tempfile

import keras
import numpy as np

from benchmarks import peers
from benchmarks.rounds import by_turns
from keras_gans.metrics.features.extractor import FeatureExtractor
from keras_gans.metrics.features.inception_v3 import InceptionV3FID
from keras_gans.metrics.features.inception_v3 import inception_v3
from keras_gans.metrics.features.inception_v3 import load_state_dict


class RandomInception(InceptionV3FID):
    """The FID's network with other weights, so with another name."""

    def __init__(self, network):
        FeatureExtractor.__init__(self, network, "inception_v3_random")


def random_state_dict():
    """Weights and statistics in the layout of the public file; activations keep size.

    Returns:
        Dict, name -> float32 array.
    """
    rng = np.random.default_rng(0)
    state = {}
    for layer in inception_v3().layers:
        if not isinstance(layer, keras.layers.Conv2D):
            continue
        height, width, channels, filters = layer.kernel.shape
        key = layer.name.replace("__", ".")
        shape = (filters, channels, height, width)
        scale = np.float32(np.sqrt(2.0 / (height * width * channels)))
        state |= {
            f"{key}.conv.weight": rng.standard_normal(shape, "float32") * scale,
            f"{key}.bn.weight": rng.uniform(0.5, 1.5, filters),
            f"{key}.bn.bias": rng.normal(0.0, 0.2, filters),
            f"{key}.bn.running_mean": rng.normal(0.0, 0.2, filters),
            f"{key}.bn.running_var": rng.uniform(0.5, 2.0, filters),
        }
    state["fc.weight"] = rng.standard_normal((1008, 2048), "float32") * 0.02
    state["fc.bias"] = rng.standard_normal(1008, "float32")
    return {key: value.astype("float32") for key, value in state.items()}


def measure(args):
    """Measures seconds for a batch of `args.feature_images` images.

    Args:
        args: The command line's options.

    Returns:
        Dict of lists, one value a round: "features", and "torch_fidelity" where it is
        installed, except on JAX, beside which torch's threads are slow.
    """
    shape = (args.feature_images, 32, 32, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, "uint8")
    state = random_state_dict()
    network = inception_v3()
    load_state_dict(network, state)
    extractor = RandomInception(network)

    def features():
        outputs = ("features", "logits")
        found = extractor.extract(images, args.feature_images, outputs)
        return found["features"], found["logits"]

    runs = {"features": features}
    module = None
    if keras.config.backend() != "jax":
        module = peers.torch_fidelity("feature_extractor_inceptionv3")
    if module is not None:
        runs["torch_fidelity"] = _torch_fidelity(module, state, images)
    first, *others = [run() for run in runs.values()]  # the warm-up, too
    for other in others:
        for ours, theirs in zip(first, other, strict=True):
            if np.abs(ours - theirs).max() > 1e-4 * np.abs(theirs).max():
                raise ValueError("Expected: the same features from both.")
    return by_turns(runs, args.rounds)


def _torch_fidelity(module, state, images):
    import torch

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "random.pth"
        torch.save({key: torch.from_numpy(v) for key, v in state.items()}, path)
        network = module.FeatureExtractorInceptionV3(
            "random", ["2048", "logits_unbiased"], feature_extractor_weights_path=path
        )

    def run():
        with torch.no_grad():
            batch = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
            return [array.numpy() for array in network(batch)]

    return run
