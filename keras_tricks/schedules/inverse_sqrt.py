"""A fall with the square root of the step, without an end."""

import keras
from keras import ops

from keras_tricks._checks import check_integer, check_number
from keras_tricks.schedules._lengths import check_rates
from keras_tricks.schedules._shapes import fraction, mix


@keras.saving.register_keras_serializable(package="keras_tricks")
class InverseSqrt(keras.optimizers.schedules.LearningRateSchedule):
    """Rise linearly to a peak, then fall with the square root of the step.

    With `f = step / warmup_steps` the warmup is `start * (1 - f) + peak * f`; the rest
    is `peak / sqrt(1 + (step - warmup_steps) / timescale)`. With the default timescale
    that is `peak * sqrt(warmup_steps / step)`. It knows no total, so training may go
    on for as long as it pays; a `Cooldown` brings it to its end.

    Args:
        peak: Learning rate at step `warmup_steps`. Float, at least 0.
        warmup_steps: Length of the warmup in optimizer steps. Integer, at least 0.
        timescale: Steps after which `peak` has fallen to `peak / sqrt(2)`. Number above
            0, or None for `warmup_steps`.
        start: Learning rate at step 0 of a warmup. Float, at least 0.
        name: Optional name.

    Raises:
        TypeError: If `warmup_steps` is not an integer or a value not a number.
        ValueError: If an argument is out of its range, or there is neither a
            timescale nor a warmup.

    Example:
        >>> schedule = InverseSqrt(0.1, warmup_steps=100)
        >>> [round(float(schedule(step)), 3) for step in (0, 50, 100, 400, 10_000)]
        [0.0, 0.05, 0.1, 0.05, 0.01]

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762), section 5.3;
        [Zhai et al., 2022](https://arxiv.org/abs/2106.04560) (timescale, cooldown).
    """

    def __init__(self, peak, warmup_steps=0, timescale=None, start=0.0, name=None):
        super().__init__()
        check_rates(peak=peak, start=start)
        check_integer("warmup_steps", warmup_steps)
        if timescale is not None:
            check_number("timescale", timescale, minimum=0)
        if not (timescale or (timescale is None and warmup_steps)):
            raise ValueError(
                "`timescale` must be above 0, or None with a warmup. "
                f"Received: timescale={timescale!r}, warmup_steps={warmup_steps!r}."
            )
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.timescale = timescale
        self.start = start
        self.name = name

    def __call__(self, step):
        step = ops.convert_to_tensor(step)
        timescale = self.warmup_steps if self.timescale is None else self.timescale
        warmup = mix(self.peak, self.start, fraction(step, self.warmup_steps))
        passed = ops.cast(ops.maximum(step - self.warmup_steps, 0), "float32")
        # Graphs of TensorFlow write divisions so; to be the same eagerly, so does this.
        fall = self.peak * ops.rsqrt(1 + passed * (1 / timescale))
        return ops.where(step < self.warmup_steps, warmup, fall)

    def get_config(self):
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "timescale": self.timescale,
            "start": self.start,
            "name": self.name,
        }
