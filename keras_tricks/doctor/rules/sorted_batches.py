"""Batches of one class each: the rows are sorted and not shuffled.

Seen: the loss of single steps swings up and down in blocks; the network predicts the
class it saw last.

Measured: of classes: the share of batches, in the order in which `fit` takes them, that
hold one class only, at least `PURE`. Of values: the variance inside batches over that
of all rows, below `WITHIN`.

Silent: when `fit` shuffles (arrays without `shuffle=False`), for batches below
`BATCH` rows or fewer than `BATCHES` of them, when one class has nearly all rows, and
for values in recurrent networks, where the order may be meant.

Fix:

    model.fit(x, y, shuffle=True)
    dataset = dataset.shuffle(10_000)     # before .batch

Source: a step on one class moves the constant of the output towards it, and the next
batch of another class moves it back.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding

PURE = 0.5
WITHIN = 0.1
BATCH = 8
BATCHES = 4
LARGEST = 0.8


def before(evidence):
    """Look for batches without variety."""
    data, plan = evidence.data, evidence.plan
    if (plan.shuffle and not data.batched) or len(evidence.tasks) != 1:
        return None
    if not data.batched and data.rows != data.size:
        return None
    size = plan.batch_size
    count = data.rows // size
    task = evidence.tasks[0]
    if size < BATCH or count < BATCHES or data.not_finite:
        return None
    if task.classifies and len(task.labels) == data.rows:
        found = _of_classes(task.labels[: count * size].reshape(count, size))
    elif task.kind == "regression" and not task.autoencoder and _is_table(evidence):
        found = _of_values(task.target[: count * size].reshape(count, size, -1))
    else:
        return None
    if found is None:
        return None
    run = evidence.trial(mixed=True) if evidence.sick else None
    cured = evidence.cures(run, evidence.rehearsal)
    return Finding(
        name="sorted-batches",
        severity="error" if cured else "warning",
        where="shuffle",
        evidence=found,
        why="Each step unlearns what the steps on other batches have learnt.",
        fix="dataset.shuffle(10_000) before .batch"
        if data.batched
        else "fit(..., shuffle=True)",
        tried=evidence.tried("shuffled rows", run, evidence.rehearsal) if cured else "",
        confidence=0.9 if cured else 0.6,
    )


def _is_table(evidence):
    return evidence.graph is not None and not any(
        layer.is_recurrent for layer in evidence.graph.layers
    )


def _of_classes(batches):
    largest = np.unique(batches, return_counts=True)[1].max() / batches.size
    pure = (batches == batches[:, :1]).all(1).mean()
    if largest > LARGEST or pure < PURE:
        return None
    return f"{pure:.0%} of {len(batches)} batches hold a single class"


def _of_values(batches):
    everywhere = batches.reshape(-1, batches.shape[-1]).var(0, dtype="float64").sum()
    inside = batches.var(1, dtype="float64").mean(0).sum()
    if not everywhere or inside / everywhere > WITHIN:
        return None
    return (
        f"inside a batch the targets vary {inside / everywhere:.1%} as much as over "
        f"all {len(batches)} batches"
    )
