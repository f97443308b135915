"""The learning rate is negative, or zero from begin to end.

Seen: the loss grows from the first step, or does not change at all.

Measured: the rate of the optimizer at a hundred steps of the plan, whatever schedule it
has: one below zero, or none above.

Silent: on a rate that reaches zero at the end, as a cosine does.

Fix: `optimizer=keras.optimizers.Adam(1e-3)`.

Source: the sign is what gradient descent is; UMLAUT's user study planted a rate of
-1e3.
"""

from keras_tricks.doctor.finding import Finding

# What this brings about is not said again.
EXPLAINS = {"lr-decay", "lr-high", "lr-low", "optimizer-default", "too-few-epochs"}


def before(evidence):
    """Read the schedule over the plan."""
    rates = evidence.rates
    if rates is None or (rates.min() >= 0 and rates.max() > 0):
        return None
    return Finding(
        name="lr-negative",
        severity="error",
        where=f"optimizer {type(evidence.model.optimizer).__name__}",
        evidence=f"the learning rate is {rates.min():.3g}",
        why="Steps go up the gradient, or nowhere.",
        fix=f"learning_rate={abs(rates).max() if rates.any() else 1e-3:.2g}",
        confidence=1.0,
        numbers={"lowest": float(rates.min()), "highest": float(rates.max())},
    )
