"""Batch normalization covers what is wrong below it.

Seen: without batch norm the loss is nan at once; with it the network trains, badly.

Measured: the planned training does not succeed on a copy; without batch norms and with
weights by variance scaling it does, and without batch norms alone it does not.

Silent: where the training succeeds, however many batch norms it has.

Fix: take the batch norms out until the network learns without them:
`kernel_initializer="he_normal"`, inputs of mean 0 and deviation 1; then put them back.

Source: Santurkar et al., *How does batch normalization help optimization?*, 2018: it
makes up for scale. A cover for a fault is no cure of it.
"""

from keras_tricks.doctor.finding import Finding

LATE = True


def before(evidence):
    """Take batch norm away, with and without other first weights."""
    graph = evidence.graph
    if graph is None or not evidence.sick:
        return None
    norms = [x for x in graph.normalizations if x.kind == "BatchNormalization"]
    if not norms:
        return None
    repairs = (*evidence.repairs, "norm")
    fresh = evidence.trial(repairs=repairs, weights="fresh")
    if not evidence.cures(fresh, evidence.rehearsal):
        return None
    alone = evidence.trial(repairs=repairs)
    if alone is None or not (alone.diverged or evidence.cures(fresh, alone)):
        return None
    return Finding(
        name="bn-covers",
        severity="error",
        where=", ".join(layer.name for layer in norms[:3]),
        evidence=f"with batch norm the score came to {evidence.rehearsal.score:.2f}; "
        + (
            "without it the loss is nan"
            if alone.diverged
            else f"without it to {alone.score:.2f}"
        ),
        why="The signal is out of scale, and batch norm only hides that.",
        fix='no BatchNormalization() yet, and kernel_initializer="he_normal"',
        tried=evidence.tried("no batch norm and scaled weights", fresh),
        confidence=0.7,
        numbers={"score": evidence.rehearsal.score, "score without": alone.score},
    )
