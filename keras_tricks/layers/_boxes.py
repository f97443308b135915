"""Bounding boxes in and out of a layer: any of Keras's formats outside, pixels inside.

Inside a layer boxes are float32 `(batch, boxes, 4)`: left, top, right, bottom in
pixels. A box of label -1 is padding.
"""

import keras

from keras_tricks._checks import check_choice
from keras_tricks.layers._tensors import ops

_PLAIN = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw")
_RELATIVE = ("rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh")
FORMATS = (*_PLAIN, *_RELATIVE)


def check_format(bounding_box_format):
    """Raise unless this is one of Keras's formats or `None`."""
    if bounding_box_format is not None:
        check_choice("bounding_box_format", bounding_box_format, FORMATS)


def require_format(bounding_box_format, layer):
    """Raise if a layer is to move bounding boxes of a format that it was not told."""
    if bounding_box_format is None:
        raise ValueError(
            f"{layer} moves bounding boxes and needs to know their format: give "
            f"`bounding_box_format`, one of {', '.join(FORMATS)}."
        )


def check_boxes(boxes):
    """Raise unless `batch["bounding_boxes"]` is a dict as Keras's layers take it."""
    if not isinstance(boxes, dict) or set(boxes) != {"boxes", "labels"}:
        keys = sorted(boxes) if isinstance(boxes, dict) else type(boxes).__name__
        raise ValueError(
            "`bounding_boxes` must be a dict with the keys 'boxes' and 'labels'. "
            f"Received: {keys}."
        )
    for key, last in (("boxes", ", 4"), ("labels", "")):
        if len(boxes[key].shape) != 2 + bool(last) or (
            last and boxes[key].shape[-1] != 4
        ):
            raise ValueError(
                f"`bounding_boxes[{key!r}]` must have the shape (batch, boxes{last}). "
                f"Received: shape {tuple(boxes[key].shape)}."
            )
    if "uint" in keras.backend.standardize_dtype(boxes["labels"].dtype):
        raise ValueError(
            "`bounding_boxes['labels']` must be signed, for -1 is padding. "
            f"Received: {boxes['labels'].dtype}."
        )


def read(boxes, bounding_box_format, size):
    """Return the boxes of images of a size `(height, width)` in pixels."""
    pixels = _convert(boxes["boxes"], bounding_box_format, "xyxy", size)
    return {"boxes": pixels, "labels": boxes["labels"]}


def write(boxes, bounding_box_format, size):
    """Clip boxes to images of a size `(height, width)`, drop the empty, convert back.

    A dropped box gets the label -1 and the coordinates -1.
    """
    height, width = (ops.cast(length, "float32") for length in size)
    left, top, right, bottom = ops.unstack(boxes["boxes"], 4, axis=-1)
    left, right = (ops.clip(x, 0.0, width) for x in (left, right))
    top, bottom = (ops.clip(y, 0.0, height) for y in (top, bottom))
    labels = boxes["labels"]
    gone = (right <= left) | (bottom <= top) | (labels == -1)
    clipped = ops.stack([left, top, right, bottom], axis=-1)
    converted = _convert(clipped, "xyxy", bounding_box_format, size)
    return {
        "boxes": ops.where(gone[..., None], -1.0, converted),
        "labels": ops.where(gone, ops.cast(-1, labels.dtype), labels),
    }


def pad(boxes, multiple=16):
    """Add padding, at least one box per image, up to a multiple of boxes."""
    count = ops.shape(boxes["labels"])[1]
    extra = [0, multiple - count % multiple]
    return {
        "boxes": ops.pad(boxes["boxes"], [[0, 0], extra, [0, 0]], constant_values=-1),
        "labels": ops.pad(boxes["labels"], [[0, 0], extra], constant_values=-1),
    }


def unpad(boxes, count, padded):
    """Take away what `pad` added; a layer may have joined the boxes of several images.

    Args:
        boxes: Dict of `boxes`, `(batch, k · padded, 4)`, and `labels`.
        count: Number of boxes before `pad`.
        padded: Number of boxes after it.
    """
    batch, total = ops.shape(boxes["labels"])
    images = total // padded

    def part(values, *last):
        values = ops.reshape(values, (batch, images, padded, *last))[:, :, :count]
        return ops.reshape(values, (batch, images * count, *last))

    return {"boxes": part(boxes["boxes"], 4), "labels": part(boxes["labels"])}


def affine(boxes, matrix):
    """Return the boxes around the corners of transformed boxes.

    Args:
        boxes: Dict of `boxes`, `(batch, boxes, 4)`, and `labels`.
        matrix: `(batch, 6)`; a point `(x, y)` goes to
            `(m0 · x + m1 · y + m2, m3 · x + m4 · y + m5)`.
    """
    left, top, right, bottom = ops.unstack(boxes["boxes"], 4, axis=-1)
    x = ops.stack([left, right, left, right], axis=-1)  # (batch, boxes, corners)
    y = ops.stack([top, top, bottom, bottom], axis=-1)
    m = ops.unstack(matrix[:, None, None], 6, axis=-1)
    moved_x = m[0] * x + m[1] * y + m[2]
    moved_y = m[3] * x + m[4] * y + m[5]
    limits = [f(v, axis=-1) for f in (ops.min, ops.max) for v in (moved_x, moved_y)]
    return {**boxes, "boxes": ops.stack(limits, axis=-1)}


def _convert(boxes, source, target, size):
    height, width = size
    return keras.utils.bounding_boxes.convert_format(
        ops.cast(boxes, "float32"), source, target, height, width
    )
