"""One rise and one fall, of the learning rate and, upside down, of the momentum."""

import itertools
import numbers

import keras
from keras import ops

from keras_tricks._checks import check_choice
from keras_tricks.schedules._lengths import check_length, check_rates, check_total
from keras_tricks.schedules._shapes import fall, fraction, mix


@keras.saving.register_keras_serializable(package="keras_tricks")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Rise from the start to a peak, then fall to an end far below the start.

    The rate is `start` at step 0, `peak` at `peak_step`, `start` again at `back_step`
    if there is one, and `end` from `total_steps` on. Between two of these it goes from
    `a` to `b` as `a * d + b * (1 - d)` with `d = (1 + cos(pi * g)) / 2`, or `1 - g`,
    where a fraction `g` of the way is done.

    Libraries disagree on where the peak is. Of their own total `T` and fraction `pct`:

    - torch: `OneCycle(peak, T - 1, (pct * T - 1) / (T - 1))`; for `three_phase=True`
      `back_step=(2 * pct * T - 2) / (T - 1)`;
    - fastai: `OneCycle(peak, T, pct, end=peak / 1e5)`;
    - optax: `OneCycle(peak, T, int(pct * T))`; for `linear_onecycle_schedule`
      `back_step=int(0.85 * T), curve="linear"`.

    Args:
        peak: Learning rate at `peak_step`. Float, at least 0.
        total_steps: Optimizer steps until `end`. Integer, at least 2.
        peak_step: Step of the peak. Integer, or a fraction of `total_steps`: a float in
            (0, 1), which may point between two steps.
        start: Learning rate at step 0. Float, at least 0, or None for `peak / 25`.
        end: Learning rate from step `total_steps` on. Float, at least 0, or None for
            `peak / 250_000`. Both are torch's.
        back_step: Step of the return to `start`, in the same two ways, or None.
        curve: `"cosine"` or `"linear"`.
        name: Optional name.

    Raises:
        TypeError: If `total_steps` is not an integer or a value not a number.
        ValueError: If an argument is out of its range or the steps do not rise.

    Example:
        >>> schedule = OneCycle(0.1, total_steps=100)
        >>> [round(float(schedule(step)), 3) for step in (0, 15, 30, 65, 100)]
        [0.004, 0.052, 0.1, 0.05, 0.0]
        >>> momentum = schedule.momentum()
        >>> [round(float(momentum(step)), 3) for step in (0, 15, 30, 65, 100)]
        [0.95, 0.9, 0.85, 0.9, 0.95]

    Reference:
        [Smith and Topin, 2018](https://arxiv.org/abs/1708.07120).
    """

    def __init__(
        self,
        peak,
        total_steps,
        peak_step=0.3,
        start=None,
        end=None,
        back_step=None,
        curve="cosine",
        name=None,
    ):
        super().__init__()
        check_rates(peak=peak, start=start or 0, end=end or 0)
        check_total(total_steps)
        check_choice("curve", curve, ("cosine", "linear"))
        check_length("peak_step", peak_step, total_steps)
        if back_step is not None:
            check_length("back_step", back_step, total_steps)
        self.peak = peak
        self.total_steps = total_steps
        self.peak_step = peak_step
        self.start = start
        self.end = end
        self.back_step = back_step
        self.curve = curve
        self.name = name
        steps = [step for step, _ in self._knots()]
        if sorted(set(steps)) != steps:
            raise ValueError(
                "0, `peak_step`, `back_step` and `total_steps` must rise. "
                f"Received: {', '.join(f'{step:g}' for step in steps)}."
            )

    def __call__(self, step):
        return through(step, self._knots(), self.curve)

    def momentum(self, high=0.95, low=0.85):
        """Return the momentum's schedule: low where the learning rate is high.

        Args:
            high: Momentum at step 0, at `back_step` and at the end.
            low: Momentum at `peak_step`.

        Returns:
            A `OneCycle` with the same steps; the defaults are torch's and fastai's.
        """
        config = {**self.get_config(), "peak": low, "start": high, "end": high}
        return OneCycle(**config)

    def _knots(self):
        start = self.peak / 25 if self.start is None else self.start
        end = self.peak / 250_000 if self.end is None else self.end
        knots = [(0, start), (self._step(self.peak_step), self.peak)]
        if self.back_step is not None:
            knots.append((self._step(self.back_step), start))
        return [*knots, (self.total_steps, end)]

    def _step(self, length):
        whole = isinstance(length, numbers.Integral)
        return length if whole else length * self.total_steps

    def get_config(self):
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "peak_step": self.peak_step,
            "start": self.start,
            "end": self.end,
            "back_step": self.back_step,
            "curve": self.curve,
            "name": self.name,
        }


def through(step, knots, curve):
    """Return the rate at `step` on the way through `knots`: pairs of step and rate."""
    step = ops.cast(step, "float32")
    rate = knots[0][1]
    for (begin, a), (end, b) in itertools.pairwise(knots):
        # Counted from the lower end, whose small rates would drown in the higher's.
        passed = step - begin if a < b else end - step
        height = fall(fraction(passed, end - begin), curve)
        way = mix(max(a, b), min(a, b), height)
        rate = ops.where(step >= begin, way, rate)
    return rate
