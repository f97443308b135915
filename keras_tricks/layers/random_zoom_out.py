"""RandomZoomOut: a smaller image at a random place of its canvas."""

import keras

from keras_tricks._checks import check_number, check_range
from keras_tricks.layers._augmentation import Augmentation
from keras_tricks.layers._boxes import check_format
from keras_tricks.layers._erasing import fill_like
from keras_tricks.layers._resize import move_boxes, on_masks, weigh
from keras_tricks.layers._tensors import ops

_WEIGHT_BITS = 22  # of `weigh`
_BLOCK = 16  # rows


@keras.saving.register_keras_serializable(package="keras_tricks")
class RandomZoomOut(Augmentation):
    """Put the image into a larger canvas and shrink both: SSD's "expand".

    The canvas has the sides of the image times one number, uniform in `side_range`,
    and the image lies at a random place in it. Small objects are what SSD gained by:
    2 to 3 % of mAP in its paper.

    Shrinking averages over all the pixels that it merges, as Pillow does: the result
    of a uint8 image is Pillow's `resize` of the canvas. Objects that were shrunk
    without would be noisier than any in the test images. torchvision and the authors'
    code leave the canvas large for a later layer to shrink; XLA needs one size.

    A box stays however small it becomes: at four times the sides, one of 16 pixels
    has 4, which an anchor of SSD seldom overlaps by half.

    Call with images `(batch, height, width, channels)` or one image without the batch
    axis, alone or in a tuple with labels, or in a dict that may hold `bounding_boxes`
    and `segmentation_masks`. Returns the same structure, shape and dtype. Masks keep
    their values, with 0 outside of the image.

    Args:
        side_range: Least and largest side of the canvas, in sides of the image. Two
            floats, at least 1.
        fill_value: Colour of the canvas: a number, or one for every channel. The paper
            takes the mean of the data, `(123, 117, 104)` for ImageNet.
        probability: Probability that an image is changed. Float in [0, 1].
        bounding_box_format: Format of the boxes as in Keras, for example `"xyxy"` or
            `"rel_xywh"`; needed if there are any.
        data_format: `"channels_last"` or `"channels_first"`; the default is Keras's.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range, the images have other channels
            than `fill_value`, or bounding boxes come without their format.

    Example:
        >>> layer = RandomZoomOut((2.0, 2.0), probability=1.0, seed=1)
        >>> float(np.mean(layer(np.ones((3, 20, 30, 3)))))
        0.25

    Reference:
        [Liu et al., 2016](https://arxiv.org/abs/1512.02325), section 3.6; as in
        torchvision.
    """

    keys = ("images", "bounding_boxes", "segmentation_masks")
    draws = 4

    def __init__(
        self,
        side_range=(1.0, 4.0),
        fill_value=0.0,
        probability=0.5,
        bounding_box_format=None,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        check_range("side_range", side_range, 1)
        many = isinstance(fill_value, (tuple, list))
        for number in fill_value if many else (fill_value,):
            check_number("fill_value", number)
        check_number("probability", probability, 0, 1)
        check_format(bounding_box_format)
        self.side_range = side_range
        self.fill_value = fill_value
        self.probability = probability
        self.bounding_box_format = bounding_box_format

    def prepare(self, batch, single):
        """See `Augmentation.prepare`."""
        images = batch["images"]
        channels = images.shape[-1 if self.data_format == "channels_last" else 1]
        colour = self.fill_value
        if isinstance(colour, (tuple, list)) and len(colour) != channels:
            raise ValueError(
                "`fill_value` must be one number, or one for every channel. Received: "
                f"fill_value={colour}, images of shape {images.shape}."
            )
        return super().prepare(batch, single)

    def augment(self, batch, uniforms):
        """See `Augmentation.augment`."""
        size = self.image_size(batch["images"])
        canvas = random_canvas(uniforms, size, self.side_range, self.probability)
        most = self.side_range[1]

        def shrink(images, fill):
            return shrink_canvas(images, canvas, fill, most)

        images = batch["images"]
        if self.data_format == "channels_first":
            images = ops.transpose(images, (0, 2, 3, 1))
        images = shrink(images, self.fill_value)
        if self.data_format == "channels_first":
            images = ops.transpose(images, (0, 3, 1, 2))
        changed = {"images": images}
        if "bounding_boxes" in batch:
            changed["bounding_boxes"] = move_boxes(
                batch["bounding_boxes"], canvas, size
            )
        if "segmentation_masks" in batch:
            changed["segmentation_masks"] = on_masks(
                lambda masks: shrink_masks(masks, canvas), batch["segmentation_masks"]
            )
        return changed

    def get_config(self):
        return {
            **super().get_config(),
            "side_range": self.side_range,
            "fill_value": self.fill_value,
            "probability": self.probability,
            "bounding_box_format": self.bounding_box_format,
        }


def random_canvas(uniforms, image_size, side_range, probability):
    """Return top, left, height and width of canvases, four int32 `(batch,)`.

    They are pixels of the image: top and left are not positive. A canvas of the size of
    its image changes nothing.

    Args:
        uniforms: Float32 `(batch, 4)` in [0, 1): chance, sides, two places.
        image_size: `(height, width)` of the images.
        side_range: Limits of a side of the canvas, in sides of the image.
        probability: Of another canvas than the image.
    """
    ratio = side_range[0] + (side_range[1] - side_range[0]) * uniforms[:, 1]
    ratio = ops.where(uniforms[:, 0] < probability, ratio, 1.0)
    begins, lengths = [], []
    for axis, side in enumerate(image_size):
        length = ops.floor(ratio * ops.cast(side, "float32"))
        free = length - ops.cast(side, "float32")
        place = ops.floor(uniforms[:, 2 + axis] * free)
        begins.append(-ops.cast(place, "int32"))
        lengths.append(ops.cast(length, "int32"))
    return *begins, *lengths


def shrink_canvas(images, canvas, fill, most):
    """Return canvases, with their images, in the size of the images.

    Args:
        images: Tensor `(batch, height, width, channels)`.
        canvas: As from `random_canvas`.
        fill: Colour of the canvas, a number or one for every channel.
        most: Bound of the sides of the canvas, in sides of the image.
    """
    top, left, height, width = canvas
    rows, columns, channels = ops.shape(images)[1:]
    colour = fill if isinstance(fill, (tuple, list)) else [fill] * channels
    fill = ops.stack([fill_like(value, images) for value in colour])
    along_rows = _taps(top, height, rows, most)
    along_columns = _taps(left, width, columns, most)

    def shrink(inputs):
        image, changes, columns, rows = inputs

        def change():
            shrunk = ops.transpose(image, (1, 0, 2))
            shrunk = ops.transpose(_mix(shrunk, columns, fill), (1, 0, 2))
            return _mix(shrunk, rows, fill)

        return ops.cond(changes, change, lambda: image)

    changes = (height > rows) | (width > columns)
    return ops.map(shrink, (images, changes, along_columns, along_rows))


def shrink_masks(masks, canvas):
    """Return masks `(batch, height, width, classes)` of canvases, 0 where none was."""
    batch, height, width, classes = ops.shape(masks)
    places, inside = [], []
    for begin, length, size in zip(
        canvas[:2], canvas[2:], (height, width), strict=True
    ):
        place = (2 * ops.arange(size) + 1) * length[:, None] // (2 * size)
        place = place + begin[:, None]
        inside.append((place >= 0) & (place < size))
        places.append(ops.clip(place, 0, size - 1))
    rows, columns = places  # (batch, height), (batch, width)
    index = (ops.arange(batch)[:, None] * height + rows)[:, :, None] * width
    index = index + columns[:, None]
    shrunk = ops.take(ops.reshape(masks, (-1, classes)), index, axis=0)
    inside = inside[0][:, :, None, None] & inside[1][:, None, :, None]
    return ops.where(inside, shrunk, ops.cast(0, masks.dtype))


def _taps(begin, length, size, most):
    """Return indices, weights and what of the weight is outside, for one axis.

    The first two are `(batch, size, taps)`, the last `(batch, size)`, all int32.
    """
    longest = most * size if isinstance(size, int) else ops.cast(size, "float32") * most
    longest = int(longest) if isinstance(size, int) else ops.cast(longest, "int32")
    index, weight = weigh(begin, length, longest, size)
    inside = (index >= 0) & (index < size)
    outside = ops.sum(ops.where(inside, 0, weight), axis=-1)
    return ops.clip(index, 0, size - 1), ops.where(inside, weight, 0), outside


def _mix(image, taps, fill):
    """Return weighed sums of rows of an image and of its surroundings.

    Args:
        image: `(height, width, channels)`.
        taps: As from `_taps`, of one image.
        fill: Colour of the surroundings, `(channels,)`.
    """
    index, weight, outside = taps
    size, width, channels = ops.shape(image)
    dtype = keras.backend.standardize_dtype(image.dtype)
    exact, is_float = dtype == "uint8", "float" in dtype
    dtype = "int32" if exact else "float32"
    lines = ops.reshape(image, (size, width * channels))
    fill = ops.tile(ops.cast(fill, dtype), width)
    weight, outside = (ops.cast(x, dtype) for x in (weight, outside))
    touched = ops.cast(ops.any(weight > 0, axis=1), "int32")
    first, last = ops.argmax(touched), size - ops.argmax(ops.flip(touched))
    # A small canvas needs fewer taps than the largest.
    count = ops.max(ops.where(weight > 0, ops.arange(ops.shape(weight)[1]) + 1, 0))

    block = min(_BLOCK, size)

    def mix_block(i, mixed):
        begin = ops.minimum(i * block, size - block)
        places, weights, rest = (
            ops.slice(x, (begin, 0), (block, ops.shape(x)[1]))
            for x in (index, weight, outside[:, None])
        )

        def add(k, total):
            line = ops.take(lines, ops.take(places, k, axis=1), axis=0)
            return total + ops.cast(line, dtype) * ops.take(weights, k, axis=1)[:, None]

        total = ops.fori_loop(0, count, add, rest * fill)
        if exact:
            total = ops.right_shift(total + 2 ** (_WEIGHT_BITS - 1), _WEIGHT_BITS)
        else:
            total = total / (ops.sum(weights, axis=1, keepdims=True) + rest)
            total = total if is_float else ops.round(total)
        return ops.slice_update(mixed, (begin, 0), ops.cast(total, image.dtype))

    mixed = ops.broadcast_to(ops.cast(fill, image.dtype), (size, width * channels))
    mixed = ops.fori_loop(first // block, -(-last // block), mix_block, mixed)
    return ops.reshape(mixed, (size, width, channels))
