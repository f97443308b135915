import keras
import numpy as np
import pytest

import keras_tricks as kt

InverseSqrt = kt.schedules.InverseSqrt


def curve(schedule, steps):
    return keras.ops.convert_to_numpy(schedule(np.asarray(steps, "int32")))


def test_curve_is_the_formula_of_the_transformer():
    # d ** -.5 * min(step ** -.5, step * warmup ** -1.5), which peaks at the warmup
    steps = np.arange(1, 200)
    expected = np.minimum(steps**-0.5, steps * 16**-1.5) / 16**-0.5
    mine = curve(InverseSqrt(1.0, 16), steps)
    np.testing.assert_allclose(mine, expected, rtol=1e-6)


def test_rate_is_that_of_the_timescale():
    mine = curve(InverseSqrt(0.3, 10, timescale=2.5, start=0.1), range(100))
    steps = np.arange(100)
    expected = np.where(
        steps < 10, 0.1 + 0.02 * steps, 0.3 / np.sqrt(np.maximum(steps - 7.5, 1) / 2.5)
    )
    np.testing.assert_allclose(mine, expected, rtol=1e-6)


def test_ends_of_the_warmup_are_exact():
    mine = curve(InverseSqrt(0.3, 49, start=0.07), [0, 49, 196])
    np.testing.assert_array_equal(mine, np.float32([0.07, 0.3, 0.15]))


def test_no_warmup_needs_a_timescale():
    np.testing.assert_array_equal(
        curve(InverseSqrt(0.2, timescale=5), [0, 15]), np.float32([0.2, 0.1])
    )
    with pytest.raises(ValueError, match="`timescale` must be above 0, or None with"):
        InverseSqrt(0.2)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((-0.1, 10), ValueError, "`peak` must be at least 0"),
        ((0.1, 0.5), TypeError, "`warmup_steps` must be an integer"),
        ((0.1, 10, 0), ValueError, "`timescale` must be above 0.*timescale=0"),
        ((0.1, 10, -1), ValueError, "`timescale` must be at least 0"),
        ((0.1, 10, None, -1), ValueError, "`start` must be at least 0"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        InverseSqrt(*arguments)


@pytest.mark.reference
@pytest.mark.parametrize("timescale", [None, 7.0])
def test_curve_with_a_cooldown_is_that_of_timm(timm, timescale):
    import torch

    theirs = timm.scheduler.wsd_lr.WSDLRScheduler(
        torch.optim.SGD([torch.zeros(1)], lr=0.1),
        t_initial=80,
        decay_t=20,
        lr_min=1e-4,
        stable_fn="rsqrt",
        stable_timescale=timescale,
        decay_fn="linear",
        warmup_t=10,
        warmup_lr_init=1e-3,
    )
    mine = kt.schedules.Cooldown(
        InverseSqrt(0.1, 10, timescale, start=1e-3), 70, 20, end=1e-4, follow=True
    )
    expected = [theirs._get_lr(step)[0] for step in range(100)]
    np.testing.assert_allclose(curve(mine, range(100)), expected, rtol=1e-6)
