"""SGD as in PyTorch: its momentum, its weight decay."""

import keras

from keras_tricks.optimizers._policies import Policies, check_number_or_schedule


@keras.saving.register_keras_serializable(package="keras_tricks")
class SGD(Policies, keras.optimizers.SGD):
    """Move along the gradient with momentum, equal to PyTorch's SGD.

    Each step does `gradient += weight_decay * variable`, `buffer = momentum * buffer +
    gradient`, `variable -= learning_rate * buffer`; with Nesterov's momentum
    `variable -= learning_rate * (gradient + momentum * buffer)`.

    Two things differ in Keras 3.15.1. Its `weight_decay` multiplies the variable
    outside of the momentum: about `1 - momentum` times weaker for the same number, so
    "L2 1e-4" of PyTorch, PaddleClas or MXNet is not `weight_decay=1e-4` there. And it
    keeps `learning_rate * gradient` in the buffer, so that after a drop of the rate
    the old steps go on at the old rate.

    Args:
        learning_rate: Float or schedule, of optimizer steps.
        momentum: Float in [0, 1], or a schedule of optimizer steps.
        nesterov: Whether to look ahead. Needs momentum.
        weight_decay: A float, for every variable as in PyTorch, or `WeightDecay`.
        groups: `LayerGroups`: rates and first steps of groups of variables.
        adaptive_clipping: A float, for every variable, or `AdaptiveClipping`.
        **kwargs: Arguments of every Keras optimizer: `clipnorm`, `global_clipnorm`,
            `use_ema`, `gradient_accumulation_steps`, `name` and others.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range.

    Example:
        >>> optimizer = SGD(0.1, momentum=0.9, weight_decay=1e-4)
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> model.compile(optimizer, "mse")

    Reference:
        [PyTorch, `torch.optim.SGD`](https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html);
        [Sutskever et al., 2013](https://proceedings.mlr.press/v28/sutskever13.html)
        (Nesterov's momentum).
    """

    def __init__(
        self,
        learning_rate=0.01,
        momentum=0.0,
        nesterov=False,
        weight_decay=None,
        groups=None,
        adaptive_clipping=None,
        **kwargs,
    ):
        check_number_or_schedule("momentum", momentum)
        if nesterov and momentum == 0:
            raise ValueError(
                "`nesterov` needs momentum. Received: nesterov=True, momentum=0."
            )
        super().__init__(
            learning_rate=learning_rate,
            nesterov=nesterov,
            weight_decay=weight_decay,
            groups=groups,
            adaptive_clipping=adaptive_clipping,
            **kwargs,
        )
        self.momentum = momentum  # Keras takes no schedule

    def move(self, gradient, variable, learning_rate):
        if self.momentum != 0:
            momentum = self.at_this_step(self.momentum, variable.dtype)
            buffer = self.momentums[self._get_variable_index(variable)]
            velocity = buffer * momentum + gradient
            self.assign(buffer, velocity)
            gradient = gradient + momentum * velocity if self.nesterov else velocity
        self.assign_sub(variable, learning_rate * gradient)
