"""`gan.generate` against calling the averaged generator in a loop of batches."""

import numpy as np

from benchmarks import loops
from benchmarks.rounds import by_turns

BATCH_SIZE = 64  # that of `generate`


def measure(gan, args):
    """Measures seconds for `args.samples` images; both draw latents, return uint8.

    Args:
        gan: A model of images.
        args: The command line's options.

    Returns:
        Dict of lists, one value a round: "generate" and "sample".
    """
    sampler = loops.make_sampler(gan.ema_generator)
    size = min(BATCH_SIZE, args.samples)

    def sample():
        latents = np.random.default_rng(0).standard_normal(
            (args.samples, gan.latent_dim), "float32"
        )
        images = [sampler(latents[i : i + size]) for i in range(0, args.samples, size)]
        images = (np.concatenate(images) + 1.0) * 127.5
        return np.clip(np.rint(images), 0, 255).astype("uint8")

    runs = {"generate": lambda: gan.generate(args.samples, seed=0), "sample": sample}
    first, second = [run() for run in runs.values()]  # the warm-up, too
    if np.abs(first.astype(int) - second).max() > 1:
        raise ValueError("Expected: the same images from both. Received: others.")
    return by_turns(runs, args.rounds)
