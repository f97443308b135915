"""Which variables an optimizer decays, by how much, and in which way."""

import warnings

import keras

from keras_tricks._checks import check_integer, check_number
from keras_tricks.optimizers._patterns import check_patterns, is_found, warn_of_unused


@keras.saving.register_keras_serializable(package="keras_tricks")
class WeightDecay:
    """Decay kernels and leave biases and normalization alone.

    Give it to an optimizer of this package as `weight_decay`; it is saved with the
    optimizer. (Keras 3.15.1 forgets `exclude_from_weight_decay` in a saved model, and
    there patterns see only `kernel`, `bias`, `gamma` or `beta`, not the layer.)
    Afterwards `optimizer.decayed` lists the paths of the variables that decay.

    Coupled decay adds `rate * variable` to the gradient, after all clipping: the L2
    decay of PyTorch's SGD, PaddleClas and MXNet. Decoupled decay multiplies the
    variable by `1 - learning_rate * rate` in each step: AdamW's. For other units see
    `convert_weight_decay`, for a value `advise_weight_decay`.

    Args:
        rate: Float, at least 0.
        coupled: `True`, `False`, or `None` for the optimizer's own way: coupled in
            `SGD`, `Adam` and `RMSprop`, decoupled in `AdamW`, in the trust ratio in
            `LAMB`.
        exclude: Regular expressions, searched in `variable.path`, such as `"head/"`;
            what is found does not decay. List of strings. (No `"^"`: the path begins
            with the name of a `Sequential`, but not after loading.)
        min_rank: Variables with fewer axes do not decay. 2 leaves out biases and the
            scales and shifts of normalization, 0 lets all decay. Integer.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range.

    Example:
        >>> from keras_tricks.optimizers import SGD
        >>> decay = WeightDecay(1e-4, exclude=["head/"])
        >>> optimizer = SGD(0.1, momentum=0.9, weight_decay=decay)
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> [decay.decays(variable) for variable in model.trainable_variables]
        [True, False]

    Reference:
        [Loshchilov and Hutter, 2019](https://arxiv.org/abs/1711.05101) (coupled or
        not), [He et al., 2019](https://arxiv.org/abs/1812.01187), section 3.1 (no bias
        decay).
    """

    def __init__(self, rate, coupled=None, exclude=(), min_rank=2):
        check_number("rate", rate, minimum=0)
        if coupled not in (True, False, None):
            raise TypeError(
                f"`coupled` must be True, False or None. Received: coupled={coupled!r}."
            )
        check_integer("min_rank", min_rank)
        self.rate = rate
        self.coupled = coupled
        self.exclude = check_patterns("exclude", exclude)
        self.min_rank = min_rank

    def decays(self, variable) -> bool:
        """Return whether a variable decays."""
        is_deep = len(variable.shape) >= self.min_rank
        return is_deep and not is_found(self.exclude, variable)

    def check(self, variables):
        """Warn of a pattern that is not found, and if no variable decays."""
        warn_of_unused("WeightDecay", self.exclude, variables)
        if not any(self.decays(variable) for variable in variables):
            warnings.warn(
                f"WeightDecay: none of {len(variables)} trainable variables decays. "
                f"Received: exclude={self.exclude}, min_rank={self.min_rank}.",
                stacklevel=2,
            )

    def get_config(self):
        return {
            "rate": self.rate,
            "coupled": self.coupled,
            "exclude": self.exclude,
            "min_rank": self.min_rank,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)
