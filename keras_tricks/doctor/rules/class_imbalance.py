"""A rare class that the loss ignores.

Seen: high accuracy from the first epoch, and the rare class is never predicted.

Measured: the commonest class has `RATIO` times the rows of the rarest and there are no
weights. With weights a copy knows the classes better by `GAIN` (classes counted alike,
0 for guessing, 1 for all): an error. Without that, a warning if the rarest class is
told right less than `POOR` times as often as the others, a note above `WARN`.

Silent: with `class_weight` or `sample_weight`, and where weights change nothing.

Fix: `class_weight={0: 1.0, 1: 30.0}` in `fit`, or oversample.

Source: King and Zeng, *Logistic regression in rare events data*, 2001.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding

RATIO = 9.0
WARN = 20.0
POOR = 0.5
GAIN = 0.25


def before(evidence):
    """Count the classes and try weights for them."""
    ratio = evidence.imbalance
    weighted = evidence.plan.class_weight or evidence.data.weights
    if ratio < RATIO or weighted or len(evidence.tasks) != 1:
        return None
    base, run = evidence.base, evidence.change(balanced=True)
    cured = evidence.cures(run) or (run is not None and run.score > base.score + GAIN)
    ignored = base and _ignored(base, evidence.tasks[0].counts)
    if not cured and ignored is None and ratio < WARN:
        return None
    counts = evidence.tasks[0].counts
    evidence_said = f"the classes have {_said(counts)} rows"
    if ignored is not None:
        evidence_said += f"; of the rarest {ignored:.0%} are told right"
    return Finding(
        name="class-imbalance",
        severity="error" if cured else "warning" if ignored is not None else "note",
        where="y",
        evidence=evidence_said,
        why="Ignoring the rare class costs the loss next to nothing.",
        fix="class_weight={...}: rows / (classes * rows of the class)",
        tried=evidence.tried("class weights", run) if cured else "",
        confidence=0.8,
        numbers={"ratio": ratio},
    )


def _ignored(run, counts):
    """Return the share of the rarest class told right if far below the others'."""
    if run.recalls is None or run.diverged:
        return None
    rarest = int(np.where(counts > 0, counts, np.inf).argmin())
    others = np.delete(run.recalls, rarest)
    share = run.recalls[rarest]
    return share if share < POOR * np.nanmean(others) else None


def _said(counts):
    shown = ", ".join(f"{count:,}" for count in counts[:6])
    return shown + (", ..." if len(counts) > 6 else "")
