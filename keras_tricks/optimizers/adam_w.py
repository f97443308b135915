"""AdamW: Adam with the decay beside the gradient."""

import keras

from keras_tricks.optimizers.adam import Adam


@keras.saving.register_keras_serializable(package="keras_tricks")
class AdamW(Adam):
    """Adam with decoupled weight decay, equal to PyTorch's AdamW.

    Each step multiplies a variable by `1 - learning_rate * weight_decay` and then
    moves it as `Adam` without decay does. Keras 3.15.1 decays in the same way, but has
    the `epsilon` described in `Adam` and forgets on loading which variables were
    excluded.

    Args:
        learning_rate: Float or schedule, of optimizer steps.
        beta_1: Float in [0, 1], or a schedule of optimizer steps.
        beta_2: Float in [0, 1].
        epsilon: Float, above 0. PyTorch takes 1e-8.
        amsgrad: Whether to take the largest mean square so far.
        weight_decay: A float, for every variable as in PyTorch, whose default is
            taken, or `WeightDecay`.
        groups: `LayerGroups`: rates and first steps of groups of variables.
        adaptive_clipping: A float, for every variable, or `AdaptiveClipping`.
        **kwargs: Arguments of every Keras optimizer: `clipnorm`, `global_clipnorm`,
            `use_ema`, `gradient_accumulation_steps`, `name` and others.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range.

    Example:
        >>> from keras_tricks.optimizers import WeightDecay
        >>> optimizer = AdamW(1e-3, weight_decay=WeightDecay(0.05))
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> model.compile(optimizer, "mse")

    Reference:
        [Loshchilov and Hutter, 2019](https://arxiv.org/abs/1711.05101), algorithm 2.
    """

    own_way = "decoupled"

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        weight_decay=0.01,
        groups=None,
        adaptive_clipping=None,
        **kwargs,
    ):
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            amsgrad,
            weight_decay,
            groups,
            adaptive_clipping,
            **kwargs,
        )
