import math

import keras
import numpy as np
import pytest

import keras_tricks as kt

Cosine = kt.schedules.Cosine


def curve(schedule, steps):
    return keras.ops.convert_to_numpy(schedule(np.asarray(steps, "int32")))


def formula(step, peak, first, end, k, cycles, multiplier, decay):
    """Walk from cycle to cycle."""
    start, length = 0, first
    for cycle in range(cycles):
        if step < start + length:
            done = ((step - start) / length) ** k
            top = peak * decay**cycle
            return end + (top - end) * (1 + math.cos(math.pi * done)) / 2
        start, length = start + length, length * multiplier
    return end


@pytest.mark.parametrize(
    ("first", "end", "k", "cycles", "multiplier", "decay"),
    [
        (60, 0.01, 1.0, 1, 1.0, 1.0),
        (60, 0.0, 2.0, 1, 1.0, 1.0),
        (60, 1e-3, 0.5, 2, 1.0, 0.1),
        (11, 0.01, 1.0, 3, 2.0, 0.5),
        (13, 0.0, 1.5, 3, 1.5, 0.7),
        (20, 0.0, 1.0, 3, 0.4, 1.2),
    ],
)
def test_curve_is_the_formula(first, end, k, cycles, multiplier, decay):
    total = first * sum(multiplier**i for i in range(cycles))
    schedule = Cosine(0.4, total, end, k, cycles, multiplier, decay)
    rest = (0.4, first, end, k, cycles, multiplier, decay)
    expected = [formula(step, *rest) for step in range(130)]
    np.testing.assert_allclose(
        curve(schedule, range(130)), expected, rtol=2e-6, atol=1e-9
    )


def test_one_cycle_is_the_cosine_of_warmup_cosine():
    mine, theirs = Cosine(0.4, 50, 0.01), kt.schedules.WarmupCosine(0.4, 50, end=0.01)
    np.testing.assert_array_equal(curve(mine, range(60)), curve(theirs, range(60)))


def test_cycles_are_the_restarts_of_keras():
    restarts = keras.optimizers.schedules.CosineDecayRestarts
    theirs = restarts(0.4, 10, t_mul=2.0, m_mul=0.5)
    mine = Cosine(0.4, 70, cycles=3, cycle_multiplier=2.0, cycle_decay=0.5)
    np.testing.assert_allclose(
        curve(mine, range(70)), curve(theirs, range(70)), atol=1e-6
    )


def test_every_restart_and_the_end_are_exact():
    mine = Cosine(0.3, 7 * 49, 1e-3, cycles=3, cycle_multiplier=2, cycle_decay=0.5)
    steps = [0, 49, 147, 343, 344, 10_000_000]
    expected = np.float32([0.3, 0.15, 0.075, 1e-3, 1e-3, 1e-3])
    np.testing.assert_array_equal(curve(mine, steps), expected)


def test_many_equal_cycles_restart_on_time():
    mine = Cosine(0.1, 1000, cycles=200)
    np.testing.assert_array_equal(curve(mine, range(0, 1000, 5)), np.float32(0.1))
    assert curve(mine, range(4, 1000, 5)).max() < 0.02


def test_steps_are_counted_in_integers():
    total = 2**25 + 2  # float32 has no odd integer above 2**24
    rates = curve(Cosine(1.0, total), [total - 3, total - 2, total - 1])
    expected = np.sin(np.pi / 2 * np.array([3, 2, 1]) / total) ** 2
    np.testing.assert_allclose(rates, expected, rtol=1e-5)


def test_curve_is_what_timm_gave():  # timm 1.0.31, CosineLRScheduler
    k2, half = Cosine(0.4, 200, k=2.0), Cosine(0.4, 200, k=0.5)
    cycles = Cosine(0.4, 350, 1e-5, cycles=3, cycle_multiplier=2.0, cycle_decay=0.5)
    steps = [0, 1, 100, 199]
    np.testing.assert_allclose(
        curve(k2, steps), [0.4, 0.399999999, 0.341421356, 9.81951444e-05], rtol=2e-6
    )
    np.testing.assert_allclose(
        curve(half, steps), [0.4, 0.395085458, 0.0788600266, 6.1839405e-06], rtol=2e-6
    )
    np.testing.assert_allclose(
        curve(cycles, [49, 50, 149, 150, 349, 350]),
        [0.000404644448, 0.2, 5.93414962e-05, 0.1, 1.61677591e-05, 1e-05],
        rtol=2e-6,
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"peak": -0.1}, ValueError, "`peak` must be at least 0"),
        ({"total_steps": 0.1}, ValueError, "`total_steps` must be at least 1.*Count"),
        ({"end": -1}, ValueError, "`end` must be at least 0"),
        ({"k": 0}, ValueError, "`k` must be above 0"),
        ({"k": -1}, ValueError, "`k` must be at least 0"),
        ({"cycles": 0}, ValueError, "`cycles` must be at least 1"),
        ({"cycles": 2.0}, TypeError, "`cycles` must be an integer"),
        ({"cycle_multiplier": 0}, ValueError, "`cycle_multiplier` must be above 0"),
        ({"cycle_decay": -0.5}, ValueError, "`cycle_decay` must be at least 0"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Cosine(**{"peak": 0.1, "total_steps": 10, **arguments})


@pytest.mark.reference
@pytest.mark.parametrize(
    ("first", "end", "k", "cycles", "multiplier", "decay"),
    [(200, 1e-3, 2.0, 1, 1.0, 1.0), (25, 1e-5, 1.0, 3, 2, 0.5), (9, 0, 0.5, 3, 1.5, 2)],
)
def test_curve_is_that_of_timm(timm, first, end, k, cycles, multiplier, decay):
    import torch

    theirs = timm.scheduler.CosineLRScheduler(
        torch.optim.SGD([torch.zeros(1)], lr=0.4),
        t_initial=first,
        lr_min=end,
        k_decay=k,
        cycle_mul=multiplier,
        cycle_decay=decay,
        cycle_limit=cycles,
    )
    total = first * sum(multiplier**i for i in range(cycles))
    mine = Cosine(0.4, total, end, k, cycles, multiplier, decay)
    expected = [theirs._get_lr(step)[0] for step in range(220)]
    np.testing.assert_allclose(curve(mine, range(220)), expected, rtol=1e-6)


@pytest.mark.reference
def test_cycles_are_those_of_torch():
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.4)
    theirs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
        optimizer, T_0=10, T_mult=2, eta_min=1e-3
    )
    rates = []
    for _ in range(70):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    mine = Cosine(0.4, 70, 1e-3, cycles=3, cycle_multiplier=2)
    np.testing.assert_allclose(curve(mine, range(70)), rates, rtol=1e-6)
