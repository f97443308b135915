"""Runs the example of a docstring and hands over the names that it bound."""

import doctest
import importlib

import keras
import numpy as np

import keras_tricks

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def run_example(name, value, module):
    """Return (failures, tried, namespace) of the examples in one docstring."""
    namespace = {**vars(module), "keras": keras, "kt": keras_tricks, "np": np}
    test = doctest.DocTestParser().get_doctest(value.__doc__, namespace, name, None, 0)
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    runner.run(test, clear_globs=False)
    return runner.failures, runner.tries, test.globs


def instance_of(trick):
    """Return the instance that the example of a class made, and all its names."""
    module = importlib.import_module(f"keras_tricks.{trick.family}")
    _, _, namespace = run_example(trick.name, trick.value, module)
    for value in namespace.values():
        if type(value) is trick.value:
            return value, namespace
    raise AssertionError(f"The example of {trick.name} makes no instance of it.")
