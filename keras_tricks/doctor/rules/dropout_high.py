"""Dropout removes nearly all the signal.

Seen: training is far worse than validation and hardly improves.

Measured: on the fixed batch, the loss in training mode is still above `LEFT` of the
first, or of that of guessing if that is less, and at inference lower by `GAP` of it.

Before training: dropout after the head, a rate of `RATE` or more, or less than `KEPT`
of the signal through all of them in a row. Where the training does not succeed and
does without dropout, that is an error.

Silent: in the first third of the epochs; without dropout; and at the usual gap: a rate
of 0.5 in a wide layer leaves a training loss of a few times a small one.

Fix: `keras.layers.Dropout(0.2)`, and none after the last hidden layer of few units.

Source: DeepDiagnosis and UMLAUT warn above a rate of 0.5 whatever it does; the loss in
both modes says what it does.
"""

import math

from keras_tricks.doctor.finding import Finding

NEEDS_BATCH = True
LEFT = 0.7
GAP = 0.2
RATE = 0.7
KEPT = 0.2


def before(evidence):
    """Look at rates and places of dropout."""
    graph = evidence.graph
    if graph is None:
        return None
    after = [layer for head in graph.heads for layer in head.dropout if layer.rate > 0]
    if after:
        severity = "error" if evidence.sick else "warning"
        said = f"rate {after[0].rate} after the last weights"
        return _finding(severity, after[0].name, said, 0.85)
    layers = [x for x in graph.dropouts if x.rate > 0 and "Noise" not in x.kind]
    kept = math.prod(1 - layer.rate for layer in layers)
    high = [layer for layer in layers if layer.rate >= RATE]
    # Branches drop each their own: their rates do not multiply.
    if not high and (kept >= KEPT or graph.has_residual):
        return None
    severity, tried = "note", ""
    if evidence.sick:
        run = evidence.trial(repairs=tuple({*evidence.repairs, "dropout"}))
        cured = evidence.cures(run)
        severity = "error" if cured else "warning"
        tried = evidence.tried("no dropout", run) if cured else ""
    names = ", ".join(layer.name for layer in (high or layers)[:3])
    said = f"rates {[layer.rate for layer in layers]} keep {kept:.0%} of the signal"
    return _finding(severity, names, said, 0.8 if tried else 0.4, tried)


def _finding(severity, where, said, confidence, tried=""):
    return Finding(
        name="dropout-high",
        severity=severity,
        where=where,
        evidence=said,
        why="What is left of the signal does not suffice to learn from.",
        fix="keras.layers.Dropout(0.2), none after the head",
        tried=tried,
        confidence=confidence,
    )


def during(watch):
    """Compare the two modes on the fixed batch."""
    names, last = watch.facts.get("dropout"), watch.looked[-1]
    first = min(watch.looked[0].train_loss, watch.chance or math.inf)
    if not names or (watch.share or 0) < 1 / 3 or not first > 0:
        return None
    if last.train_loss < LEFT * first or last.train_loss - last.loss < GAP * first:
        return None
    return Finding(
        name="dropout-high",
        severity="warning",
        where=", ".join(names[:3]),
        evidence=f"the same rows have a loss of {last.train_loss:.3g} with dropout and "
        f"{last.loss:.3g} without; knowing nothing gives {first:.3g}",
        why="What is left of the signal does not suffice to learn from.",
        fix="keras.layers.Dropout(0.2)",
        confidence=0.7,
        numbers={"train": last.train_loss, "inference": last.loss},
    )
