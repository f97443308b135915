"""Greedy non-maximum suppression without a loop over boxes."""

from keras import ops

from keras_tricks.detection.box_iou import box_iou


def non_max_suppression(boxes, valid, classes=None, iou_threshold=0.6):
    """Say which boxes stay when none may overlap a better one that stays.

    The usual loop takes the best box, drops what overlaps it, takes the next. What it
    keeps is the only set in which a box is kept if and only if no better kept box
    overlaps it. Here all boxes start as kept and that condition is applied to all of
    them at once until nothing changes, usually 3 to 8 times: the same result, exactly,
    with fixed shapes, so that it compiles with XLA and runs on every backend.

    Args:
        boxes: Float tensor `(batch, boxes, 4)`: left, top, right, bottom, the best box
            first.
        valid: Boolean tensor `(batch, boxes)`: False for boxes that do not count.
        classes: Integer tensor `(batch, boxes)`, or `None`. Boxes of different classes
            do not drop each other.
        iou_threshold: Intersection over union above which the worse of two boxes goes.
            Float in [0, 1].

    Returns:
        Boolean tensor `(batch, boxes)`: the boxes that stay.

    Raises:
        ValueError: If shapes do not fit.

    Example:
        >>> boxes = np.array([[[0.0, 0, 2, 2], [0, 0, 2, 1.9], [5, 5, 6, 6]]])
        >>> print(np.array(non_max_suppression(boxes, np.ones((1, 3), bool))).tolist())
        [[True, False, True]]

    Reference:
        [Rosenfeld & Thurston, 1971](https://doi.org/10.1109/T-C.1971.223290).
    """
    boxes, valid = ops.convert_to_tensor(boxes), ops.convert_to_tensor(valid)
    if len(boxes.shape) != 3 or len(valid.shape) != 2:
        raise ValueError(
            "`boxes` must have the shape (batch, boxes, 4), `valid` (batch, boxes). "
            f"Received: shapes {tuple(boxes.shape)} and {tuple(valid.shape)}."
        )
    overlaps = box_iou(boxes, boxes) > iou_threshold  # (batch, better, worse)
    if classes is not None:
        classes = ops.convert_to_tensor(classes)
        overlaps = overlaps & (classes[:, :, None] == classes[:, None])
    place = ops.arange(valid.shape[1])
    overlaps = overlaps & (place[:, None] < place[None])

    def again(kept, changed):
        return changed

    def sweep(kept, changed):
        dropped = ops.any(overlaps & kept[:, :, None], axis=1)
        now = valid & ~dropped
        return now, ops.any(now != kept)

    kept, _ = ops.while_loop(again, sweep, (valid, ops.any(valid)))
    return kept
