"""Sample or class weights that drop, turn round or swell what is to be learnt.

Seen: a class is never predicted, or the loss is NaN, negative, zero or huge.

Measured: sample weights that are all zero or negative somewhere; a class in the targets
whose class weight is zero or negative; the mean weight of a row, beyond `FACTOR` or
below one over it.

Silent: for weights that are merely uneven: that is what they are for. A zero sample
weight on some rows masks them on purpose.

Fix: weights with mean 1:

    class_weight = {c: len(y) / (classes * count) for c, count in enumerate(counts)}

Source: the loss is linear in the weights, and so is the step of SGD; `FACTOR` is where
that step is a hundred times off.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding

FACTOR = 100.0


def before(evidence):
    """Look for weights that cannot be meant."""
    return _of_samples(evidence.data) or _of_classes(evidence)


def _of_samples(data):
    for weights in data.weights:
        if not np.isfinite(weights).all():
            return None  # input-nan has it
        if not weights.any():
            return _finding(
                "error", "sample_weight", "all sample weights are 0", weights.mean()
            )
        if (weights < 0).any():
            text = f"{(weights < 0).sum():,} sample weights are negative"
            return _finding("error", "sample_weight", text, weights.mean())
        if not 1 / FACTOR <= weights.mean() <= FACTOR:
            text = f"the mean sample weight is {weights.mean():.3g}"
            return _finding("warning", "sample_weight", text, weights.mean())
    return None


def _of_classes(evidence):
    given = evidence.plan.class_weight
    if not given or len(evidence.tasks) != 1 or not evidence.tasks[0].classifies:
        return None
    labels, counts = np.unique(evidence.tasks[0].labels, return_counts=True)
    weights = np.array([given.get(int(label), 1.0) for label in labels])
    bad = labels[~(weights > 0)]
    mean = float((weights * counts).sum() / counts.sum())
    if len(bad):
        text = f"class {bad[0]} has the weight {given[int(bad[0])]:g}"
        return _finding("error", "class_weight", text, mean)
    if not 1 / FACTOR <= mean <= FACTOR:
        text = f"the mean class weight of a row is {mean:.3g}"
        return _finding("warning", "class_weight", text, mean)
    return None


def _finding(severity, where, evidence, mean):
    return Finding(
        name="degenerate-weights",
        severity=severity,
        where=where,
        evidence=evidence,
        why="A weight of 0 drops rows, a negative one unlearns them."
        if severity == "error"
        else "The loss and its gradient are that many times off: so is the step.",
        fix=f"scale {where} to a mean of 1, all of it above 0",
        confidence=0.9,
        numbers={"mean": float(mean)},
    )
