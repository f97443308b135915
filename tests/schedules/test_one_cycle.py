import itertools
import math

import keras
import numpy as np
import pytest

import keras_tricks as kt

OneCycle = kt.schedules.OneCycle


def curve(schedule, steps):
    return keras.ops.convert_to_numpy(schedule(np.asarray(steps, "int32")))


def formula(step, knots, name):
    for (begin, a), (end, b) in itertools.pairwise(knots):
        if step <= end:
            done = (step - begin) / (end - begin)
            if name == "cosine":
                done = (1 - math.cos(math.pi * done)) / 2
            return a + (b - a) * done
    return knots[-1][1]


@pytest.mark.parametrize("name", ["cosine", "linear"])
@pytest.mark.parametrize("back", [None, 60])
def test_curve_is_the_formula(name, back):
    knots = [(0, 0.02), (25, 0.3), (100, 1e-3)]
    if back:
        knots.insert(2, (back, 0.02))
    expected = [formula(step, knots, name) for step in range(110)]
    mine = OneCycle(0.3, 100, 25, 0.02, 1e-3, back, name)
    np.testing.assert_allclose(curve(mine, range(110)), expected, rtol=2e-6)


def test_default_ends_are_those_of_torch():
    rates = curve(OneCycle(0.5, 10), [0, 3, 10, 11])
    np.testing.assert_array_equal(rates, np.float32([0.02, 0.5, 2e-6, 2e-6]))


def test_corners_are_exact():
    mine = OneCycle(0.3, 147, 49, 0.07, 1e-3, back_step=98)
    rates = curve(mine, [0, 49, 98, 147, 148])
    np.testing.assert_array_equal(rates, np.float32([0.07, 0.3, 0.07, 1e-3, 1e-3]))


def test_a_fraction_may_point_between_two_steps():
    mine = curve(OneCycle(1.0, 10, 0.25, 0.0, 0.0, curve="linear"), range(5))
    np.testing.assert_allclose(
        mine, [0, 0.4, 0.8, 1 - 0.5 / 7.5, 1 - 1.5 / 7.5], rtol=1e-6
    )


def test_momentum_is_low_where_the_rate_is_high():
    schedule = OneCycle(0.3, 100, 30, back_step=60)
    rates, momenta = curve(schedule, range(101)), curve(schedule.momentum(), range(101))
    assert momenta.argmin() == rates.argmax() == 30
    np.testing.assert_array_equal(
        momenta[[0, 30, 60, 100]], np.float32([0.95, 0.85, 0.95, 0.95])
    )
    assert curve(schedule.momentum(high=0.9, low=0.8), [30]) == np.float32(0.8)
    # The one is the other, upside down.
    h = (rates[:60] - 0.012) / (0.3 - 0.012)
    np.testing.assert_allclose(momenta[:60], 0.95 - 0.1 * h, rtol=1e-6)


def test_curve_is_what_torch_and_fastai_gave():  # torch 2.13.0, fastai 2.8.12
    torchs = OneCycle(0.01, 99, (0.3 * 100 - 1) / 99)
    steps = [0, 15, 29, 30, 60, 98, 99]
    np.testing.assert_allclose(
        curve(torchs, steps),
        [0.0004, 0.00545986676, 0.01, 0.00999496535, 0.0058928009, 5.07464715e-6, 4e-8],
        rtol=2e-6,
    )
    np.testing.assert_allclose(
        curve(torchs.momentum(), steps),
        [0.95, 0.897293055, 0.85, 0.850050347, 0.891072155, 0.949949653, 0.95],
        rtol=2e-6,
    )
    fastais = OneCycle(0.01, 100, 0.25, end=1e-7)
    np.testing.assert_allclose(
        curve(fastais, [0, 10, 25, 26, 60, 90, 100]),
        [4e-4, 0.00371671851, 0.01, 0.0099956142, 0.00552268659, 0.000432368719, 1e-7],
        rtol=2e-6,
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"peak": -0.1}, ValueError, "`peak` must be at least 0"),
        ({"peak": None}, TypeError, "`peak` must be a number"),
        ({"start": -1}, ValueError, "`start` must be at least 0"),
        ({"end": -1}, ValueError, "`end` must be at least 0"),
        ({"total_steps": 9.5}, TypeError, "`total_steps` must be an integer"),
        ({"peak_step": 2.5}, ValueError, "`peak_step` must be an integer of steps"),
        ({"peak_step": 11}, ValueError, "`peak_step` must be between 0 and 10"),
        ({"peak_step": 10}, ValueError, "must rise. Received: 0, 10, 10"),
        ({"back_step": 0.3}, ValueError, "must rise. Received: 0, 3, 3, 10"),
        ({"back_step": 11}, ValueError, "`back_step` must be between"),
        ({"curve": "sqrt"}, ValueError, "`curve` must be one of 'cosine', 'linear'"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        OneCycle(**{"peak": 0.1, "total_steps": 10, **arguments})


@pytest.mark.reference
@pytest.mark.parametrize(
    ("total", "pct", "name", "three"),
    [(100, 0.3, "cos", False), (95, 0.3, "linear", False), (97, 0.4, "cos", True)],
)
def test_rate_and_momentum_are_those_of_torch(total, pct, name, three):
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        0.01,
        total_steps=total,
        pct_start=pct,
        anneal_strategy=name,
        three_phase=three,
    )
    rates, momenta = [], []
    for _ in range(total):
        rates.append(optimizer.param_groups[0]["lr"])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        if len(rates) < total:
            scheduler.step()
    mine = OneCycle(
        0.01,
        total - 1,
        (pct * total - 1) / (total - 1),
        back_step=(2 * pct * total - 2) / (total - 1) if three else None,
        curve={"cos": "cosine", "linear": "linear"}[name],
    )
    np.testing.assert_allclose(curve(mine, range(total)), rates, rtol=1e-6)
    np.testing.assert_allclose(curve(mine.momentum(), range(total)), momenta, rtol=1e-6)


@pytest.mark.reference
def test_curve_is_that_of_optax():
    import optax

    steps = range(105)
    theirs = optax.cosine_onecycle_schedule(95, 0.1, 0.3)
    expected = [theirs(step) for step in steps]
    mine = curve(OneCycle(0.1, 95, int(0.3 * 95)), steps)
    np.testing.assert_allclose(mine, expected, rtol=1e-6, atol=2e-8)  # float32 there
    theirs = optax.linear_onecycle_schedule(95, 0.1, 0.3, 0.85)
    expected = [theirs(step) for step in steps]
    mine = OneCycle(0.1, 95, int(0.3 * 95), back_step=int(0.85 * 95), curve="linear")
    np.testing.assert_allclose(curve(mine, steps), expected, rtol=1e-6, atol=1e-8)
