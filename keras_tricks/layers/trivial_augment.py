"""TrivialAugment: one operation of a random magnitude, nothing to tune."""

import keras

from keras_tricks.layers._dialects import TRIVIAL_AUGMENT
from keras_tricks.layers._policy import Policy
from keras_tricks.layers._steps import all_rows, row_of, whole
from keras_tricks.layers._tensors import ops

LEVELS = TRIVIAL_AUGMENT.max_level + 1


@keras.saving.register_keras_serializable(package="keras_tricks")
class TrivialAugment(Policy):
    """Apply to every image one operation of random strength: nothing to tune.

    One of RandAugment's 14 operations, at one of 31 levels from nothing to the wide
    ranges of the paper's "TA (Wide)": rotation to ±135°, shear to ±0.99, translation to
    ±32 pixels of any size, brightness and the like to ±99 %, 2 bits. The same as
    torchvision's `TrivialAugmentWide`. Keras 3.15.1 has none.

    Call with images `(batch, height, width, channels)` of 1 or 3 channels or one image
    without the batch axis, alone or in a tuple or dict; bounding boxes and segmentation
    masks of a dict move with them, masks filled with 0. Returns the same structure,
    shapes and dtypes. All values are rounded to 256 levels of `value_range`: place it
    before any normalization. In a model it does nothing at inference.

    Args:
        fill_value: Value of pixels from outside the image, a number or three, or `None`
            for black.
        value_range: Values of black and white.
        bounding_box_format: Format of `bounding_boxes`, one of Keras's names.
        data_format: `"channels_last"` or `"channels_first"`; the default is Keras's.
        seed: Integer, or `None` for another course in every run. Under a `map` with
            `num_parallel_calls` the batches take their turns in no fixed order.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range or images are neither grey nor
            RGB.

    Example:
        >>> layer = TrivialAugment(seed=1)
        >>> images = layer(np.zeros((4, 32, 24, 3), "uint8"))
        >>> images.shape, images.dtype.name
        (TensorShape([4, 32, 24, 3]), 'uint8')

    Reference:
        [Müller and Hutter, 2021](https://arxiv.org/abs/2103.10158); torchvision.
    """

    draws = 3

    def __init__(
        self,
        fill_value=None,
        value_range=(0, 255),
        bounding_box_format=None,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(
            TRIVIAL_AUGMENT,
            all_rows(TRIVIAL_AUGMENT, range(LEVELS)),
            fill_value=fill_value,
            value_range=value_range,
            bounding_box_format=bounding_box_format,
            data_format=data_format,
            seed=seed,
            **kwargs,
        )

    def choose(self, uniforms):
        """See `Policy.choose`."""
        operation, level, sign = ops.unstack(uniforms[:, None], 3, axis=-1)
        level = whole(level, LEVELS)
        return row_of(TRIVIAL_AUGMENT, LEVELS, operation, level, sign)
