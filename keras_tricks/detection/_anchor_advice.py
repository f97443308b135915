"""Which other anchors would cover more boxes: found by trying them."""

import numpy as np
from keras import ops

from keras_tricks.detection._codes import edges
from keras_tricks.detection.box_iou import box_iou
from keras_tricks.detection.ssd_anchors import ssd_anchors

MIN_SCALES = (0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3)
MAX_SCALES = (0.6, 0.8, 0.95)
BOXES = 300  # tried at most, drawn by chance: seconds go with them
WORTH = 0.01  # of the boxes: what a change must gain to be suggested
MANY = 0.02  # of the boxes: when a larger image is tried as well


def levels(anchors):
    """Return `(rows, columns, anchors per cell)` of each feature map, or None.

    The first centre of a grid tells how many cells it has; None if the anchors do not
    lie on grids one after the other.
    """
    grids, start = [], 0
    while start < len(anchors):
        x, y = (float(centre) for centre in anchors[start, :2])
        if not (0 < x <= 0.5 and 0 < y <= 0.5):
            return None
        columns, rows = round(0.5 / x), round(0.5 / y)
        moved = (anchors[start:, :2] != anchors[start, :2]).any(axis=1)
        each = int(np.argmax(moved)) if moved.any() else len(moved)
        if rows == columns == 1 and grids and len(moved) % grids[-1][2] == 0:
            each = grids[-1][2]  # nothing else tells where the next such map begins
        grids.append((rows, columns, each))
        start += rows * columns * each
    return grids if start == len(anchors) else None


def advice(boxes, best_iou, anchors, grids, threshold):
    """Return settings that miss fewer boxes: a list of none, one or two dicts.

    They hold SSD's `"min_scale"` and `"max_scale"` and the `"share"` that they miss;
    one with `"times"` needs an input so many times as high and wide. None where the
    anchors are of another kind, so that nothing was tried.
    """
    scales = _scales(anchors, grids)
    if scales is None:
        return None
    if (best_iou >= threshold).all():
        return []
    if len(boxes) > BOXES:
        drawn = np.random.default_rng(0).choice(len(boxes), BOXES, replace=False)
        boxes, best_iou = boxes[drawn], best_iou[drawn]
    missed = float(np.mean(best_iou < threshold))
    sizes = [grid[:2] for grid in grids]
    best = _search(boxes, sizes, *scales, threshold)
    found = [best] if best["share"] <= missed - WORTH else []
    share = best["share"] if found else missed
    if share > MANY:
        larger = _search(boxes, _doubled(sizes), *scales, threshold)
        if larger["share"] < 0.5 * share:
            found.append({**larger, "times": 2})
    return found


def _scales(anchors, grids):
    """Return the scales that `ssd_anchors` made the anchors of, or None.

    Besides, its extra scales as fractions of the smallest: they move along with it.
    """
    if not grids:
        return None
    last = grids[-1][0] * grids[-1][1] * grids[-1][2]
    # Four digits: what a user typed, not what float32 made of it.
    low, high = (round(float(x), 4) for x in (anchors[0, 2], anchors[-last, 2]))
    extra = tuple(float(x) / low for x in anchors[grids[-1][2] : grids[0][2], 2])
    try:
        same = _anchors([grid[:2] for grid in grids], (low, high), extra)
    except ValueError:
        return None
    if same.shape != anchors.shape or not np.allclose(same, anchors, atol=1e-4):
        return None
    return (low, high), extra


def _anchors(sizes, scales, extra):
    more = [min(scales[0] * each, 1.0) for each in extra]
    return ssd_anchors(sizes, *scales, extra_scales=more)


def _doubled(sizes):
    """Return the maps of an input twice as high and wide: each half the one before."""
    height, width = sizes[0]
    return [(-(-2 * height >> i), -(-2 * width >> i)) for i in range(len(sizes))]


def _search(boxes, sizes, present, extra, threshold):
    """Return the scales that miss least; of equals those nearest to the present."""
    pairs = [
        (low, high)
        for low in sorted({present[0], *MIN_SCALES})
        for high in sorted({present[1], *MAX_SCALES})
        if low <= high
    ]
    share, _, (low, high) = min(
        (
            _missed(boxes, _anchors(sizes, pair, extra), threshold),
            _distance(pair, present),
            pair,
        )
        for pair in pairs
    )
    return {"min_scale": low, "max_scale": high, "share": share}


def _distance(scales, others):
    return float(np.abs(np.log(scales) - np.log(others)).sum())


def _missed(boxes, anchors, threshold):
    best = ops.convert_to_numpy(ops.max(box_iou(boxes, edges(anchors)), axis=-1))
    return float(np.mean(best < threshold))
