"""Boxes from what a network says at an anchor."""

import math

from keras_tricks.detection._codes import VARIANCES, check_last_axis
from keras_tricks.layers._tensors import ops

_LARGEST = math.log(1000 / 16)  # before exp: a wild code gives a large box, not inf


def decode_boxes(codes, anchors, variances=VARIANCES):
    """Return the boxes that codes mean, the inverse of `encode_boxes`.

    No box is more than 62.5 times as wide or high as its anchor, as in torchvision.

    Args:
        codes: Float tensor `(..., anchors, 4)`.
        anchors: Float tensor `(..., anchors, 4)`: x and y of the centre, width and
            height, as fractions of the image's sides.
        variances: Four floats.

    Returns:
        Float tensor of the shape of `codes`: left, top, right, bottom, as fractions of
        the image's sides. They may lie outside of the image.

    Raises:
        ValueError: If the last axis of `codes` or `anchors` has not 4 entries.

    Example:
        >>> anchors = np.array([[0.5, 0.5, 0.2, 0.2]], "float32")
        >>> codes = np.array([[0.5, 0, 0, 0]], "float32")
        >>> print(np.array(decode_boxes(codes, anchors)).round(2))
        [[0.41 0.4  0.61 0.6 ]]

    Reference:
        [Liu et al., 2016](https://arxiv.org/abs/1512.02325).
    """
    x, y, width, height = ops.unstack(check_last_axis("anchors", anchors), 4, axis=-1)
    codes = ops.unstack(check_last_axis("codes", codes), 4, axis=-1)
    codes = [code * variance for code, variance in zip(codes, variances, strict=True)]
    x, y = codes[0] * width + x, codes[1] * height + y
    half_width = 0.5 * width * ops.exp(ops.minimum(codes[2], _LARGEST))
    half_height = 0.5 * height * ops.exp(ops.minimum(codes[3], _LARGEST))
    return ops.stack(
        [x - half_width, y - half_height, x + half_width, y + half_height], axis=-1
    )
