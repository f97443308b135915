"""Adam as in PyTorch: its epsilon, its weight decay."""

import math

import keras
from keras import ops

from keras_tricks._checks import check_number
from keras_tricks.optimizers._policies import TINY, Policies, check_number_or_schedule


@keras.saving.register_keras_serializable(package="keras_tricks")
class Adam(Policies, keras.optimizers.Adam):
    """Move by the mean gradient over its root mean square, equal to PyTorch's Adam.

    With the corrections for the zeros at the start, `c_i = 1 - beta_i ** step`, each
    step does `gradient += weight_decay * variable`,
    `m = beta_1 * m + (1 - beta_1) * gradient`,
    `v = beta_2 * v + (1 - beta_2) * gradient ** 2`,
    `variable -= learning_rate * (m / c_1) / (sqrt(v / c_2) + epsilon)`.

    Keras 3.15.1 adds `epsilon` before the correction, which makes it larger by
    `1 / sqrt(c_2)`, about 32 times in the first step, and its `weight_decay` is that of
    AdamW.

    Args:
        learning_rate: Float or schedule, of optimizer steps.
        beta_1: Float in [0, 1], or a schedule of optimizer steps.
        beta_2: Float in [0, 1].
        epsilon: Float, above 0. PyTorch takes 1e-8.
        amsgrad: Whether to take the largest `v` so far.
        weight_decay: A float, for every variable as in PyTorch, or `WeightDecay`.
        groups: `LayerGroups`: rates and first steps of groups of variables.
        adaptive_clipping: A float, for every variable, or `AdaptiveClipping`.
        **kwargs: Arguments of every Keras optimizer: `clipnorm`, `global_clipnorm`,
            `use_ema`, `gradient_accumulation_steps`, `name` and others.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range.

    Example:
        >>> optimizer = Adam(1e-3, amsgrad=True, weight_decay=1e-5)
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> model.compile(optimizer, "mse")

    Reference:
        [Kingma and Ba, 2015](https://arxiv.org/abs/1412.6980), algorithm 1;
        [Reddi et al., 2018](https://arxiv.org/abs/1904.09237) (AMSGrad).
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        weight_decay=None,
        groups=None,
        adaptive_clipping=None,
        **kwargs,
    ):
        check_number_or_schedule("beta_1", beta_1)
        check_number("beta_2", beta_2, 0, 1)
        check_number("epsilon", epsilon, TINY)
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            weight_decay=weight_decay,
            groups=groups,
            adaptive_clipping=adaptive_clipping,
            **kwargs,
        )

    def move(self, gradient, variable, learning_rate):
        direction = self.direction(gradient, variable)
        self.assign_sub(variable, learning_rate * direction)

    def direction(self, gradient, variable):
        """Return what the rate multiplies, and keep both means."""
        index, steps = self._get_variable_index(variable), self.steps_of(variable)
        beta_1 = self.at_this_step(self.beta_1, variable.dtype)
        beta_2 = self.beta_2
        m, v = self._momentums[index], self._velocities[index]
        mean = m + (gradient - m) * (1 - beta_1)
        square = v + (ops.square(gradient) - v) * (1 - beta_2)
        self.assign(m, mean)
        self.assign(v, square)
        if self.amsgrad:
            largest = self._velocity_hats[index]
            square = ops.maximum(largest, square)
            self.assign(largest, square)
        root = ops.sqrt(square / correction(beta_2, steps)) + self.epsilon
        return mean / correction(beta_1, steps) / root


def correction(beta, steps):
    """Return `1 - beta ** steps`, accurate in float32 where `beta` is near 1."""
    if isinstance(beta, float):
        return -ops.expm1(steps * (math.log(beta) if beta else -math.inf))
    return 1 - ops.power(beta, steps)
