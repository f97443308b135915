import importlib
import inspect

import pytest
from examples_of_docstrings import run_example

from keras_tricks.catalogue import section, tricks

TRICKS = [pytest.param(trick, id=trick.name) for trick in tricks()]


@pytest.mark.parametrize("trick", TRICKS)
def test_example_runs_and_prints_what_it_says(trick):
    module = importlib.import_module(f"keras_tricks.{trick.family}")
    failures, tried, _ = run_example(trick.name, trick.value, module)
    assert tried > 0
    assert failures == 0


@pytest.mark.parametrize("trick", TRICKS)
def test_docstring_describes_every_argument(trick):
    arguments = section(trick.value, "Args")
    for parameter in inspect.signature(trick.value).parameters.values():
        stars = {parameter.VAR_KEYWORD: "**", parameter.VAR_POSITIONAL: "*"}
        assert f"{stars.get(parameter.kind, '')}{parameter.name}:" in arguments


@pytest.mark.parametrize("trick", TRICKS)
def test_docstring_has_errors_source_and_result(trick):
    assert trick.summary
    assert section(trick.value, "Raises")
    if trick.family not in ("datasets", "doctor", "visualize"):
        assert trick.reference
    if inspect.isfunction(trick.value):
        assert section(trick.value, "Returns")
