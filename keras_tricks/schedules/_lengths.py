"""Lengths inside a schedule: counts of optimizer steps or fractions of the whole."""

import numbers

from keras_tricks._checks import check_integer, check_number


def check_length(name, value, total_steps, minimum=0):
    """Raise unless `value` is a count in `[minimum, total_steps]` or a fraction."""
    if isinstance(value, numbers.Integral) or not isinstance(value, numbers.Real):
        hint = "`total_steps` includes it. A fraction of it is a float below 1."
        check_integer(name, value, minimum, total_steps, hint)
    elif not 0 < value < 1:
        raise ValueError(
            f"`{name}` must be an integer of steps, or a fraction of `total_steps` "
            f"between 0 and 1, both excluded. Received: {name}={value!r}."
        )


def check_total(total_steps):
    """Raise unless `total_steps` is a count of at least 1."""
    check_integer("total_steps", total_steps, 1, hint="Count optimizer steps.")


def in_steps(value, total_steps):
    """Return a length in whole steps; a fraction is rounded to the nearest."""
    if isinstance(value, numbers.Integral):
        return value
    return round(value * total_steps)


def check_rates(**rates):
    """Raise unless every rate is a finite number of at least 0."""
    for name, value in rates.items():
        check_number(name, value, minimum=0)
