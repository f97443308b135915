"""The anchors of feature pyramids: RetinaNet and SSD-FPNLite."""

import math

from keras_tricks._checks import check_integer, check_number
from keras_tricks.detection._grid import check_feature_sizes, check_ratios, on_grids


def fpn_anchors(
    feature_sizes, anchor_scale=4.0, scales_per_octave=2, aspect_ratios=(2,)
):
    """Return the anchors of a feature pyramid: sizes go with the cells of the maps.

    A cell of a map with `n` cells along a side has boxes of the area of a square whose
    side is `anchor_scale / n · 2^(i / scales_per_octave)` of the image's,
    `i = 0 … scales_per_octave - 1`: square, and of every ratio `r` and `1 / r`.

    The defaults are those of SSD-MobileNetV2-FPNLite in the TensorFlow Object Detection
    API, for maps of strides 8 to 128. RetinaNet has `scales_per_octave=3`. Unlike
    `torchvision.models.detection.anchor_utils.AnchorGenerator`, whose centres lie on
    the corners of cells, these lie in the middle.

    Args:
        feature_sizes: `(height, width)` of every feature map, the largest first.
        anchor_scale: Side of the smallest square in cells. Float above 0.
        scales_per_octave: Sizes per map. Integer, at least 1.
        aspect_ratios: Width divided by height, each above 1; the inverse comes along.

    Returns:
        Float32 array `(anchors, 4)`: x and y of the centre, width and height, as
        fractions of the image's sides. Map by map, row by row, cell by cell. Near the
        top of a pyramid they may be larger than the image.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range.

    Example:
        >>> anchors = fpn_anchors([(40, 40), (20, 20), (10, 10), (5, 5), (3, 3)])
        >>> anchors.shape, anchors[0, 2:].round(3).tolist()
        ((12804, 4), [0.10..., 0.10...])

    Reference:
        [Lin et al., 2017](https://arxiv.org/abs/1708.02002).
    """
    check_feature_sizes(feature_sizes)
    check_number("anchor_scale", anchor_scale, 1e-3)
    check_integer("scales_per_octave", scales_per_octave, 1)
    check_ratios(aspect_ratios)
    factors = [2 ** (i / scales_per_octave) for i in range(scales_per_octave)]
    roots = [1.0]
    for ratio in aspect_ratios:
        roots += [math.sqrt(ratio), 1 / math.sqrt(ratio)]
    shapes = []
    for rows, columns in feature_sizes:
        height, width = anchor_scale / rows, anchor_scale / columns
        shapes.append([(f * width * r, f * height / r) for f in factors for r in roots])
    return on_grids(feature_sizes, shapes, longest=math.inf)
