"""Shear, translation and rotation: one affine warp, equal to Pillow's.

A pixel takes the value of the nearest one at the place it comes from. Pillow computes
that place in whole numbers of 1/65536 pixel; so does this, in int32.
"""

import math

import numpy as np

from keras_tricks.layers._pixels import computed_once
from keras_tricks.layers._tensors import ops

_ONE = 2**16


def linear(operation, argument):
    """Return where an operation takes its pixels from: the matrix `a b d e`.

    Pixel `(x, y)` comes from `(a·x + b·y, d·x + e·y)` plus a translation. Every entry
    is given as two whole numbers, of 2⁻¹⁶ and of 2⁻³² (float32 is too coarse for the
    corners of a rotated image), int32 `(8,)`.
    """
    a, b, d, e = 1.0, 0.0, 0.0, 1.0
    if operation == "ShearX":
        b = argument
    elif operation == "ShearY":
        d = argument
    elif operation == "Rotate":  # counter-clockwise
        angle = -math.radians(argument)
        a = e = round(math.cos(angle), 15)
        b, d = round(math.sin(angle), 15), -round(math.sin(angle), 15)
    entries = np.array([a, b, d, e]) * _ONE
    coarse = np.floor(entries + 0.5)
    return np.concatenate([coarse, np.round((entries - coarse) * _ONE)]).astype("int32")


def fixed_point(linear, centred, shift, size):
    """Return the matrix for `warp`, int32 `(..., 6)`.

    Args:
        linear: As the function `linear` returns it, `(..., 8)`.
        centred: Whether the centre of the image stays where it is (or its top left
            corner), boolean `(...)`.
        shift: Columns and rows, pixels, two float32 `(...)`.
        size: `(height, width)`.
    """
    a, b, d, e, *rests = ops.unstack(linear, 8, axis=-1)
    height, width = (
        ops.where(centred, ops.cast(length, "int32"), 0) for length in size
    )
    offsets = [
        _offset(origin, shift_by, coarse, fine, width - 1, height - 1)
        for origin, shift_by, coarse, fine in (
            (width, shift[0], (a, b), rests[:2]),
            (height, shift[1], (d, e), rests[2:]),
        )
    ]
    return ops.stack([a, b, offsets[0], d, e, offsets[1]], axis=-1)


def _offset(origin, shift, coarse, fine, x, y):
    """Return where the first pixel's middle comes from, rounded to 1/65536.

    That is `origin / 2 - a · x / 2 - b · y / 2 + shift`, where `origin` is twice the
    fixed point's place, and `x`, `y` twice its distance from that pixel's middle.
    """
    shift = ops.cast(ops.floor(shift * _ONE + 0.5), "int32")
    twice = origin * _ONE - coarse[0] * x - coarse[1] * y + 2 * shift
    rest = ops.right_shift(-(fine[0] * x + fine[1] * y), 16)
    return ops.right_shift(twice + rest + 1, 1)


def warp(image, matrix, fill):
    """Return the image whose pixel `(x, y)` comes from `matrix · (x, y, 1)`.

    Args:
        image: `(height, width, channels)`.
        matrix: Units of 1/65536 pixel, int32 `(6,)`.
        fill: Value of pixels that come from outside, `(channels,)` or a scalar.
    """
    height, width, channels = ops.shape(image)
    m = ops.unstack(matrix, 6)
    column, row = ops.arange(width)[None], ops.arange(height)[:, None]
    x = ops.right_shift(m[0] * column + m[1] * row + m[2], 16)
    y = ops.right_shift(m[3] * column + m[4] * row + m[5], 16)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    index = computed_once(ops.where(inside, y * width + x, height * width))
    pixels = ops.reshape(image, (height * width, channels))
    outside = ops.broadcast_to(ops.cast(fill, image.dtype), (1, channels))
    return ops.take(ops.concatenate([pixels, outside], axis=0), index, axis=0)


def forward(matrices):
    """Return where points go, float32 `(batch, 6)`, for steps one after another.

    Args:
        matrices: As `fixed_point` returns them, `(batch, steps, 6)`.
    """
    a, b, c, d, e, f = ops.unstack(ops.cast(matrices, "float32") / _ONE, 6, axis=-1)
    c, f = c - (a + b) / 2, f - (d + e) / 2  # from the corner, not the first middle
    determinant = a * e - b * d
    steps = ops.stack([e, -b, b * f - e * c, -d, a, d * c - a * f], axis=-1)
    steps = ops.unstack(steps / determinant[..., None], axis=1)
    moved = steps[0]
    for step in steps[1:]:
        moved = _after(step, moved)
    return moved


def _after(second, first):
    """Return the matrix of one step after another, `(batch, 6)`."""
    a, b, c, d, e, f = ops.unstack(second, 6, axis=-1)
    p, q, r, s, t, u = ops.unstack(first, 6, axis=-1)
    return ops.stack(
        [
            a * p + b * s,
            a * q + b * t,
            a * r + b * u + c,
            d * p + e * s,
            d * q + e * t,
            d * r + e * u + f,
        ],
        axis=-1,
    )
