"""Warmup, a long constant rate, and a short decay."""

import keras
from keras import ops

from keras_tricks._checks import check_choice
from keras_tricks.schedules._lengths import (
    check_length,
    check_rates,
    check_total,
    in_steps,
)
from keras_tricks.schedules._shapes import CURVES, fall, fraction, mix


@keras.saving.register_keras_serializable(package="keras_tricks")
class WarmupStableDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Rise linearly to a peak, stay there, and fall to the end in the last steps.

    Of its `total_steps` the first `warmup_steps` rise and the last `decay_steps` fall.
    With `g` the fraction of the decay that is done, the rate there is
    `peak * d + end * (1 - d)`, where `d` is `1 - sqrt(g)`, `1 - g` or
    `(1 + cos(pi * g)) / 2`. Until the decay the rate does not depend on the total: a
    run can be prolonged from a checkpoint before it.

    Args:
        peak: Learning rate between warmup and decay. Float, at least 0.
        total_steps: Optimizer steps until `end`, warmup included. Integer, at least 1.
        warmup_steps: Length of the warmup. Integer of steps, or a fraction of
            `total_steps`: a float in (0, 1).
        decay_steps: Length of the decay, in the same two ways. The paper below finds
            20 % to be enough.
        start: Learning rate at step 0 of a warmup. Float, at least 0.
        end: Learning rate from step `total_steps` on. Float, at least 0.
        curve: `"1-sqrt"`, `"linear"` or `"cosine"`.
        name: Optional name.

    Raises:
        TypeError: If a length is neither an integer nor a fraction.
        ValueError: If an argument is out of its range, or warmup and decay together
            are longer than the total.

    Example:
        >>> schedule = WarmupStableDecay(0.1, total_steps=100, warmup_steps=10)
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 80, 85, 100)]
        [0.0, 0.05, 0.1, 0.1, 0.05, 0.0]

    Reference:
        [Hu et al., 2024](https://arxiv.org/abs/2404.06395);
        [Hägele et al., 2024](https://arxiv.org/abs/2405.18392) (1-sqrt).
    """

    def __init__(
        self,
        peak,
        total_steps,
        warmup_steps=0,
        decay_steps=0.2,
        start=0.0,
        end=0.0,
        curve="1-sqrt",
        name=None,
    ):
        super().__init__()
        check_rates(peak=peak, start=start, end=end)
        check_total(total_steps)
        check_length("warmup_steps", warmup_steps, total_steps)
        check_length("decay_steps", decay_steps, total_steps)
        check_choice("curve", curve, CURVES)
        if sum(in_steps(x, total_steps) for x in (warmup_steps, decay_steps)) > (
            total_steps
        ):
            raise ValueError(
                "`warmup_steps` and `decay_steps` must not exceed `total_steps` "
                f"together. Received: warmup_steps={warmup_steps!r}, "
                f"decay_steps={decay_steps!r}, total_steps={total_steps!r}."
            )
        self.peak = peak
        self.total_steps = total_steps
        self.warmup_steps = warmup_steps
        self.decay_steps = decay_steps
        self.start = start
        self.end = end
        self.curve = curve
        self.name = name

    def __call__(self, step):
        step = ops.convert_to_tensor(step)
        warmup_steps = in_steps(self.warmup_steps, self.total_steps)
        decay_steps = in_steps(self.decay_steps, self.total_steps)
        warmup = mix(self.peak, self.start, fraction(step, warmup_steps))
        left = fraction(self.total_steps - step, decay_steps)
        decay = mix(self.peak, self.end, fall(left, self.curve))
        return ops.where(step < warmup_steps, warmup, decay)

    def get_config(self):
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "warmup_steps": self.warmup_steps,
            "decay_steps": self.decay_steps,
            "start": self.start,
            "end": self.end,
            "curve": self.curve,
            "name": self.name,
        }
