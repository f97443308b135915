"""A warmup in front of any schedule."""

import keras
from keras import ops

from keras_tricks._checks import check_choice, check_integer, check_number
from keras_tricks.schedules._around import Around
from keras_tricks.schedules._shapes import fraction, mix


@keras.saving.register_keras_serializable(package="keras_tricks")
class Warmup(Around):
    """Rise from `start` for some steps, then follow a schedule.

    With `f = step / warmup_steps` the rate is `start * (1 - f) + target * f` (linear)
    or `start ** (1 - f) * target ** f` (exponential) while `step < warmup_steps`.
    What comes then, and what the target is, differs between libraries:

    - `joint="after"`: the schedule begins behind the warmup, which rises to its first
      value. Nothing of it is lost. optax, Keras, PaddleClas, timm with
      `warmup_prefix=True`.
    - `joint="override"`: the schedule runs from step 0 and the warmup hides its
      beginning, but rises to its first value: a jump. timm's default.
    - `joint="meet"`: the schedule runs from step 0, and the warmup rises to the value
      that it has at `warmup_steps`. TensorFlow Model Garden.

    Keras 3.15.1 has a warmup only in `CosineDecay`.

    Args:
        schedule: A `keras.optimizers.schedules.LearningRateSchedule` or a constant
            float, at least 0.
        warmup_steps: Length of the warmup in optimizer steps, not epochs. Integer, at
            least 0.
        start: Learning rate at step 0. Float, at least 0; above 0 if exponential.
        curve: `"linear"` or `"exponential"`.
        joint: `"after"`, `"override"` or `"meet"`.
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

    def __init__(
        self,
        schedule,
        warmup_steps,
        start=0.0,
        curve="linear",
        joint="after",
        name=None,
    ):
        super().__init__(schedule, name)
        check_integer("warmup_steps", warmup_steps)
        check_number("start", start, minimum=0)
        check_choice("curve", curve, ("linear", "exponential"))
        check_choice("joint", joint, ("after", "override", "meet"))
        if curve == "exponential" and start == 0:
            raise ValueError(
                "`start` must be above 0: an exponential warmup never leaves 0. "
                f"Received: start={start!r}."
            )
        self.warmup_steps = warmup_steps
        self.start = start
        self.curve = curve
        self.joint = joint

    def __call__(self, step):
        step = ops.convert_to_tensor(step)
        moved = self.warmup_steps if self.joint == "after" else 0
        met = self.warmup_steps if self.joint == "meet" else 0
        # Moved, the schedule has no value before the warmup ends.
        after = self.rate(ops.maximum(step - moved, 0))
        target = self.rate(ops.full_like(step, met))
        risen = fraction(step, self.warmup_steps)
        warmup = mix(target, self.start, risen)
        if self.curve == "exponential":
            warmup = ops.power(self.start, 1 - risen) * ops.power(target, risen)
        return ops.where(step < self.warmup_steps, warmup, after)

    def get_config(self):
        return {
            **super().get_config(),
            "warmup_steps": self.warmup_steps,
            "start": self.start,
            "curve": self.curve,
            "joint": self.joint,
        }
