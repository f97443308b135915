"""A softmax where labels do not exclude each other.

Seen: probabilities that compete, a low recall, at most one label above one half.

Measured: targets of 0 and 1 of which more than `SEVERAL` of the rows have several
labels, and a head of softmax or a loss that applies it.

Silent: on soft targets, as of label smoothing or mixup.

Fix: `Dense(labels, activation="sigmoid")` with `binary_crossentropy`.

Source: a softmax gives two true labels at most one half each.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring.heads import heads_of

SEVERAL = 0.01


def before(evidence):
    """Count rows with several labels under a softmax."""
    for head, task in heads_of(evidence):
        loss = head.loss
        if task.kind != "multilabel" or head.units < 2 or loss is None:
            continue
        inside = loss.from_logits and "categorical" in loss.name
        if head.last != "softmax" and not (inside and head.last == "linear"):
            continue
        rows = task.target.reshape(-1, task.target.shape[-1])
        several = float(np.mean(rows.sum(-1) > 1))
        if several <= SEVERAL:
            continue
        return Finding(
            name="out-multilabel-softmax",
            severity="error" if evidence.sick else "warning",
            where=head.name,
            evidence=f"softmax over {head.units} labels; {several:.0%} of the rows "
            "have several",
            why="The outputs sum to 1, so true labels push each other down.",
            fix="activation='sigmoid' with loss='binary_crossentropy'",
            confidence=0.9,
            numbers={"several": several},
        )
    return None
