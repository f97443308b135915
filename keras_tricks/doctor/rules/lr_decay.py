"""The learning rate decays before the network has learnt.

Seen: the loss falls well, then stops while the rate goes to nothing.

Measured: the epoch from which the rate stays below `SMALL` of its highest; what the
loss fell per epoch before it and after it. The finding needs a fall of `FALL` per epoch
before, less than a tenth of that after, and `LEFT` of the first loss still there.

Before training: the schedule of the optimizer or of a `LearningRateScheduler` is read
over the plan: its sum is less than `AREA` of that of the highest rate. Where the
planned training does not succeed on a copy and one at the highest rate does, that is an
error; a warning if its loss ends below `LOWER` of the planned one's.

Silent: when that epoch lies in the second half of the plan, as with a cosine or with
steps at a half and three quarters; and when the loss had stopped falling before, as
`ReduceLROnPlateau` waits for.

Fix: count the schedule in steps of training, `decay_steps=steps_per_epoch * epochs`, or
`kt.schedules.WarmupCosine`; a decay per epoch must not be applied per step.

Source: cases are many: a schedule of Keras counts batches, its documentation's figures
often mean epochs.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding

# What this brings about is not said again.
EXPLAINS = {"lr-low", "optimizer-default", "too-few-epochs"}
SMALL = 0.01
FALL = 0.02
LEFT = 0.1
EPOCHS = 3
AREA = 0.1
LOWER = 0.5


def during(watch):
    """Compare the loss before and after the rate fell."""
    rates = watch.rates or watch.logs.get("learning_rate", [])
    losses = watch.losses
    count = min(len(rates), len(losses))
    if count < EPOCHS + 1 or any(rate is None for rate in rates) or max(rates) <= 0:
        return None
    rates = np.asarray(rates[:count], "float64")
    above = np.flatnonzero(rates >= SMALL * rates.max())
    gone = above[-1] + 1
    planned = watch.epochs or (count if watch.finished else None)
    if planned is None or gone > planned / 2 or count - gone < EPOCHS:
        return None
    first, level = watch.first, losses[gone - 1]
    begin = max(gone - 4, 0)
    start = losses[begin - 1] if begin else max(first, losses[0])
    before = (start - level) / (gone - begin) / first
    after = (level - losses[count - 1]) / (count - gone) / first
    if before < FALL or after > before / 10 or losses[count - 1] < LEFT * first:
        return None
    lost = losses[count - 1] > 0.5 * first
    return Finding(
        name="lr-decay",
        severity="error" if lost else "warning",
        where=f"optimizer {watch.facts.get('optimizer', '')}".strip(),
        evidence=f"the rate is below {100 * SMALL:g} % of its {rates.max():.2g} from "
        f"epoch {gone + 1} of {planned} on; the loss fell by {before * first:.2g} per "
        f"epoch before and by {max(after * first, 0):.1g} since, from {level:.4g}",
        why="Without a rate there are no steps, however many epochs follow.",
        fix="decay_steps=steps_per_epoch * epochs in the schedule",
        confidence=0.85,
        numbers={"epoch": int(gone), "before": before, "after": after},
    )


def before(evidence):
    """Read the schedule over the plan and try a constant rate."""
    rates = evidence.rates
    if rates is None or rates.max() <= 0 or rates.mean() > AREA * rates.max():
        return None
    gone = int(np.argmax(np.cumsum(rates) > 0.95 * rates.sum()))
    run, base = evidence.change(optimizer="constant"), evidence.base
    cured = evidence.lame and evidence.cures(run)
    if not cured and (run is None or not run.last < LOWER * base.last):
        return None
    return Finding(
        name="lr-decay",
        severity="error" if cured else "warning",
        where=f"optimizer {type(evidence.model.optimizer).__name__}",
        evidence=f"95 % of all steps are taken in the first {gone + 1} % of the plan: "
        f"the rate goes from {rates.max():.2g} to {rates[-1]:.1g}",
        why="Without a rate there are no steps, however many epochs follow.",
        fix="decay_steps=steps_per_epoch * epochs in the schedule",
        tried=evidence.tried(f"a constant {rates.max():.2g}", run),
        confidence=0.95 if cured else 0.5,
        numbers={"first": float(rates[0]), "last": float(rates[-1])},
    )
