"""The default boxes of SSD."""

import itertools
import math

import numpy as np

from keras_tricks._checks import check_number
from keras_tricks.detection._grid import check_feature_sizes, check_ratios, on_grids


def ssd_anchors(
    feature_sizes,
    min_scale=0.2,
    max_scale=0.95,
    aspect_ratios=(2, 3),
    extra_scales=(),
):
    """Return SSD's anchors: a few shapes around every cell of every feature map.

    Scales rise linearly from `min_scale` at the first map to `max_scale` at the last.
    A cell has a square of its map's scale, one of the geometric mean with the next
    map's scale (after the last: 1), and for every ratio `r` a box of ratio `r` and one
    of `1 / r`, all of the area of the first. No side is longer than the image.

    These are the boxes, in their order, of torchvision's `DefaultBoxGenerator`. The
    SSD-MobileNets of the TensorFlow Object Detection API save on the first map, which
    has most of the cells: there it has the square of scale 0.1 and the boxes of ratio 2
    only. Objects between the sizes of two maps then have few anchors, and a blood
    cell's 0.1 to 0.2 of the picture is just there.

    Args:
        feature_sizes: `(height, width)` of every feature map, the largest first.
        min_scale: Scale of the first map as a fraction of the image's side. Float
            above 0.
        max_scale: Scale of the last map. Float, at least `min_scale`.
        aspect_ratios: Width divided by height, each above 1; the inverse comes along.
        extra_scales: Scales of more squares in every cell of the first map, for
            objects smaller than `min_scale`.

    Returns:
        Float32 array `(anchors, 4)`: x and y of the centre, width and height, as
        fractions of the image's sides. Map by map, row by row, cell by cell.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range.

    Example:
        >>> anchors = ssd_anchors([(20, 20), (10, 10), (5, 5), (3, 3), (2, 2), (1, 1)])
        >>> anchors.shape, anchors[0].round(3).tolist()
        ((3234, 4), [0.02..., 0.02..., 0.2..., 0.2...])

    Reference:
        [Liu et al., 2016](https://arxiv.org/abs/1512.02325).
    """
    check_feature_sizes(feature_sizes)
    check_number("min_scale", min_scale, 1e-3, 1)
    check_number("max_scale", max_scale, min_scale, 1)
    check_ratios(aspect_ratios)
    for scale in extra_scales:
        check_number("extra_scales", scale, 1e-3, 1)
    scales = [*np.linspace(min_scale, max_scale, len(feature_sizes)), 1.0]
    shapes = []
    for scale, following in itertools.pairwise(scales):
        squares = [(scale, scale), 2 * (math.sqrt(scale * following),)]
        shapes.append(squares + _shapes(scale, aspect_ratios))
    shapes[0] = [*shapes[0], *((scale, scale) for scale in extra_scales)]
    return on_grids(feature_sizes, shapes)


def _shapes(scale, ratios):
    """Return width and height of two boxes for every ratio."""
    roots = [math.sqrt(ratio) for ratio in ratios]
    wide = [(scale * root, scale / root) for root in roots]
    return [shape for w, h in wide for shape in ((w, h), (h, w))]
