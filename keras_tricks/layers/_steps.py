"""Operations with their arguments, listed once, looked up and applied in a loop.

Whatever a layer draws, it draws rows of a table that was computed beforehand in
float64: nothing that a compiler could round otherwise is left to be computed.
"""

from typing import NamedTuple

import numpy as np

from keras_tricks.layers._operations import GEOMETRIC, OPERATIONS, apply
from keras_tricks.layers._tensors import ops
from keras_tricks.layers._warp import fixed_point, linear, warp


class Table(NamedTuple):
    """Operations and their arguments; row 0 is the identity."""

    operation: np.ndarray  # index in OPERATIONS, int32 (rows,)
    argument: np.ndarray  # float32 (rows,)
    linear: np.ndarray  # of the warp, int32 (rows, 8)


class Steps(NamedTuple):
    """Operations to apply, tensors `(batch, steps, ...)`."""

    operation: object  # int32
    argument: object  # float32
    matrix: object  # of the warp, int32 (..., 6)


def tabulate(rows):
    """Return the table of pairs `(operation, argument)`, after the identity."""
    rows = [("Identity", 0.0), *rows]
    return Table(
        np.array([OPERATIONS.index(name) for name, _ in rows], "int32"),
        np.array([argument for _, argument in rows], "float32"),
        np.stack([linear(*row) for row in rows]),
    )


def all_rows(dialect, levels):
    """Return every operation of a dialect at some levels and with both signs."""
    return [
        (operation, dialect.argument(operation, level, sign))
        for operation in dialect.arguments
        for level in levels
        for sign in (-1, 1)
    ]


def row_of(dialect, levels, operation, level, sign):
    """Return the row, from 1, of operations in `all_rows`.

    Args:
        dialect: The dialect.
        levels: How many levels there are.
        operation: Uniform numbers in [0, 1).
        level: Indices of levels.
        sign: Uniform numbers in [0, 1).
    """
    operation = whole(operation, len(dialect.arguments))
    return (operation * levels + level) * 2 + whole(sign, 2) + 1


def whole(uniforms, count):
    """Turn uniform numbers in [0, 1) into integers in `[0, count)`."""
    return ops.cast(uniforms * count, "int32")


def look_up(table, rows, size, dialect):
    """Return the steps of some rows for images of a size `(height, width)`."""
    operation, argument, matrix = (ops.take(part, rows, axis=0) for part in table)
    shift = []
    for name, length in (("TranslateX", size[1]), ("TranslateY", size[0])):
        pixels = ops.where(operation == OPERATIONS.index(name), argument, 0.0)
        if dialect.translation == "fraction":
            pixels = pixels * ops.cast(length, "float32")
        if dialect.whole_pixels:
            # A millionth more: 150 / 331 of 331 pixels are 150 in spite of float32.
            pixels = ops.trunc(pixels * (1 + 1e-6))
        shift.append(pixels)
    centred = operation == OPERATIONS.index("Rotate")
    return Steps(operation, argument, fixed_point(matrix, centred, shift, size))


def apply_steps(image, steps, fill):
    """Apply steps, `(steps, ...)`, to one uint8 image `(height, width, channels)`."""

    def step(i, image):
        return apply(image, *(part[i] for part in steps), fill)

    return ops.fori_loop(0, ops.shape(steps.operation)[0], step, image)


def warp_masks(masks, steps):
    """Move segmentation masks `(batch, height, width[, classes])` with their images.

    Pixels from outside get 0, the background.
    """
    shape = ops.shape(masks)
    x = masks[..., None] if len(shape) == 3 else masks

    def warp_one(inputs):
        mask, operation, matrix = inputs

        def step(i, mask):
            moves = (operation[i] > 0) & (operation[i] <= len(GEOMETRIC))
            branches = [lambda: mask, lambda: warp(mask, matrix[i], 0)]
            return ops.switch(ops.cast(moves, "int32"), branches)

        return ops.fori_loop(0, ops.shape(operation)[0], step, mask)

    return ops.reshape(ops.map(warp_one, (x, steps.operation, steps.matrix)), shape)
