"""Tells before training which boxes no anchor covers."""

import numpy as np
from keras import ops

from keras_tricks._checks import check_number
from keras_tricks.detection._anchor_advice import advice, levels
from keras_tricks.detection._anchor_report import AnchorReport
from keras_tricks.detection._codes import edges
from keras_tricks.detection._pictures import height_and_width
from keras_tricks.detection.box_iou import box_iou
from keras_tricks.detection.match_anchors import match_anchors

PICTURES = 16  # matched at a time: memory goes with them


def check_anchors(anchors, boxes, threshold=0.5, image_size=None):
    """Match boxes with anchors as the training does, and say what is missed.

    A box that no anchor overlaps by `threshold` is learned from one forced anchor only,
    of which little may lie on the object. The report counts such boxes, says how large
    they are and of which class, how many anchors every box has, and which other
    `min_scale`, `max_scale` or image size would miss fewer: tried, not guessed.

    Args:
        anchors: A model with `anchors`, or an array `(anchors, 4)`: x and y of the
            centre, width and height, as fractions of the image's sides.
        boxes: `Annotations` (whose `crowd` boxes are left out), or a list with a
            float array `(boxes, 4)` per picture: left, top, right, bottom, as
            fractions of the image's sides.
        threshold: Least intersection over union of a match. Float in [0, 1].
        image_size: The network's input in pixels, to tell sizes in: one integer, or
            height and width, or `None` for that of the model, if it is one.

    Returns:
        A report to `print`. `uncovered` are the missed boxes as fractions, float32
        `(missed, 4)`; `share` is their share of all. Per box there are `best_iou`,
        `positives` (the anchors that are to find it) and `labels`; `suggestions`
        lists settings that miss fewer; it is None for anchors that `ssd_anchors` did
        not make, for which none are tried.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If there are no boxes or they are not fractions, or a shape is
            wrong.

    Example:
        >>> anchors = ssd_anchors([(4, 4), (2, 2)], min_scale=0.5)
        >>> boxes = [np.array([[0.0, 0, 0.7, 0.7], [0.61, 0.61, 0.67, 0.66]])]
        >>> report = check_anchors(anchors, boxes, image_size=100)
        >>> report.share, report.positives.tolist()
        (0.5, [8, 1])
        >>> print(report)
        1 of 2 boxes (50 %) is matched by no anchor at IoU 0.5...

    Reference:
        [Liu et al., 2016](https://arxiv.org/abs/1512.02325).
    """
    check_number("threshold", threshold, 0, 1)
    if image_size is None:
        image_size = getattr(anchors, "image_size", None)
    if image_size is not None:
        image_size = height_and_width(image_size)
    anchors = _checked_anchors(getattr(anchors, "anchors", anchors))
    boxes, labels, class_names = _relative(boxes)
    best_iou, positives, of_anchor = matched(boxes, anchors, threshold)
    boxes = np.concatenate(boxes)
    grids = levels(anchors)
    return AnchorReport(
        boxes=boxes,
        labels=labels,
        class_names=class_names,
        best_iou=best_iou,
        positives=positives,
        levels=_per_level(grids, of_anchor),
        threshold=threshold,
        image_size=image_size,
        suggestions=advice(boxes, best_iou, anchors, grids, threshold),
    )


def matched(boxes, anchors, threshold):
    """Return best IoU and number of anchors per box, and number of boxes per anchor."""
    corners = edges(ops.convert_to_tensor(anchors))
    most = max(map(len, boxes))
    best_iou, positives, of_anchor = [], [], np.zeros(len(anchors), int)
    for start in range(0, len(boxes), PICTURES):
        group = boxes[start : start + PICTURES]
        valid = np.arange(most) < np.array([len(b) for b in group])[:, None]
        padded = np.zeros((len(group), most, 4), "float32")
        padded[valid] = np.concatenate(group)
        iou = box_iou(padded, corners)  # (pictures, boxes, anchors)
        matches = ops.convert_to_numpy(match_anchors(iou, valid, threshold))
        best_iou.append(ops.convert_to_numpy(ops.max(iou, axis=-1))[valid])
        positives += [
            np.bincount(match[match >= 0], minlength=len(of_picture))
            for match, of_picture in zip(matches, group, strict=True)
        ]
        of_anchor += (matches >= 0).sum(axis=0)
    return np.concatenate(best_iou), np.concatenate(positives), of_anchor


def _checked_anchors(anchors):
    anchors = np.asarray(anchors, "float32")
    if anchors.ndim != 2 or anchors.shape[1] != 4 or not len(anchors):
        raise ValueError(
            "`anchors` must be a model with anchors or an array (anchors, 4). "
            f"Received: an array of shape {anchors.shape}."
        )
    return anchors


def _relative(boxes):
    """Return boxes per picture as fractions, all labels, and the classes' names."""
    labels, class_names = None, None
    if hasattr(boxes, "class_names"):
        class_names, kept = boxes.class_names, [~crowd for crowd in boxes.crowd]
        labels = np.concatenate([x[k] for x, k in zip(boxes.labels, kept, strict=True)])
        boxes = [
            of_picture[k] / np.array([width, height] * 2, "float32")
            for of_picture, k, (height, width) in zip(
                boxes.boxes, kept, boxes.sizes, strict=True
            )
        ]
    elif not isinstance(boxes, (list, tuple)):
        raise TypeError(
            "`boxes` must be `Annotations` or a list with an array per picture. "
            f"Received: boxes of type {type(boxes).__name__}."
        )
    boxes = [np.asarray(b, "float32").reshape(-1, 4) for b in boxes]
    every = np.concatenate([*boxes, np.zeros((0, 4), "float32")])
    if not len(every):
        raise ValueError("`boxes` must hold a box. Received: none.")
    if not (np.abs(every) <= 2).all():  # a box may leave its image, but not so far
        raise ValueError(
            "`boxes` must be fractions of the image's sides: divide pixels by width "
            f"and height. Received: values up to {np.abs(every).max():g}."
        )
    return boxes, labels, class_names


def _per_level(grids, of_anchor):
    """Return `((rows, columns), anchors, matches)` of every feature map, if known."""
    counts = [rows * columns * each for rows, columns, each in grids or ()]
    parts = np.split(of_anchor, np.cumsum(counts)[:-1]) if counts else []
    return [
        ((rows, columns), len(part), int(part.sum()))
        for (rows, columns, _), part in zip(grids or (), parts, strict=True)
    ]
