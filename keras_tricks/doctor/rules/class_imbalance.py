"""A rare class that the loss ignores.

Seen: high accuracy from the first epoch, and the rare class is never predicted.

Measured: the commonest class has `RATIO` times the rows of the rarest and there are no
weights. With weights a copy knows the classes better by 0.25 (classes counted alike,
0 for guessing, 1 for all): an error. Otherwise a note above `WARN`.

Silent: with `class_weight` or `sample_weight`, and where weights change nothing.

Fix: `class_weight={0: 1.0, 1: 30.0}` in `fit`, or oversample.

Source: King and Zeng, *Logistic regression in rare events data*, 2001.
"""

from keras_tricks.doctor.finding import Finding

RATIO = 9.0
WARN = 20.0


def before(evidence):
    """Count the classes and try weights for them."""
    ratio = evidence.imbalance
    weighted = evidence.plan.class_weight or evidence.data.weights
    if ratio < RATIO or weighted or len(evidence.tasks) != 1:
        return None
    base, run = evidence.base, evidence.change(balanced=True)
    cured = evidence.cures(run) or (run is not None and run.score > base.score + 0.25)
    if not cured and ratio < WARN:
        return None
    counts = evidence.tasks[0].counts
    return Finding(
        name="class-imbalance",
        severity="error" if cured else "note",
        where="y",
        evidence=f"the classes have {_said(counts)} rows",
        why="Ignoring the rare class costs the loss next to nothing.",
        fix="class_weight={...}: rows / (classes * rows of the class)",
        tried=evidence.tried("class weights", run) if cured else "",
        confidence=0.8,
        numbers={"ratio": ratio},
    )


def _said(counts):
    shown = ", ".join(f"{count:,}" for count in counts[:6])
    return shown + (", ..." if len(counts) > 6 else "")
