"""The loss is summed over the batch where a mean is meant.

Seen: a loss in the hundreds that grows with the batch, divergence at usual rates.

Measured: the loss of the batch taken twice over that of the batch: 2 for a sum, 1 for a
mean.

Silent: where the loss cannot be computed so, or is too near 0 to divide by.

Fix: `keras.losses.MeanSquaredError(reduction="sum_over_batch_size")`, or
`ops.mean` in a loss of your own; else divide the learning rate by the batch size.

Source: the check of TheDeepChecker (Braiek and Khomh, 2022).
"""

from keras_tricks.doctor.finding import Finding

DOUBLE = (1.9, 2.1)


def before(evidence):
    """See whether twice the batch has twice the loss."""
    doubled = evidence.start.doubled
    if doubled is None or not DOUBLE[0] < doubled < DOUBLE[1]:
        return None
    names = sorted({loss.name for loss in evidence.losses if loss is not None})
    size = evidence.plan.batch_size
    return Finding(
        name="loss-reduction",
        severity="error" if evidence.sick else "warning",
        where=f"loss {', '.join(names)}",
        evidence=f"the loss of the batch taken twice is {doubled:.2f} times as high",
        why=f"Steps are {size} times those of a mean at batch size {size}.",
        fix="reduction='sum_over_batch_size'",
        confidence=0.85,
        numbers={"doubled": doubled},
    )
