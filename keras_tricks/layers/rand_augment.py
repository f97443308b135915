"""RandAugment: a few operations at random, all of one magnitude."""

import statistics

import keras
import numpy as np

from keras_tricks._checks import check_choice, check_integer, check_number
from keras_tricks.layers._dialects import RAND_AUGMENT
from keras_tricks.layers._policy import Policy
from keras_tricks.layers._steps import all_rows, row_of
from keras_tricks.layers._tensors import ops


@keras.saving.register_keras_serializable(package="keras_tricks")
class RandAugment(Policy):
    """Apply to every image `num_ops` operations drawn at random, at one magnitude.

    Every image has its own operations, drawn with replacement, and every shear,
    translation and rotation its own sign. The operations are Pillow's to the grey
    level, with the nearest neighbour for what moves pixels.

    A magnitude means nothing alone. At 9, `dialect`

    - `"torchvision"` rotates by ±9°, moves by 30 pixels of 224, keeps 7 bits, changes
      brightness and the like by ±27 %; whole levels 0 to 30, fill 0;
    - `"timm"` (`rand-m9`) by ±27°, 91 pixels, 3 bits, always to 172 %; levels 0 to 10,
      every operation with probability 0.5, fill with ImageNet's mean colour;
    - `"timm_increasing"` (`rand-m9-inc1`) likewise, but 1 bit and ±81 %: there a higher
      level is always stronger;
    - `"paper"`, the authors' code for TPUs, by ±27°, 90 pixels of any size, 3 bits, to
      172 %; levels 0 to 10, fill 128.

    torchvision and the paper have 14 operations, timm has 15. DeiT's recipe is
    `RandAugment(2, 9, 0.5, dialect="timm_increasing")`. Keras 3.15.1's `RandAugment`
    draws the operations once for a whole batch and rotates and brightens to one side
    only.

    Call with images `(batch, height, width, channels)` of 1 or 3 channels or one image
    without the batch axis, alone or in a tuple or dict; bounding boxes and segmentation
    masks of a dict move with them, masks filled with 0. Returns the same structure,
    shapes and dtypes. All values are rounded to 256 levels of `value_range`: place it
    before any normalization. In a model it does nothing at inference.

    Args:
        num_ops: Number of operations per image. Integer, at least 1.
        magnitude: Level of the operations, see above.
        magnitude_std: Standard deviation of the level, drawn anew for every operation,
            clipped to the dialect's levels and rounded (timm's to a tenth). Float.
        dialect: What a magnitude means, see above.
        probability: Probability of each operation, float in [0, 1], or `None` for the
            dialect's.
        fill_value: Value of pixels from outside the image, a number or three, or `None`
            for the dialect's.
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
        >>> layer = RandAugment(seed=1)
        >>> images = layer(np.zeros((4, 32, 24, 3), "uint8"))
        >>> images.shape, images.dtype.name
        (TensorShape([4, 32, 24, 3]), 'uint8')

    Reference:
        [Cubuk et al., 2020](https://arxiv.org/abs/1909.13719); torchvision, timm and
        the code for TPUs.
    """

    def __init__(
        self,
        num_ops=2,
        magnitude=9,
        magnitude_std=0.0,
        dialect="torchvision",
        probability=None,
        fill_value=None,
        value_range=(0, 255),
        bounding_box_format=None,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        check_integer("num_ops", num_ops, 1)
        check_choice("dialect", dialect, tuple(RAND_AUGMENT))
        check_magnitude(magnitude, dialect)
        check_number("magnitude_std", magnitude_std, 0)
        if probability is not None:
            check_number("probability", probability, 0, 1)
        levels, limits = spread(magnitude, magnitude_std, RAND_AUGMENT[dialect])
        super().__init__(
            RAND_AUGMENT[dialect],
            all_rows(RAND_AUGMENT[dialect], levels),
            fill_value=fill_value,
            value_range=value_range,
            bounding_box_format=bounding_box_format,
            data_format=data_format,
            seed=seed,
            **kwargs,
        )
        self.num_ops = num_ops
        self.magnitude = magnitude
        self.magnitude_std = magnitude_std
        self.dialect = dialect
        self.probability = probability
        self.draws = 4 * num_ops
        self._limits = limits

    def choose(self, uniforms):
        """See `Policy.choose`."""
        numbers = ops.reshape(uniforms, (-1, self.num_ops, 4))
        operation, level, sign, chance = ops.unstack(numbers, 4, axis=-1)
        above = level[..., None] >= ops.convert_to_tensor(self._limits)
        level = ops.sum(ops.cast(above, "int32"), axis=-1)
        rows = row_of(self._dialect, len(self._limits) + 1, operation, level, sign)
        probability = self.probability
        if probability is None:
            probability = self._dialect.probability
        return ops.where(chance < probability, rows, 0)

    def get_config(self):
        return {
            **super().get_config(),
            "num_ops": self.num_ops,
            "magnitude": self.magnitude,
            "magnitude_std": self.magnitude_std,
            "dialect": self.dialect,
            "probability": self.probability,
        }


def check_magnitude(magnitude, dialect):
    """Raise unless the dialect knows the magnitude."""
    rules = RAND_AUGMENT[dialect]
    check = check_integer if rules.step == 1 else check_number
    hint = f"These are the levels of dialect={dialect!r}."
    check("magnitude", magnitude, 0, rules.max_level, hint=hint)


def spread(magnitude, std, dialect):
    """Return the levels that can occur, and limits of a uniform number between them.

    Inverts the normal distribution on the dialect's levels; the first and the last get
    what lies beyond.
    """
    if std == 0:
        return [magnitude], np.zeros(0, "float32")
    count = round(dialect.max_level / dialect.step)
    levels = [dialect.max_level * i / count for i in range(count + 1)]
    normal = statistics.NormalDist(magnitude, std)
    limits = [normal.cdf(level + dialect.step / 2) for level in levels[:-1]]
    return levels, np.array(limits, "float32")
