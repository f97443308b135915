"""A last fall for any schedule."""

import keras
from keras import ops

from keras_tricks._checks import check_choice, check_integer, check_number
from keras_tricks.schedules._around import Around
from keras_tricks.schedules._shapes import CURVES, fall, fraction, mix


@keras.saving.register_keras_serializable(package="keras_tricks")
class Cooldown(Around):
    """Follow a schedule, and from a step on bring the rate down to its end.

    With `g = (step - start_step) / steps` and `d = 1 - g` (or another curve's) the rate
    is `r * d + end * (1 - d)` from `start_step` on, with `r` the rate that the schedule
    has at `start_step`. With `follow=True` `r` is the rate that it has at `step`: the
    schedule runs on below the cooldown. So do big_vision's and timm's `rsqrt`.

    Args:
        schedule: A `keras.optimizers.schedules.LearningRateSchedule` or a constant
            float, at least 0.
        start_step: Optimizer step where the cooldown begins. Integer, at least 0.
        steps: Its length. Integer, at least 1.
        end: Learning rate from step `start_step + steps` on. Float, at least 0.
        curve: `"linear"`, `"1-sqrt"` or `"cosine"`.
        follow: Whether the schedule runs on. Boolean.
        name: Optional name.

    Raises:
        TypeError: If `schedule` is neither a schedule nor a number, or a length is
            not an integer.
        ValueError: If an argument is out of its range.

    Example:
        >>> schedule = Cooldown(0.1, start_step=90, steps=10)
        >>> [round(float(schedule(step)), 3) for step in (0, 90, 95, 100, 110)]
        [0.1, 0.1, 0.05, 0.0, 0.0]

    Reference:
        [Zhai et al., 2022](https://arxiv.org/abs/2106.04560).
    """

    def __init__(
        self,
        schedule,
        start_step,
        steps,
        end=0.0,
        curve="linear",
        follow=False,
        name=None,
    ):
        super().__init__(schedule, name)
        check_integer("start_step", start_step)
        check_integer("steps", steps, 1)
        check_number("end", end, minimum=0)
        check_choice("curve", curve, CURVES)
        check_choice("follow", follow, (True, False))
        self.start_step = start_step
        self.steps = steps
        self.end = end
        self.curve = curve
        self.follow = follow

    def __call__(self, step):
        step = ops.convert_to_tensor(step)
        held = step if self.follow else ops.minimum(step, self.start_step)
        left = fraction(self.start_step + self.steps - step, self.steps)
        return mix(self.rate(held), self.end, fall(left, self.curve))

    def get_config(self):
        return {
            **super().get_config(),
            "start_step": self.start_step,
            "steps": self.steps,
            "end": self.end,
            "curve": self.curve,
            "follow": self.follow,
        }
