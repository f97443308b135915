"""Regularization holds the network back.

Seen: training is worse than validation, and both could be better.

Measured: at the end, the logged training loss is above `WORSE` times that of
validation, and the loss of the fixed batch, at inference, is not below that of
validation by more than a tenth: there is nothing to overfit to. More than `LEFT` of the
first loss is left.

Silent: before the end, without validation, and where the gap is that of dropout alone
(the fixed batch is known well).

Fix, in this order: less weight decay, weaker augmentation (for small networks crops of
at least half the area, `kt.layers.RandomResizedCrop(scale=(0.5, 1))`, and less
stretching), no label smoothing.

Source: PaddleClas, *Tricks for training*, on training and test accuracy.
"""

from keras_tricks.doctor.finding import Finding

NEEDS_BATCH = True
WORSE = 1.2
LEFT = 0.3


def during(watch):
    """Compare training with validation at the end."""
    known = len(watch.val_losses) and len(watch.losses) > 2 and watch.finished
    if not known or watch.fallen is None or watch.fallen > 1 - LEFT:
        return None
    train, test, fair = watch.losses[-1], watch.val_losses[-1], watch.looked[-1].loss
    if not train > WORSE * test or not fair > 0.9 * test:
        return None
    return Finding(
        name="underfit",
        severity="note",
        where="regularization",
        evidence=f"the loss is {train:.3g} in training, {test:.3g} in validation and "
        f"{fair:.3g} on the fixed batch without dropout and augmentation",
        why="What is meant against overfitting keeps it from fitting at all.",
        fix="in this order: less weight decay, weaker augmentation, no label smoothing",
        confidence=0.4,
    )
