"""Hide-and-Seek: erase cells of a regular grid."""

import keras
import numpy as np

from keras_tricks._checks import check_integer, check_number
from keras_tricks.layers._augmentation import Augmentation
from keras_tricks.layers._erasing import any_both, fill_like
from keras_tricks.layers._random import integers
from keras_tricks.layers._tensors import ops


@keras.saving.register_keras_serializable(package="keras_tricks")
class HideAndSeek(Augmentation):
    """Divide every image into square cells and erase each cell with a probability.

    The side of the cells is drawn per image from `grid_sizes`, in pixels; 0 leaves the
    image as it is. The grid begins at the top left, so that cells at the right and at
    the bottom may be cut. With the defaults, the paper's for ImageNet, 60 % of the
    pixels are kept on average, and at least one image in five is untouched.

    Call with images `(batch, height, width, channels)` or one image without the batch
    axis, alone or in a tuple or dict; labels, boxes and masks are passed on unchanged.
    Returns the same structure, shape and dtype. In a model it does nothing at
    inference.

    Args:
        grid_sizes: Possible sides of a cell in pixels, each equally likely; 0 for no
            cells. Tuple of integers. The defaults are for images of 224 pixels.
        hide_probability: Probability that a cell is erased. Float in [0, 1].
        fill_value: Value of erased pixels. Normalize before, and 0 is the mean.
        data_format: `"channels_last"` or `"channels_first"`; the default is Keras's.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range, images have no such shape, or
            integer images cannot hold `fill_value`.

    Example:
        >>> layer = HideAndSeek(grid_sizes=(8,), seed=1)
        >>> images = np.array(layer(np.ones((2, 32, 24, 3), "uint8")))
        >>> cells = np.repeat(np.repeat(images[:, ::8, ::8], 8, axis=1), 8, axis=2)
        >>> bool((cells == images).all())
        True

    Reference:
        [Kumar Singh and Lee, 2017](https://arxiv.org/abs/1704.04232).
    """

    draws = 2

    def __init__(
        self,
        grid_sizes=(0, 16, 32, 44, 56),
        hide_probability=0.5,
        fill_value=0.0,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        _check_sizes(grid_sizes)
        check_number("hide_probability", hide_probability, 0, 1)
        check_number("fill_value", fill_value)
        self.grid_sizes = grid_sizes
        self.hide_probability = hide_probability
        self.fill_value = fill_value

    def augment(self, batch, uniforms):
        """See `Augmentation.augment`."""
        images = batch["images"]
        which, number = ops.unstack(uniforms, num=2, axis=1)
        sizes = ops.convert_to_tensor(np.array(self.grid_sizes, "int32"))
        size = ops.take(sizes, ops.cast(which * len(self.grid_sizes), "int32"), axis=0)
        height, width = self.image_size(images)
        smallest = min((s for s in self.grid_sizes if s), default=1)
        down = (height - 1) // smallest + 1
        across = 32 * ((width - 1) // (32 * smallest) + 1)  # `any_both` wants 32 k
        limit = round(self.hide_probability * 2**24)
        hidden = (integers(number, down * across) < limit) & (size > 0)[:, None]
        hidden = ops.reshape(hidden, (-1, down, across))
        inside = cells(hidden, *self.rows_and_columns(images), size)
        fill_value = fill_like(self.fill_value, images)
        return {**batch, "images": self.replace(images, inside, fill_value)}

    def get_config(self):
        return {
            **super().get_config(),
            "grid_sizes": self.grid_sizes,
            "hide_probability": self.hide_probability,
            "fill_value": self.fill_value,
        }


def cells(hidden, rows, columns, size):
    """Return which pixels lie in a hidden cell, boolean `(batch, rows, columns)`.

    Args:
        hidden: Boolean `(batch, cells down, cells across)`.
        rows: Row of every pixel, integers `(rows,)`.
        columns: Column of every pixel, integers `(columns,)`.
        size: Side of a cell in pixels, 0 for an image that is one cell, int32
            `(batch,)`.
    """
    size = ops.where(size > 0, size, 2**30)[:, None]  # 0: one cell
    in_row = ops.take_along_axis(hidden, (rows // size)[:, :, None], axis=1)
    across = ops.arange(ops.shape(hidden)[2])
    in_column = (columns // size)[:, None, :] == across[:, None]
    return any_both(ops.transpose(in_row, (0, 2, 1)), in_column)


def _check_sizes(grid_sizes):
    if not isinstance(grid_sizes, (tuple, list)):
        raise TypeError(
            "`grid_sizes` must be a tuple of integers. "
            f"Received: grid_sizes={grid_sizes!r}."
        )
    if not grid_sizes:
        raise ValueError("`grid_sizes` must not be empty. Received: grid_sizes=().")
    for size in grid_sizes:
        check_integer("grid_sizes", size)
