"""RandomSSDCrop: a window that keeps a minimum overlap with some object."""

import keras

from keras_tricks._checks import check_choice, check_integer, check_number, check_range
from keras_tricks.layers._augmentation import Augmentation
from keras_tricks.layers._boxes import check_format, require_format
from keras_tricks.layers._resize import crop_batch
from keras_tricks.layers._tensors import ops

# A small object in a large image seldom overlaps a window by much. Of its images 3 %
# stay whole where torchvision, without a limit, would have gone on to choose.
_CHOICES = 10


@keras.saving.register_keras_serializable(package="keras_tricks")
class RandomSSDCrop(Augmentation):
    """Crop a window that overlaps an object by a chance minimum, and resize it.

    Every image draws one of the minima `min_iou`; 1 means that it stays whole. Then up
    to `num_tries` windows are drawn: height and width uniform in `scale` of the
    image's, shapes out of `ratio` thrown away. The first is taken in which the centre
    of an object lies whose box has at least that intersection over union with the
    window. If there is none the image draws a new minimum, ten times at most, and then
    stays whole. Boxes whose centre lies outside of the window are dropped (their label
    becomes -1), the others clipped.

    This is torchvision's `RandomIoUCrop`, which follows the authors' code, but for the
    ten draws and the size: XLA needs one that is fixed. `ssd_random_crop` of the
    TensorFlow Object Detection API instead asks for a fraction of the *object* in the
    window, and draws areas from 0.1. An image without boxes gets any window at all.

    Call with images `(batch, height, width, channels)` or one image without the batch
    axis in a dict with `bounding_boxes` and, if there are, `segmentation_masks`.
    Returns the same structure and dtype.

    Args:
        bounding_box_format: Format of the boxes as in Keras, for example `"xyxy"` or
            `"rel_xywh"`.
        height: Height of the result in pixels; the default is that of the images.
        width: Width of the result in pixels; the default is that of the images.
        min_iou: Minima to draw from. Floats in [0, 1].
        scale: Least and largest side of a window, as fractions of the image's.
        ratio: Least and largest width of a window divided by its height. Two floats.
        num_tries: Windows to draw for one minimum. Integer.
        interpolation: `"bilinear"`, or `"nearest"`, which never mixes pixels.
        data_format: `"channels_last"` or `"channels_first"`; the default is Keras's.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range, or neither `height` and `width`
            nor the size of the images is known.

    Example:
        >>> layer = RandomSSDCrop("xyxy", seed=1)
        >>> boxes = np.array([[[5.0, 5, 40, 30], [-1, -1, -1, -1]]], "float32")
        >>> boxes = {"boxes": boxes, "labels": np.array([[2, -1]])}
        >>> batch = {"images": np.zeros((1, 40, 60, 3)), "bounding_boxes": boxes}
        >>> batch = layer(batch)
        >>> batch["images"].shape, batch["bounding_boxes"]["labels"].shape
        (TensorShape([1, 40, 60, 3]), TensorShape([1, 2]))

    Reference:
        [Liu et al., 2016](https://arxiv.org/abs/1512.02325); as in torchvision.
    """

    keys = ("images", "bounding_boxes", "segmentation_masks")

    def __init__(
        self,
        bounding_box_format,
        height=None,
        width=None,
        min_iou=(0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0),
        scale=(0.3, 1.0),
        ratio=(0.5, 2.0),
        num_tries=40,
        interpolation="bilinear",
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        require_format(bounding_box_format, type(self).__name__)
        check_format(bounding_box_format)
        _check_size(height, width)
        _check_minima(min_iou)
        check_range("scale", scale, 0, 1, above=0)
        check_range("ratio", ratio, above=0)
        check_integer("num_tries", num_tries, 1)
        check_choice("interpolation", interpolation, ("bilinear", "nearest"))
        self.bounding_box_format = bounding_box_format
        self.height = height
        self.width = width
        self.min_iou = min_iou
        self.scale = scale
        self.ratio = ratio
        self.num_tries = num_tries
        self.interpolation = interpolation
        self.draws = _CHOICES * (1 + 4 * num_tries)

    def prepare(self, batch, single):
        """See `Augmentation.prepare`."""
        height, width = self.image_size(batch["images"])
        known = isinstance(height, int) and isinstance(width, int)
        if self.height is None and not known:
            raise ValueError(
                "`height` and `width` are needed for images of unknown size. "
                f"Received: height=None, images of shape {batch['images'].shape}."
            )
        return super().prepare(batch, single)

    def augment(self, batch, uniforms):
        """See `Augmentation.augment`."""
        size = self.image_size(batch["images"])
        choice = ops.cast(uniforms[:, :_CHOICES] * len(self.min_iou), "int32")
        minima = ops.convert_to_tensor(self.min_iou, "float32")
        minima = ops.take(minima, choice, axis=0)
        numbers = ops.reshape(uniforms[:, _CHOICES:], (-1, _CHOICES, self.num_tries, 4))
        windows = random_windows(numbers, size, self.scale)
        boxes = batch.get("bounding_boxes")
        fits = fitting(windows, boxes, minima, self.ratio)
        window = first_window(windows, fits, minima, size)
        if boxes is not None:
            batch = {**batch, "bounding_boxes": drop_outside(boxes, window, size)}
        new_size = size if self.height is None else (self.height, self.width)
        return crop_batch(
            batch, window, new_size, self.interpolation, True, self.data_format
        )

    def get_config(self):
        return {
            **super().get_config(),
            "bounding_box_format": self.bounding_box_format,
            "height": self.height,
            "width": self.width,
            "min_iou": self.min_iou,
            "scale": self.scale,
            "ratio": self.ratio,
            "num_tries": self.num_tries,
            "interpolation": self.interpolation,
        }


def random_windows(uniforms, image_size, scale):
    """Return top, left, height and width of windows, int32 `(...)`.

    Args:
        uniforms: Float32 `(..., 4)` in [0, 1).
        image_size: `(height, width)` of the images.
        scale: Limits of a side, as fractions of the image's.
    """
    begins, lengths = [], []
    for axis, side in enumerate(image_size):
        side = ops.cast(side, "float32")
        least, most = (ops.maximum(ops.floor(side * limit), 1) for limit in scale)
        length = least + ops.floor(uniforms[..., axis] * (most - least))
        begin = ops.floor(uniforms[..., 2 + axis] * (side - length))
        begins.append(ops.cast(begin, "int32"))
        lengths.append(ops.cast(length, "int32"))
    return *begins, *lengths


def fitting(windows, boxes, minima, ratio):
    """Return which windows fulfil all conditions, boolean `(batch, choices, tries)`.

    Args:
        windows: Top, left, height and width, each `(batch, choices, tries)`.
        boxes: Dict of `boxes`, `(batch, boxes, 4)`, and `labels`; or `None`.
        minima: Of the intersection over union, `(batch, choices)`.
        ratio: Limits of width divided by height.
    """
    top, left, height, width = (ops.cast(x, "float32") for x in windows)
    fits = (width >= ratio[0] * height) & (width <= ratio[1] * height)
    if boxes is None:
        return fits
    window = [
        x[..., None] for x in (left, top, left + width, top + height)
    ]  # (batch, choices, tries, 1)
    box = ops.unstack(boxes["boxes"][:, None, None], 4, axis=-1)
    real = boxes["labels"] != -1
    found = real[:, None, None] & _centre_inside(box, window)
    found = found & _overlap(box, window, minima[:, :, None, None])
    any_box = ops.any(real, axis=1)[:, None, None]
    return fits & (ops.any(found, axis=-1) | ~any_box)


def _centre_inside(box, window):
    x, y = 0.5 * (box[0] + box[2]), 0.5 * (box[1] + box[3])
    inside_x = (window[0] < x) & (x < window[2])
    return inside_x & (window[1] < y) & (y < window[3])


def _overlap(box, window, minimum):
    """Return whether the intersection over union is at least `minimum`."""
    sides = [
        ops.minimum(box[2 + axis], window[2 + axis])
        - ops.maximum(box[axis], window[axis])
        for axis in (0, 1)
    ]
    common = ops.maximum(sides[0], 0) * ops.maximum(sides[1], 0)
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (box, window)]
    return common >= minimum * (areas[0] + areas[1] - common)


