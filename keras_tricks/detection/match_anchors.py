"""Which object every anchor is to find."""

from keras_tricks.layers._tensors import ops


def match_anchors(iou, valid, threshold=0.5):
    """Give every anchor the box that it overlaps most, and every box an anchor.

    An anchor takes the box of the highest overlap if that reaches `threshold`; besides,
    every box takes the anchor that overlaps it most, however little, unless it touches
    none. An anchor that several boxes take so goes to the one of the highest overlap;
    in torchvision 0.28 to the last one.

    Args:
        iou: Float tensor `(batch, boxes, anchors)`.
        valid: Boolean tensor `(batch, boxes)`: False for padding, which nothing
            matches.
        threshold: Least intersection over union of a match. Float in [0, 1].

    Returns:
        Int32 tensor `(batch, anchors)`: the index of the box, or -1 for background.

    Raises:
        ValueError: If shapes do not fit.

    Example:
        >>> iou = np.array([[[0.6, 0.5, 0.1], [0.1, 0.2, 0.3]]], "float32")
        >>> print(np.array(match_anchors(iou, np.array([[True, True]]))).tolist())
        [[0, 0, 1]]

    Reference:
        [Liu et al., 2016](https://arxiv.org/abs/1512.02325).
    """
    iou, valid = ops.convert_to_tensor(iou), ops.convert_to_tensor(valid)
    if len(iou.shape) != 3 or len(valid.shape) != 2:
        raise ValueError(
            "`iou` must have the shape (batch, boxes, anchors), `valid` (batch, "
            f"boxes). Received: shapes {tuple(iou.shape)} and {tuple(valid.shape)}."
        )
    # A row of padding, so that no image has no box at all.
    iou = ops.pad(iou, [[0, 0], [0, 1], [0, 0]])
    valid = ops.pad(valid, [[0, 0], [0, 1]])[..., None]  # (batch, boxes, 1)
    iou = ops.where(valid, iou, -1.0)
    box = ops.where(ops.max(iou, axis=1) >= threshold, ops.argmax(iou, axis=1), -1)
    best = ops.argmax(iou, axis=2)[..., None]  # (batch, boxes, 1)
    forced = ops.cast(ops.arange(iou.shape[2]), best.dtype) == best
    forced = forced & (iou > 0)  # (batch, boxes, anchors)
    claim = ops.argmax(ops.where(forced, iou, -1.0), axis=1)
    claimed = ops.any(forced, axis=1)
    return ops.cast(ops.where(claimed, claim, box), "int32")
