import importlib.util
import json
import math
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_tricks as kt

from_paddleclas = kt.schedules.from_paddleclas


def curve(schedule, count):
    return keras.ops.convert_to_numpy(schedule(keras.ops.arange(count)))


def test_cosine_has_the_epochs_behind_the_warmup():
    schedule = from_paddleclas("Cosine", 6, 5, warmup_epoch=2, learning_rate=0.4)
    expected = [0.04 * step for step in range(10)]
    expected += [0.2 * (1 + math.cos(math.pi * step / 20)) for step in range(20)]
    np.testing.assert_allclose(curve(schedule, 30), expected, rtol=1e-6)


def test_falls_come_later_by_the_warmup():
    arguments = {"decay_epochs": [1, 2], "values": [0.4, 0.2, 0.1]}
    schedule = from_paddleclas(
        "Piecewise", 5, 3, warmup_epoch=1, warmup_start_lr=0.1, **arguments
    )
    expected = [0.1, 0.2, 0.3, *np.repeat([0.4, 0.2, 0.1], [3, 3, 6])]
    np.testing.assert_allclose(curve(schedule, 15), expected, rtol=1e-6)
    by_epoch = from_paddleclas("Piecewise", 5, 3, 1, by_epoch=True, **arguments)
    expected = np.repeat([0, 0.4, 0.2, 0.1], [3, 3, 3, 6])
    np.testing.assert_allclose(curve(by_epoch, 15), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"),
    [
        (("Cyclic", 5, 3), {}, ValueError, "`name` must be one of 'ConstLR'"),
        (("Cosine", 5, 0), {}, ValueError, "`step_each_epoch` must be at least 1"),
        (("Cosine", 5, 3), {"lr": 1}, TypeError, "takes here: step_each_epoch, epochs"),
        (
            ("Linear", 5, 3),
            {"learning_rate": 0.1, "by_epoch": True},
            ValueError,
            "`by_epoch` must be one of False",
        ),
    ],
)
def test_bad_argument_is_refused(arguments, keywords, error, message):
    with pytest.raises(error, match=message):
        from_paddleclas(*arguments, **keywords)


CASES = [
    (name, arguments, by_epoch, warmup_epoch)
    for name, arguments in (
        ("Cosine", {"eta_min": 1e-3}),
        ("Cosine", {}),
        ("Linear", {"end_lr": 0.0}),
        ("Step", {"step_size": 2, "gamma": 0.9}),
        ("Piecewise", {"decay_epochs": [2, 5], "values": [0.4, 0.1, 0.02]}),
        ("MultiStepDecay", {"milestones": [2, 5], "gamma": 0.1}),
    )
    for by_epoch in (False, True)
    for warmup_epoch in (0, 3)
    if not (name == "Linear" and by_epoch)
]

# Paddle's schedulers put together as in PaddleClas, 12 epochs of 7 steps. Paddle
# crashes in a process that has loaded TensorFlow or PyTorch.
SCRIPT = """
import json, sys
from paddle.optimizer import lr

results = []
for name, a, by_epoch, warmup_epoch in json.load(sys.stdin):
    unit, rate = 1 if by_epoch else 7, 0.4
    length = (12 - warmup_epoch) * unit
    schedule = {
        "Cosine": lambda: lr.CosineAnnealingDecay(rate, length, **a),
        "Linear": lambda: lr.PolynomialDecay(rate, length, **a),
        "Step": lambda: lr.StepDecay(rate, a["step_size"] * unit, a["gamma"]),
        "Piecewise": lambda: lr.PiecewiseDecay(
            [epoch * unit for epoch in a["decay_epochs"]], a["values"]
        ),
        "MultiStepDecay": lambda: lr.MultiStepDecay(
            rate, [epoch * unit for epoch in a["milestones"]], a["gamma"]
        ),
    }[name]()
    if warmup_epoch:
        schedule = lr.LinearWarmup(schedule, warmup_epoch * unit, 0.01, rate)
    rates = []
    for _ in range(12 * unit):
        rates.append(schedule())
        schedule.step()
    results.append(rates)
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def rates_of_paddle():
    if importlib.util.find_spec("paddle") is None:
        pytest.skip("needs paddlepaddle")
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(CASES),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.reference
@pytest.mark.parametrize("number", range(len(CASES)))
def test_rate_of_every_step_is_that_of_paddle(rates_of_paddle, number):
    name, arguments, by_epoch, warmup_epoch = CASES[number]
    rate = {} if name == "Piecewise" else {"learning_rate": 0.4}
    mine = from_paddleclas(
        name,
        12,
        7,
        warmup_epoch,
        warmup_start_lr=0.01,
        by_epoch=by_epoch,
        **rate,
        **arguments,
    )
    theirs = np.repeat(rates_of_paddle[number], 7 if by_epoch else 1)
    np.testing.assert_allclose(curve(mine, 12 * 7), theirs, rtol=1e-6)
