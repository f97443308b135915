"""The training is over and the loss has not fallen.

Seen: the loss of the last epoch is that of the first, give or take its noise.

Measured: the mean loss of the last twentieth of the training against that of the first
steps: less than `FALLEN` of it is gone, and what is gone is not beyond three standard
errors of a line through the whole. It is a warning if the loss has fallen, but on the
fixed batch still lies above that of guessing by the shares of the classes. If another
rule knows the cause, this one says nothing.

Before training: a copy with everything changed that may help learns, the planned
training on a copy does not, and no other rule says why.

Silent: before the end of the training, since many a loss lies flat for long and falls
at last; when another metric has improved by `GAIN`; below `STEPS` steps or `EPOCHS`
epochs; and when the network began better than guessing, as a pretrained one.

Fix: `print(kt.doctor.diagnose(model, x, y))` with the arguments of `fit`: it tries
other rates, scales and heads on a copy.

Source: `LossNotDecreasing` of SageMaker Debugger (0.1 % in 10 steps) cries early.
"""

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.watching.trend import slope

SYMPTOM = True
FALLEN = 0.02
GAIN = 0.05
STEPS = 30
EPOCHS = 3


def during(watch):
    """Compare the end of a finished training with its begin."""
    if not watch.finished or watch.done < EPOCHS or watch.fallen is None:
        return None
    steps = len(watch.step_losses) or STEPS
    if steps >= STEPS and _below_guessing(watch):
        return _finding(watch, "warning", f"; guessing has {watch.chance:.4g}")
    if steps < STEPS or watch.fallen >= FALLEN or _improved(watch):
        return None
    means, errors = watch.curve
    if slope(means)[1] < -3 or means[-1] + 3 * errors[-1] < watch.first * (1 - FALLEN):
        return None
    if watch.chance is not None and watch.first < 0.7 * watch.chance:
        return None
    return _finding(watch, "error", "")


def _below_guessing(watch):
    """Whether the fixed batch is known worse than by the shares of its classes."""
    last = watch.looked[-1:]
    # Where guessing is nearly right there is little to know.
    known = last and watch.chance is not None and watch.chance > 0.05
    return known and last[0].loss - last[0].penalty > watch.chance


def _finding(watch, severity, more):
    return Finding(
        name="not-learning",
        severity=severity,
        where="loss",
        evidence=f"the loss was {watch.first:.4g} and is {watch.last:.4g} after "
        f"{watch.done} epochs{more}",
        why="Nothing of the targets has been learnt; more epochs show no sign of help.",
        fix="print(kt.doctor.diagnose(model, x, y))  # tries causes on a copy",
        confidence=0.4,
        numbers={"first": watch.first, "last": watch.last},
    )


def _improved(watch):
    """Whether a metric that is no loss has changed by more than `GAIN`."""
    for name, values in watch.logs.items():
        other = "loss" in name or "rate" in name or name.startswith("val_")
        if not other and len(values) >= EPOCHS:
            scale = max(abs(values[0]), 1e-3)
            if abs(values[-1] - values[0]) > GAIN * max(scale, 1):
                return True
    return False


def before(evidence):
    """Say that a changed copy learns where the planned training does not."""
    if not evidence.sick:
        return None
    run = evidence.rehearsal
    change, other = evidence.trials.best
    return Finding(
        name="not-learning",
        severity="error" if evidence.fails else "warning",
        where="model, loss, optimizer or data",
        evidence=f"the planned training comes to a score of {run.score:.2f} in "
        f"{run.steps} steps (0 as the best constant, 1 perfect)",
        why="The same rows can be learnt, so something in this program prevents it.",
        fix=f"one of: {change.said()}",
        tried=evidence.tried("all of these", other, run),
        confidence=0.3,
        numbers={"score": run.score, "score of the changed copy": other.score},
    )
