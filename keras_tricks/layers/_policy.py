"""What RandAugment and its kin share: operations drawn per image, applied in turn."""

import math

import keras
import numpy as np

from keras_tricks._checks import check_number
from keras_tricks.layers._augmentation import Augmentation
from keras_tricks.layers._boxes import affine, check_format
from keras_tricks.layers._steps import apply_steps, look_up, tabulate, warp_masks
from keras_tricks.layers._tensors import ops
from keras_tricks.layers._warp import forward

_MOST_VALUES = 2**22  # sums over an image are int32


class Policy(Augmentation):
    """A layer that applies to every image some operations, one after another.

    A trick gives its dialect and in `rows` what may happen, pairs of an operation and
    its argument, and returns in `choose(uniforms)` which of them do.
    """

    keys = ("images", "bounding_boxes", "segmentation_masks")

    def __init__(
        self,
        dialect,
        rows,
        fill_value=None,
        value_range=(0, 255),
        bounding_box_format=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_value_range("value_range", value_range)
        check_fill("fill_value", fill_value)
        check_format(bounding_box_format)
        self.fill_value = fill_value
        self.value_range = value_range
        self.bounding_box_format = bounding_box_format
        self._dialect = dialect
        self._table = tabulate(rows)

    def prepare(self, batch, single):
        """See `Augmentation.prepare`."""
        shape = tuple(batch["images"].shape)
        if shape[-1 if self.data_format == "channels_last" else -3] not in (1, 3):
            raise ValueError(
                f"{type(self).__name__} is for grey images and for RGB: `images` must "
                f"have 1 channel or 3, {self.data_format}. Received: images of shape "
                f"{shape}."
            )
        if math.prod(n or 1 for n in shape[1:]) > _MOST_VALUES:
            raise ValueError(
                f"{type(self).__name__} takes images of up to {_MOST_VALUES:,} values. "
                f"Received: images of shape {shape}."
            )
        return super().prepare(batch, single)

    def choose(self, uniforms):
        """Return what happens, int32 `(batch, steps)`: 0 nothing, i the i-th row."""
        raise NotImplementedError

    def steps(self, batch, uniforms):
        """Return the steps that are chosen for every image."""
        size = self.image_size(batch["images"])
        return look_up(self._table, self.choose(uniforms), size, self._dialect)

    def augment(self, batch, uniforms):
        """See `Augmentation.augment`."""
        steps = self.steps(batch, uniforms)
        batch = {**batch, "images": self.paint(batch["images"], steps, apply_steps)}
        if "bounding_boxes" in batch:
            moved = affine(batch["bounding_boxes"], forward(steps.matrix))
            batch["bounding_boxes"] = moved
        if "segmentation_masks" in batch:
            masks = warp_masks(batch["segmentation_masks"], steps)
            batch["segmentation_masks"] = masks
        return batch

    def paint(self, images, plan, function):
        """Return the images that `function(image, plan, fill)` makes, one by one.

        Args:
            images: Of the user's dtype, `(batch, ...)`.
            plan: Structure of tensors `(batch, ...)`.
            function: Gets and returns one uint8 image `(height, width, channels)`.
        """
        low, high = self.value_range
        first = self.data_format == "channels_first"
        x = to_grey_levels(images, low, high)
        x = ops.transpose(x, (0, 2, 3, 1)) if first else x
        fill = self._fill(ops.shape(x)[3])
        x = ops.map(lambda inputs: function(*inputs, fill), (x, plan))
        x = ops.transpose(x, (0, 3, 1, 2)) if first else x
        return from_grey_levels(x, low, high, images.dtype)

    def _fill(self, channels):
        """Return the colour of pixels from outside the image, uint8 `(channels,)`."""
        low, high = self.value_range
        if self.fill_value is None:
            levels = np.array(self._dialect.fill_value, "float64")
        else:
            levels = (np.array(self.fill_value, "float64") - low) / (high - low) * 255
        if channels == 1 and levels.ndim:
            levels = levels @ [0.299, 0.587, 0.114]
        levels = np.clip(np.round(levels), 0, 255).astype("uint8")
        return np.broadcast_to(levels, (channels,))

    def get_config(self):
        return {
            **super().get_config(),
            "fill_value": self.fill_value,
            "value_range": self.value_range,
            "bounding_box_format": self.bounding_box_format,
        }


def check_value_range(name, value):
    """Raise unless `value` is two rising numbers."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"`{name}` must be two numbers. Received: {name}={value!r}.")
    for limit in value:
        check_number(name, limit)
    if value[0] >= value[1]:
        raise ValueError(f"`{name}` must rise. Received: {name}={value!r}.")


def check_fill(name, value):
    """Raise unless `value` is `None`, a number or three of them."""
    several = isinstance(value, (tuple, list))
    if several and len(value) != 3:
        raise ValueError(
            f"`{name}` must be a number, or three for RGB. Received: {name}={value!r}."
        )
    for part in value if several else [value]:
        if value is not None:
            check_number(name, part)


def to_grey_levels(images, low, high):
    """Round images with values in `[low, high]` to 256 levels, uint8."""
    dtype = keras.backend.standardize_dtype(images.dtype)
    if dtype == "uint8" and (low, high) == (0, 255):
        return images
    x = (ops.cast(images, "float32") - low) * (255 / (high - low))
    return ops.cast(ops.clip(ops.round(x), 0, 255), "uint8")


def from_grey_levels(levels, low, high, dtype):
    """Return 256 levels as values in `[low, high]` of a dtype."""
    if (low, high) == (0, 255):
        return ops.cast(levels, dtype)
    return ops.cast(ops.cast(levels, "float32") * ((high - low) / 255) + low, dtype)
