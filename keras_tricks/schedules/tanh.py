"""A fall along a hyperbolic tangent."""

import keras
from keras import ops

from keras_tricks._checks import check_number
from keras_tricks.schedules._lengths import check_rates, check_total
from keras_tricks.schedules._shapes import fraction, mix


@keras.saving.register_keras_serializable(package="keras_tricks")
class Tanh(keras.optimizers.schedules.LearningRateSchedule):
    """Fall from a peak to the end along a hyperbolic tangent.

    With `g = step / total_steps`, `x = lower * (1 - g) + upper * g` and
    `c = (1 - tanh(x)) / 2` the rate is `peak * c + end * (1 - c)` while
    `step < total_steps`, and `end` afterwards: the rate stays high for longer than
    along a cosine and falls faster. It begins below the peak and jumps to the end,
    by the `c` of the two bounds: at the defaults 8e-7 and .0025 of the difference.

    Args:
        peak: Learning rate near step 0. Float, at least 0.
        total_steps: Optimizer steps until `end`. Integer, at least 1.
        end: Learning rate from step `total_steps` on. Float, at least 0.
        lower: Where on the hyperbolic tangent the fall begins. Float; -7 is timm's.
        upper: Where it ends. Float above `lower`; 3 is timm's.
        name: Optional name.

    Raises:
        TypeError: If `total_steps` is not an integer or a value not a number.
        ValueError: If an argument is out of its range.

    Example:
        >>> schedule = Tanh(0.1, total_steps=100)
        >>> [round(float(schedule(step)), 4) for step in (0, 50, 70, 99, 100)]
        [0.1, 0.0982, 0.05, 0.0003, 0.0]

    Reference:
        [Hsueh et al., 2019](https://arxiv.org/abs/1806.01593).
    """

    def __init__(self, peak, total_steps, end=0.0, lower=-7.0, upper=3.0, name=None):
        super().__init__()
        check_rates(peak=peak, end=end)
        check_total(total_steps)
        check_number("lower", lower)
        check_number("upper", upper)
        if lower >= upper:
            raise ValueError(
                "`lower` must be below `upper`. "
                f"Received: lower={lower!r}, upper={upper!r}."
            )
        self.peak = peak
        self.total_steps = total_steps
        self.end = end
        self.lower = lower
        self.upper = upper
        self.name = name

    def __call__(self, step):
        step = ops.convert_to_tensor(step)
        done = fraction(step, self.total_steps)
        # (1 - tanh(x)) / 2 in a form that stays accurate where it is near 0.
        height = ops.sigmoid(-2 * mix(self.upper, self.lower, done))
        height = ops.where(step < self.total_steps, height, 0)
        return mix(self.peak, self.end, height)

    def get_config(self):
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "end": self.end,
            "lower": self.lower,
            "upper": self.upper,
            "name": self.name,
        }
