"""Boxes as what a network is to say at an anchor."""

from keras_tricks.detection._codes import VARIANCES, check_last_axis
from keras_tricks.layers._tensors import ops

_SMALLEST = 1e-6  # of the image's side: a logarithm needs some size


def encode_boxes(boxes, anchors, variances=VARIANCES):
    """Return the codes of boxes relative to anchors.

    With the centre `(x, y)`, width `w` and height `h` of a box and `x_a`, `y_a`, `w_a`,
    `h_a` of its anchor: `(x - x_a) / w_a`, `(y - y_a) / h_a`, `log(w / w_a)` and
    `log(h / h_a)`, divided by the four variances.

    Args:
        boxes: Float tensor `(..., anchors, 4)`: left, top, right, bottom, as fractions
            of the image's sides.
        anchors: Float tensor `(anchors, 4)`: x and y of the centre, width and height,
            as fractions of the image's sides.
        variances: Four floats.

    Returns:
        Float tensor of the shape of `boxes`.

    Raises:
        ValueError: If the last axis of `boxes` or `anchors` has not 4 entries.

    Example:
        >>> anchors = np.array([[0.5, 0.5, 0.2, 0.2]], "float32")
        >>> boxes = np.array([[0.41, 0.4, 0.61, 0.6]], "float32")
        >>> print(np.abs(np.round(encode_boxes(boxes, anchors), 3)).tolist())
        [[0.5, 0.0, 0.0, 0.0]]

    Reference:
        [Liu et al., 2016](https://arxiv.org/abs/1512.02325).
    """
    left, top, right, bottom = ops.unstack(check_last_axis("boxes", boxes), 4, axis=-1)
    x, y, width, height = ops.unstack(check_last_axis("anchors", anchors), 4, axis=-1)
    codes = [
        (0.5 * (left + right) - x) / width,
        (0.5 * (top + bottom) - y) / height,
        ops.log(ops.maximum(right - left, _SMALLEST) / width),
        ops.log(ops.maximum(bottom - top, _SMALLEST) / height),
    ]
    codes = [code / variance for code, variance in zip(codes, variances, strict=True)]
    return ops.stack(codes, axis=-1)
