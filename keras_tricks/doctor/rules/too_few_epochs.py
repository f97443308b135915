"""The training ends while the loss is still falling.

Seen: the curve points down where it stops.

Measured: at the end, the loss of validation (of training where there is none), each
value replaced by the median of three, fell in its last quarter by more than `FALL`,
beyond its noise, and at least half as fast as in the quarter before; more than `LEFT`
of the first loss is left.

Before training: where the planned training ends on a copy without success, it goes on
for `LONGER` times as many epochs; if it succeeds then, and knows its
own rows `MORE` times as well, that is shown.

Silent: before the end; when the rate has been brought to nothing by then, as by a
cosine: more epochs of it would not be the same; and below `EPOCHS` epochs, unless a
single one was run with fewer than `STEPS` steps.

Fix: `model.fit(..., epochs=2 * epochs)`, with a schedule that ends there too.

Source: threshold from the repository's own healthy trainings, which end flatter.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.watching.trend import noise, smooth

LATE = True
FALL = 0.1
LEFT = 0.1
EPOCHS = 8
LONGER = 20.0
MORE = 1.3


def during(watch):
    """Look at the last quarter of a finished training."""
    if not watch.finished or watch.fallen is None or watch.fallen > 1 - LEFT:
        return None
    part = "validation" if len(watch.val_losses) else "training"
    raw = watch.val_losses if len(watch.val_losses) else watch.losses
    rates = [rate for rate in watch.rates if rate is not None]
    annealed = rates and rates[-1] < 0.1 * max(rates)
    if len(raw) < EPOCHS or annealed or not raw[0] > 0:
        return None
    values = smooth(raw)
    quarter = max(len(values) // 4, 2)
    late = values[-1 - quarter] - values[-1]
    early = values[-1 - 2 * quarter] - values[-1 - quarter]
    if (
        late < FALL * values[-1 - quarter]
        or late < 0.5 * early
        or late < 3 * noise(raw)
    ):
        return None
    return Finding(
        name="too-few-epochs",
        severity="warning",
        where="epochs",
        evidence=f"the {part} loss fell from {values[-1 - quarter]:.4g} to "
        f"{values[-1]:.4g} in the last {quarter} of {watch.done} epochs",
        why="It stops while every epoch still pays.",
        fix=f"epochs={2 * watch.done}",
        confidence=0.7,
        numbers={"fall": float(np.round(late / values[-1 - quarter], 4))},
    )


def before(evidence):
    """Let a training that fails go on."""
    if not evidence.lame or evidence.base.diverged or not evidence.rehearsal.finished:
        return None
    run, base = evidence.change(longer=LONGER), evidence.base
    if not evidence.cures(run) or run.skill < MORE * base.skill:
        return None
    return Finding(
        name="too-few-epochs",
        severity="error" if evidence.fails else "warning",
        where="epochs",
        evidence=f"{base.steps} steps bring the loss from {base.first:.3g} to "
        f"{base.last:.3g}",
        why="It stops while every epoch still pays.",
        fix=f"epochs={round(evidence.plan.epochs * run.steps / base.steps)}",
        tried=evidence.tried(f"{run.steps / base.steps:.0f} times the epochs", run),
        confidence=0.75,
        numbers={"score": base.score, "score of more epochs": run.score},
    )
