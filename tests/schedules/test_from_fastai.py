import math

import keras
import numpy as np
import pytest

import keras_tricks as kt

from_fastai = kt.schedules.from_fastai


def curve(schedule, count):
    return keras.ops.convert_to_numpy(schedule(keras.ops.arange(count)))


def cosine(start, end, done):
    return start + (1 + math.cos(math.pi * (1 - done))) * (end - start) / 2


def test_one_cycle_is_two_cosines_of_the_fraction_done():
    schedule = from_fastai("fit_one_cycle", 10, n_epoch=3, lr_max=0.01, pct_start=0.25)
    expected = []
    for step in range(30):
        done = step / 30
        if done < 0.25:
            expected.append(cosine(0.01 / 25, 0.01, done / 0.25))
        else:
            expected.append(cosine(0.01, 0.01 / 1e5, (done - 0.25) / 0.75))
    np.testing.assert_allclose(curve(schedule, 30), expected, rtol=1e-6)
    momentum = curve(schedule.momentum(), 30)
    assert momentum.argmin() == 7 or momentum.argmin() == 8
    np.testing.assert_allclose(momentum[0], 0.95)


def test_flat_then_cosine():
    schedule = from_fastai("fit_flat_cos", 10, n_epoch=3, lr=0.01, pct_start=0.7)
    expected = [0.01] * 21
    expected += [cosine(0.01, 1e-7, (step - 21) / 9) for step in range(21, 30)]
    np.testing.assert_allclose(curve(schedule, 30), expected, rtol=1e-6)


def test_restarts_grow():
    schedule = from_fastai("fit_sgdr", 10, n_cycles=2, cycle_len=1, lr_max=0.01)
    expected = [cosine(0.01, 0, step / 10) for step in range(10)]
    expected += [cosine(0.01, 0, step / 20) for step in range(20)]
    np.testing.assert_allclose(curve(schedule, 30), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("fit", 10), ValueError, "`name` must be one of 'fit_one_cycle'"),
        (("fit_one_cycle", 0), ValueError, "`steps_per_epoch` must be at least 1"),
        (
            ("fit_one_cycle", 10),
            TypeError,
            "takes here: steps_per_epoch, n_epoch, lr_max",
        ),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        from_fastai(*arguments)


@pytest.mark.reference
def test_rate_of_every_step_is_that_of_fastai():
    schedule = pytest.importorskip("fastai.callback.schedule")
    for pct, start, peak, end in ((0.25, 4e-4, 0.01, 1e-7), (0.37, 0.01, 0.01, 1e-7)):
        theirs = schedule.combined_cos(pct, start, peak, end)
        name = "fit_one_cycle" if start < peak else "fit_flat_cos"
        rate = {"lr_max" if start < peak else "lr": peak}
        mine = from_fastai(name, 20, n_epoch=5, pct_start=pct, **rate)
        expected = [float(theirs(step / 100)) for step in range(100)]
        # fastai keeps the boundaries of its parts in float32.
        np.testing.assert_allclose(curve(mine, 100), expected, rtol=1e-6, atol=2e-10)
    theirs = schedule.combined_cos(0.25, 0.95, 0.85, 0.95)
    mine = from_fastai("fit_one_cycle", 20, n_epoch=5, lr_max=0.01).momentum()
    expected = [float(theirs(step / 100)) for step in range(100)]
    np.testing.assert_allclose(curve(mine, 100), expected, rtol=1e-6)
