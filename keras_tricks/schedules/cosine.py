"""Half a cosine, plain, shaped by k, or restarted."""

import math

import keras
import numpy as np
from keras import ops

from keras_tricks._checks import check_integer, check_number
from keras_tricks.schedules._lengths import check_rates
from keras_tricks.schedules._shapes import fall, fraction, mix


@keras.saving.register_keras_serializable(package="keras_tricks")
class Cosine(keras.optimizers.schedules.LearningRateSchedule):
    """Fall from a peak to the end along half a cosine, once or in cycles.

    Cycle `i` is `cycle_multiplier` times as long as the one before and begins at
    `top = peak * cycle_decay ** i`. Where a fraction `g` of it is done,
    `c = (1 + cos(pi * g ** k)) / 2` and the rate is `top * c + end * (1 - c)`.
    Above 1, `k` keeps the rate high for longer; below 1 it falls early.

    `total_steps` counts all cycles, so the rate is `end` from there on whatever the
    cycles are. Others give the first cycle's length `T`: timm's `t_initial`, torch's
    `T_0`, Keras's `first_decay_steps`. Here that is
    `total_steps = T * (1 + m + ... + m ** (cycles - 1))`, with `m` the multiplier.

    Put a `Warmup` in front, or take `WarmupCosine` for the usual recipe.

    Args:
        peak: Learning rate at step 0. Float, at least 0.
        total_steps: Optimizer steps until `end`, all cycles together. At least 1. Need
            not be whole, since neither is `T * (1 + 1.5)` for an odd `T`.
        end: Learning rate at the end of each cycle. Float, at least 0.
        k: Shape of k-decay. Float above 0; 1 is the plain cosine.
        cycles: Number of cycles. Integer, at least 1.
        cycle_multiplier: Length of a cycle over that of the one before. Float above 0.
        cycle_decay: Peak of a cycle over that of the one before. Float, at least 0.
        name: Optional name.

    Raises:
        TypeError: If `cycles` is not an integer or a value not a number.
        ValueError: If an argument is out of its range.

    Example:
        >>> schedule = Cosine(0.4, total_steps=70, cycles=3, cycle_multiplier=2.0)
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 20, 30, 50, 70)]
        [0.4, 0.2, 0.4, 0.2, 0.4, 0.2, 0.0]

    Reference:
        [Loshchilov and Hutter, 2017](https://arxiv.org/abs/1608.03983) (restarts),
        [Zhang and Li, 2020](https://arxiv.org/abs/2004.05909) (k-decay).
    """

    def __init__(
        self,
        peak,
        total_steps,
        end=0.0,
        k=1.0,
        cycles=1,
        cycle_multiplier=1.0,
        cycle_decay=1.0,
        name=None,
    ):
        super().__init__()
        check_rates(peak=peak, end=end, cycle_decay=cycle_decay)
        check_number("total_steps", total_steps, 1, hint="Count optimizer steps.")
        check_integer("cycles", cycles, 1)
        for key, value in (("k", k), ("cycle_multiplier", cycle_multiplier)):
            check_number(key, value, minimum=0)
            if value == 0:
                raise ValueError(f"`{key}` must be above 0. Received: {key}={value!r}.")
        self.peak = peak
        self.total_steps = total_steps
        self.end = end
        self.k = k
        self.cycles = cycles
        self.cycle_multiplier = cycle_multiplier
        self.cycle_decay = cycle_decay
        self.name = name

    def __call__(self, step):
        left, cycle = left_of_cycle(
            step, self.total_steps, self.cycles, self.cycle_multiplier
        )
        peaks = self.peak * np.power(float(self.cycle_decay), range(self.cycles))
        return cosine(left, ops.take(np.float32(peaks), cycle), self.end, self.k)

    def get_config(self):
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "end": self.end,
            "k": self.k,
            "cycles": self.cycles,
            "cycle_multiplier": self.cycle_multiplier,
            "cycle_decay": self.cycle_decay,
            "name": self.name,
        }


def cosine(left, peak, end, k):
    """Return the rate where a fraction `left` of a cycle is still to go."""
    if k != 1:  # 1 - (1 - left) ** k
        left = -ops.expm1(k * ops.log1p(-left))
    return mix(peak, end, fall(left, "cosine"))


def left_of_cycle(step, total_steps, cycles, multiplier):
    """Return the fraction of a cycle still to go at `step`, and the cycle's number."""
    step = ops.convert_to_tensor(step)
    if cycles == 1:
        part, whole = math.modf(total_steps)
        left = ops.cast(int(whole) - step, "float32") + part
        return fraction(left, total_steps), ops.zeros_like(step)
    lengths = np.power(float(multiplier), range(cycles))
    lengths *= total_steps / lengths.sum()
    ends = np.cumsum(lengths)
    # A restart between two steps is seen at the later one. The rounding takes care of
    # an end that should be whole and is not quite.
    restarts = np.ceil(np.round(ends[:-1], 6))
    passed = ops.expand_dims(step, -1) >= ops.cast(restarts, step.dtype)
    cycle = ops.sum(ops.cast(passed, "int32"), axis=-1)
    whole = ops.take(ops.cast(np.floor(ends), step.dtype), cycle)
    part = ops.take(np.float32(ends - np.floor(ends)), cycle)
    left = ops.cast(whole - step, "float32") + part
    return ops.clip(left / ops.take(np.float32(lengths), cycle), 0, 1), cycle
