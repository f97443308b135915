"""The loss does not fit the task.

Seen: learning is slow, or the metric does not follow the loss, or the loss is negative.

Measured: the kind of the targets against the loss. Certain: a categorical cross-entropy
over one unit; `sparse_categorical_crossentropy` with one-hot rows or values that are no
ids; any other loss over several units with ids; a cross-entropy of targets of which
more than `OUTSIDE` leave [0, 1]; `mean_squared_logarithmic_error` or `poisson` of
negative targets. Harmful at times: classes or distributions learnt by a loss of values
or a hinge, `binary_crossentropy` under a softmax of more than two classes, a percentage
of targets that are 0. Where the planned training does not succeed on a copy and does
with the usual loss, that is an error.

Silent: on squared errors of two classes, and of more where the network learns, but for
a note; on autoencoders of values in [0, 1]; on losses of the user's own.

Fix: `loss="sparse_categorical_crossentropy"` for ids, `"categorical_crossentropy"` for
one-hot rows, `"binary_crossentropy"` for 0 and 1, `"mean_squared_error"` for values.

Source: an absolute error of 0 and 1 is lowest at the median, which is one class; its
gradient vanishes where a sigmoid is sure and wrong.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring.heads import heads_of
from keras_tricks.doctor.measuring.repair import task_loss

OUTSIDE = 0.01
CLASSES = ("binary", "multiclass", "multilabel", "distribution")
LOSSES = {
    "binary": "binary_crossentropy",
    "multilabel": "binary_crossentropy",
    "multiclass": "categorical_crossentropy",
    "distribution": "categorical_crossentropy",
}


def before(evidence):
    """Look for a pair of loss and targets that do not go together."""
    for head, task in heads_of(evidence):
        if head.loss is None or head.loss.kind == "custom":
            continue
        certain = _certain(head, task)
        why = certain or _harmful(head, task)
        if why is None:
            continue
        severity, confidence, tried = "error", 0.9, ""
        if not certain:
            severity, confidence = _severity(evidence, head, task)
            tried = _tried(evidence, task)
            if tried:
                severity, confidence = "error", 0.8
        fix = LOSSES.get(task.kind, "mean_squared_error")
        if task.form == "ids" and task.kind == "multiclass":
            fix = f"sparse_{fix}"
        return Finding(
            name="loss-mismatch",
            severity=severity,
            where=f"loss {head.loss.name}",
            evidence=f"{head.loss.name} for {_said(task)}",
            why=why,
            fix=f"loss='{fix}'",
            tried=tried,
            confidence=confidence,
        )
    return None


def _tried(evidence, task):
    """Say what the usual loss brings where the planned training does not succeed."""
    if task.kind not in CLASSES or not evidence.sick:
        return ""
    run = evidence.trial(repairs=("loss",))
    if not evidence.cures(run, evidence.rehearsal):
        return ""
    return evidence.tried(f"loss={task_loss(task)!r}", run, evidence.rehearsal)


def _certain(head, task):
    name, target = head.loss.name, task.target
    sparse = name.startswith("sparse")
    if "categorical" in name and not sparse and head.units == 1:
        return (
            "Divided by its sum, a single unit is always 1, and so the loss always 0."
        )
    if sparse and target.ndim == len(head.shape) and target.shape[-1] > 1:
        return "It takes class ids, one per row, not columns of 0 and 1."
    if target.dtype.kind not in "iuf" or not np.isfinite(target).all():
        return None
    if sparse:
        whole = (target == np.round(target)).mean() > 1 - OUTSIDE
        return None if whole else "It takes whole class ids from 0 upwards."
    if task.form == "ids" and task.kind == "multiclass" and head.units > 1:
        return "It takes one column per class, not ids."
    if head.loss.is_crossentropy or name == "kl_divergence":
        outside = ((target < 0) | (target > 1)).mean()
        if outside > OUTSIDE:
            return (
                f"{outside:.0%} of the targets are no probabilities: below 0 or above "
                "1 the loss falls without end."
            )
    if name in ("poisson", "mean_squared_logarithmic_error"):
        return (
            "Its logarithm wants targets from 0 upwards." if target.min() < 0 else None
        )
    return None


def _harmful(head, task):
    name, classes = head.loss.name, task.kind in CLASSES
    if head.loss.kind == "hinge" and head.units > 1 and task.kind == "multiclass":
        wanted = "categorical_hinge"
        return None if name == wanted else "It judges each column apart, by its sign."
    if head.loss.kind == "value" and classes and not task.autoencoder:
        return "It hardly punishes what is sure and wrong, so its gradient fades there."
    exclusive = task.kind == "multiclass" and task.form == "one-hot" and head.units > 2
    if name == "binary_crossentropy" and exclusive and head.last == "softmax":
        return "It judges each class apart: most of the loss is of classes not there."
    if name == "mean_absolute_percentage_error" and (task.target == 0).mean() > OUTSIDE:
        return "It divides by the target, which is 0 at times."
    return None


def _severity(evidence, head, task):
    """Squared errors are the mildest of them, and of two classes harmless."""
    squared = head.loss.name in ("mean_squared_error", "huber", "log_cosh")
    if squared and task.kind in ("binary", "multilabel"):
        return "note", 0.3
    if evidence.sick:
        return "error", 0.7
    return ("note", 0.3) if squared else ("warning", 0.5)


def _said(task):
    if task.kind in ("binary", "multiclass"):
        form = "one-hot rows" if task.form == "one-hot" else "class ids"
        return f"{form} of {task.classes} classes"
    if task.kind in ("multilabel", "distribution"):
        return f"{task.kind} rows of {task.classes} columns"
    if task.target.dtype.kind not in "iuf":
        return f"targets of type {task.target.dtype}"
    return f"values from {task.target.min():.4g} to {task.target.max():.4g}"
