import keras
import numpy as np
import pytest

import keras_tricks as kt

Cooldown = kt.schedules.Cooldown


def curve(schedule, steps):
    return keras.ops.convert_to_numpy(schedule(np.asarray(steps, "int32")))


def test_nothing_changes_before_it():
    decay = keras.optimizers.schedules.ExponentialDecay(0.1, 7, 0.5)
    before = curve(Cooldown(decay, 20, 5), range(21))
    np.testing.assert_array_equal(before, curve(decay, range(21)))


def test_it_is_a_line_from_the_rate_it_meets():
    cosine = kt.schedules.Cosine(0.3, 100)
    mine = curve(Cooldown(cosine, 40, 10, end=0.01), range(40, 60))
    done = np.minimum(np.arange(20) / 10, 1)
    met = curve(cosine, [40])[0]
    np.testing.assert_allclose(mine, met + (0.01 - met) * done, rtol=1e-6)


def test_the_schedule_may_run_on_below_it():
    cosine = kt.schedules.Cosine(0.3, 100)
    steps = np.arange(40, 60)
    mine = curve(Cooldown(cosine, 40, 10, 0.01, follow=True), steps)
    left = np.maximum(1 - np.arange(20) / 10, 0)
    expected = 0.01 + (curve(cosine, steps) - 0.01) * left
    np.testing.assert_allclose(mine, expected, rtol=1e-6)


def test_a_rate_below_the_end_rises_to_it():
    mine = curve(Cooldown(0.1, 5, 10, end=0.3), [5, 10, 15])
    np.testing.assert_allclose(mine, [0.1, 0.2, 0.3], rtol=1e-6)


def test_corners_are_exact():
    mine = curve(Cooldown(0.3, 98, 49, 1e-3), [98, 147, 148])
    np.testing.assert_array_equal(mine, np.float32([0.3, 1e-3, 1e-3]))


@pytest.mark.parametrize("name", ["1-sqrt", "cosine"])
def test_curves_are_those_of_warmup_stable_decay(name):
    theirs = kt.schedules.WarmupStableDecay(0.3, 50, 0, 30, end=0.01, curve=name)
    mine = Cooldown(0.3, 20, 30, 0.01, name)
    np.testing.assert_array_equal(curve(mine, range(60)), curve(theirs, range(60)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("cosine", 5, 5), TypeError, "`schedule` must be a number"),
        ((-0.1, 5, 5), ValueError, "`schedule` must be at least 0"),
        ((0.1, 0.5, 5), TypeError, "`start_step` must be an integer"),
        ((0.1, 5, 0), ValueError, "`steps` must be at least 1"),
        ((0.1, 5, 5, -1), ValueError, "`end` must be at least 0"),
        ((0.1, 5, 5, 0, "sqrt"), ValueError, "`curve` must be one of"),
        ((0.1, 5, 5, 0, "linear", "yes"), ValueError, "`follow` must be one of"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Cooldown(*arguments)
