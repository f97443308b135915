import math

import keras
import numpy as np
import pytest

import keras_tricks as kt

from_timm = kt.schedules.from_timm


def curve(schedule, count):
    return keras.ops.convert_to_numpy(schedule(keras.ops.arange(count)))


def test_default_is_a_staircase_below_a_warmup_that_ends_with_a_jump():
    def at_epoch(epoch):
        if epoch < 2:
            return 1e-5 + epoch * (0.4 - 1e-5) / 2
        return 0.01 + 0.39 * (1 + math.cos(math.pi * epoch / 6)) / 2

    schedule = from_timm(0.4, 3, num_epochs=6, warmup_epochs=2, min_lr=0.01)
    expected = [at_epoch(step // 3) for step in range(18)]
    np.testing.assert_allclose(curve(schedule, 18), expected, rtol=1e-6)
    np.testing.assert_allclose(curve(schedule, 30)[18:], 0.01)


def test_milestones_act_one_epoch_early():
    arguments = {"sched": "multistep", "decay_milestones": (2, 4), "num_epochs": 5}
    by_epoch = curve(from_timm(0.4, 3, **arguments), 15)
    np.testing.assert_allclose(by_epoch, np.repeat([0.4, 0.04, 0.004], [3, 6, 6]))
    by_update = curve(from_timm(0.4, 3, **arguments, step_on_epochs=False), 15)
    np.testing.assert_allclose(by_update, np.repeat([0.4, 0.04, 0.004], [5, 6, 4]))


def test_falls_between_epochs_are_counted_in_double_precision():
    schedule = from_timm(
        0.4, 2, sched="step", num_epochs=40, decay_epochs=2.4, decay_rate=0.97
    )
    expected = [0.4 * 0.97 ** (step // 2 // 2.4) for step in range(80)]
    np.testing.assert_allclose(curve(schedule, 80), expected, rtol=1e-7)


def test_cycles_take_their_number_and_their_decay():
    schedule = from_timm(
        0.4, 2, num_epochs=5, cycle_limit=3, cycle_mul=2.0, cycle_decay=0.5
    )
    starts = curve(schedule, 80)[[0, 10, 30, 69, 70]]
    last = 0.1 * (1 + math.cos(math.pi * 19 / 20)) / 2
    np.testing.assert_allclose(starts, [0.4, 0.2, 0.1, last, 0], rtol=1e-6)


def test_constant_is_held_after_the_warmup():
    schedule = from_timm(0.4, 2, sched="constant", warmup_epochs=2, warmup_lr=0.0)
    np.testing.assert_allclose(curve(schedule, 6), [0, 0, 0.2, 0.2, 0.4, 0.4])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"sched": "plateau"}, ValueError, "`sched` must be one of 'cosine', 'tanh'"),
        ({"noise": 0.5}, TypeError, "unexpected keyword argument 'noise'"),
        ({"num_epochs": 2.5}, TypeError, "`num_epochs` must be an integer"),
        ({"warmup_epochs": -1}, ValueError, "`warmup_epochs` must be at least 0"),
        ({"cooldown_epochs": -1}, ValueError, "`cooldown_epochs` must be at least 0"),
        ({"sched": "poly", "k_decay": 2.0}, ValueError, "must be 1 for 'poly'"),
        ({"sched": "tanh", "cycle_limit": 2}, ValueError, "must be 1 for 'tanh'"),
        ({"sched": "wsd", "decay_epochs": 400}, ValueError, "within the epochs after"),
        ({"sched": "wsd", "decay_fn": "exp"}, ValueError, "`curve` must be one of"),
        (
            {"sched": "rsqrt", "warmup_epochs": 1, "min_lr": 0.1},
            ValueError,
            "`min_lr` must be at most 0.02",
        ),
        ({"sched": "rsqrt"}, ValueError, "`timescale` must be above 0"),
    ],
)
def test_bad_argument_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        from_timm(0.4, 10, **arguments)


def rates_of_timm(timm, updates, **arguments):
    """Return the rate of each update in a training loop as that of timm."""
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.4)
    scheduler, epochs = timm.scheduler.create_scheduler_v2(
        optimizer, updates_per_epoch=updates, **arguments
    )
    rates = []
    for epoch in range(epochs):
        for update in range(epoch * updates, (epoch + 1) * updates):
            rates.append(optimizer.param_groups[0]["lr"])
            scheduler.step_update(num_updates=update + 1)
        scheduler.step(epoch + 1)
    return rates


WARM = {"warmup_epochs": 3, "warmup_lr": 1e-3}


@pytest.mark.reference
@pytest.mark.parametrize("step_on_epochs", [True, False])
@pytest.mark.parametrize("warmup_prefix", [True, False])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"min_lr": 1e-3, "cooldown_epochs": 4, **WARM},
        {"k_decay": 2.0, **WARM},
        {"cycle_limit": 3, "cycle_mul": 2.0, "cycle_decay": 0.5, **WARM},
        {"cycle_limit": 3, "cycle_mul": 1.5, "min_lr": 1e-3, "num_epochs": 7},
        {"sched": "tanh", "min_lr": 1e-3, **WARM},
        {"sched": "step", "decay_epochs": 2.4, "decay_rate": 0.97, **WARM},
        {"sched": "step", "decay_epochs": 5},
        {"sched": "multistep", "decay_milestones": (6, 11), **WARM},
        {"sched": "poly", "decay_rate": 0.9, **WARM},
        {"sched": "poly", "min_lr": 1e-3},
        {"sched": "wsd", "min_lr": 1e-3, **WARM},
        {"sched": "wsd", "decay_epochs": 6, "decay_fn": "linear"},
        {"sched": "wsd", "decay_epochs": 0.33, "decay_fn": "cosine", **WARM},
        {"sched": "rsqrt", **WARM},
        {"sched": "rsqrt", "stable_timescale": 2, "decay_fn": "1-sqrt"},
        {"sched": "constant", **WARM},
    ],
    ids=lambda arguments: ",".join(arguments),
)
def test_rate_of_every_update_is_that_of_timm(
    timm, arguments, warmup_prefix, step_on_epochs
):
    arguments = {
        "num_epochs": 20,
        "warmup_prefix": warmup_prefix,
        "step_on_epochs": step_on_epochs,
        **arguments,
    }
    theirs = rates_of_timm(timm, 7, **arguments)
    mine = curve(from_timm(0.4, 7, **arguments), len(theirs))
    # Keras's PolynomialDecay subtracts from 1 in float32.
    close = 4e-8 if arguments.get("sched") == "poly" else 0
    np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=close)


@pytest.mark.reference
def test_defaults_are_those_of_timm(timm):
    import inspect

    theirs = inspect.signature(timm.scheduler.create_scheduler_v2).parameters
    mine = inspect.signature(from_timm).parameters
    for name in set(mine) - {"lr", "updates_per_epoch"}:
        assert mine[name].default == theirs[name].default, name
