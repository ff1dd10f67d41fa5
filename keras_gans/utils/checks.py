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
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_whole or value < least:
        meaning = f", {meaning}" if meaning else ""
        raise ValueError(
            f"Expected: `{name}` as an int of at least {least}{meaning}. "
            f"Received: {value!r}."
        )
    return int(value)


def is_positive(value):
    """Whether a value is a finite number above 0, Python's or NumPy's."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and 0.0 < value < math.inf


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
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not least <= value <= most:
        bounds = [f">= {least:g}"] * (least > -math.inf)
        bounds += [f"<= {most:g}"] * (most < math.inf)
        meaning = f", {meaning}" if meaning else ""
        raise ValueError(
            f"Expected: `{name}` as a {' '.join(['finite number', *bounds])}{meaning}. "
            f"Received: {value!r}."
        )
    return float(value)


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
