"""From the boxes of images to what a network is to say at every anchor."""

import keras
import numpy as np

from keras_tricks._checks import check_choice, check_integer, check_number
from keras_tricks.detection._codes import edges
from keras_tricks.detection.box_iou import box_iou
from keras_tricks.detection.encode_boxes import encode_boxes
from keras_tricks.detection.match_anchors import match_anchors
from keras_tricks.layers._boxes import FORMATS, check_boxes
from keras_tricks.layers._tensors import ops


class EncodeTargets:
    """Match objects to anchors and encode them, in `dataset.map` or anywhere else.

    Call with a batch as the augmentation layers return it, a dict with the keys
    `images` and `bounding_boxes`, or with `(images, bounding_boxes)`, as a tuple or as
    two arguments. `bounding_boxes` is a dict of `boxes`, `(batch, boxes, 4)`, and
    `labels`, `(batch, boxes)` of class ids from 0; -1 is padding. Boxes that reach out
    of the image are cut, those of no area left out.

    Returns `(images, targets)`, with a dict of `boxes`, float32
    `(batch, anchors, 5)`: four codes and a 1 where the anchor has an object, otherwise
    zeros; and `classes`, int32 `(batch, anchors)`: the class, or -1 for background.

    Args:
        anchors: Float array `(anchors, 4)`: x and y of the centre, width and height,
            as fractions of the image's sides.
        image_size: `(height, width)` in pixels that boxes in pixels refer to.
        bounding_box_format: One of Keras's: `"xyxy"`, `"rel_xywh"`...
        threshold: Least intersection over union of a match. Float in [0, 1].

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range, or boxes are of another form.

    Example:
        >>> anchors = ssd_anchors([(4, 4), (2, 2)])
        >>> encode = EncodeTargets(anchors, image_size=(100, 100))
        >>> boxes = {"boxes": [[[10.0, 10, 40, 40]]], "labels": [[1]]}
        >>> _, targets = encode(np.zeros((1, 100, 100, 3)), boxes)
        >>> int(np.max(targets["classes"])), tuple(targets["boxes"].shape)
        (1, (1, 120, 5))

    Reference:
        [Liu et al., 2016](https://arxiv.org/abs/1512.02325).
    """

    def __init__(self, anchors, image_size, bounding_box_format="xyxy", threshold=0.5):
        anchors = np.asarray(anchors, "float32")
        if anchors.ndim != 2 or anchors.shape[1] != 4:
            raise ValueError(
                "`anchors` must have the shape (anchors, 4). "
                f"Received: shape {anchors.shape}."
            )
        for side in image_size:
            check_integer("image_size", side, 1)
        check_choice("bounding_box_format", bounding_box_format, FORMATS)
        check_number("threshold", threshold, 0, 1)
        self.anchors = anchors
        self.image_size = tuple(image_size)
        self.bounding_box_format = bounding_box_format
        self.threshold = threshold

    def __call__(self, images, bounding_boxes=None):
        if isinstance(images, dict):
            images, bounding_boxes = images["images"], images["bounding_boxes"]
        elif bounding_boxes is None:
            images, bounding_boxes = images
        return images, self.encode(bounding_boxes)

    def encode(self, bounding_boxes):
        """Return the targets of the boxes of a batch."""
        given = {
            key: ops.convert_to_tensor(value) for key, value in bounding_boxes.items()
        }
        check_boxes(given)
        boxes = self._relative(given["boxes"])
        labels = ops.cast(given["labels"], "int32")
        left, top, right, bottom = ops.unstack(boxes, 4, axis=-1)
        valid = (labels >= 0) & (right > left) & (bottom > top)
        match = match_anchors(
            box_iou(boxes, edges(self.anchors)), valid, self.threshold
        )
        matched = match >= 0  # (batch, anchors)
        index = ops.where(matched, match, 0)
        labels = ops.take_along_axis(ops.pad(labels, [[0, 0], [0, 1]]), index, axis=1)
        boxes = ops.pad(boxes, [[0, 0], [0, 1], [0, 0]])
        boxes = ops.take_along_axis(boxes, index[..., None], axis=1)
        codes = encode_boxes(boxes, self.anchors)  # (batch, anchors, 4)
        codes = ops.where(matched[..., None], codes, 0.0)
        matched = ops.cast(matched[..., None], codes.dtype)
        return {
            "boxes": ops.concatenate([codes, matched], axis=-1),
            "classes": ops.where(match >= 0, labels, -1),
        }

    def _relative(self, boxes):
        """Return left, top, right and bottom as fractions, inside of the image."""
        boxes = keras.utils.bounding_boxes.convert_format(
            ops.cast(boxes, "float32"),
            self.bounding_box_format,
            "rel_xyxy",
            *self.image_size,
        )
        return ops.clip(boxes, 0.0, 1.0)