def first_window(windows, fits, minima, image_size):
    """Return the first window that fits, or the whole image: four int32 `(batch,)`."""
    whole = minima >= 1  # (batch, choices)
    settled = ops.cast(whole | ops.any(fits, axis=-1), "int32")
    choice = ops.argmax(settled, axis=1)[:, None]
    fits = ops.cast(fits, "int32")
    fits = ops.take_along_axis(fits, choice[..., None], axis=1)[:, 0]  # (batch, tries)
    attempt = ops.argmax(fits, axis=1)[:, None]
    stays = ops.take_along_axis(whole, choice, axis=1)[:, 0]
    stays = stays | (ops.max(fits, axis=1) == 0)
    chosen = []
    for window, all_of_it in zip(windows, (0, 0, *image_size), strict=True):
        window = ops.take_along_axis(window, choice[..., None], axis=1)[:, 0]
        window = ops.take_along_axis(window, attempt, axis=1)[:, 0]
        chosen.append(ops.where(stays, ops.cast(all_of_it, "int32"), window))
    return chosen


def drop_outside(boxes, window, image_size):
    """Return boxes with the label -1 where the centre lies outside of the window."""
    top, left, height, width = (ops.cast(x, "float32")[:, None] for x in window)
    box = ops.unstack(boxes["boxes"], 4, axis=-1)
    inside = _centre_inside(box, (left, top, left + width, top + height))
    # A whole image drops none, not even a box whose centre is outside of the image.
    full = [ops.cast(side, "float32") for side in image_size]
    inside = inside | ((height == full[0]) & (width == full[1]))
    labels = boxes["labels"]
    labels = ops.where(inside, labels, ops.cast(-1, labels.dtype))
    return {**boxes, "labels": labels}


def _check_size(height, width):
    if (height is None) != (width is None):
        raise ValueError(
            "`height` and `width` must both be given, or neither. "
            f"Received: height={height}, width={width}."
        )
    if height is not None:
        check_integer("height", height, 1)
        check_integer("width", width, 1)


def _check_minima(min_iou):
    if not isinstance(min_iou, (tuple, list)) or not min_iou:
        raise TypeError(
            f"`min_iou` must be one or more numbers. Received: min_iou={min_iou!r}."
        )
    for minimum in min_iou:
        check_number("min_iou", minimum, 0, 1)
