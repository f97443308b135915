import math

import keras
import numpy as np
import pytest

import keras_tricks as kt

WarmupStableDecay = kt.schedules.WarmupStableDecay
DECAYS = {
    "1-sqrt": lambda done: 1 - math.sqrt(done),
    "linear": lambda done: 1 - done,
    "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
}


def curve(schedule, steps):
    return keras.ops.convert_to_numpy(schedule(np.asarray(steps, "int32")))


@pytest.mark.parametrize("name", DECAYS)
def test_curve_is_the_formula(name):
    expected = []
    for step in range(120):
        if step < 10:
            rate = 0.02 + (0.3 - 0.02) * step / 10
        else:
            done = min(max(step - 70, 0) / 30, 1)
            rate = 1e-4 + (0.3 - 1e-4) * DECAYS[name](done)
        expected.append(rate)
    mine = WarmupStableDecay(0.3, 100, 10, 30, 0.02, 1e-4, name)
    np.testing.assert_allclose(curve(mine, range(120)), expected, rtol=2e-6)


def test_corners_are_exact():
    mine = WarmupStableDecay(0.3, 147, 49, 49, 0.07, 1e-3)
    rates = curve(mine, [0, 49, 97, 98, 147, 148])
    expected = np.float32([0.07, 0.3, 0.3, 0.3, 1e-3, 1e-3])
    np.testing.assert_array_equal(rates, expected)


def test_it_is_a_cooldown_of_a_warmup():
    mine = WarmupStableDecay(0.3, 100, 10, 30, 0.02, 1e-4)
    warmup = kt.schedules.Warmup(0.3, 10, 0.02)
    parts = kt.schedules.Cooldown(warmup, 70, 30, 1e-4, "1-sqrt")
    np.testing.assert_array_equal(curve(mine, range(110)), curve(parts, range(110)))


def test_lengths_may_be_fractions():
    mine = WarmupStableDecay(0.3, 200, 0.05, 0.3)
    whole = WarmupStableDecay(0.3, 200, 10, 60)
    np.testing.assert_array_equal(curve(mine, range(210)), curve(whole, range(210)))


def test_without_a_decay_the_end_comes_at_once():
    mine = WarmupStableDecay(0.3, 10, decay_steps=0, end=0.1)
    np.testing.assert_array_equal(curve(mine, [0, 9, 10]), np.float32([0.3, 0.3, 0.1]))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"peak": -0.1}, ValueError, "`peak` must be at least 0"),
        ({"total_steps": 0}, ValueError, "`total_steps` must be at least 1"),
        ({"warmup_steps": 1.0}, ValueError, "`warmup_steps` must be an integer of st"),
        ({"decay_steps": "all"}, TypeError, "`decay_steps` must be an integer"),
        ({"start": -1}, ValueError, "`start`"),
        ({"end": -1}, ValueError, "`end`"),
        ({"curve": "sqrt"}, ValueError, "`curve` must be one of 'linear', 'cosine'"),
        ({"warmup_steps": 9}, ValueError, "together.*warmup_steps=9, decay_steps=0.2"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        WarmupStableDecay(**{"peak": 0.1, "total_steps": 10, **arguments})


@pytest.mark.reference
@pytest.mark.parametrize("name", DECAYS)
def test_curve_is_that_of_timm(timm, name):
    import torch

    theirs = timm.scheduler.wsd_lr.WSDLRScheduler(
        torch.optim.SGD([torch.zeros(1)], lr=0.1),
        t_initial=90,
        decay_t=20,
        lr_min=1e-4,
        decay_fn=name,
        warmup_t=10,
        warmup_lr_init=1e-3,
    )
    mine = WarmupStableDecay(0.1, 100, 10, 20, 1e-3, 1e-4, name)
    expected = [theirs._get_lr(step)[0] for step in range(110)]
    np.testing.assert_allclose(curve(mine, range(110)), expected, rtol=1e-6)
