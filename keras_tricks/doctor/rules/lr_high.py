"""The learning rate is too high.

Seen: the loss jumps, grows, or becomes nan; or it stays where it began.

Measured: any of these is enough. The loss at the end is `GROWN` times that of the first
steps, noise taken off; or was `LOST` times that before it became nan; or jumped to
`JUMP` times the first in nine steps and is still above `HALF` of it. A step changes the
kernels by more than `UPDATE` of their size while the loss does not fall. Or the epochs'
losses go up and down in turn by `SWING` of their level.

Silent: on a high rate as such, which many a small network takes; on single high
losses; and near the end of the way, where the loss is below `LEFT` of the first.

Fix: `optimizer=keras.optimizers.Adam(1e-3)`, or a tenth of the rate at hand;
`clipnorm=1.0` if single batches do it; `kt.find_learning_rate` measures it.

Source: update ratios above 0.1 are an alarm in TheDeepChecker (Braiek and Khomh, 2022);
1e-3 is usual (notes of Stanford's CS231n).
"""

import numpy as np

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.watching.trend import slope

LATE = True
GROWN = 1.5
LOST = 10
UPDATE = 0.1
SWING = 0.3
JUMP = 3
HALF = 0.5
LEFT = 0.05
STEPS = 30


def during(watch):
    """Look for growth, for steps that are too large, and for swings."""
    if not watch.first or watch.first <= 0:
        return None
    return _grown(watch) or _too_far(watch) or _swinging(watch)


def _grown(watch):
    course = watch.course
    lost = len(course) < max(len(watch.step_losses), len(watch.logs.get("loss", ())))
    peak = course[-20:].max()
    if lost and peak > LOST * watch.first:
        evidence = f"the loss went from {watch.first:.4g} to {peak:.4g}, then to nan"
        return _finding(watch, "error", evidence, 0.9)
    means, errors = watch.curve
    if watch.done < 2 or len(course) < 3:
        return None
    if watch.last > LOST * watch.first or (
        len(course) >= 10 and means[-1] - 3 * errors[-1] > GROWN * watch.first
    ):
        evidence = f"the loss grew from {watch.first:.4g} to {watch.last:.4g}"
        return _finding(watch, "error", evidence, 0.8)
    # Not one high loss: the batch may be small.
    jumped = np.median(course[1:10]) > JUMP * course[0]
    if jumped and watch.last > HALF * course[0]:
        evidence = (
            f"the loss jumped from {course[0]:.4g} to {course[1:10].max():.4g} in the "
            f"first steps and is {watch.last:.4g} now"
        )
        stuck = watch.last > 0.8 * course[0]
        return _finding(watch, "error" if stuck else "warning", evidence, 0.7)
    return None


def _too_far(watch):
    update = watch.update
    if update is None or update < UPDATE or len(watch.course) < STEPS:
        return None
    means, _ = watch.curve
    if watch.fallen > 0.3 or (watch.fallen > 0.1 and slope(means)[1] < -3):
        return None
    evidence = (
        f"a step changes the kernels by {100 * update:.0f} % of their size; the loss "
        f"was {watch.first:.4g} and is {watch.last:.4g}"
    )
    dead = watch.fallen < LEFT and (watch.share or 0) >= 0.3
    return _finding(watch, "error" if dead else "warning", evidence, 0.7)


def _swinging(watch):
    losses = watch.losses[len(watch.losses) // 2 :]
    if len(losses) < 5:
        return None
    changes = np.diff(losses)
    level = np.median(losses)
    turns = np.mean(changes[1:] * changes[:-1] < 0)
    swing = np.median(abs(changes)) / abs(level) if level else 0
    if turns < 0.6 or swing < SWING or level < LEFT * watch.first:
        return None
    evidence = (
        f"the loss goes up and down by {100 * swing:.0f} % from epoch to epoch, "
        f"around {level:.4g}"
    )
    return _finding(watch, "warning", evidence, 0.6)


def _finding(watch, severity, evidence, confidence):
    rate = watch.rate
    fix = (
        f"learning_rate={rate / 10:.2g}  # it is {rate:.2g}"
        if rate
        else "a tenth of the learning rate"
    )
    return Finding(
        name="lr-high",
        severity=severity,
        where=f"optimizer {watch.facts.get('optimizer', '')}".strip(),
        evidence=evidence,
        why="Steps that overshoot the valley climb its other side.",
        fix=fix,
        confidence=confidence,
        numbers={"first": watch.first, "last": watch.last, "update": watch.update},
    )


def before(evidence):
    """Repeat a training that fails at lower rates."""
    if not evidence.lame:
        return None
    good = {f: run for f, run in evidence.lower.items() if evidence.cures(run)}
    if not good:
        return None
    factor = max(good, key=lambda f: (round(good[f].score, 1), f))
    rate = float(evidence.rates.max())
    run, base = good[factor], evidence.base
    return Finding(
        name="lr-high",
        severity="error",
        where=f"optimizer {type(evidence.model.optimizer).__name__}",
        evidence=f"at a rate of {rate:.2g} the loss went {base.first:.3g} → "
        f"{base.last:.3g} in {base.steps} steps",
        why="Steps that overshoot the valley climb its other side.",
        fix=f"learning_rate={rate * factor:.2g}  # it is {rate:.2g}",
        tried=evidence.tried(f"learning_rate {rate * factor:.2g}", run),
        confidence=0.9 if base.diverged else 0.8,
        numbers={"rate": rate, "score": base.score, "score at lower rate": run.score},
    )
