"""PadAndCrop: shift every image by a few pixels."""

import numbers

import keras

from keras_tricks._checks import check_choice, check_integer, check_number
from keras_tricks.layers._augmentation import Augmentation
from keras_tricks.layers._boxes import check_format
from keras_tricks.layers._resize import on_channels, on_masks
from keras_tricks.layers._tensors import ops


@keras.saving.register_keras_serializable(package="keras_tricks")
class PadAndCrop(Augmentation):
    """Pad every image on all sides and crop it back at a random place.

    With `padding=4` it is the augmentation of the ResNet paper on CIFAR (flips come
    on top). All `(2 · padding + 1)²` places are equally likely.

    Call with images `(batch, height, width, channels)` or one image without the batch
    axis, alone or in a tuple with labels, or in a dict that may hold `bounding_boxes`
    and `segmentation_masks`. Returns the same structure, shape and dtype. In a model
    it does nothing at inference.

    Args:
        padding: Pixels on each side if an integer; a fraction of the image's height and
            of its width if a float in [0, 1].
        mode: What the padding is made of: `"constant"` for `fill_value`, `"edge"` for
            the outermost pixels, `"reflect"` for the image mirrored at them.
        fill_value: Value of the constant padding. Normalize before, and 0 is the mean.
            Masks are padded with 0.
        bounding_box_format: Format of the boxes as in Keras, for example `"xyxy"` or
            `"rel_xywh"`; needed if there are any.
        data_format: `"channels_last"` or `"channels_first"`; the default is Keras's.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range, or bounding boxes come without
            their format.

    Example:
        >>> layer = PadAndCrop(padding=4, seed=1)
        >>> images = layer(np.ones((8, 32, 32, 3), "float32"))
        >>> images.shape, bool((28 / 32) ** 2 <= np.mean(images) < 1)
        (TensorShape([8, 32, 32, 3]), True)

    Reference:
        [He et al., 2016](https://arxiv.org/abs/1512.03385), section 4.2.
    """

    keys = ("images", "bounding_boxes", "segmentation_masks")
    draws = 2

    def __init__(
        self,
        padding=4,
        mode="constant",
        fill_value=0.0,
        bounding_box_format=None,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        if isinstance(padding, numbers.Integral):
            check_integer("padding", padding)
        else:
            check_number("padding", padding, 0, 1)
        check_choice("mode", mode, ("constant", "edge", "reflect"))
        check_number("fill_value", fill_value)
        check_format(bounding_box_format)
        self.padding = padding
        self.mode = mode
        self.fill_value = fill_value
        self.bounding_box_format = bounding_box_format

    def augment(self, batch, uniforms):
        """See `Augmentation.augment`."""
        down, right = (
            self._random_shift(uniforms[:, axis], side)
            for axis, side in enumerate(self.image_size(batch["images"]))
        )

        def move(images, down, right):
            return shift(images, down, right, self.mode, self.fill_value)

        images = on_channels(move, batch["images"], (down, right), self.data_format)
        changed = {"images": images}
        if "bounding_boxes" in batch:
            boxes = batch["bounding_boxes"]
            by = ops.cast(ops.stack([right, down, right, down], axis=1), "float32")
            boxes = {**boxes, "boxes": boxes["boxes"] + by[:, None]}
            changed["bounding_boxes"] = boxes
        if "segmentation_masks" in batch:
            changed["segmentation_masks"] = on_masks(
                lambda masks: shift(masks, down, right, self.mode, 0),
                batch["segmentation_masks"],
            )
        return changed

    def _random_shift(self, uniforms, side):
        """Return pixels from minus the padding to the padding, int32 `(batch,)`."""
        padding = self.padding
        if not isinstance(padding, numbers.Integral):
            padding = ops.round(padding * ops.cast(side, "float32"))
        places = ops.cast(2 * padding + 1, "float32")
        return ops.cast(ops.floor(uniforms * places), "int32") - ops.cast(
            padding, "int32"
        )

    def get_config(self):
        return {
            **super().get_config(),
            "padding": self.padding,
            "mode": self.mode,
            "fill_value": self.fill_value,
            "bounding_box_format": self.bounding_box_format,
        }


def shift(images, down, right, mode, fill_value):
    """Return images moved by whole pixels, with new ones where they came from.

    Args:
        images: Tensor `(batch, height, width, channels)`.
        down: Pixels to move down, int32 `(batch,)`.
        right: Pixels to move to the right, int32 `(batch,)`.
        mode: `"constant"`, `"edge"` or `"reflect"`.
        fill_value: Number for the mode `"constant"`.
    """
    batch, height, width, channels = ops.shape(images)
    rows = ops.arange(height) - down[:, None]  # (batch, height)
    columns = ops.arange(width) - right[:, None]
    from_rows = _inside(rows, height, mode) + ops.arange(batch)[:, None] * height
    index = from_rows[:, :, None] * width + _inside(columns, width, mode)[:, None]
    moved = ops.take(ops.reshape(images, (-1, channels)), index, axis=0)
    if mode == "constant":
        row_is_old = (rows >= 0) & (rows < height)
        column_is_old = (columns >= 0) & (columns < width)
        old = row_is_old[:, :, None, None] & column_is_old[:, None, :, None]
        moved = ops.where(old, moved, ops.cast(fill_value, images.dtype))
    return moved


def _inside(index, side, mode):
    """Return the place on an axis that an index beyond its ends stands for."""
    if mode != "reflect":
        return ops.clip(index, 0, side - 1)
    period = ops.maximum(2 * side - 2, 1)
    index = index % period
    return ops.minimum(index, period - index) % side
