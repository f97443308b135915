"""Cutout: erase squares of fixed size."""

import numbers

import keras

from keras_tricks._checks import check_integer, check_number
from keras_tricks.layers._augmentation import Augmentation
from keras_tricks.layers._erasing import any_both, fill_like, spans
from keras_tricks.layers._tensors import ops


@keras.saving.register_keras_serializable(package="keras_tricks")
class Cutout(Augmentation):
    """Erase a square of fixed size, its centre anywhere in the image.

    Part of the square may lie outside: with half the side of a square image, 19.14 %
    of it are erased on average, not 25 %. The paper cuts 16 of 32 pixels on CIFAR-10
    (the default here), 8 on CIFAR-100; PaddleClas 112 of 224 on ImageNet. Keras 3.15.1
    has no Cutout, and PaddleClas 2.6's fails with its own default `fill_value`.

    Call with images `(batch, height, width, channels)` or one image without the batch
    axis, alone or in a tuple or dict; labels, boxes and masks are passed on unchanged.
    Returns the same structure, shape and dtype. In a model it does nothing at
    inference.

    Args:
        length: Side of the square. An integer counts pixels, a float in (0, 1] is a
            fraction of the image's shorter side.
        num_holes: Squares per image, which may overlap. Integer from 1 to 32.
        fill_value: Value of erased pixels. Normalize before, and 0 is the mean.
        probability: Probability that an image is changed. Float in [0, 1].
        data_format: `"channels_last"` or `"channels_first"`; the default is Keras's.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range, images have no such shape, or
            integer images cannot hold `fill_value`.

    Example:
        >>> layer = Cutout(length=4, seed=1)
        >>> images = layer(np.ones((8, 32, 24, 3), "float32"))
        >>> images.shape, bool(np.min(np.sum(images, (1, 2, 3))) >= (32 * 24 - 16) * 3)
        (TensorShape([8, 32, 24, 3]), True)

    Reference:
        [DeVries and Taylor, 2017](https://arxiv.org/abs/1708.04552).
    """

    def __init__(
        self,
        length=0.5,
        num_holes=1,
        fill_value=0.0,
        probability=1.0,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        _check_length(length)
        check_integer("num_holes", num_holes, 1, 32)
        check_number("fill_value", fill_value)
        check_number("probability", probability, 0, 1)
        self.length = length
        self.num_holes = num_holes
        self.fill_value = fill_value
        self.probability = probability
        self.draws = 1 + 2 * num_holes

    def augment(self, batch, uniforms):
        """See `Augmentation.augment`."""
        images = batch["images"]
        height, width = self.image_size(images)
        rows, columns = self.rows_and_columns(images)
        length = self._length(height, width)
        y, x = uniforms[:, 1 : 1 + self.num_holes], uniforms[:, 1 + self.num_holes :]
        chosen = uniforms[:, :1, None] < self.probability
        in_rows = spans(rows, first_pixel(y, length, height), length) & chosen
        in_columns = spans(columns, first_pixel(x, length, width), length)
        fill_value = fill_like(self.fill_value, images)
        inside = any_both(in_rows, in_columns)
        return {**batch, "images": self.replace(images, inside, fill_value)}

    def _length(self, height, width):
        """Return the side of a square in pixels, int32."""
        if isinstance(self.length, numbers.Integral):
            return self.length
        shorter = ops.cast(ops.minimum(height, width), "float32")
        return ops.cast(ops.maximum(ops.round(self.length * shorter), 1), "int32")

    def get_config(self):
        return {
            **super().get_config(),
            "length": self.length,
            "num_holes": self.num_holes,
            "fill_value": self.fill_value,
            "probability": self.probability,
        }


def first_pixel(position, length, size):
    """Return where spans of `length` pixels begin on an axis of `size` pixels.

    Args:
        position: Place of the centre as a fraction of the axis, in [0, 1).
        length: Integer.
        size: Integer.
    """
    centre = ops.cast(position * ops.cast(size, "float32"), "int32")
    return centre - length // 2


def _check_length(length):
    if isinstance(length, numbers.Integral):
        check_integer("length", length, 1)
        return
    check_number("length", length, 0, 1)
    if length == 0:
        raise ValueError(f"`length` must be above 0. Received: length={length}.")
