"""Batch norm's moving statistics are far from those of the batches.

Seen: training looks good, validation on the same data is at the level of guessing.

Measured: the fixed batch's loss at inference is more than `WORSE` times that in
training mode, the difference at least `SHARE` of the first loss; and in some batch norm
the moving mean is `SHIFT` standard deviations away from the batch's, or the variances
differ by a factor of `FACTOR`.

Before training: after the planned training on a copy, the same rows have a loss at
inference of at least `APART` times that in training mode, and `LEFT` of the first
moving statistics is left (momentum to the power of the steps). It is silent with
dropout, which sets the modes apart too, and where the copy comes to `NEAR` of the best
known score all the same.

Silent: in the first `STEPS` steps before the end, since a momentum of 0.99 needs about
300; with frozen batch norms; and where there is no batch norm.

Fix: `keras.layers.BatchNormalization(momentum=0.9)`, or more steps; batches of at least
16; the same preprocessing in both modes.

Source: the exchange of training and inference is a known trap of Keras (issues 9965,
9522 of keras-team/keras).
"""

from keras_tricks.doctor.finding import Finding

# What this brings about is not said again.
EXPLAINS = {"batch-size", "lr-high", "lr-low", "optimizer-default"}
NEEDS_BATCH = True
WORSE = 2.0
SHARE = 0.2
SHIFT = 0.5
FACTOR = 3.0
STEPS = 300
LEFT = 0.05
APART = 1.25
NEAR = 0.9


def during(watch):
    """Compare the two modes on the fixed batch."""
    last, first = watch.looked[-1], watch.looked[0]
    if not last.batch_norm or (not watch.finished and last.step < STEPS):
        return None
    gap = last.loss - last.train_loss
    start = abs(first.train_loss)
    if last.loss < WORSE * last.train_loss or gap < SHARE * start:
        return None
    layer = max(last.batch_norm, key=lambda name: sum(last.batch_norm[name]))
    shift, factor = last.batch_norm[layer]
    if shift < SHIFT and factor < FACTOR:
        return None
    useless = last.loss > 0.9 * start and last.train_loss < 0.7 * start
    return Finding(
        name="bn-stale-stats",
        severity="error" if useless and watch.finished else "warning",
        where=f"layer {layer}",
        evidence=f"the same rows have a loss of {last.train_loss:.3g} in training mode "
        f"and {last.loss:.3g} at inference; the moving mean is {shift:.1f} deviations "
        f"off, the variance by a factor of {factor:.1f}",
        why="Inference uses statistics that the network was not trained with.",
        fix="BatchNormalization(momentum=0.9), or more steps",
        confidence=0.8,
        numbers={"train": last.train_loss, "inference": last.loss},
    )


def before(evidence):
    """Compare the two modes after the planned training on a copy."""
    graph = evidence.graph
    norms = graph.normalizations if graph else []
    norms = [x for x in norms if x.kind == "BatchNormalization"]
    if not norms or evidence.rehearsal is None or not evidence.rehearsal.finished:
        return None
    run, layer = evidence.rehearsal, norms[0].layer
    left = layer.momentum**run.steps
    dropped = any(x.rate for x in graph.dropouts)
    if run.loss < APART * run.train_loss or left < LEFT or dropped:
        return None
    if not evidence.sick and run.score > NEAR * evidence.best:
        return None
    return Finding(
        name="bn-stale-stats",
        severity="error",
        where=f"layer {layer.name}",
        evidence=f"after the {run.steps} planned steps the same rows have a loss of "
        f"{run.train_loss:.3g} in training mode and {run.loss:.3g} at inference; at "
        f"momentum {layer.momentum} {left:.0%} of the first statistics are left",
        why="Inference uses statistics that the network was not trained with.",
        fix="BatchNormalization(momentum=0.9), or more steps",
        confidence=0.9,
        numbers={"train": run.train_loss, "inference": run.loss, "left": left},
    )
