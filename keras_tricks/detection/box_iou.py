"""Intersection over union of every box of one set with every box of another."""

from keras_tricks.detection._codes import check_last_axis
from keras_tricks.layers._tensors import ops


def box_iou(boxes, others):
    """Return the intersection over union of all pairs of boxes.

    Boxes without area, or turned inside out, overlap with nothing: 0, never NaN.
    `keras.utils.bounding_boxes.compute_iou` (Keras 3.15.1) computes the same, but not
    inside `tf.data` on JAX and PyTorch, and gives negative areas to inverted boxes.

    Args:
        boxes: Float tensor `(..., n, 4)`: left, top, right, bottom, in any unit.
        others: Float tensor `(..., m, 4)` in the same unit; leading axes broadcast.

    Returns:
        Float tensor `(..., n, m)` of values in [0, 1].

    Raises:
        ValueError: If the last axis of `boxes` or `others` has not 4 entries.

    Example:
        >>> boxes = np.array([[0.0, 0, 2, 2], [5, 5, 5, 9]], "float32")
        >>> others = np.array([[1.0, 0, 3, 2]], "float32")
        >>> print(np.round(box_iou(boxes, others), 3).tolist())
        [[0.3330000042915344], [0.0]]

    Reference:
        [Jaccard, 1912](https://doi.org/10.1111/j.1469-8137.1912.tb05611.x).
    """
    # One plane per coordinate: a tensor (..., n, m, 2) is two to three times as slow.
    left, top, right, bottom = _planes("boxes", boxes, -1)  # (..., n, 1)
    left_2, top_2, right_2, bottom_2 = _planes("others", others, -2)  # (..., 1, m)
    common = _length(ops.maximum(left, left_2), ops.minimum(right, right_2)) * _length(
        ops.maximum(top, top_2), ops.minimum(bottom, bottom_2)
    )
    area = _length(left, right) * _length(top, bottom)
    area_2 = _length(left_2, right_2) * _length(top_2, bottom_2)
    union = area + area_2 - common
    some = union > 0
    return ops.where(some, common / ops.where(some, union, 1.0), 0.0)


def _planes(name, boxes, axis):
    boxes = check_last_axis(name, boxes)
    return [ops.expand_dims(plane, axis) for plane in ops.unstack(boxes, 4, axis=-1)]


def _length(begin, end):
    return ops.maximum(end - begin, 0.0)
