"""RMSprop as in PyTorch: its epsilon, its momentum, its weight decay."""

import keras
from keras import ops

from keras_tricks._checks import check_number
from keras_tricks.optimizers._policies import TINY, Policies


@keras.saving.register_keras_serializable(package="keras_tricks")
class RMSprop(Policies, keras.optimizers.RMSprop):
    """Move along the gradient over its root mean square, equal to PyTorch's RMSprop.

    Each step does `gradient += weight_decay * variable`,
    `v = rho * v + (1 - rho) * gradient ** 2`,
    `buffer = momentum * buffer + gradient / (sqrt(v) + epsilon)`,
    `variable -= learning_rate * buffer`.

    Keras 3.15.1, like TensorFlow, takes `sqrt(v + epsilon)`, so that one `epsilon`
    means different things; it keeps the rate in the buffer, as its SGD does, and its
    `weight_decay` is decoupled.

    Args:
        learning_rate: Float or schedule, of optimizer steps.
        rho: Float in [0, 1]. PyTorch, where it is `alpha`, takes 0.99.
        momentum: Float in [0, 1].
        epsilon: Float, above 0. PyTorch takes 1e-8.
        centered: Whether to take the standard deviation instead of the root mean
            square.
        weight_decay: A float, for every variable as in PyTorch, or `WeightDecay`.
        groups: `LayerGroups`: rates and first steps of groups of variables.
        adaptive_clipping: A float, for every variable, or `AdaptiveClipping`.
        **kwargs: Arguments of every Keras optimizer: `clipnorm`, `global_clipnorm`,
            `use_ema`, `gradient_accumulation_steps`, `name` and others.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range.

    Example:
        >>> optimizer = RMSprop(1e-2, momentum=0.9, weight_decay=1e-5)
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> model.compile(optimizer, "mse")

    Reference:
        [PyTorch](https://docs.pytorch.org/docs/stable/generated/torch.optim.RMSprop.html);
        [Graves, 2013](https://arxiv.org/abs/1308.0850), equations 38-45 (centered).
    """

    def __init__(
        self,
        learning_rate=0.001,
        rho=0.9,
        momentum=0.0,
        epsilon=1e-7,
        centered=False,
        weight_decay=None,
        groups=None,
        adaptive_clipping=None,
        **kwargs,
    ):
        check_number("rho", rho, 0, 1)
        check_number("momentum", momentum, 0, 1)
        check_number("epsilon", epsilon, TINY)
        super().__init__(
            learning_rate=learning_rate,
            rho=rho,
            momentum=momentum,
            epsilon=epsilon,
            centered=centered,
            weight_decay=weight_decay,
            groups=groups,
            adaptive_clipping=adaptive_clipping,
            **kwargs,
        )

    def move(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        square = self._mean(self._velocities[index], ops.square(gradient))
        if self.centered:
            mean = self._mean(self._average_gradients[index], gradient)
            square = ops.maximum(square - ops.square(mean), 0)
        direction = gradient / (ops.sqrt(square) + self.epsilon)
        if self.momentum != 0:
            buffer = self._momentums[index]
            direction = buffer * self.momentum + direction
            self.assign(buffer, direction)
        self.assign_sub(variable, learning_rate * direction)

    def _mean(self, slot, value):
        """Move the mean in a slot towards a value and return it."""
        mean = slot * self.rho + value * (1 - self.rho)
        self.assign(slot, mean)
        return mean
