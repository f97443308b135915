"""StochasticDepth: leave out residual branches at random."""

import keras
from keras import ops

from keras_tricks._checks import check_number


@keras.saving.register_keras_serializable(package="keras_tricks")
class StochasticDepth(keras.layers.Layer):
    """Drop the residual branch of a block for a part of the samples, while training.

    Put it on the branch, before the sum: `x = x + StochasticDepth(rate)(branch(x))`.
    A sample's branch becomes 0 with probability `rate`, else `branch / (1 - rate)`;
    without training it stays as it is. That is timm's `DropPath` and torchvision's
    `StochasticDepth(rate, "row")`. KerasCV 0.9's layer of this name takes `[shortcut,
    branch]`, drops a branch for the whole batch at once, and instead of dividing while
    training multiplies by `1 - rate` without.

    Rates rise from block to block: see `stochastic_depth_rates`. Composer's card says
    +0.4 % for ResNet-50 and ResNet-101 on ImageNet with 0.1 at the last block, and 5 %
    more time. Small networks and short trainings seldom need it: "ResNet strikes back"
    has 0.05 in 300 epochs and none in 100.

    Call with a tensor `(batch, ...)` of any rank; returns its shape and dtype.

    Args:
        rate: Probability that a branch is dropped. Float in [0, 1). 0 changes nothing.
        seed: Integer, or `None` for another course in every run.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        TypeError: If `rate` is not a number.
        ValueError: If `rate` is out of its range.

    Example:
        >>> layer = StochasticDepth(0.5, seed=2)
        >>> branch = np.ones((6, 4, 4, 3), "float32")
        >>> after = keras.ops.convert_to_numpy(layer(branch, training=True))
        >>> sorted({float(value) for value in after.ravel()})
        [0.0, 2.0]

    Reference:
        [Huang et al., 2016](https://arxiv.org/abs/1603.09382).
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        check_number("rate", rate, 0, 1)
        if rate == 1:
            raise ValueError(
                "`rate` must be below 1, or no branch is ever trained. "
                f"Received: rate={rate}."
            )
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        shape = (ops.shape(inputs)[0],) + (1,) * (len(inputs.shape) - 1)
        # Not in half precision, whose few random numbers would change the rate.
        uniforms = keras.random.uniform(
            shape, dtype="float32", seed=self.seed_generator
        )
        return drop_branches(inputs, uniforms, self.rate)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


def drop_branches(branch, uniforms, rate):
    """Return `branch / (1 - rate)`, and 0 for samples whose number is below `rate`.

    Args:
        branch: Float tensor `(batch, ...)`.
        uniforms: Float32 tensor `(batch, 1, ...)` of the same rank, in [0, 1).
        rate: Float in [0, 1).
    """
    # `where`, not a product with 0, which keeps a branch that is not finite.
    return ops.where(uniforms < rate, ops.zeros_like(branch), branch / (1 - rate))
