"""The learning rate over a planned training."""

import keras
import numpy as np

from keras_tricks.doctor.measuring.training import rate_of, with_rate

MOST_EPOCHS = 1000


def planned_optimizer(optimizer, plan):
    """Return the optimizer, with the schedule that a callback of the plan gives it."""
    rates = _of_epochs(optimizer, plan)
    if rates is None:
        return optimizer
    steps = plan.steps_per_epoch or 1
    bounds = [steps * epoch - 1 for epoch in range(1, len(rates))]
    if not bounds:
        bounds, rates = [steps], rates * 2
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(bounds, rates)
    return with_rate(optimizer, schedule)


def planned_rates(optimizer, plan):
    """Return the rate at every hundredth of the plan, an array."""
    last = max((plan.steps or 1000) - 1, 0)
    steps = np.linspace(0, last, 101).astype(int)
    return np.array([rate_of(optimizer, int(step)) for step in steps])


def _of_epochs(optimizer, plan):
    """Return the rates of the epochs from a LearningRateScheduler, or None."""
    for callback in plan.callbacks:
        if isinstance(callback, keras.callbacks.LearningRateScheduler):
            rate, rates = rate_of(optimizer, 0), []
            for epoch in range(min(plan.epochs, MOST_EPOCHS)):
                try:
                    rate = float(callback.schedule(plan.first_epoch + epoch, rate))
                except TypeError:
                    rate = float(callback.schedule(plan.first_epoch + epoch))
                rates.append(rate)
            return rates
    return None
