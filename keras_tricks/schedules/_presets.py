"""What the presets share: from a peer's name and arguments to a schedule."""

import inspect
import math

from keras.optimizers.schedules import ExponentialDecay, PolynomialDecay

from keras_tricks._checks import check_choice, check_number
from keras_tricks.schedules.cooldown import Cooldown
from keras_tricks.schedules.piecewise import Piecewise
from keras_tricks.schedules.staircase import Staircase
from keras_tricks.schedules.warmup import Warmup

SMALLEST = 1e-9


def build(builders, name, arguments):
    """Call the builder of this name; refuse arguments that it does not have."""
    check_choice("name", name, builders)
    parameters = inspect.signature(builders[name]).parameters
    needed = {key for key, p in parameters.items() if p.default is p.empty}
    if not needed <= set(arguments) <= set(parameters):
        taken = ", ".join(
            key if key in needed else f"{key}={parameters[key].default!r}"
            for key in parameters
        )
        raise TypeError(
            f"`{name}` takes here: {taken}. Received: {', '.join(arguments)}."
        )
    return builders[name](**arguments)


def held(schedule, steps):
    """Hold a schedule for so many steps, if it is more than one."""
    return Staircase(schedule, steps) if steps > 1 else schedule


def linear(start, end, steps):
    """Go from one rate to another, most accurately near the smaller one."""
    if start < end:
        return Warmup(end, steps, start)
    return Cooldown(start, 0, steps, end)


def polynomial(start, end, steps, power):
    """Fall from one rate to another along a power of what is left."""
    if power == 1:
        return linear(start, end, steps)
    return PolynomialDecay(start, steps, end, power)


def falls(rate, factor, boundaries):
    """Multiply a rate at each boundary."""
    check_number("rate", rate, minimum=0)
    values = [rate * factor**i for i in range(len(boundaries) + 1)]
    return Piecewise(list(boundaries), values)


def falls_every(rate, factor, steps):
    """Multiply a rate every so many steps until a billionth of it is left."""
    count = math.ceil(math.log(SMALLEST) / _log(factor))
    return falls(rate, factor, [steps * i for i in range(1, count + 1)])


def falls_smoothly(rate, factor, steps):
    """Multiply a rate by a factor in the course of so many steps."""
    # A power of 1/2 is exact in float32; that of a factor near 1 would drift.
    return ExponentialDecay(rate, steps * math.log(0.5) / _log(factor), 0.5)


def _log(factor):
    check_number("factor", factor, minimum=0, maximum=1)
    if factor in (0, 1):
        raise ValueError(
            "The factor of a decay must be between 0 and 1, both excluded. "
            f"Received: {factor}."
        )
    return math.log(factor)
