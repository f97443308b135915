"""The network learns its training samples by heart.

Seen: the training loss falls on while the validation loss turns back, or the training
accuracy is far above that of validation.

Measured: the validation loss, each value replaced by the median of three, is `TURN`
times its lowest for `PATIENCE` epochs (a tenth of them if that is more) while the
training loss fell. Or training accuracy stays more than `GAP` above that of validation,
which no longer improves. The gap is given in fair terms where a fixed batch was looked
at: its loss at inference, without augmentation and dropout, against that of validation.

Before training: the planned training, done on a copy, knows its rows better than others
by `FAR`: a warning; an error if a quarter of the steps knows the others better by
`BETTER`.

Silent: on one noisy epoch; when validation is better, as it is under dropout and
augmentation; and before `PATIENCE` epochs after the best one.

Fix, in this order: more weight decay (`keras.optimizers.AdamW(weight_decay=...)`), more
augmentation (`kt.layers.RandAugment()`), label smoothing (`kt.losses.LabelSmoothing`),
which helps large networks and can cost small ones; then dropout, `EarlyStopping(
restore_best_weights=True)`, more data. If training *and* validation are poor, the
opposite: see `underfit`.

Source: PaddleClas, *Tricks for training*, on training and test accuracy; AUTOTRAINER
(Zhang et al., 2021) uses a gap of 0.1.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.watching.trend import smooth

TURN = 1.1
PATIENCE = 5
GAP = 0.15
# MobileNets are below, ResNet-50 is above.
LARGE = 10_000_000
FAR = 0.2
KNOWN = 0.8
EARLY = 0.25
BETTER = 0.1


def during(watch):
    """Compare training with validation over the epochs."""
    evidence = _turned(watch) or _apart(watch)
    if evidence is None:
        return None
    fair = [s.loss for s in watch.looked[-1:]]
    if fair and len(watch.val_losses):
        evidence += (
            f"; without dropout and augmentation the loss is {fair[0]:.3g} on the "
            f"fixed batch, {watch.val_losses[-1]:.3g} on validation"
        )
    steps = ["AdamW(weight_decay=...)", "augmentation: kt.layers.RandAugment()"]
    if watch.facts.get("parameters", LARGE) >= LARGE:
        steps.append("kt.losses.LabelSmoothing")
    return Finding(
        name="overfit",
        severity="warning",
        where="validation",
        evidence=evidence,
        why="What is learnt now holds for the training samples only.",
        fix="in this order: " + ", ".join([*steps, "EarlyStopping"]),
        confidence=0.7,
    )


def _turned(watch):
    values, losses = smooth(watch.val_losses), watch.losses
    if len(values) < PATIENCE + 1 or len(losses) != len(values):
        return None
    best = int(np.argmin(values))
    since = len(values) - 1 - best
    if since < max(PATIENCE, len(values) // 10) or losses[-1] >= losses[best]:
        return None
    if not values[-1] > TURN * values[best] > 0:
        return None
    return (
        f"the validation loss was lowest, {values[best]:.4g}, in epoch {best + 1} and "
        f"is {values[-1]:.4g}, while the training loss went from {losses[best]:.4g} to "
        f"{losses[-1]:.4g}"
    )


def _apart(watch):
    for name, values in watch.logs.items():
        other = watch.logs.get(f"val_{name}", [])
        if "acc" not in name or len(values) < 2 * PATIENCE or len(other) != len(values):
            continue
        train, test = np.mean(values[-3:]), np.mean(other[-3:])
        if train - test > GAP and test <= np.max(smooth(other[:-PATIENCE])):
            return f"{name} is {train:.3f} in training and {test:.3f} in validation"
    return None


def before(evidence):
    """Compare known and unseen rows after the planned training on a copy."""
    run = evidence.rehearsal
    if run is None or not run.finished or not run.held:
        return None
    # A score of few rows is that uncertain (one standard deviation).
    gap = run.skill - run.holdout_skill - 1 / np.sqrt(run.held)
    if gap < FAR or run.skill < KNOWN:
        return None
    early = evidence.trial(longer=EARLY)
    better = early is not None and early.score >= run.score + BETTER
    return Finding(
        name="overfit",
        severity="error" if better else "warning",
        where="validation",
        evidence=f"rows that it trained on come to a score of {run.skill:.2f}, others "
        f"to {run.holdout_skill:.2f}",
        why="What is learnt holds for the training samples only.",
        fix="AdamW(weight_decay=...), augmentation, Dropout, EarlyStopping, more rows",
        tried=f"a quarter of the steps comes to {early.score:.2f} on the others"
        if better
        else "",
        confidence=0.5,
        numbers={"known": run.skill, "unseen": run.holdout_skill},
    )
