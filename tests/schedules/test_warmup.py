import keras
import numpy as np
import pytest

import keras_tricks as kt

schedules = keras.optimizers.schedules


def curve(schedule, steps):
    return np.array([float(schedule(step)) for step in steps])


def test_warmup_of_a_cosine_is_warmup_cosine():
    cosine = schedules.CosineDecay(0.3, 90, alpha=0.01)
    mine = kt.schedules.Warmup(cosine, 10, start=0.05)
    theirs = kt.schedules.WarmupCosine(0.3, 100, 10, start=0.05, end=0.003)
    np.testing.assert_allclose(
        curve(mine, range(120)), curve(theirs, range(120)), atol=1e-7
    )


def test_the_schedule_is_moved_and_nothing_of_it_is_lost():
    drop = schedules.PiecewiseConstantDecay([5], [0.1, 0.01])
    mine = kt.schedules.Warmup(drop, 4)
    after = curve(mine, range(4, 20))
    np.testing.assert_array_equal(after, curve(drop, range(16)))
    np.testing.assert_allclose(curve(mine, range(4)), [0, 0.025, 0.05, 0.075])


def test_constant_after_warmup():
    mine = kt.schedules.Warmup(0.2, 2, start=0.1)
    np.testing.assert_allclose(curve(mine, [0, 1, 2, 50]), [0.1, 0.15, 0.2, 0.2])


def test_no_warmup_is_the_schedule_itself():
    decay = schedules.ExponentialDecay(0.1, 7, 0.5)
    mine = kt.schedules.Warmup(decay, 0)
    np.testing.assert_array_equal(curve(mine, range(9)), curve(decay, range(9)))


def test_warmups_can_be_nested_and_saved():
    inner = kt.schedules.Warmup(schedules.CosineDecay(0.1, 20), 5)
    outer = kt.schedules.Warmup(inner, 3)
    config = keras.saving.serialize_keras_object(outer)
    again = keras.saving.deserialize_keras_object(config)
    np.testing.assert_array_equal(curve(again, range(30)), curve(outer, range(30)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("cosine", 5), TypeError, "`schedule` must be a number"),
        ((-0.1, 5), ValueError, "`schedule` must be at least 0"),
        ((0.1, 0.1), TypeError, "`warmup_steps` must be an integer"),
        ((0.1, -1), ValueError, "`warmup_steps` must be at least 0"),
        ((0.1, 5, -0.1), ValueError, "`start` must be at least 0"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.schedules.Warmup(*arguments)
