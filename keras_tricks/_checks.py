"""Argument checks: every message names the argument, what is accepted and what came."""

import math
import numbers


def check_number(name, value, minimum=-math.inf, maximum=math.inf, hint=""):
    """Raise unless `value` is a finite real number in `[minimum, maximum]`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"`{name}` must be a number. {_received(name, value)}")
    if not (math.isfinite(value) and minimum <= value <= maximum):
        accepted = _range(minimum, maximum)
        raise ValueError(
            f"`{name}` must be {accepted}. {_received(name, value)} {hint}".rstrip()
        )


def check_integer(name, value, minimum=0, maximum=math.inf, hint=""):
    """Raise unless `value` is a whole number in `[minimum, maximum]`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(
            f"`{name}` must be an integer. {_received(name, value)} {hint}".rstrip()
        )
    check_number(name, value, minimum, maximum, hint)


def check_range(name, value, minimum=-math.inf, maximum=math.inf, above=-math.inf):
    """Raise unless `value` is two numbers that do not fall.

    Both are in `[minimum, maximum]`, and above `above`.
    """
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"`{name}` must be two numbers. {_received(name, value)}")
    for number in value:
        check_number(name, number, minimum, maximum)
    if value[0] > value[1]:
        raise ValueError(f"`{name}` must not fall. {_received(name, value)}")
    if value[0] <= above:
        raise ValueError(f"`{name}` must be above {above}. {_received(name, value)}")


def check_choice(name, value, choices):
    """Raise unless `value` is one of `choices`."""
    if value not in choices:
        accepted = ", ".join(repr(choice) for choice in choices)
        received = _received(name, value)
        raise ValueError(f"`{name}` must be one of {accepted}. {received}")


def _range(minimum, maximum):
    if math.isinf(minimum) and math.isinf(maximum):
        return "finite"
    if math.isinf(maximum):
        return f"at least {minimum}"
    if math.isinf(minimum):
        return f"at most {maximum}"
    return f"between {minimum} and {maximum}"


def _received(name, value):
    return f"Received: {name}={value!r}."
