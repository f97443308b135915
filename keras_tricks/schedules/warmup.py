"""A linear warmup in front of any schedule."""

import keras
from keras import ops

from keras_tricks._checks import check_integer, check_number


@keras.saving.register_keras_serializable(package="keras_tricks")
class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    """Rise linearly for some steps, then follow a schedule from its beginning.

    With `f = step / warmup_steps` the rate is `start * (1 - f) + first * f` while
    `step < warmup_steps`, where `first` is the schedule's value at its step 0, and
    `schedule(step - warmup_steps)` afterwards: the schedule is moved, not overwritten,
    so nothing of it is lost and there is no jump. Keras 3.15.1 has a warmup only in
    `CosineDecay`.

    Args:
        schedule: A `keras.optimizers.schedules.LearningRateSchedule` or a constant
            float, at least 0.
        warmup_steps: Length of the warmup in optimizer steps, not epochs. Integer, at
            least 0.
        start: Learning rate at step 0. Float, at least 0.
        name: Optional name.

    Raises:
        TypeError: If `schedule` is neither a schedule nor a number, or
            `warmup_steps` is not an integer.
        ValueError: If an argument is out of its range.

    Example:
        >>> drop = keras.optimizers.schedules.PiecewiseConstantDecay([20], [0.1, 0.01])
        >>> schedule = Warmup(drop, warmup_steps=10)
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 30, 31)]
        [0.0, 0.05, 0.1, 0.1, 0.01]

    Reference:
        [Goyal et al., 2017](https://arxiv.org/abs/1706.02677), section 2.2.
    """

    def __init__(self, schedule, warmup_steps, start=0.0, name=None):
        super().__init__()
        if not _is_schedule(schedule):
            check_number("schedule", schedule, minimum=0)
        check_integer("warmup_steps", warmup_steps)
        check_number("start", start, minimum=0)
        self.schedule = schedule
        self.warmup_steps = warmup_steps
        self.start = start
        self.name = name

    def __call__(self, step):
        step = ops.cast(step, "float32")
        risen = step / max(self.warmup_steps, 1)
        warmup = self.start * (1 - risen) + self._follow(ops.zeros_like(step)) * risen
        after = self._follow(ops.maximum(step - self.warmup_steps, 0))
        return ops.where(step < self.warmup_steps, warmup, after)

    def _follow(self, step):
        if _is_schedule(self.schedule):
            return ops.cast(self.schedule(step), "float32")
        return ops.full_like(step, self.schedule)

    def get_config(self):
        return {
            "schedule": self.schedule,
            "warmup_steps": self.warmup_steps,
            "start": self.start,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config):
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(**{**config, "schedule": schedule})


def _is_schedule(schedule):
    return isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule)
