"""Numbers that users give, looked at in one way: NumPy's are as good as Python's."""

import math
import numbers

# Sizes of networks, by the names that variants give them.
COUNTS = frozenset(
    {
        "blocks",
        "channel_base",
        "channel_max",
        "discriminator_layers",
        "discriminator_width",
        "embedding_dim",
        "group_size",
        "hidden_units",
        "mapping_depth",
        "noise_dim",
        "style_dim",
        "width",
    }
)


def whole_number(value, name, least=1, meaning=""):
    """A number of things, as Python's int.

    Args:
        value: Int, or an integer of NumPy's.
        name: Str, of the argument, for the message.
        least: Int, the smallest that is allowed.
        meaning: Str, what is counted, for the message.

    Returns:
        Int.

    Raises:
        ValueError: If it is no whole number, or less than `least`.
    """
    if not _is(numbers.Integral, value) or value < least:
        raise _refused(value, name, f"an int of at least {least}", meaning)
    return int(value)


def is_positive(value):
    """Whether a value is a finite number above 0, Python's or NumPy's."""
    return _is(numbers.Real, value) and 0.0 < value < math.inf


def number(value, name, least=-math.inf, most=math.inf, meaning=""):
    """A finite number, as Python's float.

    Args:
        value: Int or float, or a number of NumPy's.
        name: Str, of the argument, for the message.
        least: Float, the smallest that is allowed.
        most: Float, the largest.
        meaning: Str, what it is, for the message.

    Returns:
        Float.

    Raises:
        ValueError: If it is no finite number, or outside of the bounds.
    """
    is_finite = _is(numbers.Real, value) and math.isfinite(value)
    if not is_finite or not least <= value <= most:
        bounds = [f" >= {least:g}"] * (least > -math.inf)
        bounds += [f" <= {most:g}"] * (most < math.inf)
        raise _refused(value, name, f"a finite number{''.join(bounds)}", meaning)
    return float(value)


def _is(kind, value):
    return isinstance(value, kind) and not isinstance(value, bool)


def _refused(value, name, expected, meaning):
    meaning = f", {meaning}" if meaning else ""
    return ValueError(
        f"Expected: `{name}` as {expected}{meaning}. Received: {value!r}."
    )


def sizes_of(sizes):
    """Sizes of networks: those in COUNTS as ints of at least 1, others as they are.

    Args:
        sizes: Dict from names to values; None leaves a size to the variant.

    Returns:
        Dict.

    Raises:
        ValueError: As of `whole_number`.
    """
    return {
        name: whole_number(value, name)
        if name in COUNTS and value is not None
        else value
        for name, value in sizes.items()
    }
