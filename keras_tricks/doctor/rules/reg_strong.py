"""A penalty outweighs the loss.

Seen: the loss falls, the metrics do not; predictions are all the same.

Measured: of the fixed batch's loss at inference, what regularizers and `add_loss` add,
now or at the begin, is more than `SHARE` times what the data give, and the part of the
data has not fallen by `FALLEN`
(below that of guessing), while the penalty has fallen to less than a half.

Before training: where the planned training does not succeed on a copy but does without
penalties, that is an error.

Silent: when the data's part falls, however large the penalty: 1e-4 on a large network
sums up to much and does no harm.

Fix: a hundredth of it, `kernel_regularizer=keras.regularizers.L2(1e-4)`.

Source: TheDeepChecker (Braiek and Khomh, 2022) asks for gradients in a ratio of 2.
"""

from keras_tricks.doctor.finding import Finding

NEEDS_BATCH = True
SHARE = 2.0
FALLEN = 0.05


def during(watch):
    """Take the loss apart into data and penalty."""
    first, last = watch.looked[0], watch.looked[-1]
    data, before = last.loss - last.penalty, first.loss - first.penalty
    # First weights can be worse than guessing.
    guess = min(before, watch.chance or before)
    if (watch.share or 0) < 0.3 or not before > 0 or data < (1 - FALLEN) * guess:
        return None
    outweighs = first.penalty > SHARE * before or last.penalty > SHARE * data
    if not outweighs or last.penalty > 0.5 * first.penalty:
        return None
    return Finding(
        name="reg-strong",
        severity="error",
        where="regularizers",
        evidence=f"the penalty was {first.penalty:.3g} and is {last.penalty:.3g}; the "
        f"data's part of the loss was {before:.3g} and is {data:.3g}",
        why="It pays more to make the weights small than to learn.",
        fix="keras.regularizers.L2(1e-4)",
        confidence=0.7,
        numbers={"penalty": last.penalty, "data": data},
    )


def before(evidence):
    """Repeat a training that fails without penalties."""
    if not evidence.start.penalty or not evidence.sick:
        return None
    repairs = {*evidence.repairs, "penalty"} if evidence.lame else {"penalty"}
    run = evidence.trial(repairs=tuple(repairs))
    if not evidence.cures(run, evidence.rehearsal):
        return None
    start = evidence.start
    return Finding(
        name="reg-strong",
        severity="error",
        where="regularizers",
        evidence=f"at first the penalty is {start.penalty:.3g}, the data's part of the "
        f"loss {start.loss:.3g}",
        why="It pays more to make the weights small than to learn.",
        fix="keras.regularizers.L2(1e-4)",
        tried=evidence.tried("no penalties", run, evidence.rehearsal),
        confidence=0.9,
        numbers={"penalty": start.penalty, "data": start.loss},
    )
