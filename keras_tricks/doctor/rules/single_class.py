"""All or nearly all rows carry one class.

Seen: the loss falls to zero within the first epoch, smoothly and in the same number of
steps whatever the batch size, and the accuracy is 1. Nothing was learnt but a constant.

Measured: the rows of the largest class over all rows, at least `SHARE` of them, while
fewer than `OTHERS` rows of other classes are there to learn from.

During `fit`: the loss of the steps of the first epoch goes below `LOW` of the first,
and the fixed batch holds one class. Without a fixed batch the loss must be below
`NOTHING` of the first by the middle of the epoch and hardly ever rise (`RISES`): to say
always the same needs no zigzag.

Silent: below `ROWS` rows; for targets that are not classes and losses that do not take
classes; when class or sample weights raise the rare rows (that is an imbalance known
about); for maps of classes, such as segmentations, unless they hold one class only.
A dataset of which only the first batches were read gets a warning: it may be sorted.

Fix: look at where the labels come from:

    np.unique(y, return_counts=True)

Source: with one class every row asks for the same step, so the loss falls faster and
smoother than it can with two. `SHARE` as in the doctor's catalogue of data faults.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding

# What this brings about is not said again.
EXPLAINS = {"class-imbalance", "lr-high", "lr-low", "not-learning", "too-few-epochs"}
SHARE = 0.995
OTHERS = 50
ROWS = 10
LOW = 0.05
NOTHING = 1e-3
RISES = 0.4
STEPS = 20
FEWEST = 8
BEGIN = 100


def before(evidence):
    """Look for an output whose targets are one class."""
    for index, task in enumerate(evidence.tasks):
        if task.counts is None or task.autoencoder or not _classifies(evidence, index):
            continue
        finding = _judge(evidence, task)
        if finding is not None:
            return finding
    return None


def during(watch):
    """Look at the steps of the first epoch, at least at `BEGIN`."""
    every = len(watch.step_losses) // max(watch.done, 1)
    course = watch.step_losses[: max(every, BEGIN)]
    if len(course) < FEWEST or not watch.first or watch.first <= 0:
        return None
    task = watch.task
    low = np.flatnonzero(course < LOW * watch.first)
    if not len(low) or not (
        _falls(course, watch.first) if task is None else _one(task)
    ):
        return None
    evidence = (
        f"the loss fell from {watch.first:.3g} to {course[low[0]]:.2g} in "
        f"{low[0] + 1} steps"
    )
    if task is not None:
        evidence += (
            f", and all {int(task.counts.sum())} rows looked at are of one class"
        )
    return Finding(
        name="single-class",
        severity="error" if task is not None else "warning",
        where="targets",
        evidence=evidence,
        why="To answer always the same is all that these targets teach.",
        fix="np.unique(y, return_counts=True)  # then look at how labels are read",
        confidence=0.9 if task is not None else 0.5,
        numbers={"steps": int(low[0]) + 1},
    )


def _one(task):
    return (
        task.classifies and (task.counts > 0).sum() == 1 and task.counts.sum() >= ROWS
    )


def _falls(course, first):
    """Whether the loss comes to nothing on a way that hardly ever rises."""
    head = course[: len(course) // 2]
    quick = head[-3:].max() <= NOTHING * first
    return len(course) >= STEPS and quick and np.mean(np.diff(head) > 0) <= RISES


def _classifies(evidence, index):
    """Whether loss or last activation of an output is one for classes."""
    loss, graph = evidence.losses[index], evidence.graph
    if loss is not None and loss.kind in ("probability", "hinge"):
        return True
    return graph is not None and graph.heads[index].activation[-1:] in (
        ["sigmoid"],
        ["softmax"],
    )


def _judge(evidence, task):
    data, counts = evidence.data, np.asarray(task.counts)
    rows = task.target.size if task.form == "ids" else task.target[..., 0].size
    if task.kind == "multilabel":
        if not ((counts == 0) | (counts == rows)).all() or rows < ROWS:
            return None
        share, others, name = 1.0, 0, "every label"
    else:
        share, others = counts.max() / max(rows, 1), int(rows - counts.max())
        name = f"class {int(counts.argmax())}"
    if others and rows > data.rows:
        return None
    weighted = evidence.plan.class_weight or data.weights
    true_others = others * (data.size or data.rows) / data.rows
    if rows < ROWS or share < SHARE or true_others >= OTHERS or (others and weighted):
        return None
    part = data.batched and data.size != data.rows
    what = "is the same on" if task.kind == "multilabel" else "is that of"
    return Finding(
        name="single-class",
        severity="warning" if part else "error",
        where="y",
        evidence=f"{name} {what} {rows - others:,} of {rows:,} rows ({share:.1%})"
        + (" in the first batches; are they sorted?" if part else ""),
        why="A constant output is then right: the loss falls fast and teaches nothing.",
        fix="find the rows of the other classes: np.unique(y, return_counts=True)",
        confidence=0.95,
        numbers={"share": float(share), "others": others},
    )
