"""AutoAugment: one of 25 searched pairs of operations for every image."""

import keras
import numpy as np

from keras_tricks._checks import check_choice
from keras_tricks.layers._autoaugment_policies import POLICIES
from keras_tricks.layers._dialects import AUTO_AUGMENT
from keras_tricks.layers._policy import Policy
from keras_tricks.layers._steps import whole
from keras_tricks.layers._tensors import ops


@keras.saving.register_keras_serializable(package="keras_tricks")
class AutoAugment(Policy):
    """Apply to every image one of 25 pairs of operations that a search has found.

    Each operation has its own probability and level, and every shear, translation and
    rotation a random sign. Whose code reads the levels makes a difference: of level 8,
    `dialect`

    - `"torchvision"` keeps 4 bits, inverts values from 29 on, changes colour by ±80 %;
    - `"timm"` (its policy `original`) keeps 7 bits, inverts from 204 on, changes colour
      to 154 %, and fills with ImageNet's mean colour;
    - `"paper"` reads them as timm, but fills with 128, and translates by at most 150 of
      331 pixels as torchvision instead of 45 %.

    Call with images `(batch, height, width, channels)` of 1 or 3 channels or one image
    without the batch axis, alone or in a tuple or dict; bounding boxes and segmentation
    masks of a dict move with them, masks filled with 0. Returns the same structure,
    shapes and dtypes. All values are rounded to 256 levels of `value_range`: place it
    before any normalization. In a model it does nothing at inference.

    Args:
        policy: Data set of the search: `"imagenet"`, `"cifar10"` or `"svhn"`.
        dialect: What a level means, see above.
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
        >>> layer = AutoAugment(seed=1)
        >>> images = layer(np.zeros((4, 32, 24, 3), "uint8"))
        >>> images.shape, images.dtype.name
        (TensorShape([4, 32, 24, 3]), 'uint8')

    Reference:
        [Cubuk et al., 2019](https://arxiv.org/abs/1805.09501); torchvision and timm.
    """

    draws = 5

    def __init__(
        self,
        policy="imagenet",
        dialect="torchvision",
        fill_value=None,
        value_range=(0, 255),
        bounding_box_format=None,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        check_choice("policy", policy, tuple(POLICIES))
        check_choice("dialect", dialect, tuple(AUTO_AUGMENT))
        super().__init__(
            AUTO_AUGMENT[dialect],
            policy_rows(POLICIES[policy], AUTO_AUGMENT[dialect]),
            fill_value=fill_value,
            value_range=value_range,
            bounding_box_format=bounding_box_format,
            data_format=data_format,
            seed=seed,
            **kwargs,
        )
        self.policy = policy
        self.dialect = dialect
        self._probabilities = np.array(
            [[step[1] for step in pair] for pair in POLICIES[policy]], "float32"
        )

    def choose(self, uniforms):
        """See `Policy.choose`."""
        pair = whole(uniforms[:, 0], len(self._probabilities))
        sign, chance = whole(uniforms[:, 1:3], 2), uniforms[:, 3:]
        rows = (2 * pair[:, None] + ops.arange(2)) * 2 + sign + 1
        return ops.where(chance < ops.take(self._probabilities, pair, axis=0), rows, 0)

    def get_config(self):
        return {
            **super().get_config(),
            "policy": self.policy,
            "dialect": self.dialect,
        }


def policy_rows(policy, dialect):
    """Return the operations of a policy and their arguments with both signs."""
    return [
        (operation, dialect.argument(operation, level, sign))
        for pair in policy
        for operation, _, level in pair
        for sign in (-1, 1)
    ]
