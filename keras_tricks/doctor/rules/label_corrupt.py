"""Targets that were destroyed on their way: scaled, cast, cut, out of range.

Seen: a loss that is NaN or negative, or stays at a high floor; an error on the CPU that
is none on a GPU.

Measured, against what the loss takes: texts or objects as targets; fractions, negative
ids or ids beyond the units under a sparse loss whose number of different labels would
fit; two or a few labels outside [0, 1], or all far below 1, under a binary
cross-entropy or a sigmoid; rows that are one-hot but not of 1, or all 0, under a
categorical cross-entropy; values of a regression that are all the same.

Silent: targets of many values under a cross-entropy (see loss-mismatch); labels without
a gap that start at 1 (see out-units); `ignore_class`; losses of the user's own.

Fix: number the classes from 0, and leave them unscaled:

    values, y = np.unique(y, return_inverse=True)

Source: the documentation of the losses in `keras.losses`.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding

# What this brings about is not said again.
EXPLAINS = {
    "loss-mismatch",
    "lr-high",
    "lr-low",
    "out-range",
    "out-units",
    "target-scale",
    "too-few-epochs",
}
FEW = 20
ROWS = 8
# Rows of a one-hot target that may be all 0, as for rows to be left out.
EMPTY = 0.05
# Labels that never come so far are scaled: a mean of raters would.
HALF = 0.5


def before(evidence):
    """Look for targets that the loss cannot mean."""
    data = evidence.data
    for target in data.targets:
        if target.dtype.kind not in "biuf":
            return _finding(
                f"y holds {target.dtype} values",
                "The loss needs numbers.",
                "values, y = np.unique(y, return_inverse=True)",
            )
    if data.not_finite or data.rows < ROWS or not evidence.tasks:
        return None
    for index, task in enumerate(evidence.tasks):
        loss = evidence.losses[index]
        if loss is None or loss.kind == "custom" or task.autoencoder:
            continue
        found = _judge(evidence, task.target, loss, *_head(evidence, index))
        if found is not None:
            return found
    return None


def _head(evidence, index):
    """Return units and last activation of an output."""
    if evidence.graph is None:
        return None, None
    head = evidence.graph.heads[index]
    return head.units, head.activation[-1] if head.activation else None


def _judge(evidence, target, loss, units, last):
    if loss.name.startswith("sparse"):
        return _of_ids(evidence, target, units)
    if loss.name.startswith("binary"):
        return _of_probabilities(target)
    if loss.name.startswith("categorical") and target.ndim > 1 and target.shape[-1] > 1:
        return _of_rows(target.reshape(-1, target.shape[-1]))
    if loss.kind == "value" and last == "sigmoid" and np.min(target) == 0:
        return _of_probabilities(target) if len(np.unique(target)) == 2 else None
    if loss.kind == "value" and last != "softmax":
        return _of_values(target)
    return None


def _of_ids(evidence, target, units):
    values = np.unique(target)
    if (values != np.round(values)).any():
        return _finding(
            f"y holds fractions such as {values[values != np.round(values)][0]:.4g}, "
            "and the loss cuts them to whole numbers",
            "Different classes become one.",
            "y = y.astype(int), before anything scales it",
        )
    ignored = getattr(evidence.model.loss, "ignore_class", None)
    values = values[values != ignored]
    if not len(values) or not units or len(values) < 2:
        return None
    if len(values) > units and values.min() >= 0:
        return None
    gaps = values.max() - values.min() >= len(values)
    if values.min() >= 0 and not (gaps and values.max() >= units):
        return None
    return _finding(
        f"y has {len(values)} different values from {values.min():g} to "
        f"{values.max():g}, the {units} units stand for 0 to {units - 1}",
        "Rows of such a class have no unit: an error, NaN, or rows that are skipped.",
        "values, y = np.unique(y, return_inverse=True)",
    )


def _of_probabilities(target):
    values = np.unique(target)
    low, high = values[0], values[-1]
    outside = low < 0 or high > 1
    scaled = len(values) == 2 and high < HALF
    if len(values) > FEW or len(values) < 2 or not (outside or scaled):
        return None
    return _finding(
        f"y is {', '.join(f'{value:.4g}' for value in values[:4])}"
        f"{', ...' if len(values) > 4 else ''} where 0 and 1 are meant",
        "The loss then has its least value where no output is right.",
        f"y = (y == {high:.4g}).astype('float32')"
        if len(values) == 2
        else "one column of 0 and 1 per class",
    )


def _of_rows(rows):
    single = (rows != 0).sum(1) == 1
    empty = (rows == 0).all(1).mean()
    if (single | (rows == 0).all(1)).mean() >= 0.99 and single.any():
        sizes = np.unique(rows[single].sum(1))
        if len(sizes) == 1 and abs(sizes[0] - 1) > 1e-3:
            return _finding(
                f"the rows of y are one-hot, but with {sizes[0]:.4g} in place of 1",
                "The loss and all steps are scaled by that.",
                f"y = y / {sizes[0]:.4g}",
            )
        if empty > EMPTY:
            return _finding(
                f"{empty:.0%} of the rows of y are 0 in every column",
                "Such a row teaches nothing: its class was lost.",
                "y = keras.utils.to_categorical(labels)",
            )
    few = all(len(np.unique(column)) == 2 for column in rows.T)
    if few and rows.min() < 0 and single.mean() < 0.5:
        return _finding(
            f"the columns of y have two values each, but down to {rows.min():.3g}",
            "One-hot columns were standardised, and the loss takes shares.",
            "y = (y > 0).astype('float32')",
        )
    return None


def _of_values(target):
    if (target != target[:1]).any():
        return None
    value = float(np.ravel(target)[0])
    # A residual that is to vanish has 0.0 as its target.
    severity = "warning" if value == 0 and target.dtype.kind == "f" else "error"
    return _finding(
        f"all {len(target):,} targets are the same ({value:.4g})",
        "There is nothing to be told from x; were they cast to integers?",
        "check the step that makes y: np.unique(y)",
        severity,
    )


def _finding(evidence, why, fix, severity="error"):
    return Finding(
        name="label-corrupt",
        severity=severity,
        where="y",
        evidence=evidence,
        why=why,
        fix=fix,
        confidence=0.9,
    )
