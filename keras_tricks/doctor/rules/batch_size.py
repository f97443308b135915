"""The batch is too large for the data, or too small to learn from.

Seen: few steps in an epoch, each of them good, and the loss far from where it could be.

Measured: a batch holds more than `SHARE` of the rows, or an epoch has fewer than
`STEPS` steps. The planned training does not succeed on a copy, and does with batches of
`SMALL` or less over the same epochs. Or a batch has at most `TINY` rows, and those of
`SMALL` succeed.

Silent: on a batch of all rows that learns, as toys do.

Fix: `batch_size=32`.

Source: Masters and Luschi, *Revisiting small batch training*, 2018: 2 to 32 did best.
"""

from keras_tricks.doctor.finding import Finding

LATE = True
SHARE = 0.1
STEPS = 15
SMALL = 32
TINY = 2


def before(evidence):
    """Repeat a training that fails with smaller batches."""
    plan, size = evidence.plan, evidence.data.size or 0
    large = size and (
        plan.batch_size > SHARE * size or (plan.steps_per_epoch or STEPS) < STEPS
    )
    tiny = plan.batch_size <= TINY and size > TINY * SMALL
    if not evidence.lame or not (tiny or (large and plan.batch_size > SMALL)):
        return None
    better = SMALL if tiny else min(SMALL, max(1, size // STEPS))
    run = evidence.change(batch_size=better)
    if not evidence.cures(run):
        return None
    return Finding(
        name="batch-size",
        severity="error" if evidence.fails else "warning",
        where="batch_size",
        evidence=f"a batch of {plan.batch_size} is {plan.batch_size / size:.0%} of the "
        f"rows: {plan.steps} steps in all",
        why="Steps that follow single rows lead nowhere."
        if tiny
        else "An epoch of few steps hardly moves the weights.",
        fix=f"batch_size={better}",
        tried=evidence.tried(f"batches of {better}", run),
        confidence=0.7,
        numbers={"batch_size": plan.batch_size, "rows": size},
    )
