"""Random Erasing: erase a box of random area and aspect."""

import keras
import numpy as np

from keras_tricks._checks import check_choice, check_integer, check_number, check_range
from keras_tricks.layers._augmentation import Augmentation
from keras_tricks.layers._erasing import any_both, fill_like, normal, spans
from keras_tricks.layers._random import integers
from keras_tricks.layers._tensors import ops

_LEVELS = 4096  # of the aspect: steps below a pixel in images of 1,000


@keras.saving.register_keras_serializable(package="keras_tricks")
class RandomErasing(Augmentation):
    """Erase a box of random area, aspect and place, in half of the images.

    The area is uniform and the aspect log-uniform, so that a box is as often upright
    as it lies. A box that does not fit into the image is drawn again. The defaults are
    timm's. Keras 3.15.1's `RandomErasing` draws height and width independently: it has
    no aspect (on a 4:3 image the median is 0.75), `factor=1.0` erases only 49 % of
    the images, and its default noise is black for half of the values, white for 16 %.

    The noise of the modes "rand" and "pixel" fits normalized images: layers that
    normalize come first. For values from 0 to 255 give, for example, `fill_value=116,
    std=58`; noise is rounded and clipped to the range of an integer dtype.

    Call with images `(batch, height, width, channels)` or one image without the batch
    axis, alone or in a tuple or dict; labels, boxes and masks are passed on unchanged.
    Returns the same structure, shape and dtype. In a model it does nothing at
    inference.

    Args:
        probability: Probability that an image is changed. Float in [0, 1].
        area: Smallest and largest area of a box, as fractions of the image's.
        aspect: Smallest and largest height divided by width.
        mode: `"const"` fills with `fill_value`, `"rand"` with one normally distributed
            colour per box, `"pixel"` with normal noise (twice as slow).
        fill_value: Value of erased pixels, in the other modes the mean.
        std: Standard deviation of colours and noise; not used with "const".
        count: Boxes per image, each `1 / count` times as large. Integer from 1 to 32.
        num_tries: How often a box is drawn, before the image is left without it.
        data_format: `"channels_last"` or `"channels_first"`; the default is Keras's.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range, images have no such shape, or
            integer images cannot hold `fill_value`.

    Example:
        >>> layer = RandomErasing(probability=1.0, area=(0.1, 0.2), seed=1)
        >>> images = layer(np.ones((16, 32, 24, 3), "float32"))
        >>> erased = 1 - np.mean(images, (1, 2, 3))
        >>> bool((erased > 0.08).all() and (erased < 0.22).all())
        True

    Reference:
        [Zhong et al., 2017](https://arxiv.org/abs/1708.04896); as in timm.
    """

    def __init__(
        self,
        probability=0.5,
        area=(0.02, 1 / 3),
        aspect=(0.3, 1 / 0.3),
        mode="const",
        fill_value=0.0,
        std=1.0,
        count=1,
        num_tries=10,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        check_number("probability", probability, 0, 1)
        check_range("area", area, 0, 1, above=0)
        check_range("aspect", aspect, above=0)
        check_choice("mode", mode, ("const", "rand", "pixel"))
        check_number("fill_value", fill_value)
        check_number("std", std, 0)
        check_integer("count", count, 1, 32)
        check_integer("num_tries", num_tries, 1)
        self.probability = probability
        self.area = area
        self.aspect = aspect
        self.mode = mode
        self.fill_value = fill_value
        self.std = std
        self.count = count
        self.num_tries = num_tries
        self.draws = 2 + count * (2 + 2 * num_tries)

    def augment(self, batch, uniforms):
        """See `Augmentation.augment`."""
        images = batch["images"]
        chosen = uniforms[:, :1, None] < self.probability
        numbers = ops.reshape(uniforms[:, 2:], (-1, self.count, 2 + 2 * self.num_tries))
        y, x, tries = numbers[:, :, 0], numbers[:, :, 1], numbers[:, :, 2:]
        height, width = self.image_size(images)
        tall, wide = box_sizes(tries, self.area, self.aspect, (height, width))
        rows, columns = self.rows_and_columns(images)
        in_rows = spans(rows, _first(y, tall, height), tall) & chosen
        in_columns = spans(columns, _first(x, wide, width), wide)
        if self.mode == "rand":
            images = self._colour(images, in_rows, in_columns, uniforms[:, 1])
        else:
            inside = any_both(in_rows, in_columns)
            images = self.replace(images, inside, self._fill(images, uniforms[:, 1]))
        return {**batch, "images": images}

    def _fill(self, images, number):
        """Return what covers the boxes: one value, or noise for every value."""
        if self.mode == "const":
            return fill_like(self.fill_value, images)
        shape = ops.shape(images)
        values = shape[1] * shape[2] * shape[3]
        noise = normal(integers(number, values), self.fill_value, self.std, images)
        return ops.reshape(noise, shape)

    def _colour(self, images, in_rows, in_columns, number):
        """Return the images with each box in a colour of its own."""
        last = self.data_format == "channels_last"
        shape = ops.shape(images)
        channels = shape[3 if last else 1]
        bits = integers(number, self.count * channels)
        colours = normal(bits, self.fill_value, self.std, images)
        colours = ops.reshape(colours, (-1, self.count, channels))
        for box in range(self.count):
            inside = any_both(in_rows[:, box, None], in_columns[:, box, None])
            colour = colours[:, box]
            if last:
                # As a row of the image: three channels are too short an axis.
                row = ops.tile(colour, (1, shape[2]))[:, None]
                flat = (shape[0], shape[1], shape[2] * channels)
                colour = ops.reshape(ops.broadcast_to(row, flat), shape)
            else:
                colour = ops.broadcast_to(colour[:, :, None, None], shape)
            images = self.replace(images, inside, colour)
        return images

    def get_config(self):
        return {
            **super().get_config(),
            "probability": self.probability,
            "area": self.area,
            "aspect": self.aspect,
            "mode": self.mode,
            "fill_value": self.fill_value,
            "std": self.std,
            "count": self.count,
            "num_tries": self.num_tries,
        }


def box_sizes(tries, area, aspect, size):
    """Return height and width of the first box that fits, 0 if none does.

    As timm: a box must be smaller than the image in both directions.

    Args:
        tries: Numbers in [0, 1), `(batch, count, 2 · tries)`: for areas, then aspects.
        area: Limits of the area of all boxes as a fraction of the image's.
        aspect: Limits of height divided by width.
        size: `(height, width)` of the image.

    Returns:
        Two int32 tensors `(batch, count)`.
    """
    count, num_tries = tries.shape[1], tries.shape[2] // 2
    # In whole 2^-24, and aspects from a table: no compiler rounds apart.
    low, high = (round(limit * 2**24) for limit in area)
    areas = low + ops.floor(tries[..., :num_tries] * (high - low))
    areas = areas * (ops.cast(size[0] * size[1], "float32") * (2**-24 / count))
    aspects = ops.take(
        ops.convert_to_tensor(_log_uniform(*aspect)),
        ops.cast(tries[..., num_tries:] * _LEVELS, "int32"),
    )
    tall = ops.cast(ops.round(ops.sqrt(areas * aspects)), "int32")
    wide = ops.cast(ops.round(ops.sqrt(areas / aspects)), "int32")
    order = ops.arange(num_tries)
    fits = (tall < size[0]) & (wide < size[1])
    first = ops.min(ops.where(fits, order, num_tries), axis=-1, keepdims=True)
    chosen = order == first
    return (ops.sum(ops.where(chosen, side, 0), axis=-1) for side in (tall, wide))


def _log_uniform(low, high):
    places = (np.arange(_LEVELS) + 0.5) / _LEVELS
    return (low * (high / low) ** places).astype("float32")


def _first(position, length, size):
    """Return the first pixel of spans, uniform over all places inside the axis."""
    places = ops.cast(size - length + 1, "float32")
    return ops.cast(position * places, "int32")
