"""Validation data that were prepared in another way than the training data.

Seen: training scores rise, validation scores stay at chance or jump about; the
validation loss is huge.

Measured, for each input and for targets that are values: the standard deviation of the
validation data over that of the training data, beyond `RATIO` (targets
`TARGET_RATIO`) or below one over it; the distance of their means in standard
deviations, `SHIFT`; for tables the same per column, `COLUMNS` of which must differ; the
ranges that they fill, if these are two different ones of `RANGES`. For classes: numbers
shifted by one, or rows of a class that training does not have (`ABSENT`).

Silent: with `validation_split`, below `ROWS` validation rows. A shift of the mean alone
is a warning, since it may be drift; so is a ratio below `TARGET_RATIO` of a series.

Fix: the same function for both, with what was measured on the training data:

    mean, std = x_train.mean(0), x_train.std(0)
    x_train, x_val = (x_train - mean) / std, (x_val - mean) / std

Source: `RATIO` and `SHIFT` as in the doctor's catalogue of data faults.
"""

import dataclasses

import numpy as np

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring import samples as _samples

RATIO = 3.0
TARGET_RATIO = 10.0
SHIFT = 1.0
COLUMNS = 0.6
FEWEST_COLUMNS, MOST_COLUMNS = 5, 200
# Ranges that pixels are brought to.
RANGES = ((0, 1), (-1, 1), (-0.5, 0.5), (0, 255), (-128, 127), (-127.5, 127.5))
ABSENT = 0.5
ROWS = 10


def before(evidence):
    """Compare the validation data with the training data."""
    data, validation = evidence.data, evidence.validation
    if validation is None or evidence.plan.validation_split:
        return None
    if validation.rows < ROWS or data.rows < ROWS:
        return None
    if data.not_finite or validation.not_finite:
        return None
    tokens = _samples.embedded(evidence)
    pairs = list(zip(data.inputs, validation.inputs, strict=False))
    for index, (train, other) in enumerate(pairs):
        if train.dtype.kind not in "biuf" or other.dtype.kind not in "biuf":
            continue
        name = _samples.place("x", index, len(pairs))
        if index not in tokens and (found := _of_values(train, other, RATIO, name)):
            return found
    for task, other in zip(evidence.tasks, validation.targets, strict=False):
        if other.dtype.kind in "biuf" and (found := _of_targets(task, other)):
            return found
    return None


def _of_values(train, other, limit, name):
    mine, theirs = _samples.spread(train), _samples.spread(other)
    stds = mine["std"], theirs["std"]
    if min(stds) <= 0:
        return None
    ratio, shift = stds[1] / stds[0], abs(mine["mean"] - theirs["mean"]) / max(stds)
    differ = _differing_columns(train, other, limit)
    ranges = _range(mine), _range(theirs)
    other_range = None not in ranges and ranges[0] != ranges[1]
    alike = 1 / limit <= ratio <= limit and shift <= SHIFT and differ < COLUMNS
    if alike and not other_range:
        return None
    # A series may calm down or grow: what it is scaled by is farther off.
    sure = TARGET_RATIO if train.ndim == 3 else limit
    scaled = not 1 / sure <= ratio <= sure or differ >= COLUMNS
    sure = scaled or other_range
    columns = f"; so do {differ:.0%} of the columns" if differ >= COLUMNS else ""
    return Finding(
        name="val-preproc",
        severity="error" if sure else "warning",
        where=f"validation_data ({name})",
        evidence=f"{name} is {_words(mine)} in training and {_words(theirs)} in "
        f"validation{columns}",
        why="What was learnt on one scale says nothing on the other.",
        fix="prepare both with the same function and the numbers of the training data",
        confidence=0.9 if sure else 0.5,
        numbers={"ratio": ratio, "shift": shift, "columns": differ},
    )


def _differing_columns(train, other, limit):
    """Return the share of a table's columns that differ."""
    if train.ndim != 2 or not FEWEST_COLUMNS <= train.shape[1] <= MOST_COLUMNS:
        return 0.0
    if other.shape[1:] != train.shape[1:]:
        return 0.0
    stds = train.std(0, dtype="float64"), other.std(0, dtype="float64")
    varied = np.minimum(*stds) > 0
    if varied.sum() < FEWEST_COLUMNS:
        return 0.0
    mine, theirs = stds[0][varied], stds[1][varied]
    shift = np.abs(train.mean(0) - other.mean(0))[varied] / np.maximum(mine, theirs)
    ratio = theirs / mine
    return float(((shift > SHIFT) | (ratio > limit) | (ratio < 1 / limit)).mean())


def _range(spread):
    """Return which of `RANGES` the values fill, or None."""
    for low, high in RANGES:
        near = 0.01 * (high - low)
        if abs(spread["min"] - low) < near and abs(spread["max"] - high) < near:
            return low, high
    return None


def _words(spread):
    return (
        f"{spread['mean']:.3g} ± {spread['std']:.3g} in "
        f"[{spread['min']:.3g}, {spread['max']:.3g}]"
    )


def _of_targets(task, other):
    if task.kind == "regression" and not task.autoencoder:
        return _of_values(task.target, other, TARGET_RATIO, "y")
    if not task.classifies or other.shape[1:] != task.target.shape[1:]:
        return None
    mine = task.target if task.form == "ids" else task.labels
    if task.form == "ids":
        theirs = other
    else:
        theirs = dataclasses.replace(task, target=other).labels
    absent, _ = _samples.class_distance(mine.ravel(), theirs.ravel())
    ends = mine.min(), mine.max(), theirs.min(), theirs.max()
    moved = ends[2] - ends[0]
    shifted = task.form == "ids" and abs(moved) == 1 and ends[3] - ends[1] == moved
    if absent < ABSENT and not shifted:
        return None
    return Finding(
        name="val-preproc",
        severity="error",
        where="validation_data (y)",
        evidence=f"classes are {ends[0]:g} to {ends[1]:g} in training and {ends[2]:g} "
        f"to {ends[3]:g} in validation; {absent:.0%} of the validation rows are of "
        "classes that training does not have",
        why="The same class has two numbers, so a right answer counts as wrong.",
        fix=f"y_val = y_val - {moved:g}"
        if shifted
        else "number the classes of both with the same table",
        confidence=0.9,
        numbers={"absent": absent},
    )
