"""The last activation cannot reach the targets.

Seen: predictions stick to a bound (0, 1 or -1), the loss comes to rest far above 0.

Measured: the share of targets outside the activation's range, over all rows, and how
much of their variance is lost when they are moved into it. More than `OUTSIDE` of the
targets make a finding; more than `LOST` of the variance make it an error by itself,
but for a hinge, which needs the sign alone.

Silent: where class ids are the targets of a categorical loss, and on activations that
cannot be told.

Fix: `Dense(units)` without activation, or targets scaled into the range.

Source: relu and softplus give [0, ∞), sigmoid and softmax [0, 1], tanh [-1, 1].
Hinge losses take 0 and 1 as -1 and 1, so a sigmoid reaches one of them only.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring.heads import RANGES, heads_of

OUTSIDE = 0.01
LOST = 0.3
SLACK = 1e-3


def before(evidence):
    """Count the targets outside the range of the head."""
    for head, task in heads_of(evidence):
        target = _target(head, task)
        if target is None or head.last not in RANGES:
            continue
        low, high = RANGES[head.last]
        slack = SLACK * max(1.0, float(np.ptp(target)))
        outside = float(((target < low - slack) | (target > high + slack)).mean())
        if outside <= OUTSIDE:
            continue
        moved = ((np.clip(target, low, high) - target) ** 2).mean()
        lost = float(moved / max(target.var(), 1e-12))
        certain = lost > LOST and head.loss.kind != "hinge"
        return Finding(
            name="out-range",
            severity="error" if certain or evidence.sick else "warning",
            where=head.name,
            evidence=f"{head.last} gives [{low}, {high}]; the targets are in "
            f"[{target.min():.4g}, {target.max():.4g}], {outside:.0%} of them outside",
            why="No weights can bring the output to targets beyond its bounds.",
            fix=f"Dense({head.units}) without activation",
            confidence=0.95 if certain else 0.7,
            numbers={"outside": outside, "lost": min(lost, 1.0)},
        )
    return None


def _target(head, task):
    """Return the targets as the loss compares them with the output, or None."""
    if (
        head.loss is None
        or task.kind == "unknown"
        or task.target.dtype.kind not in "iuf"
    ):
        return None
    if task.form == "ids" and task.kind == "multiclass":
        return None
    target = task.target.astype("float64")
    if head.loss.kind == "hinge" and target.min() >= 0:
        target = 2 * target - 1
    return target if np.isfinite(target).all() else None
