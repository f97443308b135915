"""Linear warmup, then half a cosine: the schedule of most image recipes."""

import keras
from keras import ops

from keras_tricks.schedules._lengths import (
    check_length,
    check_rates,
    check_total,
    in_steps,
)
from keras_tricks.schedules._shapes import fall, fraction, mix


@keras.saving.register_keras_serializable(package="keras_tricks")
class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Rise linearly to a peak, then fall to the end along half a cosine.

    With `f = step / warmup_steps` the warmup is `start * (1 - f) + peak * f`. With
    `g = (step - warmup_steps) / (total_steps - warmup_steps)` and
    `c = (1 + cos(pi * g)) / 2` the rest is `peak * c + end * (1 - c)`.

    Three conventions share this name; here the cosine begins *after* the warmup and
    `total_steps` includes it, so no step is skipped and `end` is reached. The same
    curve elsewhere: timm with `warmup_prefix=True` and
    `t_initial=total_steps - warmup_steps`, optax
    `warmup_cosine_decay_schedule(start, peak, warmup_steps, total_steps, end)`, Keras
    `CosineDecay(start, total_steps - warmup_steps, end / peak, "cosine", peak,
    warmup_steps)`, whose `decay_steps` leaves the warmup out.

    Args:
        peak: Learning rate at step `warmup_steps`. Float, at least 0.
        total_steps: Optimizer steps until `end`, the warmup included. Integer, at
            least 1. `count_steps` counts them, also with gradient accumulation.
        warmup_steps: Length of the warmup in steps, not epochs. Integer in
            `[0, total_steps]`, or a fraction of `total_steps`: a float in (0, 1).
        start: Learning rate at step 0 of a warmup. Float, at least 0.
        end: Learning rate from step `total_steps` on. Float, at least 0.
        name: Optional name.

    Raises:
        TypeError: If a length is not an integer or a rate not a number.
        ValueError: If an argument is out of its range.

    Example:
        >>> schedule = WarmupCosine(0.1, total_steps=100, warmup_steps=10)
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 55, 100)]
        [0.0, 0.05, 0.1, 0.05, 0.0]
        >>> optimizer = keras.optimizers.SGD(schedule, momentum=0.9)

    Reference:
        [Loshchilov and Hutter, 2017](https://arxiv.org/abs/1608.03983) (cosine),
        [Goyal et al., 2017](https://arxiv.org/abs/1706.02677) (warmup).
    """

    def __init__(
        self, peak, total_steps, warmup_steps=0, start=0.0, end=0.0, name=None
    ):
        super().__init__()
        check_rates(peak=peak, start=start, end=end)
        check_total(total_steps)
        check_length("warmup_steps", warmup_steps, total_steps)
        self.peak = peak
        self.total_steps = total_steps
        self.warmup_steps = warmup_steps
        self.start = start
        self.end = end
        self.name = name

    def __call__(self, step):
        warmup_steps = in_steps(self.warmup_steps, self.total_steps)
        return warmup_cosine(
            step, self.peak, self.total_steps, warmup_steps, self.start, self.end
        )

    def get_config(self):
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "warmup_steps": self.warmup_steps,
            "start": self.start,
            "end": self.end,
            "name": self.name,
        }


def warmup_cosine(step, peak, total_steps, warmup_steps, start, end):
    """Return the rate at `step`, a scalar or a tensor of any shape, in float32."""
    # Steps are counted in integers: float32 has none odd above 2**24.
    step = ops.convert_to_tensor(step)
    warmup = mix(peak, start, fraction(step, warmup_steps))
    left = fraction(total_steps - step, total_steps - warmup_steps)
    cosine = mix(peak, end, fall(left, "cosine"))
    return ops.where(step < warmup_steps, warmup, cosine)
