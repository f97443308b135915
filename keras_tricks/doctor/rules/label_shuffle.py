"""Inputs and targets are not aligned: nothing tells which target goes with which row.

Seen: the training loss falls only as far as the network can learn rows by heart; the
validation stays at chance from the first epoch to the last.

Measured: predictors that leave out the row they predict (nearest neighbours, linear,
quadratic and smooth ridge regression; over values by place and, for images and
sequences, over frequencies) against the same targets permuted. The best of them is less
than `NOTHING` standard deviations above chance; aligned targets of 500 noisy rows
reach 5 to 50. If the targets fit when they are moved by a few rows (`MOVED`), that is
said.

Silent: below `FEWEST` rows; when a copy of the network predicts rows that it did not
see (`SKILL`); for targets with a value per place; with fewer than `OTHERS` rows outside
the largest class. Only a warning for several outputs and below `SURE` rows (images
`SURE_IMAGES`, unless a copy learns its rows by heart and is at chance on others).
Sequences, ids of tokens and tables of yes and no may hold an order or a parity that no
probe sees: a warning, and only if a copy learns by heart and is at chance on others.

Fix: one permutation for both:

    order = np.random.permutation(len(x))
    x, y = x[order], y[order]

Source: a permutation test (R. A. Fisher, 1935); the z of the doctor's catalogue of data
faults is 2, here 3 since the best of several probes is judged.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring import samples as _samples
from keras_tricks.doctor.measuring.relation import relation

# What this brings about is not said again.
EXPLAINS = {
    "batch-size",
    "capacity",
    "lr-high",
    "lr-low",
    "overfit",
    "small-data",
    "too-few-epochs",
}
NOTHING = 3.0
MOVED = 6.0
FEWEST = 100
SURE = 300
SURE_IMAGES = 600
OTHERS = 20
SKILL = 0.1
BY_HEART = 0.5


def before(evidence):
    """Look for targets that no probe can tell from permuted ones."""
    data, tasks = evidence.data, evidence.tasks
    if not tasks or data.not_finite or data.rows < FEWEST:
        return None
    if any(a.dtype.kind not in "biuf" for a in data.inputs):
        return None
    if not all(_can_be_probed(task, data.rows) for task in tasks):
        return None
    embedded = _samples.embedded(evidence)
    tokens = [index in embedded for index in range(len(data.inputs))]
    found = []
    for task in tasks:
        labels = task.labels if task.classifies else None
        found.append(relation(data.inputs, task.target, labels, tokens))
        if found[-1].z >= NOTHING or found[-1].distinct < FEWEST:
            return None
    return _judge(evidence, found, any(tokens))


def _can_be_probed(task, rows):
    if task.kind == "unknown" or task.autoencoder or len(task.target) != rows:
        return False
    if task.classifies:
        if len(task.labels) != rows:
            return False
        largest = np.unique(task.labels, return_counts=True)[1].max()
        return rows - largest >= OTHERS
    return task.target.ndim <= 2 and bool((task.target != task.target[:1]).any())


def _judge(evidence, found, tokens):
    best = max(found, key=lambda one: one.z)
    run = evidence.rehearsal
    if run is not None and run.holdout_skill >= SKILL:
        return None
    shapes = [array.shape for array in evidence.data.inputs]
    images = any(_is_image(shape) for shape in shapes)
    sequences = tokens or any(len(s) > 2 and not _is_image(s) for s in shapes)
    moved, z = best.shift
    whole = evidence.data.rows == evidence.data.size
    if len(found) == 1 and whole and z >= MOVED:
        return _moved(best, moved, z)
    by_heart = (
        run is not None and run.skill >= BY_HEART and run.holdout_skill < SKILL / 2
    )
    if sequences or _is_logic(evidence.data.inputs):
        if not by_heart:
            return None
        sure = False
    else:
        enough = SURE if by_heart or not images else SURE_IMAGES
        sure = best.rows >= enough and len(found) == 1
    return Finding(
        name="label-shuffle",
        severity="error" if sure else "warning",
        where="x and y",
        evidence=f"nothing relates y to x: of {best.rows} rows the best of the probes "
        f"({best.probe}) is {best.z:.1f} standard deviations from permuted targets, "
        f"and {NOTHING:g} are the least that counts",
        why="Such rows can only be learnt by heart; nothing holds for others.",
        fix="load both again, then order = np.random.permutation(len(x)); "
        "x, y = x[order], y[order]",
        confidence=0.85 if sure else 0.4,
        numbers={"z": best.z, "correlation": best.correlation, "rows": best.rows},
    )


def _moved(best, moved, z):
    rows = "1 row" if abs(moved) == 1 else f"{abs(moved)} rows"
    n = abs(moved)
    fix = f"x, y = x[:-{n}], y[{n}:]" if moved > 0 else f"x, y = x[{n}:], y[:-{n}]"
    return Finding(
        name="label-shuffle",
        severity="error",
        where="x and y",
        evidence=f"y fits x only when it is moved by {rows}: {z:.1f} standard "
        f"deviations above permuted targets, {best.z:.1f} as it is",
        why="Each row is trained with the target of another one.",
        fix=fix,
        confidence=0.97,
        numbers={"z": best.z, "moved": moved, "z_moved": z},
    )


def _is_image(shape):
    return len(shape) == 4 or (len(shape) == 3 and min(shape[1:]) >= 16)


def _is_logic(inputs):
    few = all(a.ndim == 2 and a.shape[1] <= 32 for a in inputs)
    return few and all(len(np.unique(array)) <= 2 for array in inputs)
