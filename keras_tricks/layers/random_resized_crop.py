"""RandomResizedCrop: a window of random area and shape, resized to a fixed size."""

import math

import keras
import numpy as np

from keras_tricks._checks import check_choice, check_integer, check_range
from keras_tricks.layers._augmentation import Augmentation
from keras_tricks.layers._boxes import check_format
from keras_tricks.layers._resize import crop_batch
from keras_tricks.layers._tensors import ops

_TRIES = 10
_STEPS = 4096  # of the tables that stand for a continuous distribution


@keras.saving.register_keras_serializable(package="keras_tricks")
class RandomResizedCrop(Augmentation):
    """Cut a window of random area and aspect ratio, and resize it: "Inception crop".

    The area is uniform in `scale` of the image's, the ratio of width to height
    log-uniform in `ratio`. If ten windows do not fit into an image, it gets the largest
    central one within `ratio`. This is torchvision's algorithm; uint8 images are mixed
    as Pillow mixes them, columns first. On an image of 500 x 375 a window covers 43 %
    on average. KerasCV 0.9's `RandomCropAndResize` draws the ratio uniformly and clips
    what does not fit, out of shape; Keras 3.15.1 has none.

    Call with images `(batch, height, width, channels)` or one image without the batch
    axis, alone or in a tuple with labels, or in a dict that may hold `bounding_boxes`
    and `segmentation_masks`. Returns the same structure and dtype; images and masks
    have the new size. In `dataset.map`, images of various sizes come one by one,
    before `.batch(...)`; images of one size are faster after it. In a model this needs
    images of the new size at inference.

    Args:
        height: Height of the result in pixels. Integer.
        width: Width of the result in pixels. Integer.
        scale: Least and largest area of a window, as fractions of the image's. Two
            floats in (0, 1].
        ratio: Least and largest width of a window divided by its height. Two floats.
        interpolation: `"bilinear"`, or `"nearest"`, which never mixes pixels. Masks are
            always resized by the latter.
        antialias: Whether shrinking averages over all the pixels that it merges, as
            Pillow does. Without it a new pixel is made of at most four.
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
        >>> layer = RandomResizedCrop(12, 10, seed=1)
        >>> layer(np.zeros((4, 40, 30, 3), "uint8")).shape
        TensorShape([4, 12, 10, 3])

    Reference:
        [Szegedy et al., 2015](https://arxiv.org/abs/1409.4842); as in torchvision.
    """

    keys = ("images", "bounding_boxes", "segmentation_masks")
    draws = 2 * _TRIES + 2

    def __init__(
        self,
        height,
        width,
        scale=(0.08, 1.0),
        ratio=(3 / 4, 4 / 3),
        interpolation="bilinear",
        antialias=True,
        bounding_box_format=None,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        check_integer("height", height, 1)
        check_integer("width", width, 1)
        check_range("scale", scale, 0, 1, above=0)
        check_range("ratio", ratio, above=0)
        check_choice("interpolation", interpolation, ("bilinear", "nearest"))
        check_choice("antialias", antialias, (True, False))
        check_format(bounding_box_format)
        self.height = height
        self.width = width
        self.scale = scale
        self.ratio = ratio
        self.interpolation = interpolation
        self.antialias = antialias
        self.bounding_box_format = bounding_box_format

    def augment(self, batch, uniforms):
        """See `Augmentation.augment`."""
        image_size = self.image_size(batch["images"])
        return crop_batch(
            batch,
            random_window(uniforms, image_size, self.scale, self.ratio),
            (self.height, self.width),
            self.interpolation,
            self.antialias,
            self.data_format,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "height": self.height,
            "width": self.width,
            "scale": self.scale,
            "ratio": self.ratio,
            "interpolation": self.interpolation,
            "antialias": self.antialias,
            "bounding_box_format": self.bounding_box_format,
        }


def random_window(uniforms, image_size, scale, ratio):
    """Return top, left, height and width of one window per image, int32 `(batch,)`.

    Args:
        uniforms: Float32 `(batch, 22)` in [0, 1): ten areas, ten ratios, two places.
        image_size: `(height, width)` of the images.
        scale: Limits of the area, as fractions of the image's.
        ratio: Limits of width divided by height.
    """
    full_height, full_width = (ops.cast(side, "int32") for side in image_size)
    height, width = _sides(uniforms, full_height, full_width, scale, ratio)
    fits = (height >= 1) & (height <= full_height) & (width >= 1)
    fits = fits & (width <= full_width)  # (batch, tries)
    first = ops.argmax(ops.cast(fits, "int32"), axis=1)[:, None]
    height, width = (
        ops.take_along_axis(x, first, axis=1)[:, 0] for x in (height, width)
    )
    any_fits = ops.any(fits, axis=1)
    central = _central_sides(full_height, full_width, ratio)
    height = ops.where(any_fits, height, central[0])
    width = ops.where(any_fits, width, central[1])
    places = []
    for u, free in (
        (uniforms[:, -2], full_height - height),
        (uniforms[:, -1], full_width - width),
    ):
        place = ops.cast(u * ops.cast(free + 1, "float32"), "int32")
        places.append(ops.where(any_fits, place, free // 2))
    return *places, height, width


def _sides(uniforms, height, width, scale, ratio):
    """Return the heights and widths of all tries, int32 `(batch, tries)`."""
    # Looked up: compilers round roots, exponentials and sums of products differently.
    steps = (np.arange(_STEPS) + 0.5) / _STEPS
    roots = np.sqrt(scale[0] + (scale[1] - scale[0]) * steps)
    stretch = np.exp(0.5 * (math.log(ratio[0]) + math.log(ratio[1] / ratio[0]) * steps))
    step = ops.cast(uniforms[:, : 2 * _TRIES] * _STEPS, "int32")
    root = _look_up(roots, step[:, :_TRIES])
    root = root * ops.sqrt(ops.cast(height * width, "float32"))
    stretched = root * _look_up(stretch, step[:, _TRIES:])
    squeezed = root * _look_up(1 / stretch, step[:, _TRIES:])
    return [ops.cast(ops.round(side), "int32") for side in (squeezed, stretched)]


def _look_up(table, index):
    return ops.take(ops.convert_to_tensor(table, "float32"), index, axis=0)


def _central_sides(height, width, ratio):
    """Return the sides of the largest window of an allowed ratio."""
    sides = []
    for own, other, most in ((height, width, 1 / ratio[0]), (width, height, ratio[1])):
        allowed = ops.cast(ops.round(ops.cast(other, "float32") * most), "int32")
        sides.append(ops.minimum(own, allowed))
    return sides
