"""What is to be learnt, told from the targets and the loss, and how well it is."""

import dataclasses

import numpy as np

from keras_tricks.doctor.measuring.data import leaves

# A column of whole numbers with at most this many values can be a class.
MOST_CLASSES = 1000
MOST_NAMED = 20


@dataclasses.dataclass(frozen=True)
class Task:
    """The task of one output.

    Attributes:
        kind: "binary", "multiclass", "multilabel", "distribution", "regression" or
            "unknown".
        form: "ids", "one-hot" or "values".
        target: The targets, one array.
        classes: Number of classes, or None.
        counts: Rows of each class, or None.
        autoencoder: Whether the target is the input.
        threshold: Where a binary decision is taken on the output.
        boundary: Where the targets of two classes part.
    """

    kind: str
    form: str
    target: np.ndarray
    classes: int | None = None
    counts: np.ndarray | None = None
    autoencoder: bool = False
    threshold: float = 0.5
    boundary: float = 0.5

    @property
    def classifies(self):
        """Whether the targets are classes."""
        return self.kind in ("binary", "multiclass")

    @property
    def labels(self):
        """Class ids of the rows; for `classifies` only."""
        if self.form == "one-hot":
            return self.target.reshape(-1, self.target.shape[-1]).argmax(-1)
        labels = self.target.ravel()
        if self.kind == "binary":
            labels = labels > self.boundary
        return labels.astype(int)


def by_output(model, y):
    """Return the arrays of the targets in the order of the model's outputs."""
    names = getattr(model, "output_names", None) or []
    if isinstance(y, dict) and set(y) == set(names):
        return [np.asarray(y[name]) for name in names]
    return leaves(y)


def tasks_of(targets, inputs, losses, units):
    """Return a `Task` for each output.

    Args:
        targets: Arrays, one per output.
        inputs: Arrays of the model's input.
        losses: Name of the loss per output, or None where unknown.
        units: Size of the last axis of each output.
    """
    return [
        _task(target, inputs, loss or "", size)
        for target, loss, size in zip(targets, losses, units, strict=True)
    ]


def _task(target, inputs, loss, units):
    same = any(
        target is array
        or (target.shape == array.shape and np.array_equal(target, array))
        for array in inputs
    )
    if target.dtype.kind not in "biuf" or not np.isfinite(target).all():
        return Task("unknown", "values", target)
    if same:
        return Task("regression", "values", target, autoencoder=True)
    vector = target.ndim == 1 or target.shape[-1] == 1
    if "sparse" in loss or (vector and _may_be_ids(target, loss, units)):
        return _ids(target, loss, units)
    if vector:
        return Task("regression", "values", target)
    rows = target.reshape(-1, target.shape[-1])
    sums = rows.sum(-1)
    if ((rows == 0) | (rows == 1)).all():
        if (sums == 1).mean() >= 0.99:
            counts = rows.sum(0).astype(int)
            return Task("multiclass", "one-hot", target, rows.shape[1], counts)
        return Task("multilabel", "one-hot", target, rows.shape[1], rows.sum(0))
    if (rows >= 0).all() and (abs(sums - 1) < 1e-3).mean() >= 0.99:
        smoothed = len(np.unique(np.round(rows[:512], 4))) == 2
        if smoothed:
            counts = np.bincount(rows.argmax(-1), minlength=rows.shape[1])
            return Task("multiclass", "one-hot", target, rows.shape[1], counts)
        return Task("distribution", "values", target, rows.shape[1])
    return Task("regression", "values", target)


def _may_be_ids(target, loss, units):
    values = np.unique(target)
    if len(values) > MOST_CLASSES or (values != np.round(values)).any():
        return False
    if set(values.tolist()) <= {0, 1} or set(values.tolist()) == {-1, 1}:
        return True
    if "crossentropy" in loss or (units > 1 and values.min() >= 0):
        return True
    # Whole numbers in an integer array, all of them from 0 on, name classes.
    known = target.dtype.kind in "iu" and np.array_equal(values, np.arange(len(values)))
    return known and 3 <= len(values) <= MOST_NAMED


def _ids(target, loss, units):
    values = np.unique(target)
    if len(values) <= 2 and units == 1:
        counts = np.array([(target != values[-1]).sum(), (target == values[-1]).sum()])
        if len(values) == 1:
            counts = np.roll(counts, 0 if values[0] > 0 else 1)
        zero = "hinge" in loss or values.min() < 0
        middle = float(values.mean()) if len(values) == 2 else 0.0 if zero else 0.5
        at = 0.0 if zero else 0.5
        return Task("binary", "ids", target, 2, counts, threshold=at, boundary=middle)
    whole = target.ravel()
    if (whole != np.round(whole)).any() or whole.min() < 0:
        return Task("unknown", "values", target)
    counts = np.bincount(whole.astype(int), minlength=2)
    return Task("multiclass", "ids", target, len(counts), counts)


def skill(task, output, target, from_logits=False):
    """How well an output knows a target: 0 as the best constant, 1 as perfect.

    Classes count alike, however rare (balanced accuracy, scaled); values are judged by
    the share of explained variance. Never below -1; nan counts as -1.
    """
    output, target = np.asarray(output), np.asarray(target)
    if not np.isfinite(output).all():
        return -1.0
    if task.classifies:
        shares = recalls(task, output, target, from_logits)
        return -1.0 if shares is None else _above_guessing(shares[~np.isnan(shares)])
    if output.size != target.size:
        return -1.0
    if task.kind == "multilabel":
        columns = target.shape[-1]
        said = output.reshape(-1, columns) > (0.0 if from_logits else task.threshold)
        pairs = zip(said.T, target.reshape(-1, columns).T > 0, strict=True)
        return float(
            np.mean(
                [
                    _above_guessing(_shares(s.astype(int), t.astype(int), 2))
                    for s, t in pairs
                ]
            )
        )
    return _explained(output.reshape(target.shape), target)


def recalls(task, output, target, from_logits=False):
    """Return the share of each class that is told right, nan where it has no rows.

    Returns:
        An array, or None where output and target do not fit together.
    """
    if task.kind == "binary":
        at = 0.0 if from_logits else task.threshold
        if output.shape[-1] == 2 and output.size == 2 * target.size:
            said = output[..., 1] > output[..., 0]
        else:
            said = output > at
        said, true = said.ravel().astype(int), target.ravel() > task.boundary
        true = true.astype(int)
    else:
        true = target.argmax(-1) if task.form == "one-hot" else target
        true = true.ravel().astype(int)
        one = output.shape[-1] == 1
        said = np.round(output) if one else output.argmax(-1)
        said = said.ravel().astype(int)
    if said.shape != true.shape:
        return None
    return _shares(said, true, task.classes)


def _shares(said, true, classes):
    found = np.full(classes, np.nan)
    for value in np.unique(true):
        found[value] = (said[true == value] == value).mean()
    return found


def _above_guessing(shares):
    shares = shares[~np.isnan(shares)]
    if len(shares) < 2:
        return float(shares.mean())
    return float((shares.mean() - 1 / len(shares)) / (1 - 1 / len(shares)))


def _explained(output, target):
    # In float64: squares of large targets overflow.
    output, target = output.astype("float64"), target.astype("float64")
    variance = ((target - target.mean(0)) ** 2).mean()
    error = ((output - target) ** 2).mean()
    if variance == 0:
        return 1.0 if error < 1e-8 else 0.0
    return float(max(-1.0, 1 - error / variance))
