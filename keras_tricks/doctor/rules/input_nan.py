"""NaN or infinity among the inputs, the targets or the weights of the rows.

Seen: the loss is NaN within the first epoch, and all weights with it.

Measured: how many values of x, y, the sample weights and the validation data are NaN
or infinite once they are cast as `fit` casts them. A float64 beyond 3.4e38 becomes
infinite by that.

Silent: for targets under a loss of the user's own that gives a finite value all the
same, as one that masks missing targets does. NaN only in the validation data is a
warning: the training survives, its figures do not.

Fix: leave the rows out, or fill the values:

    keep = np.isfinite(x).all(axis=1)
    x, y = x[keep], y[keep]

Source: any sum with a NaN is NaN (IEEE 754), so one value reaches every weight.
"""

import math

from keras_tricks.doctor.finding import Finding

# What this brings about is not said again.
EXPLAINS = {"init-scale", "lr-high", "lr-low", "optimizer-default"}


def before(evidence):
    """Look for values that are no finite numbers."""
    found = dict(evidence.data.not_finite)
    if found and all(place.startswith("y") for place in found) and _masked(evidence):
        found = {}
    severity = "error"
    if not found and evidence.validation is not None:
        found, severity = evidence.validation.not_finite, "warning"
    if not found:
        return None
    place, count = max(found.items(), key=lambda item: item[1])
    total = sum(found.values())
    target = place.split("[")[0]
    return Finding(
        name="input-nan",
        severity=severity,
        where=", ".join(found),
        evidence=f"{total:,} values are NaN or infinite, {count:,} of them in {place}",
        why="One NaN in a batch makes the loss NaN, and its step all weights."
        if severity == "error"
        else "Every loss and metric of the validation will be NaN.",
        fix=_fix(target),
        confidence=0.99,
        numbers={"values": total},
    )


def _masked(evidence):
    custom = any(loss and loss.kind == "custom" for loss in evidence.losses)
    return custom and math.isfinite(evidence.start.loss)


def _fix(target):
    if target not in ("x", "y"):
        return "fill or leave out the NaN: np.nan_to_num(...)"
    return f"keep = np.isfinite({target}.reshape(len({target}), -1)).all(1); x, y = x[keep], y[keep]"  # noqa: E501
