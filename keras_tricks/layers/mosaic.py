"""Mosaic: put four images of a batch together around a random point."""

import keras

from keras_tricks._checks import check_number, check_range
from keras_tricks.layers._boxes import check_format, require_format
from keras_tricks.layers._mixing import Mixing
from keras_tricks.layers._tensors import ops


@keras.saving.register_keras_serializable(package="keras_tricks")
class Mosaic(Mixing):
    """Put every image together with three others of the batch around a random point.

    The image itself is at the top left, the others at the top right, the bottom left
    and the bottom right. All keep their scale: the corner of each that is next to the
    point lies on it, and what sticks out is cut off. The batch is put into a random
    circle, in which every image takes the next three: each is in four mosaics, once in
    every place. (A batch of less than four repeats itself.) KerasCV 0.9 draws the
    three with repetition, and resamples the images.

    In Ultralytics' code the point lies anywhere: its canvas has twice the image's
    sides, the point is in the middle half of it, and that half is what is left without
    its affine warp; `center=(0, 1)` is the same. The default is KerasCV's, with which
    no image gets less than a sixteenth of the area.

    Call with a dict: `images`, `(batch, height, width, channels)`, and any of
    `bounding_boxes` (Keras's dict of `boxes` and `labels`), `segmentation_masks` of any
    dtype and `labels`, or with images and labels. Returns the same structure with four
    times as many boxes, `(batch, 4 · boxes)`: clipped, and with label -1 where too
    little is left. Labels, integers `(batch,)` or dense `(batch, classes)`, become
    float32 `(batch, classes)`, weighed by area, exactly. In `dataset.map`, place it
    after `.batch(...)`.

    Sample weights are mixed so that a loss linear in the label, as cross-entropy, is
    the weighted sum of the four samples' losses. Anything else is refused.

    Args:
        num_classes: Number of classes; needed for integer labels. Integer, at least 2.
        center: Limits of the point as fractions of the height and width. Two floats in
            [0, 1].
        min_visible: A box is dropped when less than this fraction of its area is left.
            Float in [0, 1]; the default is Ultralytics'. One of no area always is.
        probability: Probability that an image becomes a mosaic. Float in [0, 1].
        bounding_box_format: One of Keras's; needed for bounding boxes.
        data_format: `"channels_last"` or `"channels_first"`; the default is Keras's.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range, labels are integer without
            `num_classes`, images have no batch axis, or the batch carries nothing but
            images, or what cannot be put together.

    Example:
        >>> layer = Mosaic(num_classes=4, bounding_box_format="xywh", seed=1)
        >>> images = np.zeros((4, 16, 12, 3), "uint8")
        >>> boxes = {"boxes": np.full((4, 2, 4), 5.0), "labels": np.ones((4, 2))}
        >>> batch = layer({"images": images, "bounding_boxes": boxes})
        >>> batch["images"].shape, batch["bounding_boxes"]["boxes"].shape
        (TensorShape([4, 16, 12, 3]), TensorShape([4, 8, 4]))

    Reference:
        [Bochkovskiy et al., 2020](https://arxiv.org/abs/2004.10934).
    """

    keys = (*Mixing.keys, "bounding_boxes")
    numbers = 2

    def __init__(
        self,
        num_classes=None,
        center=(0.25, 0.75),
        min_visible=0.1,
        probability=1.0,
        bounding_box_format=None,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(
            num_classes,
            "sample",
            probability,
            data_format=data_format,
            seed=seed,
            **kwargs,
        )
        check_range("center", center, 0, 1)
        check_number("min_visible", min_visible, 0, 1)
        check_format(bounding_box_format)
        self.center = center
        self.min_visible = min_visible
        self.bounding_box_format = bounding_box_format

    def prepare(self, batch, single):
        """See `Augmentation.prepare`."""
        if "bounding_boxes" in batch:
            require_format(self.bounding_box_format, type(self).__name__)
        return super().prepare(batch, single)

    def augment(self, batch, uniforms):
        """See `Augmentation.augment`."""
        order, chance, *places = ops.unstack(uniforms, self.draws, axis=1)
        members = circle(order)
        size = self.image_size(batch["images"])
        # With the point at the bottom right an image is all that is seen.
        point = [
            ops.where(chance < self.probability, _between(self.center, place, n), n)
            for place, n in zip(places, size, strict=True)
        ]
        batch = dict(batch)
        formats = {"images": self.data_format, "segmentation_masks": "channels_last"}
        for key, data_format in formats.items():
            if key in batch:
                batch[key] = assemble(batch[key], members, point, size, data_format)
        share = areas(point, size)
        if "sample_weight" in batch:
            weight, area = batch["sample_weight"], ops.sum(share, axis=1)
            each = ops.take(ops.reshape(weight, (-1,)), members, axis=0)
            share = share * ops.cast(each, "float32")
            total = ops.sum(share, axis=1) / area
            batch["sample_weight"] = ops.reshape(total, ops.shape(weight))
        if "labels" in batch:
            batch["labels"] = blend_labels(batch["labels"], members, share)
        if "bounding_boxes" in batch:
            batch["bounding_boxes"] = move_boxes(
                batch["bounding_boxes"], members, point, size, self.min_visible
            )
        return batch

    def get_config(self):
        config = super().get_config()
        del config["mode"]  # a point of its own for every image
        return {
            **config,
            "center": self.center,
            "min_visible": self.min_visible,
            "bounding_box_format": self.bounding_box_format,
        }


def circle(order):
    """Put a batch into the circle of the given numbers, `(batch,)`.

    Returns:
        For every image its own index and those of the next three, `(batch, 4)`.
    """
    sequence = ops.argsort(order)
    rank = ops.cast(ops.argsort(sequence), "int32")
    following = rank[:, None] + ops.arange(4, dtype="int32")
    return ops.take(sequence, following % ops.shape(order)[0], axis=0)


def assemble(values, members, point, size, data_format):
    """Return mosaics of images or masks, of the same shape.

    Args:
        values: `(batch, height, width, channels)` or as `data_format` says; masks may
            have no channels.
        members: Indices of the four images, `(batch, 4)`.
        point: Row and column, integers, two `(batch,)`.
        size: `(height, width)`.
        data_format: `"channels_last"` or `"channels_first"`.
    """
    shape = ops.shape(values)
    planes = shape[1] if data_format == "channels_first" else 1
    (y, is_below), (x, is_right) = map(_source, point, size)
    upper_left, upper_right, left, right = ops.split(members, 4, axis=1)
    upper = ops.where(is_right, upper_right, upper_left)[:, None]
    lower = ops.where(is_right, right, left)[:, None]
    image = ops.where(is_below[..., None], lower, upper)  # (batch, height, width)
    place = y[..., None] * size[1] + x[:, None]
    # One gather of whole pixels: a slice that begins at random would be compiled anew
    # for every batch by TensorFlow's XLA.
    plane = image[:, None] * planes + ops.arange(planes)[:, None, None]
    pixels = ops.reshape(values, (shape[0] * planes * size[0] * size[1], -1))
    index = plane * (size[0] * size[1]) + place[:, None]
    return ops.reshape(ops.take(pixels, index, axis=0), shape)


def _source(point, length):
    """Return what is seen along an axis, and whether it is beyond the point.

    Both are `(batch, length)`. The axis before the point ends where an image ends.
    """
    place = ops.arange(length) - point[:, None]
    return ops.where(place < 0, place + length, place), place >= 0


def areas(point, size):
    """Return the pixels of each of the four images, float32 `(batch, 4)`."""
    (top, left), (height, width) = point, size
    return ops.cast(
        ops.stack(
            [
                top * left,
                top * (width - left),
                (height - top) * left,
                (height - top) * (width - left),
            ],
            axis=1,
        ),
        "float32",
    )


def blend_labels(labels, members, share):
    """Return the labels of mosaics, `(batch, classes)`.

    Args:
        labels: Float32 `(batch, classes)`.
        members: Indices of the four images, `(batch, 4)`.
        share: Their weights, of any sum, `(batch, 4)`.
    """
    total = ops.sum(share, axis=1, keepdims=True)
    blended = ops.sum(share[..., None] * ops.take(labels, members, axis=0), axis=1)
    # One division, after the sum of whole numbers: exact also for two of a class.
    return blended / ops.where(total == 0, 1.0, total)


def move_boxes(boxes, members, point, size, min_visible):
    """Return the boxes of mosaics, `(batch, 4 · boxes)`, in pixels.

    Args:
        boxes: Dict of `boxes`, `(batch, boxes, 4)`, and `labels`, `(batch, boxes)`.
        members: Indices of the four images, `(batch, 4)`.
        point: Row and column, integers, two `(batch,)`.
        size: `(height, width)`.
        min_visible: Boxes of which less is left get the label -1.
    """
    x1, y1, x2, y2 = ops.unstack(ops.take(boxes["boxes"], members, axis=0), 4, axis=-1)
    place = ops.arange(4)[:, None]
    x1, x2, width = _move(x1, x2, place % 2 == 1, point[1], size[1])
    y1, y2, height = _move(y1, y2, place >= 2, point[0], size[0])
    seen = (x2 - x1) * (y2 - y1)
    gone = (seen <= 0) | (seen < min_visible * (width * height))
    labels = ops.take(boxes["labels"], members, axis=0)
    labels = ops.where(gone, ops.cast(-1, labels.dtype), labels)
    count = 4 * ops.shape(boxes["labels"])[1]
    return {
        "boxes": ops.reshape(ops.stack([x1, y1, x2, y2], axis=-1), (-1, count, 4)),
        "labels": ops.reshape(labels, (-1, count)),
    }


def _move(low, high, is_beyond, point, length):
    """Shift and clip one axis of boxes; return it and what was inside of their image.

    Args:
        low: Left or upper side, `(batch, 4, boxes)`.
        high: Right or lower side.
        is_beyond: Whether an image begins at the point, or ends there, `(4, 1)`.
        point: Integers `(batch,)`.
        length: Width or height of the images.
    """
    point = ops.cast(point, "float32")[:, None, None]
    length = ops.cast(length, "float32")
    inside = ops.clip(high, 0.0, length) - ops.clip(low, 0.0, length)
    shift = ops.where(is_beyond, point, point - length)
    first, last = ops.where(is_beyond, point, 0.0), ops.where(is_beyond, length, point)
    low, high = (ops.minimum(ops.maximum(x + shift, first), last) for x in (low, high))
    return low, high, inside


def _between(limits, place, length):
    """Return a whole pixel between two fractions of a length, both included."""
    length = ops.cast(length, "float32")
    first, last = (ops.floor(limit * length) for limit in limits)
    return ops.cast(first + ops.floor(place * (last - first + 1)), "int32")
