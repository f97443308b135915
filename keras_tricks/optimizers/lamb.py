"""LAMB: Adam whose steps are as long as the variable asks for."""

import keras
from keras import ops

from keras_tricks.optimizers.adam import Adam


@keras.saving.register_keras_serializable(package="keras_tricks")
class LAMB(Adam):
    """Adam with a step in proportion to each variable's norm, for large batches.

    With the direction `d` of `Adam`, each step does `d += weight_decay * variable` and
    `variable -= learning_rate * norm(variable) / norm(d) * d`, where the quotient is 1
    if a norm is 0. Where a `WeightDecay` leaves a variable out, it also has no
    quotient, as in timm; optax gives it one. Keras 3.15.1's `Lamb` decays outside of
    the quotient.

    timm also clips the norm of all gradients together: `global_clipnorm=1.0`.

    Args:
        learning_rate: Float or schedule, of optimizer steps.
        beta_1: Float in [0, 1], or a schedule of optimizer steps.
        beta_2: Float in [0, 1].
        epsilon: Float, above 0.
        weight_decay: A float, for every variable, or `WeightDecay`.
        groups: `LayerGroups`: rates and first steps of groups of variables.
        adaptive_clipping: A float, for every variable, or `AdaptiveClipping`.
        **kwargs: Arguments of every Keras optimizer: `clipnorm`, `global_clipnorm`,
            `use_ema`, `gradient_accumulation_steps`, `name` and others.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range.

    Example:
        >>> from keras_tricks.optimizers import WeightDecay
        >>> decay = WeightDecay(0.02)
        >>> optimizer = LAMB(5e-3, weight_decay=decay, global_clipnorm=1.0)
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> model.compile(optimizer, "mse")

    Reference:
        [You et al., 2020](https://arxiv.org/abs/1904.00962), algorithm 2.
    """

    own_way = "inside"

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-6,
        weight_decay=None,
        groups=None,
        adaptive_clipping=None,
        **kwargs,
    ):
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            amsgrad=False,
            weight_decay=weight_decay,
            groups=groups,
            adaptive_clipping=adaptive_clipping,
            **kwargs,
        )

    def move(self, gradient, variable, learning_rate):
        direction = self.direction(gradient, variable)
        way = self.rule_of(variable).way
        if way == "inside":
            direction = direction + variable * self._decay.rate
        if way or self._decay is None:
            direction = direction * _quotient(variable, direction)
        self.assign_sub(variable, learning_rate * direction)

    def get_config(self):
        config = super().get_config()
        del config["amsgrad"]
        return config


def _quotient(variable, direction):
    norm, length = (ops.sqrt(ops.sum(ops.square(x))) for x in (variable, direction))
    is_defined = ops.logical_and(norm > 0, length > 0)
    return ops.where(is_defined, norm / ops.where(is_defined, length, 1), 1)
