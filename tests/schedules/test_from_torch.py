import math

import keras
import numpy as np
import pytest

import keras_tricks as kt

from_torch = kt.schedules.from_torch


def curve(schedule, count):
    return keras.ops.convert_to_numpy(schedule(keras.ops.arange(count)))


def test_every_is_the_length_of_a_call():
    schedule = from_torch("StepLR", lr=0.4, step_size=2, gamma=0.5, every=3)
    expected = [0.4 * 0.5 ** (step // 3 // 2) for step in range(30)]
    np.testing.assert_allclose(curve(schedule, 30), expected, rtol=1e-7)


def test_cosine_stays_at_its_end():
    schedule = from_torch("CosineAnnealingLR", lr=0.4, T_max=6, eta_min=0.01, every=2)
    expected = [
        0.01 + 0.39 * (1 + math.cos(math.pi * min(step // 2, 6) / 6)) / 2
        for step in range(20)
    ]
    np.testing.assert_allclose(curve(schedule, 20), expected, rtol=1e-6)


def test_one_cycle_has_its_peak_a_step_early_and_a_momentum():
    schedule = from_torch("OneCycleLR", max_lr=0.1, epochs=5, steps_per_epoch=4)
    rates = curve(schedule, 20)
    np.testing.assert_allclose(rates[[0, 5, 19]], [0.004, 0.1, 4e-7], rtol=1e-6)
    momentum = curve(schedule.momentum(0.9, 0.8), 20)
    np.testing.assert_allclose(momentum[[0, 5, 19]], [0.9, 0.8, 0.9], rtol=1e-6)


def test_exponential_does_not_drift():
    schedule = from_torch("ExponentialLR", lr=0.1, gamma=0.9999)
    expected = 0.1 * 0.9999 ** np.arange(50_000)
    np.testing.assert_allclose(curve(schedule, 50_000), expected, rtol=1e-6)


def test_schedule_can_be_saved():
    schedules = [("LinearLR", {"start_factor": 0.1}), ("StepLR", {"step_size": 3})]
    schedule = from_torch(
        "SequentialLR", lr=0.1, schedulers=schedules, milestones=[5], every=2
    )
    config = keras.saving.serialize_keras_object(schedule)
    again = keras.saving.deserialize_keras_object(config)
    np.testing.assert_array_equal(curve(again, 40), curve(schedule, 40))


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("LambdaLR", {}, ValueError, "`name` must be one of 'ConstantLR', 'LinearLR'"),
        (
            "StepLR",
            {"lr": 0.1, "step": 3},
            TypeError,
            r"`StepLR` takes here: lr, every, step_size, gamma=0.1. Received: lr, step",
        ),
        ("StepLR", {"step_size": 3}, TypeError, "takes here: lr"),
        (
            "OneCycleLR",
            {"max_lr": 0.1, "total_steps": 9, "max_momentum": 0.9},
            TypeError,
            "Received: max_lr, total_steps, max_momentum",
        ),
        ("OneCycleLR", {"max_lr": 0.1}, TypeError, "Or give `total_steps`"),
        (
            "OneCycleLR",
            {"max_lr": 0.1, "total_steps": 9, "anneal_strategy": "sin"},
            ValueError,
            "`anneal_strategy` must be one of 'cos', 'linear'",
        ),
        ("ExponentialLR", {"lr": 0.1, "gamma": 1}, ValueError, "both excluded"),
        ("StepLR", {"lr": 0.1, "step_size": 3, "every": 0}, ValueError, "`every`"),
        (
            "SequentialLR",
            {
                "lr": 0.1,
                "schedulers": [("LinearLR", {}), ("StepLR", {"step_size": 3})],
                "milestones": [4],
            },
            ValueError,
            "a LinearLR up to",
        ),
    ],
)
def test_bad_argument_is_refused(name, arguments, error, message):
    with pytest.raises(error, match=message):
        from_torch(name, **arguments)


def rates_of_torch(make, count, every):
    """Return the rate of each step in a loop that calls the scheduler regularly."""
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.4, momentum=0.9)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    rates = []
    for step in range(1, count + 1):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step % every == 0:
            scheduler.step()
    return rates


@pytest.mark.reference
@pytest.mark.parametrize("every", [1, 7])
@pytest.mark.parametrize(
    ("name", "arguments", "ours", "calls"),
    [
        ("ConstantLR", {"factor": 0.5, "total_iters": 4}, {}, 9),
        ("LinearLR", {}, {}, 9),
        (
            "LinearLR",
            {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 50},
            {},
            60,
        ),
        ("StepLR", {"step_size": 5}, {}, 30),
        ("StepLR", {"step_size": 2, "gamma": 0.9}, {}, 90),
        ("MultiStepLR", {"milestones": [3, 8], "gamma": 0.2}, {}, 20),
        ("ExponentialLR", {"gamma": 0.95}, {}, 90),
        ("PolynomialLR", {"total_iters": 50}, {}, 60),
        ("PolynomialLR", {"total_iters": 50, "power": 2.0}, {}, 60),
        ("CosineAnnealingLR", {"T_max": 50}, {}, 51),
        ("CosineAnnealingLR", {"T_max": 50, "eta_min": 1e-3}, {}, 51),
        ("CosineAnnealingWarmRestarts", {"T_0": 20}, {"cycles": 3}, 60),
        (
            "CosineAnnealingWarmRestarts",
            {"T_0": 10, "T_mult": 2, "eta_min": 1e-3},
            {"cycles": 3},
            70,
        ),
        ("OneCycleLR", {"max_lr": 0.4, "total_steps": 60}, {}, 60),
        ("OneCycleLR", {"max_lr": 0.4, "epochs": 7, "steps_per_epoch": 9}, {}, 63),
        (
            "OneCycleLR",
            {
                "max_lr": 0.4,
                "total_steps": 61,
                "pct_start": 0.22,
                "anneal_strategy": "linear",
                "div_factor": 10.0,
                "final_div_factor": 100.0,
                "three_phase": True,
            },
            {},
            61,
        ),
    ],
)
def test_rate_of_every_step_is_that_of_torch(name, arguments, ours, calls, every):
    def make(torch_schedulers, optimizer):
        return getattr(torch_schedulers, name)(optimizer, **arguments)

    # The last call is not made: torch's OneCycleLR allows no more.
    theirs = rates_of_torch(make, calls * every - 1, every)
    lr = {} if name == "OneCycleLR" else {"lr": 0.4}
    mine = curve(from_torch(name, every=every, **lr, **arguments, **ours), len(theirs))
    # Keras's PolynomialDecay subtracts from 1 in float32.
    close = 4e-8 if "power" in arguments else 0
    np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=close)


@pytest.mark.reference
@pytest.mark.parametrize("every", [1, 7])
@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        ("CosineAnnealingLR", {"T_max": 45, "eta_min": 1e-3}),
        ("StepLR", {"step_size": 10}),
        ("ExponentialLR", {"gamma": 0.97}),
    ],
)
# SequentialLR of torch 2.13 passes `epoch` to the next scheduler's `step` itself.
@pytest.mark.filterwarnings("ignore:The epoch parameter in:UserWarning")
def test_rate_of_every_step_is_that_of_torchvision(main, arguments, every):
    warmup = {"start_factor": 0.01, "total_iters": 5}

    def make(torch_schedulers, optimizer):
        return torch_schedulers.SequentialLR(
            optimizer,
            [
                torch_schedulers.LinearLR(optimizer, **warmup),
                getattr(torch_schedulers, main)(optimizer, **arguments),
            ],
            [5],
        )

    schedule = from_torch(
        "SequentialLR",
        lr=0.4,
        schedulers=[("LinearLR", warmup), (main, arguments)],
        milestones=[5],
        every=every,
    )
    theirs = rates_of_torch(make, 50 * every, every)
    np.testing.assert_allclose(curve(schedule, 50 * every), theirs, rtol=1e-6)


@pytest.mark.reference
def test_momentum_of_every_step_is_that_of_torch():
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1, momentum=0.9)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=60)
    theirs = []
    for _ in range(59):
        theirs.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        cycle.step()
    mine = from_torch("OneCycleLR", max_lr=0.1, total_steps=60).momentum()
    np.testing.assert_allclose(curve(mine, 59), theirs, rtol=1e-6)
