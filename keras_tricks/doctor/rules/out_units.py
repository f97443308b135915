"""The number of output units does not fit the classes or the targets.

Seen: an error about shapes or labels, a nan loss, or classes that never come up.

Measured: the highest class id against the units; the width of one-hot rows against
them; one unit for three classes and more; and far more units than classes (`MANY`
times).

Silent: on more units than classes where the network learns, but for a note; and above
`VOCABULARY` units, where many tokens are absent from a sample.

Fix: `Dense(classes, activation="softmax")`.

Source: `sparse_categorical_crossentropy` takes ids from 0 to units - 1. Labels that
start at 1 need one more, or `y - 1`.
"""

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring.heads import heads_of

MANY = 2
VOCABULARY = 1000


def before(evidence):
    """Compare units with classes."""
    for head, task in heads_of(evidence):
        if head.loss is None or head.loss.kind == "custom" or not task.classes:
            continue
        found = _judged(evidence, head, task)
        if found is None:
            continue
        severity, said, why = found
        classes = 1 if task.kind == "binary" else task.classes
        return Finding(
            name="out-units",
            severity=severity,
            where=head.name,
            evidence=f"{head.units} unit{'s' if head.units > 1 else ''}, {said}",
            why=why,
            fix=f"Dense({classes}, ...)",
            confidence=0.95 if severity == "error" else 0.5,
            numbers={"units": head.units, "classes": task.classes},
        )
    return None


def _judged(evidence, head, task):
    ids, units = task.form == "ids", head.units
    if ids and "sparse" in head.loss.name and task.target.max() >= units:
        why = "An id beyond the units has no probability: the loss is nan or an error."
        return "error", f"class ids up to {int(task.target.max())}", why
    if ids and task.kind == "multiclass" and units == 1 and task.classes > 2:
        why = "One unit can tell two classes apart, not more."
        return "error", f"{task.classes} classes", why
    columns = task.target.shape[-1]
    if not ids and min(columns, units) > 1 and columns != units:
        why = "The loss compares each unit with one column."
        return "error", f"targets of {columns} columns", why
    present = int((task.counts > 0).sum()) if task.counts is not None else 0
    if ids and present >= 1 and max(MANY * present, 3) < units <= VOCABULARY:
        why = "Units of classes that never come must first learn to stay silent."
        severity = "warning" if evidence.sick else "note"
        return severity, f"{present} classes in the targets", why
    return None
