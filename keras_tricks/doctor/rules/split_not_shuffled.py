"""`validation_split` takes a tail that is not like the rest.

Seen: the training accuracy goes to 1, the validation accuracy stays at 0 or far below;
classes of the tail are never predicted.

Measured: of the classes of head and tail: the rows of the tail whose class the head
does not have (`ABSENT`: error), and the distance of the two distributions (`FAR`:
error, `NEAR`: warning; half the sum of the differences), both over what the same rows
show when they are shuffled. Of values: the distance of the two cumulative
distributions of y, or of an input with up to `COLUMNS` columns: `APART` is a warning,
`DISJOINT` of y an error.

Silent: without `validation_split`, below `ROWS` rows in the tail. Sequences get a
warning at most: to predict the last part of a series may be meant.

Fix: shuffle once before `fit`, which takes the tail before it shuffles:

    order = np.random.permutation(len(x))
    model.fit(x[order], y[order], validation_split=0.2)

Source: the documentation of `keras.Model.fit`: the validation data are the last samples
of x and y, before shuffling.
"""

import dataclasses

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring import samples as _samples

ABSENT = 0.1
FAR = 0.5
NEAR = 0.2
APART = 0.6
DISJOINT = 0.85
COLUMNS = 3
ROWS = 5


def before(evidence):
    """Look for a tail that differs from the head."""
    data, validation = evidence.data, evidence.validation
    if not evidence.plan.validation_split or validation is None:
        return None
    if validation.rows < ROWS or data.rows < 2 * ROWS or data.not_finite:
        return None
    if len(evidence.tasks) != 1 or len(validation.targets) != 1:
        return None
    task, tail = evidence.tasks[0], validation.targets[0]
    if task.classifies:
        return _of_classes(task.labels, dataclasses.replace(task, target=tail).labels)
    if task.kind != "regression" or task.autoencoder or tail[:1].size != 1:
        return None
    series = any(array.ndim > 2 for array in data.inputs)
    return _of_values(data, validation, series)


def _of_classes(head, tail):
    absent, distance = _samples.class_distance(head, tail)
    chance_absent, chance = _samples.shuffled_distance(head, tail)
    over = distance - chance
    gone = absent - chance_absent
    if over < NEAR and gone < ABSENT:
        return None
    unknown = sorted(set(tail.tolist()) - set(head.tolist()))
    what = (
        f"{absent:.0%} of its rows are of classes that the head does not have "
        f"({', '.join(map(str, unknown[:5]))})"
        if gone >= ABSENT
        else f"the classes of head and tail differ by {distance:.0%}"
    )
    severity = "error" if gone >= ABSENT or over >= FAR else "warning"
    return _finding(severity, what, {"absent": absent, "distance": distance})


def _of_values(data, validation, series):
    y = data.targets[0].ravel(), validation.targets[0].ravel()
    distance, where = _samples.value_distance(*y), "y"
    severity = "error" if distance >= DISJOINT and not series else "warning"
    pairs = list(zip(data.inputs, validation.inputs, strict=True))
    few = all(a.ndim == 2 and a.shape[1] <= COLUMNS for a, _ in pairs)
    if distance < APART and few:
        for head, tail in pairs:
            for column in range(head.shape[1]):
                found = _samples.value_distance(head[:, column], tail[:, column])
                if found > distance:
                    distance, where = found, f"x[:, {column}]"
        severity = "warning"
    if distance < APART:
        return None
    what = f"the values of {where} in head and tail hardly overlap: {distance:.2f} of 1"
    return _finding(severity, what, {"distance": distance})


def _finding(severity, what, numbers):
    return Finding(
        name="split-not-shuffled",
        severity=severity,
        where="validation_split",
        evidence=f"the tail that it takes is not like the rest: {what}",
        why="What is validated was never trained on, and the other way round.",
        fix="order = np.random.permutation(len(x)); x, y = x[order], y[order]",
        confidence=0.9,
        numbers={name: float(value) for name, value in numbers.items()},
    )
