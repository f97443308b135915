"""Axes of a plot: where a number lies, which ticks it gets, how it is printed."""

import dataclasses
import math

import numpy as np

_LOG_FROM = 50  # largest over smallest: below it a linear axis shows all of them
_HUGE = 1e100  # beyond it, differences and ratios could not be held
_LEAST = 30  # highest over lowest of a logarithmic axis
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclasses.dataclass(frozen=True)
class Scale:
    """One axis from `low` to `high`.

    Attributes:
        low: Value at the start, above 0 when `log`.
        high: Value at the end.
        log: Whether equal ratios are equally long.
    """

    low: float
    high: float
    log: bool = False

    def at(self, value):
        """Return the place of a value: 0 at `low`, 1 at `high`, never outside."""
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            value = math.log(max(value, self.low))
        else:
            low, high = self.low, self.high
        return min(max((value - low) / (high - low), 0.0), 1.0)

    def ticks(self, count=6):
        """Return about `count` round numbers with labels: `[(2.5, "2.5"), ...]`."""
        if self.log:
            return _log_ticks(self.low, self.high, count)
        rough = (self.high - self.low) / count
        size = 10.0 ** math.floor(math.log10(rough))
        step = next(size * k for k in (1, 2, 5, 10) if size * k >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        values = [index * step for index in range(first, last + 1)]
        if not 1e-4 <= step < 1e6:
            return [(value, number(value)) for value in values]
        digits = max(0, -math.floor(math.log10(step * 1.001)))
        return [(value, f"{value:,.{digits}f}") for value in values]


def scale_of(values, log=None):
    """Return the axis that shows all finite values.

    Args:
        values: Numbers; those that are not finite count for nothing.
        log: Whether it is logarithmic; `None` if the range is to decide.

    Returns:
        A `Scale`, or `None` when no value is finite.
    """
    values = np.asarray(values, "float64")
    values = values[np.isfinite(values)].clip(-_HUGE, _HUGE)
    if not values.size:
        return None
    positive = values[values > 1 / _HUGE]
    if log is None:
        wide = positive.size and positive.max() / positive.min() > _LOG_FROM
        log = bool(wide and values.min() >= 0)
    if log and positive.size:
        return _log_scale(positive.min(), positive.max())
    low, high = float(values.min()), float(values.max())
    space = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    # A loss near 0 is better seen above a line that is 0.
    low = 0.0 if 0 <= low < 0.4 * high else low - space
    return Scale(low, high + space)


def number(value):
    """Return a number as a reader likes it: 0.001, 2.30, 45,000, 3.1e-7."""
    if value is None or isinstance(value, bool):
        return "-" if value is None else str(value)
    if isinstance(value, int | np.integer):
        return f"{int(value):,}"
    value = float(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def printed(value):
    """Return any value as text, numbers as `number` has them."""
    return number(value) if isinstance(value, int | float | np.number) else str(value)


def _log_scale(low, high):
    # What is level should look so.
    middle, ratio = math.sqrt(low) * math.sqrt(high), max(high / low, _LEAST)
    low, high = min(low, middle / ratio**0.5), max(high, middle * ratio**0.5)
    space = ratio**0.05
    return Scale(float(low / space), float(high * space), log=True)


def _log_ticks(low, high, count):
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    every = max(1, math.ceil((last - first) / count))
    decades = [power for power in range(first, last + 1) if power % every == 0]
    if len(decades) >= 3:
        return [(10.0**power, _power(power)) for power in decades]
    powers = range(first - 1, last + 1)
    between = [k * 10.0**power for power in powers for k in (1, 2, 5)]
    found = [(value, number(value)) for value in between if low <= value <= high]
    return found if len(found) > 1 else Scale(low, high).ticks(count)


def _power(power):
    if -2 <= power <= 3:
        return number(10.0**power)
    return "10" + str(power).translate(_SUPERSCRIPTS)
