"""Measures on the backend in force; `python -m benchmarks` starts one per backend.

    KERAS_BACKEND=jax python -m benchmarks.worker '{"width": 64, ...}'

The last line of its output is JSON.
"""

import argparse
import importlib
import json
import sys

import keras
import numpy as np

import keras_gans as kg
from benchmarks import features
from benchmarks import fit_step
from benchmarks import metrics
from benchmarks import sampling


def main(options):
    """Measures steps of training, then sampling, then features of images.

    Args:
        options: Dict: width, batch_size, image_size, rounds, steps, samples,
            feature_images.

    Returns:
        Dict: "versions", "parameters", and "seconds": lists with one value a round.
    """
    args = argparse.Namespace(**options)
    shape = (args.image_size, args.image_size, 1)
    # Two models of the same sizes: `fit` trains one, the hand-written loop the other.
    gan, other = [
        kg.models.DCGAN(image_shape=shape, width=args.width, seed=0) for _ in range(2)
    ]
    gan.compile()
    count = args.steps * args.batch_size
    images = np.random.default_rng(0).integers(0, 256, (count, *shape), "uint8")

    seconds = fit_step.measure(gan, other, images, args)
    seconds |= sampling.measure(gan, args)
    seconds |= metrics.measure(args)
    seconds |= features.measure(args)
    networks = (gan.generator, gan.discriminator)
    versions = {"keras": keras.__version__}
    for name in (keras.config.backend(), "torch"):
        if name in sys.modules:  # torch is the peer, on two backends
            versions[name] = importlib.import_module(name).__version__
    return {
        "versions": versions,
        "parameters": sum(fit_step.count_parameters(n) for n in networks),
        "seconds": seconds,
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
