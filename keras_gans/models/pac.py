"""PacGAN: the discriminator judges several examples at once.

Lin et al. 2018, "PacGAN: The power of two samples in generative adversarial networks",
arXiv:1712.04086: D(x_1, ..., x_m), the m examples joined along the last axis, all real
or all generated. A generator that lacks diversity is easier to tell so.

B: batch, m: examples in a pack, C: channels (the features of vectors).
"""

from keras import ops


def pack(examples, size):
    """Joins each `size` examples of a batch along the last axis.

    Where `size` does not divide B, the batch's first examples fill the last pack up.

    Args:
        examples: `(B, ..., C)`.
        size: Int, m.

    Returns:
        `(ceil(B / m), ..., m * C)`.

    Example:

    >>> pack(np.arange(4.0).reshape(4, 1), 2)
    [[0., 1.], [2., 3.]]
    """
    if size == 1:
        return examples
    shape = tuple(examples.shape)
    count = ops.shape(examples)[0]
    packs = (count + size - 1) // size
    if not isinstance(count, int) or count % size:
        examples = ops.take(examples, ops.arange(packs * size) % count, axis=0)
    examples = ops.reshape(examples, (packs, size, *shape[1:]))  # (P, m, ..., C)
    rank = len(shape)
    axes = (0, *range(2, rank), 1, rank)
    examples = ops.transpose(examples, axes)  # (P, ..., m, C)
    return ops.reshape(examples, (packs, *shape[1:-1], size * shape[-1]))


def unpack(packs, size):
    """Takes packs apart: `(P, ..., m * C)` to `(P * m, ..., C)`.

    Args:
        packs: `(P, ..., m * C)`.
        size: Int, m.

    Returns:
        `(P * m, ..., C)`.
    """
    if size == 1:
        return packs
    shape = tuple(packs.shape)
    count, channels = ops.shape(packs)[0], shape[-1] // size
    packs = ops.reshape(packs, (count, *shape[1:-1], size, channels))
    rank = len(shape)
    axes = (0, rank - 1, *range(1, rank - 1), rank)
    packs = ops.transpose(packs, axes)  # (P, m, ..., C)
    return ops.reshape(packs, (count * size, *shape[1:-1], channels))
