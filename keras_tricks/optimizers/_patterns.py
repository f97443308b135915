"""Variables found by regular expressions in their paths."""

import re
import warnings


def check_patterns(name, patterns):
    """Return the regular expressions as a list, or raise."""
    if isinstance(patterns, str) or not isinstance(patterns, list | tuple):
        raise TypeError(
            f"`{name}` must be a list of regular expressions. "
            f"Received: {name}={patterns!r}."
        )
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise TypeError(f"`{name}` must hold strings. Received: {pattern!r}.")
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(
                f"`{name}` must hold regular expressions ({error}). "
                f"Received: {pattern!r}."
            ) from error
    return list(patterns)


def path_of(variable):
    """Return the path of a Keras variable, or the name of TensorFlow's own."""
    return getattr(variable, "path", variable.name)


def is_found(patterns, variable):
    """Return whether a pattern is found in the path of a variable."""
    return any(re.search(pattern, path_of(variable)) for pattern in patterns)


def warn_of_unused(owner, patterns, variables):
    """Warn of each pattern that is found in no path."""
    for pattern in patterns:
        if not any(is_found([pattern], variable) for variable in variables):
            warnings.warn(
                f"{owner}: no trainable variable has {pattern!r} in its path. Paths "
                f"look like {path_of(variables[0])!r}.",
                stacklevel=2,
            )
