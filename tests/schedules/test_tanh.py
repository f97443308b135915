import math

import keras
import numpy as np
import pytest

import keras_tricks as kt

Tanh = kt.schedules.Tanh


def curve(schedule, steps):
    return keras.ops.convert_to_numpy(schedule(np.asarray(steps, "int32")))


@pytest.mark.parametrize(
    ("end", "lower", "upper"), [(0.0, -7.0, 3.0), (0.01, -3.0, 1.0), (1e-5, 0.0, 5.0)]
)
def test_curve_is_the_formula_and_then_the_end(end, lower, upper):
    expected = []
    for step in range(60):
        x = lower + (upper - lower) * step / 60
        expected.append(end + (0.1 - end) * (1 - math.tanh(x)) / 2)
    mine = curve(Tanh(0.1, 60, end, lower, upper), range(70))
    np.testing.assert_allclose(mine[:60], expected, rtol=2e-6)
    np.testing.assert_array_equal(mine[60:], np.float32(end))


def test_curve_is_what_timm_gave():  # timm 1.0.31, TanhLRScheduler
    mine = curve(Tanh(0.1, 200), [0, 100, 140, 199])
    theirs = [0.0999999168, 0.098201379, 0.05, 0.000273196076]
    np.testing.assert_allclose(mine, theirs, rtol=2e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((-0.1, 10), ValueError, "`peak` must be at least 0"),
        ((0.1, 0.5), TypeError, "`total_steps` must be an integer.*optimizer steps"),
        ((0.1, 10, -1), ValueError, "`end` must be at least 0"),
        ((0.1, 10, 0, "low"), TypeError, "`lower` must be a number"),
        ((0.1, 10, 0, -7, None), TypeError, "`upper` must be a number"),
        ((0.1, 10, 0, 3, 3), ValueError, "`lower` must be below `upper`.*lower=3"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Tanh(*arguments)


@pytest.mark.reference
def test_curve_is_that_of_timm(timm):
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    theirs = timm.scheduler.TanhLRScheduler(optimizer, 90, lb=-6, ub=4, lr_min=1e-4)
    expected = [theirs._get_lr(step)[0] for step in range(100)]
    mine = curve(Tanh(0.1, 90, 1e-4, -6, 4), range(100))
    np.testing.assert_allclose(mine, expected, rtol=1e-6)
