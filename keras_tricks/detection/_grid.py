"""Shapes of boxes repeated around the middle of every cell of feature maps."""

import numpy as np

from keras_tricks._checks import check_integer, check_number


def on_grids(feature_sizes, shapes, longest=1.0):
    """Return float32 `(anchors, 4)`, as fractions of the image's sides.

    Args:
        feature_sizes: `(height, width)` of every map.
        shapes: For every map a list of `(width, height)`.
        longest: Limit of width and height.
    """
    anchors = []
    for (rows, columns), of_map in zip(feature_sizes, shapes, strict=True):
        y = (np.arange(rows) + 0.5) / rows
        x = (np.arange(columns) + 0.5) / columns
        of_map = np.minimum(of_map, longest)  # (shapes, 2)
        grid = np.empty((rows, columns, len(of_map), 4), "float32")
        grid[..., 0] = x[None, :, None]
        grid[..., 1] = y[:, None, None]
        grid[..., 2:] = of_map
        anchors.append(grid.reshape(-1, 4))
    return np.concatenate(anchors)


def check_feature_sizes(sizes):
    """Raise unless `sizes` is one or more pairs of integers."""
    pairs = isinstance(sizes, (tuple, list)) and all(
        isinstance(size, (tuple, list)) and len(size) == 2 for size in sizes
    )
    if not pairs or not sizes:
        raise TypeError(
            "`feature_sizes` must be a list of (height, width) of feature maps. "
            f"Received: feature_sizes={sizes!r}."
        )
    for size in sizes:
        for side in size:
            check_integer("feature_sizes", side, 1)


def check_ratios(ratios):
    """Raise unless `ratios` are numbers above 1."""
    if not isinstance(ratios, (tuple, list)):
        raise TypeError(
            "`aspect_ratios` must be a list of numbers above 1. "
            f"Received: aspect_ratios={ratios!r}."
        )
    for ratio in ratios:
        check_number("aspect_ratios", ratio)
        if ratio <= 1:
            raise ValueError(
                "`aspect_ratios` must be above 1: squares and inverses come along. "
                f"Received: aspect_ratios={ratios!r}."
            )
