"""The formulas of detection once more, box by box, for the tests."""

import numpy as np


def edges(box):
    """Left, top, right and bottom of x, y, width and height around a centre."""
    x, y, width, height = box
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def iou(one, other):
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)


def match(overlaps, valid, threshold):
    """The box of every anchor or -1, from the overlaps `(boxes, anchors)`."""
    count, anchors = overlaps.shape
    boxes = [box for box in range(count) if valid[box]]
    found = [-1] * anchors
    for anchor in range(anchors):
        for box in boxes:
            reached = overlaps[box, anchor] >= threshold
            rival = found[anchor]
            if reached and (
                rival < 0 or overlaps[box, anchor] > overlaps[rival, anchor]
            ):
                found[anchor] = box
    claims = {}
    for box in boxes:
        anchor = int(np.argmax(overlaps[box]))
        best, rival = overlaps[box, anchor], claims.get(anchor)
        if best > 0 and (rival is None or best > overlaps[rival, anchor]):
            claims[anchor] = box
    for anchor, box in claims.items():
        found[anchor] = box
    return found


def greedy(boxes, iou_threshold, valid=None, classes=None):
    """Whether each box stays in non-maximum suppression; the best box comes first."""
    kept = []
    for i in range(len(boxes)):
        rivals = [j for j in kept if classes is None or classes[i] == classes[j]]
        overlapped = any(iou(boxes[i], boxes[j]) > iou_threshold for j in rivals)
        if not overlapped and (valid is None or valid[i]):
            kept.append(i)
    return [i in kept for i in range(len(boxes))]


def random_boxes(random, *shape):
    """Boxes with whole numbers as edges in [0, 60): overlaps are exact fractions."""
    begin = random.integers(0, 40, (*shape, 2))
    size = random.integers(1, 20, (*shape, 2))
    return np.concatenate([begin, begin + size], axis=-1).astype("float32")
