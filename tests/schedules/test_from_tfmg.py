import importlib.util
import math
import pathlib

import keras
import numpy as np
import pytest

import keras_tricks as kt

from_tfmg = kt.schedules.from_tfmg


def curve(schedule, count):
    rates = [schedule(step) for step in range(count)]
    return np.array([keras.ops.convert_to_numpy(rate) for rate in rates])


def test_warmup_meets_the_cosine():
    schedule = from_tfmg(
        "cosine", 4, 0.01, initial_learning_rate=0.4, decay_steps=20, alpha=0.1
    )

    def cosine(step):
        c = (1 + math.cos(math.pi * min(step / 20, 1))) / 2
        return 0.4 * (0.9 * c + 0.1)

    expected = [0.01 + step / 4 * (cosine(4) - 0.01) for step in range(4)]
    expected += [cosine(step) for step in range(4, 25)]
    np.testing.assert_allclose(curve(schedule, 25), expected, rtol=1e-6)


def test_steps_change_behind_their_boundary():
    schedule = from_tfmg("stepwise", boundaries=[3, 5], values=[0.4, 0.2, 0.1])
    expected = np.repeat([0.4, 0.2, 0.1], [4, 2, 2])
    np.testing.assert_allclose(curve(schedule, 8), expected, rtol=1e-7)


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"),
    [
        (("power",), {}, ValueError, "`name` must be one of 'constant', 'stepwise'"),
        (("constant",), {"offset": 3}, TypeError, "takes here: learning_rate=0.1"),
        (("constant", 0.5), {}, TypeError, "`warmup_steps` must be an integer"),
    ],
)
def test_bad_argument_is_refused(arguments, keywords, error, message):
    with pytest.raises(error, match=message):
        from_tfmg(*arguments, **keywords)


@pytest.fixture(scope="module")
def official():
    """Load their file alone: the package around it imports half of the Garden."""
    pytest.importorskip("tf_keras")
    package = importlib.util.find_spec("official")
    if package is None:
        pytest.skip("needs tf-models-official")
    folder = pathlib.Path(next(iter(package.submodule_search_locations)))
    path = folder / "modeling" / "optimization" / "lr_schedule.py"
    spec = importlib.util.spec_from_file_location("lr_schedule", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.reference
@pytest.mark.parametrize("warmup_steps", [0, 7])
@pytest.mark.parametrize(
    ("name", "type_", "arguments"),
    [
        ("CosineDecayWithOffset", "cosine", {"decay_steps": 90}),
        ("CosineDecayWithOffset", "cosine", {"decay_steps": 90, "alpha": 0.1}),
        ("ExponentialDecayWithOffset", "exponential", {"decay_steps": 9}),
        ("PolynomialDecayWithOffset", "polynomial", {"decay_steps": 90}),
        (
            "PiecewiseConstantDecayWithOffset",
            "stepwise",
            {"boundaries": [20, 60], "values": [0.4, 0.1, 0.02]},
        ),
    ],
)
def test_rate_of_every_step_is_that_of_tfmg(
    official, name, type_, arguments, warmup_steps
):
    if type_ != "stepwise":
        arguments = {"initial_learning_rate": 0.4, **arguments}
    if type_ == "exponential":
        arguments = {"decay_rate": 0.5, **arguments}
    theirs = getattr(official, name)(**arguments)
    if warmup_steps:
        theirs = official.LinearWarmup(theirs, warmup_steps, 0.01)
    expected = [float(theirs(step)) for step in range(100)]
    mine = from_tfmg(type_, warmup_steps, 0.01, **arguments)
    # Theirs is float32, too.
    np.testing.assert_allclose(curve(mine, 100), expected, rtol=1e-6, atol=4e-8)
