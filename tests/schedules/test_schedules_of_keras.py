"""The schedules of Keras that are right, and why there are none of ours for them."""

import keras
import numpy as np
import pytest

schedules = keras.optimizers.schedules


def rates_of_torch(schedule, steps, **arguments):
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    scheduler = getattr(torch.optim.lr_scheduler, schedule)(optimizer, **arguments)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.reference
@pytest.mark.parametrize("power", [1.0, 2.0, 0.5])
def test_polynomial_decay_is_that_of_torch(power):
    theirs = rates_of_torch("PolynomialLR", 70, total_iters=50, power=power)
    mine = schedules.PolynomialDecay(0.1, 50, 0.0, power)
    mine = [float(mine(step)) for step in range(70)]
    # 1 - step / 50 in float32: .98 / .02 units in the last place close to the end.
    np.testing.assert_allclose(mine, theirs, rtol=3e-6)


@pytest.mark.reference
def test_exponential_decay_is_that_of_torch():
    mine = schedules.ExponentialDecay(0.1, 1, 0.95)
    theirs = rates_of_torch("ExponentialLR", 70, gamma=0.95)
    np.testing.assert_allclose(
        [float(mine(step)) for step in range(70)], theirs, rtol=1e-6
    )


@pytest.mark.reference
def test_exponential_staircase_is_the_step_decay_of_torch():
    mine = schedules.ExponentialDecay(0.1, 30, 0.1, staircase=True)
    theirs = rates_of_torch("StepLR", 100, step_size=30, gamma=0.1)
    np.testing.assert_allclose(
        [float(mine(step)) for step in range(100)], theirs, rtol=1e-6
    )
