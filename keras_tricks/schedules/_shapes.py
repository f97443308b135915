"""The ways from 1 to 0 that schedules share."""

import math

from keras import ops

CURVES = ("linear", "cosine", "1-sqrt")


def fraction(part, whole):
    """Return `part / whole` in float32, clipped to [0, 1]."""
    # Graphs of TensorFlow multiply by the inverse of a constant; so does this, to be
    # the same eagerly. The comparison keeps the end exact: 49 * (1 / 49) is not 1.
    whole = whole or 1
    part = ops.cast(part, "float32")
    return ops.where(part >= whole, 1.0, ops.maximum(part, 0) * (1 / whole))


def fall(left, curve):
    """Return a height from 1 to 0 for `left`, the fraction still to go, 1 to 0.

    Written in what is left, not in what is done, these stay accurate near 0.
    """
    if curve == "cosine":  # (1 + cos(pi * (1 - left))) / 2
        return ops.square(ops.sin(math.pi / 2 * left))
    if curve == "1-sqrt":  # 1 - sqrt(1 - left)
        return left / (1 + ops.sqrt(1 - left))
    return left


def mix(high, low, height):
    """Return `low + (high - low) * height`, exact at the heights 0 and 1."""
    return high * height + low * (1 - height)
