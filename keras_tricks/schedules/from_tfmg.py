"""Learning rates of TensorFlow Model Garden by the fields of its configurations."""

from keras.optimizers.schedules import (
    ExponentialDecay,
    PiecewiseConstantDecay,
)

from keras_tricks.schedules import _presets
from keras_tricks.schedules.cosine import Cosine
from keras_tricks.schedules.warmup import Warmup


def from_tfmg(
    name: str,
    warmup_steps: int = 0,
    warmup_learning_rate: float = 0.0,
    **arguments,
):
    """Make a learning rate of TensorFlow Model Garden, to 1e-6 at every optimizer step.

    The schedule runs from step 0 and the linear warmup rises to the value that it has
    at `warmup_steps`: no jump, and less than the initial rate. The steps of
    `"stepwise"` change one step after their boundary, as Keras's do.

    Args:
        name: `learning_rate.type`: `"constant"`, `"stepwise"`, `"exponential"`,
            `"polynomial"` or `"cosine"`.
        warmup_steps: `warmup.linear.warmup_steps`. Integer, at least 0; 0 is no warmup.
        warmup_learning_rate: Rate at step 0 of the warmup. Float, at least 0.
        **arguments: The fields below `learning_rate.<type>`: `learning_rate`;
            `boundaries`, `values`; `initial_learning_rate`, `decay_steps` and
            `decay_rate`, `staircase`, or `end_learning_rate`, `power`, or `alpha`. Not
            here: `offset` and `cycle`.

    Returns:
        A schedule.

    Raises:
        TypeError: If an argument is missing, unknown or of the wrong kind.
        ValueError: If the name is unknown or an argument out of its range.

    Example:
        >>> schedule = from_tfmg(
        ...     "cosine", 10, initial_learning_rate=0.1, decay_steps=100
        ... )
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 50, 100)]
        [0.0, 0.049, 0.098, 0.05, 0.0]

    Reference:
        `official/modeling/optimization` of
        [tf-models-official](https://github.com/tensorflow/models) 2.20.
    """
    schedule = _presets.build(BUILDERS, name, arguments)
    return Warmup(schedule, warmup_steps, warmup_learning_rate, joint="meet")


def _constant(learning_rate=0.1):
    return learning_rate


def _stepwise(boundaries, values):
    return PiecewiseConstantDecay(boundaries, values)


def _exponential(initial_learning_rate, decay_steps, decay_rate, staircase=False):
    return ExponentialDecay(initial_learning_rate, decay_steps, decay_rate, staircase)


def _polynomial(
    initial_learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0
):
    return _presets.polynomial(
        initial_learning_rate, end_learning_rate, decay_steps, power
    )


def _cosine(initial_learning_rate, decay_steps, alpha=0.0):
    return Cosine(initial_learning_rate, decay_steps, initial_learning_rate * alpha)


BUILDERS = {
    "constant": _constant,
    "stepwise": _stepwise,
    "exponential": _exponential,
    "polynomial": _polynomial,
    "cosine": _cosine,
}
